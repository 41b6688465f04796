/* CodeBuild and Commands: a build of the project, or of the rule's own commands, which passes when
 * it succeeds. The build's token is the rule's id, so that a look that is repeated finds the build
 * that is there. */
#include "flow/stage/rule.h"

#include "flow/action/commands.h"
#include "flow/build/build.h"
#include "flow/build/loose.h"
#include "flow/source/store.h"
#include "gen/codebuild.h"

enum { LOOK_AGAIN_MS = 500 };

static bool is_commands(const struct rule_run *run) {
    return str_is(run->rule->provider, "Commands");
}

static int add_input(struct rule_run *run, struct str name, struct build_order *order,
                     struct err *err) {
    const struct check_run *check = run->check;
    struct artifact_row row;
    int found =
        record_artifact_get(check->flow->db, check->arena, check->execution.id, name, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_INVALID,
                                   "input artifact %.*s was not made by any action", STR_ARG(name));
    }
    struct source_revision source;
    int taken =
        source_revision_of(check->flow->db, check->arena, check->execution.id, name, &source, err);
    if (taken < 0) {
        return -1;
    }
    *arena_push(check->arena, &order->inputs) =
        (struct build_artifact_location){.name = row.name,
                                         .bucket = row.bucket,
                                         .key = row.key,
                                         .sha256 = row.sha256,
                                         .clone = taken > 0 ? source.clone : STR_NONE};
    return 0;
}

static int add_inputs(struct rule_run *run, struct build_order *order, struct err *err) {
    struct str primary = rule_setting(run, "PrimarySource");
    if (primary.n > 0 && add_input(run, primary, order, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < run->rule->inputs.n; i++) {
        struct str name = run->rule->inputs.v[i];
        if (!str_eq(name, primary) && add_input(run, name, order, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int start_project(struct rule_run *run, struct build_order *order, struct str *ret_uuid,
                         struct err *err) {
    const struct check_run *check = run->check;
    order->project = rule_setting(run, "ProjectName");
    return build_order_env(check->arena, rule_setting(run, "EnvironmentVariables"), order, err) < 0
               ? -1
               : build_start(check->flow, check->arena, order, ret_uuid, err);
}

static int start_commands(struct rule_run *run, struct build_order *order, struct str *ret_uuid,
                          struct err *err) {
    const struct check_run *check = run->check;
    struct loose_build loose = {
        .order = order, .pipeline = check->pipeline.name, .commands = run->commands};
    commands_roles(check->def.role_arn, run->rule->role_arn, &loose, order);
    return loose_start(check->flow, check->arena, &loose, ret_uuid, err);
}

static int start_build(struct rule_run *run, struct str *ret_uuid, struct err *err) {
    const struct check_run *check = run->check;
    struct build_order order = {
        .account = check->pipeline.account,
        .region = check->pipeline.region,
        .token = run->id,
        .initiator = str_printf(check->arena, "codepipeline/%.*s", STR_ARG(check->pipeline.name)),
    };
    return add_inputs(run, &order, err) < 0 ? -1
           : is_commands(run)               ? start_commands(run, &order, ret_uuid, err)
                                            : start_project(run, &order, ret_uuid, err);
}

/* With the build, in its transaction: whoever drops the check finds what to end. */
static int note_build(struct rule_run *run, const struct build_row *build, struct err *err) {
    const struct check_run *check = run->check;
    int64_t now_ms = clock_now_ms(check->flow->clock);
    struct rule_row row = {
        .id = run->id,
        .condition = check->row.id,
        .pipeline = check->row.pipeline,
        .execution = check->row.execution,
        .stage = check->row.stage,
        .rule = run->rule->name,
        .status = S("InProgress"),
        .external_id =
            str_printf(check->arena, "%.*s:%.*s", STR_ARG(build->project), STR_ARG(build->uuid)),
        .started_ms = now_ms,
        .updated_ms = now_ms,
    };
    return record_rule_put(check->flow->db, &row, err);
}

/* Nothing starts for a check that is over. In a transaction. */
static int begin_build(struct rule_run *run, struct str *ret_uuid, struct err *err) {
    int over = stage_check_over(run->check, err);
    return over > 0   ? err_set(err, ERR_CANCELLED, "the check is over")
           : over < 0 ? -1
                      : start_build(run, ret_uuid, err);
}

/* The build of this rule, made if it is not there. In a transaction. */
static int find_build(struct rule_run *run, struct build_row *ret, struct err *err) {
    const struct check_run *check = run->check;
    struct str uuid = STR_NONE;
    if (run->before != NULL && run->before->external_id.p != NULL) {
        size_t colon = str_find_c(run->before->external_id, ':', 0);
        uuid = str_sub(run->before->external_id, colon + 1, run->before->external_id.n);
    } else if (begin_build(run, &uuid, err) < 0) {
        return -1;
    }
    int found = build_load(check->flow->db, check->arena, uuid, ret, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the rule's build is gone");
    }
    bool noted = run->before != NULL && run->before->external_id.p != NULL;
    return noted ? 0 : note_build(run, ret, err);
}

static int may_start(struct rule_run *run, struct err *err) {
    struct aws_target target;
    struct codebuild_start_build_input in = {.project_name = rule_setting(run, "ProjectName")};
    if (is_commands(run)) {
        return 0; /* they have the rights of the pipeline's or the rule's role, and no more */
    }
    return rule_target(run, &target, err) < 0
               ? -1
               : aws_allowed(run->check->flow->world, run->check->arena, &target,
                             &codebuild_op_start_build, &in, err);
}

int rule_build_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    const struct check_run *check = run->check;
    struct build_row build;
    if ((run->before == NULL && may_start(run, err) < 0) || db_begin(check->flow->db, err) < 0) {
        return -1;
    }
    if (find_build(run, &build, err) < 0) {
        db_rollback(check->flow->db);
        return -1;
    }
    if (db_commit(check->flow->db, err) < 0) {
        return -1;
    }
    bool ok = str_is(build.status, "SUCCEEDED");
    ret->verdict = !build.complete ? RULE_WAITS : ok ? RULE_PASSED : RULE_FAILED;
    ret->external_id =
        str_printf(check->arena, "%.*s:%.*s", STR_ARG(build.project), STR_ARG(build.uuid));
    ret->external_url = str_printf(check->arena, "%.*s/console/builds/%.*s",
                                   STR_ARG(check->flow->url), STR_ARG(build.uuid));
    ret->summary =
        build.complete
            ? str_printf(check->arena, "Build terminated with state: %.*s", STR_ARG(build.status))
            : str_printf(check->arena, "Build %.*s runs", STR_ARG(ret->external_id));
    ret->again_ms = LOOK_AGAIN_MS;
    return 0;
}

int rule_build_end(const struct flow *f, struct arena *a, const struct rule_row *row,
                   struct err *err) {
    (void)a;
    size_t colon = str_find_c(row->external_id, ':', 0);
    if (colon == (size_t)-1 || db_begin(f->db, err) < 0) {
        return colon == (size_t)-1 ? 0 : -1;
    }
    struct str uuid = str_sub(row->external_id, colon + 1, row->external_id.n);
    if (build_revoke(f, uuid, err) < 0 || build_stop(f, uuid, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}
