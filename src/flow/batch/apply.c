/* Making and changing batches, see apply.h. */
#include "flow/batch/apply.h"

#include "flow/batch/announce.h"
#include "flow/batch/jobs.h"
#include "flow/batch/pipeline.h"
#include "flow/phase/batch_json.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <inttypes.h>

enum {
    DEFAULT_BATCH_MIN = 480,
    DEFAULT_BUILD_MIN = 60,
    DEFAULT_QUEUED_MIN = 480,
    MINUTE_MS = 60 * 1000
};

/* ---- events ---- */

static struct str job_key(struct arena *a, struct str batch, struct str what) {
    return str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(batch), STR_ARG(what));
}

static int act(const struct flow *f, struct arena *a, struct str uuid,
               const struct batch_state *state, const struct batch_effect *e, struct err *err) {
    struct str attempt = str_printf(a, "%" PRId64, state->attempt);
    switch (e->kind) {
    case BATCH_DO_CONTINUE:
        return queue_add(f->db, BATCH_JOB_CONTINUE, job_key(a, uuid, attempt), S("{}"), 0, err);
    case BATCH_DO_START:
        return queue_add(f->db, BATCH_JOB_START, job_key(a, uuid, e->uuid), S("{}"), 0, err);
    case BATCH_DO_COMBINE:
        return queue_add(f->db, BATCH_JOB_COMBINE, job_key(a, uuid, e->uuid), S("{}"), 0, err);
    case BATCH_DO_STOP:
        return queue_cancel(f->db, BATCH_JOB_START, job_key(a, uuid, e->uuid), err) < 0
                   ? -1
                   : queue_add(f->db, BATCH_JOB_STOP, job_key(a, uuid, e->uuid), S("{}"), 0, err);
    }
    return 0;
}

static int store(const struct flow *f, struct arena *a, struct batch_row *row,
                 const struct batch_state *state, struct err *err) {
    row->state = batch_state_json(a, state);
    row->status = str_c(batch_status_name(state->status));
    return batch_update(f->db, row, err);
}

static struct str_list fresh_ids(const struct flow *f, struct arena *a, size_t n) {
    struct str_list ids = {arena_new_n(a, struct str, n), n};
    for (size_t i = 0; i < n; i++) {
        ids.v[i] = rng_uuid(f->rng, a);
    }
    return ids;
}

static int apply(const struct flow *f, struct arena *a, struct batch_row *row,
                 struct batch_event *event, struct err *err) {
    struct batch_state state;
    struct batch_effects effects;
    if (batch_state_parse(a, row->state, &state, err) < 0) {
        return -1;
    }
    bool was_complete = state.complete;
    event->t = event->t ? event->t : clock_now_ms(f->clock);
    event->fresh = fresh_ids(f, a, state.groups.n + event->tasks.n + 1);
    if (batch_step(a, &state, event, &effects, err) < 0 || store(f, a, row, &state, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects.n; i++) {
        if (act(f, a, row->uuid, &state, &effects.v[i], err) < 0) {
            return -1;
        }
    }
    return !was_complete && state.complete ? batch_announce_end(f, a, row, &state, err) : 0;
}

static int64_t timeout_ms(const struct codebuild_project *p) {
    const struct codebuild_project_build_batch_config *c = p->build_batch_config;
    int64_t minutes = c != NULL && c->has_timeout_in_mins ? c->timeout_in_mins : DEFAULT_BATCH_MIN;
    return minutes * MINUTE_MS;
}

/* Each attempt has its timer; one of an attempt before changes nothing. */
static int start_timer(const struct flow *f, struct arena *a, const struct batch_row *row,
                       int64_t attempt, struct err *err) {
    struct codebuild_project *p = NULL;
    if (project_from_json(a, row->settings, &p, err) < 0) {
        return -1;
    }
    struct str key = str_printf(a, STR_FMT "/%" PRId64, STR_ARG(row->uuid), attempt);
    return queue_add(f->db, BATCH_JOB_TIMEOUT, key, S("{}"), clock_now_ms(f->clock) + timeout_ms(p),
                     err);
}

int batch_apply(const struct flow *f, struct arena *a, struct str uuid, struct batch_event *event,
                struct err *err) {
    struct batch_row row;
    struct batch_state state;
    int found = batch_load(f->db, a, uuid, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND, "there is no batch " STR_FMT, STR_ARG(uuid));
    }
    if (apply(f, a, &row, event, err) < 0) {
        return -1;
    }
    return event->kind != BATCH_RETRY || batch_state_parse(a, row.state, &state, err) < 0
               ? (err->kind != ERR_NONE ? -1 : 0)
               : start_timer(f, a, &row, state.attempt, err);
}

/* ---- ends of builds ---- */

static struct str first_failure(struct arena *a, const struct build_row *build) {
    struct str text = build_failure_text(a, build);
    return text.p ? text : str_printf(a, "the build ended as " STR_FMT, STR_ARG(build->status));
}

/* Does the project allow these builds? */
static int check_restrictions(const struct codebuild_project *p, const struct batch_tasks *tasks,
                              struct err *err) {
    const struct codebuild_project_build_batch_config *config = p->build_batch_config;
    const struct codebuild_batch_restrictions *r = config ? config->restrictions : NULL;
    if (r == NULL) {
        return 0;
    }
    if (r->has_maximum_builds_allowed && (int64_t)tasks->n > r->maximum_builds_allowed) {
        return err_set(err, ERR_LIMIT,
                       "The batch has %zu builds; the project allows %d (maximumBuildsAllowed)",
                       tasks->n, (int)r->maximum_builds_allowed);
    }
    for (size_t i = 0; i < tasks->n && r->compute_types_allowed.n > 0; i++) {
        struct str type = tasks->v[i].env.compute_type;
        type = type.p ? type : p->environment->compute_type;
        if (!str_list_has(&r->compute_types_allowed, type)) {
            return err_set(err, ERR_DENIED,
                           "Build " STR_FMT " wants compute type " STR_FMT
                           ", which the project does not allow (computeTypesAllowed)",
                           STR_ARG(tasks->v[i].identifier), STR_ARG(type));
        }
    }
    for (size_t i = 0; i < tasks->n; i++) {
        if (tasks->v[i].env.fleet.p != NULL) {
            return err_set(err, ERR_UNSUPPORTED, "Build " STR_FMT " wants a fleet: there are none",
                           STR_ARG(tasks->v[i].identifier));
        }
    }
    return 0;
}

/* What the first build read, as the event that goes on. */
static int spec_event(const struct flow *f, struct arena *a, const struct batch_row *row,
                      const struct build_row *build, struct batch_event *ret, struct err *err) {
    struct str text = STR_NONE;
    struct codebuild_project *p = NULL;
    const char *path =
        str_printf(a, "%s/builds/" STR_FMT "/batchspec.json", f->data_dir, STR_ARG(build->uuid)).p;
    *ret = (struct batch_event){.kind = BATCH_SPEC};
    return file_read(a, path, BATCH_JSON_MAX, &text, err) < 0 ||
                   batch_tasks_parse(a, text, &ret->tasks, &ret->fast_fail, err) < 0 ||
                   project_from_json(a, row->settings, &p, err) < 0 ||
                   check_restrictions(p, &ret->tasks, err) < 0
               ? -1
               : 0;
}

static bool is_first(struct arena *a, const struct batch_row *row, struct str build) {
    struct batch_state state;
    struct err ignored = ERR_INIT;
    return batch_state_parse(a, row->state, &state, &ignored) == 0 && state.groups.n > 0 &&
           str_eq(state.groups.v[0].build.uuid, build);
}

int batch_build_ended(const struct flow *f, struct arena *a, const struct build_row *build,
                      struct err *err) {
    struct str uuid = STR_NONE;
    struct batch_row row;
    int found = batch_of_build(f->db, a, build->uuid, &uuid, err);
    found = found <= 0 ? found : batch_load(f->db, a, uuid, &row, err);
    if (found <= 0) {
        return found;
    }
    struct batch_event event = {.kind = BATCH_ENDED,
                                .uuid = build->uuid,
                                .status = batch_status_parse(build->status),
                                .artifacts = build->artifacts};
    if (event.status != BATCH_SUCCEEDED) {
        event.message = first_failure(a, build);
    } else if (is_first(a, &row, build->uuid)) {
        struct err why = ERR_INIT;
        struct batch_event spec;
        row.resolved_version = build->resolved_version;
        if (spec_event(f, a, &row, build, &spec, &why) == 0) {
            event = spec;
        } else {
            event.status = BATCH_FAILED;
            event.message = str_dup(a, str_c(why.msg));
        }
    }
    return apply(f, a, &row, &event, err);
}

/* ---- making ---- */

/* What of a batch never changes, in the API's words. */
static int make_body(struct arena *a, const struct batch_order *o, struct batch_row *row,
                     struct err *err) {
    const struct codebuild_project *p = o->project;
    void *none = arena_alloc(a, 0);
    struct codebuild_build_batch b = {
        .id = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(p->name), STR_ARG(row->uuid)),
        .arn = batch_arn(a, o->region, o->account, p->name, row->uuid),
        .start_time = row->created_ms,
        .has_start_time = true,
        .source_version = p->source_version,
        .project_name = p->name,
        .source = p->source,
        .secondary_sources = p->secondary_sources,
        .secondary_source_versions = p->secondary_source_versions,
        .cache = p->cache,
        .environment = p->environment,
        .service_role = p->service_role,
        .log_config = p->logs_config,
        .build_timeout_in_minutes =
            p->has_timeout_in_minutes ? p->timeout_in_minutes : DEFAULT_BUILD_MIN,
        .has_build_timeout_in_minutes = true,
        .queued_timeout_in_minutes =
            p->has_queued_timeout_in_minutes ? p->queued_timeout_in_minutes : DEFAULT_QUEUED_MIN,
        .has_queued_timeout_in_minutes = true,
        .initiator = o->initiator,
        .vpc_config = p->vpc_config,
        .encryption_key = p->encryption_key,
        .build_batch_number = row->number,
        .has_build_batch_number = true,
        .file_system_locations = p->file_system_locations,
        .build_batch_config = p->build_batch_config,
    };
    b.secondary_sources.v = b.secondary_sources.v ? b.secondary_sources.v : none;
    b.secondary_source_versions.v =
        b.secondary_source_versions.v ? b.secondary_source_versions.v : none;
    return batch_body_to_json(a, &b, &row->body, err);
}

/* In a pipeline the artifacts have their place whatever the project's are. */
static bool combines(const struct batch_order *o) {
    const struct codebuild_project_build_batch_config *c = o->project->build_batch_config;
    bool places = o->pipeline != NULL ? o->pipeline->outputs.n > 0
                                      : str_is(o->project->artifacts->type, "S3");
    return c != NULL && c->combine_artifacts && places;
}

int batch_make(const struct flow *f, struct arena *a, const struct batch_order *order,
               struct str *ret_uuid, struct err *err) {
    struct batch_state state;
    struct batch_effects effects;
    struct batch_row row = {.uuid = rng_uuid(f->rng, a),
                            .account = order->account,
                            .region = order->region,
                            .project = order->project->name,
                            .token = order->token,
                            .token_digest = order->token_digest,
                            .created_ms = clock_now_ms(f->clock)};
    struct batch_event event = {.kind = BATCH_SUBMIT,
                                .t = row.created_ms,
                                .fresh = fresh_ids(f, a, 1),
                                .combine = combines(order)};
    if (order->pipeline != NULL) {
        row.pipeline = batch_pipeline_json(a, order->pipeline);
    }
    if (batch_number_next(f->db, row.account, row.region, row.project, &row.number, err) < 0 ||
        project_to_json(a, order->project, &row.settings, err) < 0 ||
        make_body(a, order, &row, err) < 0 || batch_step(a, &state, &event, &effects, err) < 0) {
        return -1;
    }
    row.state = batch_state_json(a, &state);
    row.status = str_c(batch_status_name(state.status));
    if (batch_insert(f->db, &row, err) < 0 || start_timer(f, a, &row, state.attempt, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < effects.n; i++) {
        if (act(f, a, row.uuid, &state, &effects.v[i], err) < 0) {
            return -1;
        }
    }
    *ret_uuid = row.uuid;
    return 0;
}
