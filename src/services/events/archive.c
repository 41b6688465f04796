/* Archives: what they keep, and their operations. */
#include "services/events/archive.h"

#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/events/archive_store.h"
#include "services/events/events.h"
#include "services/events/pattern.h"

enum { HOUR_MS = 3600 * 1000 };

/* ---- keeping ---- */

static bool wants(struct arena *a, const struct ev_archive *r, const json_t *event) {
    struct arena_mark mark = arena_mark(a);
    struct ev_pattern *pattern = NULL;
    struct err ignored = ERR_INIT;
    bool good =
        r->pattern.p == NULL || (ev_pattern_compile(a, r->pattern, &pattern, &ignored) == 0 &&
                                 ev_pattern_match(pattern, event));
    arena_reset(a, mark);
    return good;
}

int ev_archive_keep(struct db *db, struct arena *a, const struct ev_event *e, struct err *err) {
    struct ev_archives archives;
    if (e->replay.p != NULL) {
        return 0;
    }
    if (ev_archive_of_bus(db, a, &e->at, &archives, err) < 0 || archives.n == 0) {
        return archives.n == 0 ? 0 : -1;
    }
    json_t *json cleanup_json = ev_event_json(a, e, err);
    if (json == NULL) {
        return -1;
    }
    struct str text = json_dump_str(a, json);
    for (size_t i = 0; i < archives.n; i++) {
        if (wants(a, &archives.v[i], json) &&
            ev_archived_add(db, archives.v[i].seq, e->time_ms, text, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int ev_forget_run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    int64_t now_ms = clock_now_ms(env->clock);
    bool left = false;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (ev_archived_expire(env->db, now_ms, &left, err) < 0 ||
        (!left && queue_end(env->db, job, err) < 0)) {
        db_rollback(env->db);
        return -1;
    }
    job->again_ms = left ? now_ms + HOUR_MS : 0;
    return db_commit(env->db, err);
}

/* ---- operations ---- */

static int need(struct call *c, struct str name, struct ev_archive *ret, struct err *err) {
    int found = ev_archive_find(c->db, c->arena, c->account, c->region, name, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Archive %.*s does not exist.", STR_ARG(name))
                      : found - 1;
}

static int check_pattern(struct call *c, struct str pattern, struct err *err) {
    struct ev_pattern *compiled = NULL;
    struct err why = ERR_INIT;
    return pattern.n == 0 || ev_pattern_compile(c->arena, pattern, &compiled, &why) == 0
               ? 0
               : err_api(err, &events_InvalidEventPatternException,
                         "Event pattern is not valid. Reason: %.600s", why.msg);
}

static int put(struct call *c, const struct ev_archive *row, struct err *err) {
    return ev_archive_put(c->db, row, err) < 0 ||
                   (row->retention_days > 0 &&
                    queue_add(c->db, EV_FORGET, S("all"), S("{}"), c->now_ms + HOUR_MS, err) < 0)
               ? -1
               : 0;
}

int events_create_archive(struct call *c, const struct events_create_archive_request *in,
                          struct events_create_archive_response *out, struct err *err) {
    struct ev_archive row = {
        .arn = arn_make(c, "events", "archive/%.*s", STR_ARG(in->archive_name)),
        .name = in->archive_name,
        .description = in->description,
        .pattern = in->event_pattern.n > 0 ? in->event_pattern : STR_NONE,
        .retention_days = in->has_retention_days ? in->retention_days : 0,
        .kms_key = in->kms_key_identifier,
        .created_ms = c->now_ms,
    };
    struct ev_archive have;
    if (!ev_is_name(in->archive_name)) {
        return ev_invalid(err, "Parameter ArchiveName is not valid: '%.*s'",
                          STR_ARG(in->archive_name));
    }
    if (ev_place_of(c, in->event_source_arn, &row.at, err) < 0 ||
        check_pattern(c, in->event_pattern, err) < 0) {
        return -1;
    }
    if (!str_eq(row.at.account, c->account) || !str_eq(row.at.region, c->region)) {
        return ev_invalid(err, "Parameter EventSourceArn is not valid. Reason: the bus is of "
                               "another account or region.");
    }
    int found =
        ev_archive_find(c->db, c->arena, c->account, c->region, in->archive_name, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceAlreadyExistsException,
                                   "Archive %.*s already exists.", STR_ARG(in->archive_name));
    }
    *out = (struct events_create_archive_response){.archive_arn = row.arn,
                                                   .state = S("ENABLED"),
                                                   .creation_time = row.created_ms,
                                                   .has_creation_time = true};
    return put(c, &row, err);
}

int events_update_archive(struct call *c, const struct events_update_archive_request *in,
                          struct events_update_archive_response *out, struct err *err) {
    struct ev_archive row;
    if (need(c, in->archive_name, &row, err) < 0 || check_pattern(c, in->event_pattern, err) < 0) {
        return -1;
    }
    row.description = in->description.p != NULL ? in->description : row.description;
    row.pattern = in->event_pattern.p != NULL ? in->event_pattern : row.pattern;
    row.pattern = row.pattern.n > 0 ? row.pattern : STR_NONE;
    row.kms_key = in->kms_key_identifier.p != NULL ? in->kms_key_identifier : row.kms_key;
    row.retention_days = in->has_retention_days ? in->retention_days : row.retention_days;
    *out = (struct events_update_archive_response){.archive_arn = row.arn,
                                                   .state = S("ENABLED"),
                                                   .creation_time = row.created_ms,
                                                   .has_creation_time = true};
    return put(c, &row, err);
}

int events_describe_archive(struct call *c, const struct events_describe_archive_request *in,
                            struct events_describe_archive_response *out, struct err *err) {
    struct ev_archive row;
    if (need(c, in->archive_name, &row, err) < 0) {
        return -1;
    }
    *out = (struct events_describe_archive_response){
        .archive_arn = row.arn,
        .archive_name = row.name,
        .event_source_arn = ev_bus_arn(c->arena, &row.at),
        .description = row.description,
        .event_pattern = row.pattern,
        .state = S("ENABLED"),
        .kms_key_identifier = row.kms_key,
        .retention_days = (int32_t)row.retention_days,
        .has_retention_days = true,
        .size_bytes = row.bytes,
        .has_size_bytes = true,
        .event_count = row.events,
        .has_event_count = true,
        .creation_time = row.created_ms,
        .has_creation_time = true,
    };
    return 0;
}

int events_delete_archive(struct call *c, const struct events_delete_archive_request *in,
                          struct events_delete_archive_response *out, struct err *err) {
    (void)out;
    struct ev_archive row;
    return need(c, in->archive_name, &row, err) < 0 ? -1 : ev_archive_remove(c->db, row.seq, err);
}

int events_list_archives(struct call *c, const struct events_list_archives_request *in,
                         struct events_list_archives_response *out, struct err *err) {
    struct str after;
    int64_t limit;
    struct ev_archives rows;
    if (ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_archive_list(c->db, c->arena, c->account, c->region, in->name_prefix, after, limit + 1,
                        &rows, err) < 0) {
        return -1;
    }
    out->archives.v = arena_new_n(c->arena, struct events_archive, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_archive *r = &rows.v[i];
        struct str source = ev_bus_arn(c->arena, &r->at);
        if ((in->event_source_arn.p != NULL && !str_eq(in->event_source_arn, source)) ||
            (in->state.p != NULL && !str_is(in->state, "ENABLED"))) {
            continue;
        }
        out->archives.v[out->archives.n++] = (struct events_archive){
            .archive_name = r->name,
            .event_source_arn = source,
            .state = S("ENABLED"),
            .retention_days = (int32_t)r->retention_days,
            .has_retention_days = true,
            .size_bytes = r->bytes,
            .has_size_bytes = true,
            .event_count = r->events,
            .has_event_count = true,
            .creation_time = r->created_ms,
            .has_creation_time = true,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}
