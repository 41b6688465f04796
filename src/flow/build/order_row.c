/* A build's row: its settings in the API's words, which never change, and its first phases. */
#include "flow/build/order_making.h"
#include "flow/build/state_change.h"
#include "runtime/queue/queue.h"

#include <inttypes.h>

static void show_variables(struct making *m, struct codebuild_project_environment *environment) {
    struct codebuild_environment_variable_list list = {0};
    for (size_t i = 0; i < m->plan.env.n; i++) {
        *arena_push(m->arena, &list) =
            (struct codebuild_environment_variable){m->plan.env.v[i].name, m->plan.env.v[i].value,
                                                    str_c(env_type_name(m->plan.env.v[i].type))};
    }
    list.v = list.v ? list.v : arena_alloc(m->arena, 0);
    environment->environment_variables = list;
}

/* What of a build never changes, in the API's words. */
static int make_body(struct making *m, struct err *err) {
    const struct codebuild_project *p = m->project;
    bool pipeline = m->in->order != NULL;
    struct codebuild_project_source *source = arena_memdup(m->arena, p->source, sizeof(*p->source));
    struct codebuild_project_environment *environment =
        arena_memdup(m->arena, p->environment, sizeof(*p->environment));
    show_variables(m, environment);
    source->type =
        pipeline && m->plan.source.kind == PLAN_SOURCE_S3 ? S("CODEPIPELINE") : source->type;
    struct codebuild_build b = {
        .id = plan_build_id(m->arena, &m->plan),
        .arn = plan_build_arn(m->arena, &m->plan),
        .build_number = m->plan.number,
        .has_build_number = true,
        .start_time = m->plan.start_ms,
        .has_start_time = true,
        .source_version = m->plan.source.label.n > 0 ? m->plan.source.label : p->source_version,
        .project_name = p->name,
        .source = source,
        .secondary_sources = p->secondary_sources,
        .secondary_source_versions = p->secondary_source_versions,
        .cache = p->cache,
        .environment = environment,
        .service_role = p->service_role,
        .timeout_in_minutes = (int32_t)(m->plan.timeout_s / 60),
        .has_timeout_in_minutes = true,
        .queued_timeout_in_minutes =
            p->has_queued_timeout_in_minutes ? p->queued_timeout_in_minutes : ORDER_QUEUED_MIN,
        .has_queued_timeout_in_minutes = true,
        .initiator = m->in->initiator,
        .encryption_key = m->plan.kms_key,
        .vpc_config = p->vpc_config,
        .file_system_locations = p->file_system_locations,
        .build_batch_arn = m->in->batch_arn,
    };
    void *none = arena_alloc(m->arena, 0);
    b.secondary_sources.v = b.secondary_sources.v ? b.secondary_sources.v : none;
    b.secondary_source_versions.v =
        b.secondary_source_versions.v ? b.secondary_source_versions.v : none;
    b.logs = build_logs_view(m->arena, p->logs_config, &m->plan);
    b.auto_retry_config = build_retries_view(m->arena, p, m->plan.initiator);
    return build_to_json(m->arena, &b, &m->row.body, err);
}

struct str build_first_phases(struct arena *a, int64_t now) {
    return str_printf(a,
                      "[{\"phaseType\":\"SUBMITTED\",\"phaseStatus\":\"SUCCEEDED\",\"startTime\":"
                      "%" PRId64 ",\"endTime\":%" PRId64 "},"
                      "{\"phaseType\":\"QUEUED\",\"startTime\":%" PRId64 "}]",
                      now, now, now);
}

int order_insert(const struct flow *f, struct making *m, struct err *err) {
    m->row = (struct build_row){
        .uuid = m->plan.uuid,
        .account = m->plan.account,
        .region = m->plan.region,
        .project = m->plan.project,
        .number = m->plan.number,
        .token = m->in->token,
        .initiator = m->plan.initiator,
        .status = S("IN_PROGRESS"),
        .current_phase = S("QUEUED"),
        .started_ms = m->plan.start_ms,
        .phases = build_first_phases(m->arena, m->plan.start_ms),
        .log_group = m->plan.log_group,
        .log_stream = m->plan.log_stream,
        .resolved_version = m->plan.resolved_version,
    };
    struct build_new build = {&m->row, m->in->token_digest, plan_json(m->arena, &m->plan),
                              m->in->order != NULL ? &m->in->order->rights : NULL};
    return make_body(m, err) < 0 || build_insert(f->db, &build, err) < 0 ||
                   build_emit_state(f, m->arena, &m->row, err) < 0 ||
                   build_emit_phases(f, m->arena, &m->row, S("[]"), err) < 0
               ? -1
               : queue_add(f->db, "build.start", m->plan.uuid, S("{}"), 0, err);
}
