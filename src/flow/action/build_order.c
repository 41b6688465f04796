/* Implementation of build_order.h. */
#include "flow/action/build_order.h"

#include "flow/action/artifacts.h"
#include "flow/source/store.h"

/* ---- sources and outputs ---- */

/* 1 a source action made the artifact, 0 another one did, -1. */
static int source_taken(struct action_run *run, struct str artifact, struct source_revision *ret,
                        struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found =
        source_revision_of(run->flow->db, run->arena, run->execution.id, artifact, ret, err);
    db_rollback(run->flow->db);
    return found;
}

static int add_input(struct action_run *run, struct str name, struct build_order *order,
                     struct err *err) {
    struct artifact_row row;
    struct source_revision source;
    if (action_input(run, name, &row, err) < 0) {
        return -1;
    }
    int taken = source_taken(run, name, &source, err);
    if (taken < 0) {
        return -1;
    }
    *arena_push(run->arena, &order->inputs) =
        (struct build_artifact_location){.name = row.name,
                                         .bucket = row.bucket,
                                         .key = row.key,
                                         .sha256 = row.sha256,
                                         .clone = taken > 0 ? source.clone : STR_NONE};
    if (order->inputs.n == 1 && taken > 0) { /* the primary source's revision is the build's */
        order->resolved_version = source.revision.commit;
    }
    return 0;
}

static int primary_source(const struct action_run *run, struct str *ret, struct err *err) {
    *ret = action_setting(run, "PrimarySource");
    bool compute = str_is(run->decl->category, "Compute"); /* there the first one is */
    if (ret->n == 0 && run->decl->inputs.n > 1 && !compute) {
        return err_set(err, ERR_INVALID,
                       "PrimarySource must be given: the action has %zu input artifacts",
                       run->decl->inputs.n);
    }
    if (ret->n == 0 && run->decl->inputs.n > 0) {
        *ret = run->decl->inputs.v[0];
    }
    return str_list_has(&run->decl->inputs, *ret)
               ? 0
               : err_set(err, ERR_INVALID,
                         "PrimarySource %.*s is not one of the action's input artifacts",
                         STR_ARG(*ret));
}

/* PrimarySource comes first, then the others in their order. */
static int add_inputs(struct action_run *run, struct build_order *to, struct err *err) {
    struct str primary = STR_NONE;
    if (primary_source(run, &primary, err) < 0 || add_input(run, primary, to, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < run->decl->inputs.n; i++) {
        if (!str_eq(run->decl->inputs.v[i], primary) &&
            add_input(run, run->decl->inputs.v[i], to, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void add_outputs(struct action_run *run, struct build_order *to) {
    for (size_t i = 0; i < run->decl->outputs.n; i++) {
        struct action_artifact place = action_output(run, run->decl->outputs.v[i]);
        *arena_push(run->arena, &to->outputs) = (struct build_artifact_location){
            .name = place.name, .bucket = place.bucket, .key = place.key};
    }
}

/* ---- together ---- */

int build_order_common(struct action_run *run, const struct aws_target *target,
                       struct build_order *ret, struct err *err) {
    struct revision revision;
    *ret = (struct build_order){
        .account = target->account,
        .region = run->region,
        .token = run->action.id,
        .initiator = str_printf(run->arena, "codepipeline/%.*s", STR_ARG(run->pipeline.name)),
        .kms_key = run->store->encryption_key,
    };
    if (revision_from_json(run->arena, run->execution.revision, &revision)) {
        ret->resolved_version = revision.commit;
    }
    add_outputs(run, ret);
    return add_inputs(run, ret, err);
}

int build_order_read(struct action_run *run, const struct aws_target *target,
                     struct build_order *ret, struct err *err) {
    if (build_order_common(run, target, ret, err) < 0) {
        return -1;
    }
    ret->project = action_setting(run, "ProjectName");
    ret->buildspec = action_setting(run, "BuildspecOverride");
    ret->service_role = action_setting(run, "ServiceRoleArnOverride");
    return build_order_env(run->arena, action_setting(run, "EnvironmentVariables"), ret, err);
}

static int note(struct action_run *run, struct str uuid, struct err *err) {
    struct arena *a = run->arena;
    struct build_row build;
    int found = build_load(run->flow->db, a, uuid, &build, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the build that was started is gone");
    }
    struct action_row detail = {
        .external_id = str_printf(a, "%.*s:%.*s", STR_ARG(build.project), STR_ARG(uuid)),
        .external_url =
            str_printf(a, "%.*s/console/builds/%.*s", STR_ARG(run->flow->url), STR_ARG(uuid)),
    };
    if (build.log_group.p != NULL) {
        detail.log_stream = str_printf(a, "arn:aws:logs:%.*s:%.*s:log-group:%.*s:log-stream:%.*s",
                                       STR_ARG(build.region), STR_ARG(build.account),
                                       STR_ARG(build.log_group), STR_ARG(build.log_stream));
    }
    return action_note(run, &detail, err);
}

int build_order_launch(struct action_run *run, build_maker make, void *ud, struct err *err) {
    struct str uuid = STR_NONE;
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (make(ud, run, &uuid, err) < 0 || note(run, uuid, err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}
