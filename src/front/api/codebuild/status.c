/* Implementation of status.h. */
#include "front/api/codebuild/status.h"

#include "flow/batch/announce.h"
#include "flow/build/announce.h"
#include "flow/checkout/version.h"
#include "flow/forge/status.h"
#include "front/api/codebuild/access.h"
#include "platform/text/json.h"

enum { TIMEOUT_MS = 15 * 1000, REPLY_MAX = 64 * 1024, ATTEMPTS = 8 };

/* One status on its way. */
struct telling {
    struct arena *arena;
    const struct flow *flow;
    struct build_row row;
    struct codebuild_build *build;
    struct plan plan;
    struct str batch; /* of the batch that a first build stands for: its status; or absent */
    struct forge_status status;
    struct checkout_remote remote;
};

static int load_batch(struct telling *t, struct str build, struct err *err) {
    struct str batch = STR_NONE;
    struct batch_row row;
    struct db *db = t->flow->db;
    int found = batch_of_build(db, t->arena, build, &batch, err);
    found = found > 0 ? batch_load(db, t->arena, batch, &row, err) : found;
    t->batch = found > 0 ? row.status : STR_NONE;
    return found < 0 ? -1 : 0;
}

static int load(struct telling *t, struct str uuid, struct err *err) {
    struct db *db = t->flow->db;
    struct str plan = STR_NONE;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = build_load(db, t->arena, uuid, &t->row, err);
    if (found > 0 && build_get_plan(db, t->arena, uuid, &plan, err) < 0) {
        found = -1;
    }
    if (found > 0 && load_batch(t, uuid, err) < 0) {
        found = -1;
    }
    db_rollback(db);
    return found <= 0 ? found
           : plan_parse(t->arena, plan, &t->plan, err) < 0 ||
                   build_from_json(t->arena, t->row.body, &t->build, err) < 0
               ? -1
               : 1;
}

/* The commit that was built; of a build that never got so far, the one that it was to build. */
static struct str commit_of(const struct telling *t) {
    return version_is_commit(t->row.resolved_version)    ? t->row.resolved_version
           : version_is_commit(t->build->source_version) ? t->build->source_version
                                                         : STR_NONE;
}

/* buildStatusConfig may name CodeBuild's variables. */
static struct str expand(struct telling *t, struct str text, struct str otherwise) {
    struct env env = plan_builtin_env(t->arena, &t->plan);
    for (size_t i = 0; i < t->plan.env.n; i++) {
        if (t->plan.env.v[i].type == ENV_PLAINTEXT) {
            env_put(t->arena, &env, t->plan.env.v[i]);
        }
    }
    return text.n > 0 ? env_expand(t->arena, text, &env, true) : otherwise;
}

static void fill_in(struct telling *t, bool end) {
    struct arena *a = t->arena;
    const struct codebuild_project_source *source = t->build->source;
    const struct codebuild_build_status_config *config = source->build_status_config;
    struct str context = str_printf(a, "AWS CodeBuild %s" STR_FMT " (" STR_FMT ")",
                                    t->plan.batchspec ? "BuildBatch " : "", STR_ARG(t->row.region),
                                    STR_ARG(t->row.project));
    struct env builtin = plan_builtin_env(a, &t->plan);
    const struct env_var *url = env_find(&builtin, S("CODEBUILD_BUILD_URL"));
    t->status = (struct forge_status){
        .server = source->type,
        .location = t->remote.trusted ? t->remote.url : source->location,
        .mapped = t->remote.trusted,
        .commit = commit_of(t),
        .state = !end                ? S("IN_PROGRESS")
                 : t->plan.batchspec ? t->batch
                                     : t->row.status,
        .context = expand(t, config ? config->context : STR_NONE, context),
        .target_url =
            expand(t, config ? config->target_url : STR_NONE, url ? url->value : STR_NONE),
        .username = str_eq(t->remote.username, access_username(source->type)) ? STR_NONE
                                                                              : t->remote.username,
        .token = t->remote.password,
    };
}

/* The secret is read as the project's role, as a build itself reads it. */
static int read_secret(struct telling *t, struct str arn, struct err *err) {
    struct str session = str_printf(t->arena, "AWSCodeBuild-" STR_FMT, STR_ARG(t->row.uuid));
    return access_secret(t->flow, t->arena, t->plan.role_arn, session, arn, &t->remote, err);
}

static int post(struct telling *t, struct egress *networks, bool *ret_again, struct err *err) {
    struct http_call call;
    struct http_reply reply;
    if (forge_status_call(t->arena, &t->status, &call, err) < 0) {
        return -1;
    }
    call.timeout_ms = TIMEOUT_MS;
    call.max_body = REPLY_MAX;
    if (!t->remote.trusted) {
        call.may_connect = egress_may_connect;
        call.may_connect_ud = networks;
    }
    if (http_fetch(t->arena, &call, &reply, err) < 0) {
        *ret_again = err->kind == ERR_UNAVAILABLE;
        return -1;
    }
    *ret_again = reply.status >= 500 || reply.status == 429;
    return reply.status / 100 == 2
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "the git host answered %d to the status of a build",
                         reply.status);
}

static int tell(struct telling *t, struct egress *networks, bool end, bool *ret_again,
                struct err *err) {
    struct str secret = STR_NONE;
    if (access_find(t->flow, t->arena, &t->row, 0, t->build->source->location, &t->remote, &secret,
                    err) < 0 ||
        (secret.n > 0 && read_secret(t, secret, err) < 0)) {
        return -1;
    }
    if (t->remote.password.n == 0) {
        return 0; /* nobody whom the host would believe */
    }
    fill_in(t, end);
    return t->status.commit.n == 0 ? 0 : post(t, networks, ret_again, err);
}

static int run(void *ud, struct queue_job *job, struct err *err) {
    struct telling t = {.arena = job->arena, .flow = codebuild_flow()};
    size_t slash = str_rfind_c(job->key, '/');
    struct str what = str_sub(job->key, slash + 1, job->key.n);
    bool whole = str_starts(what, S(BATCH_STATUS_WORD)); /* the end of a batch */
    bool end = whole || str_is(what, "end");
    bool again = false;
    int found = load(&t, str_sub(job->key, 0, slash), err);
    if (found <= 0) {
        return found;
    }
    /* The first build's end is not the batch's; a beginning that comes after the end is old news.
     */
    bool over = t.plan.batchspec ? !str_is(t.batch, "IN_PROGRESS") : t.row.complete;
    if ((end && t.plan.batchspec && !whole) || (!end && over)) {
        return 0;
    }
    if (tell(&t, ud, end, &again, err) < 0) {
        job->give_up = !again;
        return -1;
    }
    return 0;
}

struct queue_kind codebuild_status_kind(struct egress *networks) {
    return (struct queue_kind){.name = BUILD_STATUS_JOB,
                               .run = run,
                               .ud = networks,
                               .max_attempts = ATTEMPTS,
                               .parallel = 1};
}
