/* Replays: their operations, and the job that does them. */
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/value.h"
#include "services/events/archive.h"
#include "services/events/archive_store.h"
#include "services/events/events.h"

enum { BATCH = 50 };

static int need(struct call *c, struct str name, struct ev_replay *ret, struct err *err) {
    int found = ev_replay_find(c->db, c->arena, c->account, c->region, name, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Replay %.*s does not exist.", STR_ARG(name))
                      : found - 1;
}

static const struct shape *destination_shape(void) {
    return shape_find_member(events_op_start_replay.in, S("Destination"))->shape;
}

/* An archive is replayed to the bus that it came from, to all of its rules or to some. */
static int check(struct call *c, const struct events_start_replay_request *in,
                 struct ev_archive *archive, struct err *err) {
    int found = ev_archive_find_arn(c->db, c->arena, in->event_source_arn, archive, err);
    if (found <= 0 || !str_eq(archive->at.account, c->account)) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceNotFoundException,
                                   "Archive %.*s does not exist.", STR_ARG(in->event_source_arn));
    }
    if (!str_eq(in->destination->arn, ev_bus_arn(c->arena, &archive->at))) {
        return ev_invalid(err, "Parameter Destination.Arn is not valid. Reason: Cross event bus "
                               "replay is not permitted.");
    }
    if (in->event_end_time <= in->event_start_time) {
        return ev_invalid(err, "Parameter EventEndTime is not valid. Reason: EventStartTime must "
                               "be before EventEndTime.");
    }
    for (size_t i = 0; i < in->destination->filter_arns.n; i++) {
        struct ev_rule rule;
        struct str arn = in->destination->filter_arns.v[i];
        int there = ev_rule_find_arn(c->db, c->arena, arn, &rule, err);
        if (there <= 0 || !str_eq(rule.at.account, c->account) ||
            !str_eq(rule.at.bus, archive->at.bus)) {
            return there < 0 ? -1
                             : err_api(err, &events_ResourceNotFoundException,
                                       "Rule %.*s does not exist on the bus.", STR_ARG(arn));
        }
    }
    return ev_is_name(in->replay_name)
               ? 0
               : ev_invalid(err, "Parameter ReplayName is not valid: '%.*s'",
                            STR_ARG(in->replay_name));
}

int events_start_replay(struct call *c, const struct events_start_replay_request *in,
                        struct events_start_replay_response *out, struct err *err) {
    struct ev_archive archive;
    struct ev_replay have;
    if (check(c, in, &archive, err) < 0) {
        return -1;
    }
    int found = ev_replay_find(c->db, c->arena, c->account, c->region, in->replay_name, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceAlreadyExistsException,
                                   "Replay %.*s already exists.", STR_ARG(in->replay_name));
    }
    json_t *destination cleanup_json = value_to_json(destination_shape(), in->destination);
    const struct ev_replay row = {
        .arn = arn_make(c, "events", "replay/%.*s", STR_ARG(in->replay_name)),
        .account = c->account,
        .region = c->region,
        .name = in->replay_name,
        .archive = archive.arn,
        .destination = json_dump_str(c->arena, destination),
        .description = in->description,
        .state = S("STARTING"),
        .from_ms = in->event_start_time,
        .to_ms = in->event_end_time,
        .done_ms = in->event_start_time - 1,
        .done_seq = INT64_MAX,
        .begun_ms = c->now_ms,
    };
    *out = (struct events_start_replay_response){.replay_arn = row.arn,
                                                 .state = row.state,
                                                 .replay_start_time = c->now_ms,
                                                 .has_replay_start_time = true};
    return ev_replay_put(c->db, &row, err) < 0
               ? -1
               : queue_add(c->db, EV_REPLAY, row.arn, S("{}"), 0, err);
}

int events_describe_replay(struct call *c, const struct events_describe_replay_request *in,
                           struct events_describe_replay_response *out, struct err *err) {
    struct ev_replay row;
    if (need(c, in->replay_name, &row, err) < 0) {
        return -1;
    }
    bool some = row.done_ms >= row.from_ms;
    *out = (struct events_describe_replay_response){
        .replay_name = row.name,
        .replay_arn = row.arn,
        .description = row.description,
        .state = row.state,
        .state_reason = row.reason,
        .event_source_arn = row.archive,
        .destination = arena_new(c->arena, struct events_replay_destination),
        .event_start_time = row.from_ms,
        .has_event_start_time = true,
        .event_end_time = row.to_ms,
        .has_event_end_time = true,
        .event_last_replayed_time = row.done_ms,
        .has_event_last_replayed_time = some,
        .replay_start_time = row.begun_ms,
        .has_replay_start_time = true,
        .replay_end_time = row.ended_ms,
        .has_replay_end_time = row.ended_ms > 0,
    };
    json_t *destination cleanup_json = json_parse(row.destination, err);
    return destination == NULL ? -1
                               : value_from_json(c->arena, destination_shape(), destination, 0,
                                                 out->destination, err);
}

int events_cancel_replay(struct call *c, const struct events_cancel_replay_request *in,
                         struct events_cancel_replay_response *out, struct err *err) {
    struct ev_replay row;
    if (need(c, in->replay_name, &row, err) < 0) {
        return -1;
    }
    if (row.ended_ms > 0) {
        return err_api(err, &events_IllegalStatusException,
                       "Replay %.*s is not in a valid state for this operation.",
                       STR_ARG(row.name));
    }
    row.state = S("CANCELLED");
    row.ended_ms = c->now_ms;
    out->replay_arn = row.arn;
    out->state = S("CANCELLING");
    return ev_replay_put(c->db, &row, err) < 0 ? -1 : queue_cancel(c->db, EV_REPLAY, row.arn, err);
}

int events_list_replays(struct call *c, const struct events_list_replays_request *in,
                        struct events_list_replays_response *out, struct err *err) {
    struct str after;
    int64_t limit;
    struct ev_replays rows;
    if (ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_replay_list(c->db, c->arena, c->account, c->region, in->name_prefix, after, limit + 1,
                       &rows, err) < 0) {
        return -1;
    }
    out->replays.v = arena_new_n(c->arena, struct events_replay, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_replay *r = &rows.v[i];
        if ((in->state.p != NULL && !str_eq(in->state, r->state)) ||
            (in->event_source_arn.p != NULL && !str_eq(in->event_source_arn, r->archive))) {
            continue;
        }
        out->replays.v[out->replays.n++] = (struct events_replay){
            .replay_name = r->name,
            .event_source_arn = r->archive,
            .state = r->state,
            .state_reason = r->reason,
            .event_start_time = r->from_ms,
            .has_event_start_time = true,
            .event_end_time = r->to_ms,
            .has_event_end_time = true,
            .event_last_replayed_time = r->done_ms,
            .has_event_last_replayed_time = r->done_ms >= r->from_ms,
            .replay_start_time = r->begun_ms,
            .has_replay_start_time = true,
            .replay_end_time = r->ended_ms,
            .has_replay_end_time = r->ended_ms > 0,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}

/* ---- the job ---- */

/* An archived event on its bus again; it says which replay it is of. */
static int again(struct service_env *env, struct arena *a, const struct ev_replay *replay,
                 const struct ev_archive *archive, const struct events_replay_destination *to,
                 const struct ev_archived *one, struct err *err) {
    json_t *json cleanup_json = json_parse(one->event, err);
    if (json == NULL) {
        return -1;
    }
    const json_t *resources = json_object_get(json, "resources");
    struct ev_event event = {
        .at = archive->at,
        .id = json_str(json, "id"),
        .account = json_str(json, "account"),
        .source = json_str(json, "source"),
        .detail_type = json_str(json, "detail-type"),
        .detail = json_dump_str(a, json_object_get(json, "detail")),
        .time_ms = one->at_ms,
        .replay = replay->name,
        .only = to->filter_arns,
    };
    for (size_t i = 0; i < json_array_size(resources); i++) {
        *arena_push(a, &event.resources) = json_text(json_array_get(resources, i));
    }
    return ev_route(env->db, a, &event, clock_now_ms(env->clock), err);
}

/* One batch. *ret_more: there may be another. */
static int replay_batch(struct service_env *env, struct arena *a, struct ev_replay *row,
                        bool *ret_more, struct err *err) {
    struct ev_archive archive;
    struct ev_archiveds events = {NULL, 0};
    struct events_replay_destination to = {0};
    int found = ev_archive_find_arn(env->db, a, row->archive, &archive, err);
    json_t *destination cleanup_json = found > 0 ? json_parse(row->destination, err) : NULL;
    *ret_more = false;
    if (found == 0) {
        row->state = S("FAILED");
        row->reason = S("The archive was deleted.");
        row->ended_ms = clock_now_ms(env->clock);
        return 0;
    }
    if (destination == NULL ||
        value_from_json(a, destination_shape(), destination, 0, &to, err) < 0 ||
        ev_archived_after(env->db, a, archive.seq, row->done_ms, row->done_seq, row->to_ms, BATCH,
                          &events, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < events.n; i++) {
        if (again(env, a, row, &archive, &to, &events.v[i], err) < 0) {
            return -1;
        }
        row->done_ms = events.v[i].at_ms;
        row->done_seq = events.v[i].seq;
    }
    *ret_more = events.n == BATCH;
    row->state = *ret_more ? S("RUNNING") : S("COMPLETED");
    row->ended_ms = *ret_more ? 0 : clock_now_ms(env->clock);
    return 0;
}

int ev_replay_run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct ev_replay row;
    bool more = false;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = ev_replay_find_arn(env->db, job->arena, job->key, &row, err);
    int bad = found < 0 ? -1 : 0;
    if (found > 0 && row.ended_ms == 0) {
        bad = replay_batch(env, job->arena, &row, &more, err) < 0 ||
                      ev_replay_put(env->db, &row, err) < 0
                  ? -1
                  : 0;
    }
    if (bad < 0 || (!more && queue_end(env->db, job, err) < 0)) {
        db_rollback(env->db);
        return -1;
    }
    job->again_ms = more ? clock_now_ms(env->clock) : 0;
    return db_commit(env->db, err);
}
