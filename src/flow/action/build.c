/* Build/CodeBuild and Test/CodeBuild: a build of the project, from the action's input artifacts.
 * The build's token is the attempt's id, so that starting an attempt again finds the build that is
 * there. Its end comes back through execution_build_ended; a batch (build_batch.c) is looked at. */
#include "flow/action/providers.h"

#include "flow/action/build_batch.h"
#include "flow/action/build_order.h"
#include "gen/codebuild.h"

/* The action's role must be allowed to start this project's builds. */
static int check_right(struct action_run *run, const struct aws_target *target, bool batch,
                       struct err *err) {
    struct str name = action_setting(run, "ProjectName");
    struct str role = action_setting(run, "ServiceRoleArnOverride");
    role = role.n > 0 ? role : STR_NONE;
    struct codebuild_start_build_input one = {.project_name = name, .service_role_override = role};
    struct codebuild_start_build_batch_input many = {.project_name = name,
                                                     .service_role_override = role};
    return batch ? aws_allowed(run->flow->world, run->arena, target,
                               &codebuild_op_start_build_batch, &many, err)
                 : aws_allowed(run->flow->world, run->arena, target, &codebuild_op_start_build,
                               &one, err);
}

static int make(void *ud, struct action_run *run, struct str *ret_uuid, struct err *err) {
    return build_start(run->flow, run->arena, ud, ret_uuid, err);
}

int action_build_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                       struct err *err) {
    struct aws_target target;
    struct build_order order;
    bool batch = false;
    bool combine = false;
    if (action_flag(run, "BatchEnabled", &batch, err) < 0 ||
        action_flag(run, "CombineArtifacts", &combine, err) < 0) {
        return -1;
    }
    if (combine && !batch) {
        return err_set(err, ERR_INVALID, "CombineArtifacts needs BatchEnabled");
    }
    if (batch && run->action.external_id.n > 0) {
        return build_batch_look(run, ret_ended, ret_end, err);
    }
    if (action_target(run, &target, err) < 0 || check_right(run, &target, batch, err) < 0 ||
        build_order_read(run, &target, &order, err) < 0) {
        return -1;
    }
    return batch ? build_batch_begin(run, &order, combine, err)
                 : build_order_launch(run, make, &order, err);
}

/* ---- ending ---- */

/* First its credentials end, then it is asked to stop. */
static int end_build(struct action_run *run, struct str uuid, bool *ret_ended, struct err *err) {
    struct build_row build;
    int found = build_load(run->flow->db, run->arena, uuid, &build, err);
    *ret_ended = found == 0 || (found > 0 && build.complete);
    return found < 0 || (!*ret_ended && (build_revoke(run->flow, uuid, err) < 0 ||
                                         build_stop(run->flow, uuid, err) < 0))
               ? -1
               : 0;
}

/* The stage is unlocked only after the build is dead: this takes its rights away, asks it to stop,
 * and fails as unavailable until it has ended; the job comes back. */
int action_build_kill(struct action_run *run, struct err *err) {
    size_t colon = str_find_c(run->action.external_id, ':', 0);
    if (run->action.external_id.p == NULL || colon == (size_t)-1) {
        return 0; /* it was never started */
    }
    bool ended = false;
    struct str uuid = str_sub(run->action.external_id, colon + 1, run->action.external_id.n);
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int batch = build_batch_kill(run, uuid, &ended, err);
    if (batch < 0 || (batch == 0 && end_build(run, uuid, &ended, err) < 0)) {
        db_rollback(run->flow->db);
        return -1;
    }
    if (db_commit(run->flow->db, err) < 0) {
        return -1;
    }
    return ended ? 0 : err_set(err, ERR_UNAVAILABLE, "build %.*s is still ending", STR_ARG(uuid));
}
