/* Making builds, see order.h. */
#include "flow/build/order.h"

#include "aws/proto/proto.h"
#include "flow/build/source_plan.h"
#include "platform/text/json.h"

#include <inttypes.h>

enum { DEFAULT_TIMEOUT_MIN = 60, DEFAULT_QUEUED_MIN = 480, PIDS = 4096, DISK_MIB = 64 * 1024 };

/* ---- JSON by descriptors ---- */

int project_from_json(struct arena *a, struct str json, struct codebuild_project **ret,
                      struct err *err) {
    struct codebuild_create_project_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_project, &m, &out, err) < 0 ||
        out.project == NULL) {
        return err_wrap(err, "stored project");
    }
    *ret = out.project;
    return 0;
}

int project_to_json(struct arena *a, const struct codebuild_project *project, struct str *ret,
                    struct err *err) {
    struct codebuild_create_project_output out = {arena_memdup(a, project, sizeof(*project))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_project, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

int build_from_json(struct arena *a, struct str json, struct codebuild_build **ret,
                    struct err *err) {
    struct codebuild_start_build_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build, &m, &out, err) < 0 ||
        out.build == NULL) {
        return err_wrap(err, "stored build");
    }
    *ret = out.build;
    return 0;
}

int build_to_json(struct arena *a, const struct codebuild_build *build, struct str *ret,
                  struct err *err) {
    struct codebuild_start_build_output out = {arena_memdup(a, build, sizeof(*build))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

/* ---- the plan ---- */

/* One build on its way. */
struct making {
    const struct build_making *in;
    const struct codebuild_project *project;
    struct arena *arena;
    struct plan plan;
    struct build_row row;
};

static int invalid(struct err *err, const char *what, struct str value) {
    return err_api(err, &codebuild_InvalidInputException, "%s" STR_FMT, what, STR_ARG(value));
}

static bool is_inline(struct str buildspec) {
    return str_find_c(buildspec, '\n', 0) != (size_t)-1 || str_starts(buildspec, S("version:")) ||
           str_starts(buildspec, S("{")) || str_starts(buildspec, S("arn:"));
}

/* LOCAL_SOURCE_CACHE among the modes of a local cache. */
static bool keeps_mirrors(const struct codebuild_project *p) {
    bool local = p->cache != NULL && str_is(p->cache->type, "LOCAL");
    for (size_t i = 0; local && i < p->cache->modes.n; i++) {
        if (str_is(p->cache->modes.v[i], "LOCAL_SOURCE_CACHE")) {
            return true;
        }
    }
    return false;
}

static int project_source(struct making *m, const struct codebuild_project_source *source,
                          struct str version, struct plan_source *ret, struct err *err) {
    return source_plan(m->arena, source, version, keeps_mirrors(m->project), ret, err);
}

static struct str version_of(const struct making *m, struct str identifier) {
    const struct codebuild_project *p = m->project;
    for (size_t i = 0; i < p->secondary_source_versions.n; i++) {
        if (str_eq(p->secondary_source_versions.v[i].source_identifier, identifier)) {
            return p->secondary_source_versions.v[i].source_version;
        }
    }
    return STR_NONE;
}

static void pipeline_source(struct making *m, const struct build_artifact_location *from,
                            struct plan_source *ret) {
    *ret = (struct plan_source){
        .kind = PLAN_SOURCE_S3,
        .id = from->name,
        .bucket = from->bucket,
        .key = from->key,
        .label = str_printf(m->arena, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(from->bucket),
                            STR_ARG(from->key)),
    };
}

static int plan_sources(struct making *m, struct err *err) {
    const struct codebuild_project *p = m->project;
    const struct build_order *order = m->in->order;
    m->plan.buildspec = p->source->buildspec;
    if (order != NULL && order->inputs.n > 0) {
        pipeline_source(m, &order->inputs.v[0], &m->plan.source);
        for (size_t i = 1; i < order->inputs.n; i++) {
            pipeline_source(m, &order->inputs.v[i],
                            arena_push(m->arena, &m->plan.secondary_sources));
        }
        m->plan.resolved_version = order->resolved_version;
        return 0;
    }
    if (project_source(m, p->source, p->source_version, &m->plan.source, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < p->secondary_sources.n; i++) {
        const struct codebuild_project_source *source = &p->secondary_sources.v[i];
        if (project_source(m, source, version_of(m, source->source_identifier),
                           arena_push(m->arena, &m->plan.secondary_sources), err) < 0) {
            return -1;
        }
    }
    if (m->plan.source.kind == PLAN_SOURCE_NONE && !is_inline(m->plan.buildspec)) {
        return invalid(err, "No source: a buildspec must be given inline or by S3 ARN, project ",
                       p->name);
    }
    return 0;
}

static void project_artifact(struct making *m, const struct codebuild_project_artifacts *from) {
    struct plan_artifact *to = arena_push(m->arena, &m->plan.artifacts);
    *to = (struct plan_artifact){
        .kind = str_is(from->type, "S3") ? PLAN_ARTIFACT_S3 : PLAN_ARTIFACT_NONE,
        .id = from->artifact_identifier,
        .bucket = from->location,
        .path = from->path,
        .name = from->name,
        .build_id = str_is(from->namespace_type, "BUILD_ID"),
        .zip = str_is(from->packaging, "ZIP"),
        .override_name = from->override_artifact_name,
        .encryption_off = from->encryption_disabled,
        .owner_access = from->bucket_owner_access,
    };
}

static void plan_artifacts(struct making *m) {
    const struct build_order *order = m->in->order;
    if (order == NULL) {
        project_artifact(m, m->project->artifacts);
        for (size_t i = 0; i < m->project->secondary_artifacts.n; i++) {
            project_artifact(m, &m->project->secondary_artifacts.v[i]);
        }
        return;
    }
    for (size_t i = 0; i < order->outputs.n; i++) {
        *arena_push(m->arena, &m->plan.artifacts) = (struct plan_artifact){
            .kind = PLAN_ARTIFACT_S3,
            .id = order->outputs.v[i].name,
            .bucket = order->outputs.v[i].bucket,
            .key = order->outputs.v[i].key,
            .zip = true,
        };
    }
}

static int plan_env(struct making *m, struct err *err) {
    const struct codebuild_environment_variable_list *list =
        &m->project->environment->environment_variables;
    for (size_t i = 0; i < list->n; i++) {
        struct env_var var = {list->v[i].name, list->v[i].value, ENV_PLAINTEXT, true};
        if (list->v[i].type.p != NULL && !env_type_parse(list->v[i].type, &var.type)) {
            return invalid(err, "Invalid environment variable type: ", list->v[i].type);
        }
        env_put(m->arena, &m->plan.env, var);
    }
    const struct build_order *order = m->in->order;
    for (size_t i = 0; order != NULL && i < order->env.n; i++) {
        env_put(m->arena, &m->plan.env, order->env.v[i]);
    }
    return 0;
}

/* Memory and processors of each size, as AWS documents them. */
static void plan_size(struct making *m) {
    static const struct {
        const char *name;
        int64_t gib;
        int64_t cpus;
    } sizes[] = {
        {"BUILD_GENERAL1_SMALL", 4, 2},      {"BUILD_GENERAL1_MEDIUM", 8, 4},
        {"BUILD_GENERAL1_LARGE", 16, 8},     {"BUILD_GENERAL1_XLARGE", 72, 36},
        {"BUILD_GENERAL1_2XLARGE", 144, 72},
    };
    m->plan.memory_mib = 4 * 1024;
    m->plan.cpu_milli = 2000;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (str_is(m->project->environment->compute_type, sizes[i].name)) {
            m->plan.memory_mib = sizes[i].gib * 1024;
            m->plan.cpu_milli = sizes[i].cpus * 1000;
        }
    }
    m->plan.pids = PIDS;
    m->plan.disk_mib = DISK_MIB;
}

static int make_plan(const struct flow *f, struct making *m, struct err *err) {
    const struct codebuild_project *p = m->project;
    const struct build_order *order = m->in->order;
    struct plan *plan = &m->plan;
    plan->project = p->name;
    plan->account = m->in->account;
    plan->region = m->in->region;
    plan->initiator = m->in->initiator;
    plan->batch_identifier = m->in->batch_identifier;
    plan->batchspec = m->in->batchspec;
    plan->shard = m->in->shard;
    plan->shards = m->in->shards;
    plan->start_ms = clock_now_ms(f->clock);
    plan->role_arn = p->service_role;
    plan->image = p->environment->image;
    plan->privileged = p->environment->privileged_mode;
    if (p->environment->registry_credential != NULL) {
        plan->registry_secret = p->environment->registry_credential->credential;
    }
    plan->image_uses = plan->image; /* and data_dir: the machine's, set when it starts */
    plan->data_dir = str_c(f->data_dir);
    plan->console_url = f->url;
    plan->kms_key = order != NULL && order->kms_key.n > 0 ? order->kms_key : p->encryption_key;
    plan->timeout_s =
        60 * (int64_t)(p->has_timeout_in_minutes ? p->timeout_in_minutes : DEFAULT_TIMEOUT_MIN);
    plan->queued_timeout_s =
        60 * (int64_t)(p->has_queued_timeout_in_minutes ? p->queued_timeout_in_minutes
                                                        : DEFAULT_QUEUED_MIN);
    plan_size(m);
    plan_logs(m->arena, p->logs_config, plan);
    plan_artifacts(m);
    return plan_sources(m, err) < 0 || plan_env(m, err) < 0 ||
                   build_plan_cache(f, p->cache, plan, err) < 0
               ? -1
               : 0;
}

/* ---- the row ---- */

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
            p->has_queued_timeout_in_minutes ? p->queued_timeout_in_minutes : DEFAULT_QUEUED_MIN,
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

static int insert(const struct flow *f, struct making *m, struct err *err) {
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
    struct build_new build = {&m->row, m->in->token_digest, plan_json(m->arena, &m->plan)};
    return make_body(m, err) < 0 || build_insert(f->db, &build, err) < 0
               ? -1
               : queue_add(f->db, "build.start", m->plan.uuid, S("{}"), 0, err);
}

static int check_limit(const struct flow *f, struct str account, struct str region,
                       const struct codebuild_project *p, struct err *err) {
    int64_t running = 0;
    if (!p->has_concurrent_build_limit || p->concurrent_build_limit <= 0) {
        return 0;
    }
    if (build_count_running(f->db, account, region, p->name, &running, err) < 0) {
        return -1;
    }
    return running < p->concurrent_build_limit
               ? 0
               : err_api(err, &codebuild_AccountLimitExceededException,
                         "Cannot have more than %d builds in queue for the project",
                         (int)p->concurrent_build_limit);
}

int build_check_room(const struct flow *f, struct arena *a, struct str account, struct str region,
                     struct str project, struct err *err) {
    struct project_row row;
    struct codebuild_project *p = NULL;
    int found = project_get(f->db, a, account, region, project, &row, err);
    if (found <= 0) {
        return found;
    }
    return project_from_json(a, row.body, &p, err) < 0 ? -1
                                                       : check_limit(f, account, region, p, err);
}

int build_make(const struct flow *f, struct arena *a, const struct build_making *making,
               struct str *ret_uuid, struct err *err) {
    struct making m = {.in = making, .project = making->project, .arena = a};
    const struct codebuild_project *p = making->project;
    m.plan.uuid = making->uuid.p ? making->uuid : rng_uuid(f->rng, a);
    if (check_limit(f, making->account, making->region, p, err) < 0 ||
        build_number_next(f->db, making->account, making->region, p->name, &m.plan.number, err) <
            0 ||
        make_plan(f, &m, err) < 0 || insert(f, &m, err) < 0) {
        return -1;
    }
    *ret_uuid = m.plan.uuid;
    return 0;
}

int build_start(const struct flow *f, struct arena *a, const struct build_order *order,
                struct str *ret_uuid, struct err *err) {
    struct project_row row;
    struct codebuild_project *project = NULL;
    struct str digest = STR_NONE;
    int known = order->token.p == NULL
                    ? 0
                    : build_by_token(f->db, a, order->account, order->region, order->project,
                                     order->token, ret_uuid, &digest, err);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    int found = project_get(f->db, a, order->account, order->region, order->project, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_NOT_FOUND,
                                   "Project cannot be found: arn:aws:codebuild:" STR_FMT ":" STR_FMT
                                   ":project/" STR_FMT,
                                   STR_ARG(order->region), STR_ARG(order->account),
                                   STR_ARG(order->project));
    }
    if (project_from_json(a, row.body, &project, err) < 0) {
        return -1;
    }
    if (order->buildspec.n > 0) {
        project->source->buildspec = order->buildspec;
    }
    struct build_making making = {.account = order->account,
                                  .region = order->region,
                                  .project = project,
                                  .order = order,
                                  .initiator = order->initiator,
                                  .token = order->token};
    return build_make(f, a, &making, ret_uuid, err);
}
