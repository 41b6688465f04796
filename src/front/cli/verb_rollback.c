/* trunkline rollback, override: a person puts an earlier release back, or goes past a condition. */
#include "front/cli/acting.h"

/* ---- rollback ---- */

static const char *stage_argument(struct acting *act) {
    return act->c->args_n > 0 ? act->c->args[0] : NULL;
}

/* The newest release that succeeded in the stage, but for the one that is in it now or was last. */
static int find_target(struct acting *act, const char *stage, struct str *ret, struct err *err) {
    struct codepipeline_succeeded_in_stage_filter in_stage = {.stage_name = str_c(stage)};
    struct codepipeline_pipeline_execution_filter filter = {.succeeded_in_stage = &in_stage};
    struct codepipeline_list_pipeline_executions_input list = {.pipeline_name = act->pipeline,
                                                               .filter = &filter};
    struct codepipeline_list_pipeline_executions_output out;
    struct codepipeline_get_pipeline_state_input get = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output state;
    struct str now = STR_NONE;
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &get, &state, err) < 0 ||
        codepipeline_call_list_pipeline_executions(&act->target, &act->c->arena, &list, &out, err) <
            0) {
        return -1;
    }
    for (size_t i = 0; i < state.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &state.stage_states.v[i];
        if (str_is(s->stage_name, stage) && s->latest_execution != NULL) {
            now = s->latest_execution->pipeline_execution_id;
        }
    }
    for (size_t i = 0; i < out.pipeline_execution_summaries.n; i++) {
        const struct codepipeline_pipeline_execution_summary *s =
            &out.pipeline_execution_summaries.v[i];
        if (!str_eq(s->pipeline_execution_id, now) && !str_is(s->execution_type, "ROLLBACK")) {
            *ret = s->pipeline_execution_id;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no earlier release has succeeded in stage %s", stage);
}

static int run_rollback(struct cli *c, struct err *err) {
    struct acting act;
    struct str target = STR_NONE;
    const char *to = cli_opt(c, "to");
    if (acting_begin(&act, c, err) < 0) {
        return -1;
    }
    const char *stage = stage_argument(&act);
    if ((to != NULL ? pick_release(c, &act.target, act.pipeline, to, &target, err)
                    : find_target(&act, stage, &target, err)) < 0) {
        return -1;
    }
    struct codepipeline_rollback_stage_input in = {.pipeline_name = act.pipeline,
                                                   .stage_name = str_c(stage),
                                                   .target_pipeline_execution_id = target};
    struct codepipeline_rollback_stage_output out;
    if (codepipeline_call_rollback_stage(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, str_printf(&c->arena, "Rolling back to %.8s,", target.p).p,
                       in.stage_name, out.pipeline_execution_id);
}

static const struct cli_option rollback_options[] = {
    {"to", 't', "EXECUTION",
     "the release whose id begins so; else the newest that succeeded there"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_rollback = {
    .name = "rollback",
    .group = CLI_RELEASE,
    .args = "STAGE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Run a stage again with what an earlier release had there",
    .detail =
        "A new release of type ROLLBACK: that stage alone, with the earlier release's commits,\n"
        "artifacts and variables. The earlier one must have succeeded in the stage, in the\n"
        "pipeline's current version.",
    .options = rollback_options,
    .run = run_rollback,
};

/* ---- override ---- */

static bool is_open(const struct codepipeline_stage_condition_state *s) {
    return s != NULL && s->latest_execution != NULL &&
           (str_is(s->latest_execution->status, "InProgress") ||
            str_is(s->latest_execution->status, "Failed") ||
            str_is(s->latest_execution->status, "Errored"));
}

/* Which condition of the stage holds it up; the entry comes first. */
static int find_condition(struct acting *act, const char *stage, struct str *ret_kind,
                          struct str *ret_execution, struct err *err) {
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &in, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &out.stage_states.v[i];
        bool after = is_open(s->on_success_condition_state);
        bool before = is_open(s->before_entry_condition_state);
        if (str_is(s->stage_name, stage) && s->latest_execution != NULL && (after || before)) {
            *ret_kind = after ? S("ON_SUCCESS") : S("BEFORE_ENTRY");
            *ret_execution = s->latest_execution->pipeline_execution_id;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no condition holds up stage %s", stage);
}

static int run_override(struct cli *c, struct err *err) {
    struct acting act;
    struct codepipeline_override_stage_condition_input in = {0};
    struct codepipeline_override_stage_condition_output out;
    if (acting_begin(&act, c, err) < 0) {
        return -1;
    }
    const char *stage = stage_argument(&act);
    in.pipeline_name = act.pipeline;
    in.stage_name = str_c(stage);
    if (find_condition(&act, stage, &in.condition_type, &in.pipeline_execution_id, err) < 0 ||
        codepipeline_call_override_stage_condition(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, "Overrode the condition of", in.stage_name, in.pipeline_execution_id);
}

static const struct cli_option override_options[] = {PICK_PIPELINE_OPTION, {0}};

const struct cli_verb verb_override = {
    .name = "override",
    .group = CLI_RELEASE,
    .args = "STAGE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Go past a condition that holds a stage up",
    .detail = "The one that is being checked, or by which the stage has failed. Who did is kept.",
    .options = override_options,
    .run = run_override,
};
