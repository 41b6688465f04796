/* Implementation of release.h. */
#include "daemon/release.h"

#include "daemon/emitter.h"
#include "flow/batch/apply.h"
#include "flow/build/build.h"
#include "flow/execution/jobs.h"
#include "flow/trigger/pull.h"
#include "flow/watch/watch.h"
#include "front/api/codebuild/codebuild.h"
#include "front/api/codebuild/status.h"
#include "front/api/codepipeline/codepipeline.h"
#include "platform/text/json.h"
#include "services/codeconnections/connections.h"
#include "services/core/account.h"
#include "services/sts/sts_store.h"

#include <stdlib.h>

enum { MAX_KINDS = 32 };

struct release {
    struct flow flow;
    struct world *world;
    struct emitter emitter;
    struct watch *watch;
    struct builds *builds;
    struct arena arena;
    struct egress networks; /* private ones that may be reached for users */
    struct queue_kind kinds[MAX_KINDS];
    size_t n_kinds;
    char *url;
    void (*changed)(void *ud);
    void *changed_ud;
};

/* ---- a build's end becomes an action's ---- */

/* Exported variables [{name,value}] as the object that an action's output is. */
static struct str exported_object(struct arena *a, struct str json) {
    struct err ignored = ERR_INIT;
    json_t *list cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    json_t *o cleanup_json = json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *var = json_array_get(list, i);
        json_set_str(o, str_z(a, json_str(var, "name")), json_str(var, "value"));
    }
    return json_dump_str(a, o);
}

static int build_ended(void *ud, struct db *db, struct arena *a, const struct build_row *row,
                       struct err *err) {
    struct release *r = ud;
    if (sts_session_end_build(db, row->uuid, err) < 0 ||
        batch_build_ended(&r->flow, a, row, err) < 0) {
        return -1;
    }
    struct build_outcome outcome = {
        .ok = str_is(row->status, "SUCCEEDED"),
        .status = row->status,
        .message = build_failure_text(a, row),
        .output_variables = exported_object(a, row->exported),
        .outputs = row->artifacts,
    };
    struct str external = str_printf(a, "%.*s:%.*s", STR_ARG(row->project), STR_ARG(row->uuid));
    return execution_build_ended(&r->flow, a, external, &outcome, err);
}

/* How a build's account is reached: nothing to say for embedded ones. */
static int plan_account(void *ud, struct arena *a, struct plan *plan, struct err *err) {
    struct release *r = ud;
    struct account account;
    if (db_begin(r->flow.db, err) < 0) {
        return -1;
    }
    int found = account_find(r->flow.db, a, plan->account, &account, err);
    db_rollback(r->flow.db);
    if (found > 0 && !str_is(account.kind, "embedded")) {
        plan->aws = true;
        plan->endpoint = account.endpoint;
        plan->ca_file = world_ca_file(a, &account);
    }
    return found < 0 ? -1 : 0;
}

static int log_target(void *ud, struct arena *a, struct str account, struct str region,
                      struct aws_target *ret, struct err *err) {
    struct release *r = ud;
    return world_service_target(r->world, a, S("codebuild.amazonaws.com"), account, region, ret,
                                err);
}

/* ---- connections ---- */

static int connection(void *ud, struct arena *a, struct str account, struct str arn,
                      struct str repository, struct str *ret_url, struct err *err) {
    struct release *r = ud;
    if (db_begin(r->flow.db, err) < 0) {
        return -1;
    }
    int found = connections_resolve(r->flow.db, a, account, arn, repository, ret_url, err);
    db_rollback(r->flow.db);
    if (found < 0 && err->kind == ERR_NOT_FOUND) {
        return 0;
    }
    return found < 0 ? -1 : 1;
}

static int revoke(void *ud, struct db *db, struct str build, struct err *err) {
    (void)ud;
    return sts_session_end_build(db, build, err);
}

static void changed(void *ud) {
    struct release *r = ud;
    if (r->watch != NULL) {
        watch_poke(r->watch);
    }
    if (r->changed != NULL) {
        r->changed(r->changed_ud);
    }
}

/* ---- together ---- */

int release_new(const struct release_config *config, struct release **ret, struct err *err) {
    struct release *r = mem_alloc(sizeof(*r));
    r->world = config->world;
    r->url = (char *)mem_str_dup(config->url).p;
    r->changed = config->changed;
    r->changed_ud = config->changed_ud;
    emitter_init(&r->emitter, config->db, config->world);
    r->flow = (struct flow){
        .db = config->db,
        .clock = config->clock,
        .rng = config->rng,
        .world = world_aws(config->world),
        .data_dir = config->data_dir,
        .url = str_c(r->url),
        .events = &r->emitter.events,
        .connection = connection,
        .connection_ud = r,
        .revoke = revoke,
        .revoke_ud = r,
        .changed = config->changed,
        .changed_ud = config->changed_ud,
    };
    for (size_t i = 0; i < config->notify.n; i++) {
        if (egress_allow(&r->arena, &r->networks, config->notify.v[i], err) < 0) {
            release_free(r);
            return -1;
        }
    }
    struct builds_config builds = {
        .flow = &r->flow,
        .hooks = {build_ended, r},
        .program = config->program,
        .account = plan_account,
        .account_ud = r,
        .log_target = log_target,
        .log_ud = r,
        .notify = config->notify,
    };
    r->builds = builds_new(&builds);
    size_t n = 0;
    const struct queue_kind *kinds = execution_jobs(&r->flow, &n);
    memcpy(r->kinds, kinds, n * sizeof(*kinds));
    r->kinds[n++] = builds_queue_kind(r->builds);
    r->kinds[n++] = codebuild_status_kind(&r->networks);
    r->kinds[n++] = trigger_pull_kind(&r->flow);
    size_t batch_n = 0;
    const struct queue_kind *batch_kinds = batch_jobs(&r->flow, &batch_n);
    memcpy(r->kinds + n, batch_kinds, batch_n * sizeof(*batch_kinds));
    r->n_kinds = n + batch_n;
    codepipeline_serve(&r->flow, changed, r);
    codebuild_serve(&r->flow);
    *ret = r;
    return 0;
}

const struct flow *release_flow(const struct release *r) {
    return &r->flow;
}

const struct queue_kind *release_jobs(struct release *r, size_t *ret_n) {
    *ret_n = r->n_kinds;
    return r->kinds;
}

int release_start(struct release *r, struct err *err) {
    return builds_watch(r->builds, err) < 0 || watch_start(&r->flow, &r->watch, err) < 0 ? -1 : 0;
}

void release_poke(struct release *r, struct str build) {
    builds_poke(r->builds, build);
}

void release_free(struct release *r) {
    if (r == NULL) {
        return;
    }
    watch_stop(r->watch);
    builds_free(r->builds);
    free(r->url);
    arena_done(&r->arena);
    free(r);
}
