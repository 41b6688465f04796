/* Build/CodeBuild and Test/CodeBuild: a build of the project, from the action's input artifacts.
 * The build's token is the attempt's id, so that starting an attempt again finds the build that is
 * there. Its end comes back through execution_build_ended. */
#include "flow/action/providers.h"

#include "flow/build/build.h"
#include "gen/codebuild.h"
#include "platform/text/json.h"

/* ---- what the build is given ---- */

static int add_input(struct action_run *run, struct str name, json_t *inputs,
                     struct build_order *order, struct err *err) {
    struct artifact_row row;
    int found = record_artifact_get(run->flow->db, run->arena, run->execution.id, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_INVALID,
                                   "input artifact %.*s was not made by any action", STR_ARG(name));
    }
    *arena_push(run->arena, &order->inputs) =
        (struct build_artifact_location){row.name, row.bucket, row.key, row.sha256};
    json_t *o = json_object();
    json_set_str(o, "name", row.name);
    json_set_str(o, "bucket", row.bucket);
    json_set_str(o, "key", row.key);
    json_set_str(o, "sha256", row.sha256);
    json_array_append_new(inputs, o);
    return 0;
}

/* PrimarySource comes first, then the others in their order. */
static int add_inputs(struct action_run *run, json_t *inputs, struct build_order *order,
                      struct err *err) {
    struct str primary = action_setting(run, "PrimarySource");
    if (primary.n == 0) {
        primary = run->decl->inputs.v[0];
    }
    if (add_input(run, primary, inputs, order, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < run->decl->inputs.n; i++) {
        if (!str_eq(run->decl->inputs.v[i], primary) &&
            add_input(run, run->decl->inputs.v[i], inputs, order, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void add_outputs(struct action_run *run, struct build_order *order) {
    for (size_t i = 0; i < run->decl->outputs.n; i++) {
        struct str name = run->decl->outputs.v[i];
        *arena_push(run->arena, &order->outputs) = (struct build_artifact_location){
            .name = name,
            .bucket = run->store->bucket,
            .key = action_artifact_key(run->arena, run->def.name, name, run->action.id)};
    }
}

/* ---- starting ---- */

static int note_build(struct action_run *run, struct str uuid, struct str inputs, struct err *err) {
    struct arena *a = run->arena;
    struct build_row build;
    int found = build_load(run->flow->db, a, uuid, &build, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the build that was started is gone");
    }
    struct action_row detail = {
        .id = run->action.id,
        .external_id = str_printf(a, "%.*s:%.*s", STR_ARG(build.project), STR_ARG(uuid)),
        .external_url =
            str_printf(a, "%.*s/console/builds/%.*s", STR_ARG(run->flow->url), STR_ARG(uuid)),
        .inputs = inputs,
    };
    if (build.log_group.p != NULL) {
        detail.log_stream = str_printf(a, "arn:aws:logs:%.*s:%.*s:log-group:%.*s:log-stream:%.*s",
                                       STR_ARG(build.region), STR_ARG(build.account),
                                       STR_ARG(build.log_group), STR_ARG(build.log_stream));
    }
    flow_changed(run->flow); /* its page links to the build */
    return record_action_detail(run->flow->db, &detail, clock_now_ms(run->flow->clock), err);
}

static int start(struct action_run *run, struct err *err) {
    struct build_order order = {
        .account = run->pipeline.account,
        .region = run->pipeline.region,
        .project = action_setting(run, "ProjectName"),
        .token = run->action.id,
        .initiator = str_printf(run->arena, "codepipeline/%.*s", STR_ARG(run->pipeline.name)),
        .buildspec = action_setting(run, "BuildspecOverride"),
        .kms_key = run->store->encryption_key,
    };
    struct revision revision;
    if (revision_from_json(run->arena, run->execution.revision, &revision)) {
        order.resolved_version = revision.commit;
    }
    json_t *inputs cleanup_json = json_array();
    struct str uuid = STR_NONE;
    add_outputs(run, &order);
    return add_inputs(run, inputs, &order, err) < 0 ||
                   build_order_env(run->arena, action_setting(run, "EnvironmentVariables"), &order,
                                   err) < 0 ||
                   build_start(run->flow, run->arena, &order, &uuid, err) < 0 ||
                   note_build(run, uuid, json_dump_str(run->arena, inputs), err) < 0
               ? -1
               : 0;
}

/* The pipeline's role must be allowed to start this project's builds. */
static int check_right(struct action_run *run, struct err *err) {
    struct aws_target target;
    struct codebuild_start_build_input in = {.project_name = action_setting(run, "ProjectName")};
    return action_target(run, &target, err) < 0 ? -1
                                                : aws_allowed(run->flow->world, run->arena, &target,
                                                              &codebuild_op_start_build, &in, err);
}

int action_build_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                       struct err *err) {
    (void)ret_end;
    *ret_ended = false;
    if (check_right(run, err) < 0 || db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (start(run, err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}

/* ---- ending ---- */

static int ask_to_stop(struct action_run *run, struct str uuid, bool *ret_ended, struct err *err) {
    struct build_row build;
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = build_load(run->flow->db, run->arena, uuid, &build, err);
    *ret_ended = found == 0 || (found > 0 && build.complete);
    if (found < 0 || (!*ret_ended && build_stop(run->flow, uuid, err) < 0)) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}

/* The stage is unlocked only after the build is dead: this asks it to stop and fails as unavailable
 * until it has ended; the job comes back. */
int action_build_kill(struct action_run *run, struct err *err) {
    size_t colon = str_find_c(run->action.external_id, ':', 0);
    if (run->action.external_id.p == NULL || colon == (size_t)-1) {
        return 0; /* it was never started */
    }
    bool ended = false;
    struct str uuid = str_sub(run->action.external_id, colon + 1, run->action.external_id.n);
    if (ask_to_stop(run, uuid, &ended, err) < 0) {
        return -1;
    }
    return ended ? 0 : err_set(err, ERR_UNAVAILABLE, "build %.*s is still ending", STR_ARG(uuid));
}
