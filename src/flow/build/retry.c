/*
 * The same build once more. It runs with the settings that the old one ran with, whatever the
 * project says by now (RetryBuild in AWS's documents), and gets a uuid, number and log of its own.
 * AWS's words for retries without being asked: autoRetryConfig, in which the first build is number
 * 0, and each build names the one before and behind it.
 */
#include "flow/build/order.h"

#include "flow/build/state_change.h"
#include "runtime/queue/queue.h"

#include <inttypes.h>

/* What differs between the two. */
struct again {
    struct plan plan;
    struct codebuild_build *body;
    struct build_row row;
};

/* Patterns of the log's names were expanded with the old uuid at their end. */
static void rename_logs(struct arena *a, struct plan *plan, struct codebuild_build *body) {
    struct codebuild_logs_config config = {0};
    if (body->logs != NULL) {
        config.cloud_watch_logs = body->logs->cloud_watch_logs;
        config.s3_logs = body->logs->s3_logs;
    }
    plan_logs(a, &config, plan);
    body->logs = build_logs_view(a, &config, plan);
}

static int load(const struct flow *f, struct arena *a, const struct build_row *old,
                struct again *ret, struct err *err) {
    struct str text = STR_NONE;
    return build_get_plan(f->db, a, old->uuid, &text, err) < 0 ||
                   plan_parse(a, text, &ret->plan, err) < 0 ||
                   build_from_json(a, old->body, &ret->body, err) < 0
               ? -1
               : 0;
}

static int insert(const struct flow *f, struct arena *a, const struct build_row *old,
                  const struct build_ask *ask, struct again *again, struct err *err) {
    struct plan *plan = &again->plan;
    again->row = (struct build_row){
        .uuid = plan->uuid,
        .account = plan->account,
        .region = plan->region,
        .project = plan->project,
        .number = plan->number,
        .token = ask->token,
        .initiator = plan->initiator,
        .status = S("IN_PROGRESS"),
        .current_phase = S("QUEUED"),
        .started_ms = plan->start_ms,
        .phases = build_first_phases(a, plan->start_ms),
        .log_group = plan->log_group,
        .log_stream = plan->log_stream,
        .resolved_version = old->resolved_version,
    };
    struct build_new build = {&again->row, ask->token_digest, plan_json(a, plan), NULL};
    return build_to_json(a, again->body, &again->row.body, err) < 0 ||
                   build_insert(f->db, &build, err) < 0 ||
                   build_emit_state(f, a, &again->row, err) < 0 ||
                   build_emit_phases(f, a, &again->row, S("[]"), err) < 0
               ? -1
               : queue_add(f->db, "build.start", plan->uuid, S("{}"), 0, err);
}

static int make(const struct flow *f, struct arena *a, const struct build_row *old,
                const struct build_ask *ask, const struct codebuild_auto_retry_config *retries,
                struct str *ret_uuid, struct err *err) {
    struct again again = {0};
    struct plan *plan = &again.plan;
    if (load(f, a, old, &again, err) < 0 ||
        build_number_next(f->db, old->account, old->region, old->project, &plan->number, err) < 0) {
        return err_wrap(err, "retry build " STR_FMT, STR_ARG(old->uuid));
    }
    plan->uuid = rng_uuid(f->rng, a);
    plan->start_ms = clock_now_ms(f->clock);
    plan->initiator = ask->initiator.p != NULL ? ask->initiator : plan->initiator;
    int64_t *generation = &plan->cache.generation; /* it may have been invalidated since */
    if (project_cache_generation(f->db, plan->account, plan->region, plan->project, generation,
                                 err) < 0) {
        return -1;
    }
    rename_logs(a, plan, again.body);
    again.body->id = plan_build_id(a, plan);
    again.body->arn = plan_build_arn(a, plan);
    again.body->build_number = plan->number;
    again.body->start_time = plan->start_ms;
    again.body->initiator = plan->initiator;
    if (retries != NULL) {
        again.body->auto_retry_config = arena_memdup(a, retries, sizeof(*retries));
    } else if (again.body->auto_retry_config != NULL) { /* asked for by a person: counted anew */
        again.body->auto_retry_config->auto_retry_number = 0;
        again.body->auto_retry_config->next_auto_retry = STR_NONE;
        again.body->auto_retry_config->previous_auto_retry = STR_NONE;
    }
    *ret_uuid = plan->uuid;
    return insert(f, a, old, ask, &again, err);
}

int build_again(const struct flow *f, struct arena *a, const struct build_row *old,
                const struct build_ask *ask, struct str *ret_uuid, struct err *err) {
    return make(f, a, old, ask, NULL, ret_uuid, err);
}

struct codebuild_auto_retry_config *build_retries_view(struct arena *a,
                                                       const struct codebuild_project *project,
                                                       struct str initiator) {
    if (!project->has_auto_retry_limit || project->auto_retry_limit <= 0 ||
        str_starts(initiator, S("codepipeline/"))) {
        return NULL;
    }
    struct codebuild_auto_retry_config *config = arena_new(a, struct codebuild_auto_retry_config);
    *config = (struct codebuild_auto_retry_config){.auto_retry_limit = project->auto_retry_limit,
                                                   .has_auto_retry_limit = true,
                                                   .has_auto_retry_number = true};
    return config;
}

static struct str arn_of(struct arena *a, const struct build_row *row, struct str uuid) {
    return str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build/" STR_FMT ":" STR_FMT,
                      STR_ARG(row->region), STR_ARG(row->account), STR_ARG(row->project),
                      STR_ARG(uuid));
}

int build_retry(const struct flow *f, struct arena *a, struct build_row *row, int64_t retries,
                struct err *err) {
    struct codebuild_build *body = NULL;
    struct str uuid = STR_NONE;
    if (!str_is(row->status, "FAILED") || str_starts(row->initiator, S("codepipeline/"))) {
        return 0;
    }
    if (build_from_json(a, row->body, &body, err) < 0) {
        return -1;
    }
    if (body->build_batch_arn.n > 0) {
        return 0; /* the batch decides */
    }
    struct codebuild_auto_retry_config here = {0};
    if (body->auto_retry_config != NULL) {
        here = *body->auto_retry_config;
    }
    int64_t limit = here.auto_retry_limit > retries ? here.auto_retry_limit : retries;
    if (here.auto_retry_number >= limit) {
        return 0;
    }
    struct codebuild_auto_retry_config next = {
        .auto_retry_limit = (int32_t)limit,
        .has_auto_retry_limit = true,
        .auto_retry_number = here.auto_retry_number + 1,
        .has_auto_retry_number = true,
        .previous_auto_retry = body->arn,
    };
    struct build_ask nobody = {STR_NONE, STR_NONE, STR_NONE};
    if (make(f, a, row, &nobody, &next, &uuid, err) < 0) {
        return -1;
    }
    here.auto_retry_limit = (int32_t)limit;
    here.has_auto_retry_limit = here.has_auto_retry_number = true;
    here.next_auto_retry = arn_of(a, row, uuid);
    body->auto_retry_config = &here;
    return build_to_json(a, body, &row->body, err) < 0 ? -1 : build_set_body(f->db, row, err);
}
