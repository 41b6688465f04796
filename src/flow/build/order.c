/* Making builds, see order.h: the plan, limits, both ways to start. */
#include "flow/build/order_making.h"
#include "flow/build/plan_guard.h"

enum { PIDS = 4096, DISK_MIB = 64 * 1024 };

int order_invalid(struct err *err, const char *what, struct str value) {
    return err_api(err, &codebuild_InvalidInputException, "%s" STR_FMT, what, STR_ARG(value));
}

static int plan_env(struct making *m, struct err *err) {
    const struct codebuild_environment_variable_list *list =
        &m->project->environment->environment_variables;
    for (size_t i = 0; i < list->n; i++) {
        struct env_var var = {list->v[i].name, list->v[i].value, ENV_PLAINTEXT, true};
        if (list->v[i].type.p != NULL && !env_type_parse(list->v[i].type, &var.type)) {
            return order_invalid(err, "Invalid environment variable type: ", list->v[i].type);
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
    plan->guard = order != NULL && order->rights.policy.p != NULL;
    if (p->environment->registry_credential != NULL) {
        plan->registry_secret = p->environment->registry_credential->credential;
    }
    plan->certificate = p->environment->certificate;
    plan->image_uses = plan->image; /* and data_dir: the machine's, set when it starts */
    plan->data_dir = str_c(f->data_dir);
    plan->console_url = f->url;
    plan->kms_key = order != NULL && order->kms_key.n > 0 ? order->kms_key : p->encryption_key;
    plan->timeout_s =
        60 * (int64_t)(p->has_timeout_in_minutes ? p->timeout_in_minutes : ORDER_TIMEOUT_MIN);
    plan->queued_timeout_s =
        60 * (int64_t)(p->has_queued_timeout_in_minutes ? p->queued_timeout_in_minutes
                                                        : ORDER_QUEUED_MIN);
    plan_size(m);
    plan_logs(m->arena, p->logs_config, plan);
    order_artifacts(m);
    return order_sources(m, err) < 0 || plan_env(m, err) < 0 ||
                   build_plan_cache(f, p->cache, plan, err) < 0
               ? -1
               : 0;
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
        make_plan(f, &m, err) < 0 || order_insert(f, &m, err) < 0) {
        return -1;
    }
    *ret_uuid = m.plan.uuid;
    return 0;
}

/* 1: this order was carried out before, by that build. */
static int known_order(const struct flow *f, struct arena *a, const struct build_order *order,
                       struct str project, struct str *ret_uuid, struct err *err) {
    struct str digest = STR_NONE;
    return order->token.p == NULL ? 0
                                  : build_by_token(f->db, a, order->account, order->region, project,
                                                   order->token, ret_uuid, &digest, err);
}

int build_start_as(const struct flow *f, struct arena *a, const struct build_order *order,
                   const struct codebuild_project *project, struct str *ret_uuid, struct err *err) {
    int known = known_order(f, a, order, project->name, ret_uuid, err);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    struct build_order guarded = *order;
    if (plan_guard_wanted(project, order)) {
        guarded.rights.policy = plan_guard_policy(a, order);
    }
    struct build_making making = {.account = order->account,
                                  .region = order->region,
                                  .project = project,
                                  .order = &guarded,
                                  .initiator = order->initiator,
                                  .token = order->token};
    return build_make(f, a, &making, ret_uuid, err);
}

int build_start(const struct flow *f, struct arena *a, const struct build_order *order,
                struct str *ret_uuid, struct err *err) {
    struct project_row row;
    struct codebuild_project *project = NULL;
    int known = known_order(f, a, order, order->project, ret_uuid, err);
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
    if (order->service_role.n > 0) {
        project->service_role = order->service_role;
    }
    return build_start_as(f, a, order, project, ret_uuid, err);
}
