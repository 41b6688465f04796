/* trunkline retry, stop, disable, enable: a person acts on a release. */
#include "front/cli/acting.h"

/* ---- retry ---- */

/* The stage whose newest release failed; the last one in the pipeline's order. */
static int find_failed(struct acting *act, struct str *ret_stage, struct str *ret_execution,
                       struct err *err) {
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    const char *named = act->c->args_n ? act->c->args[0] : NULL;
    *ret_stage = STR_NONE;
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &in, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &out.stage_states.v[i];
        bool wanted = named
                          ? str_is(s->stage_name, named)
                          : s->latest_execution && (str_is(s->latest_execution->status, "Failed") ||
                                                    str_is(s->latest_execution->status, "Stopped"));
        if (wanted && s->latest_execution) {
            *ret_stage = s->stage_name;
            *ret_execution = s->latest_execution->pipeline_execution_id;
        }
    }
    if (ret_stage->p) {
        return 0;
    }
    return named ? err_set(err, ERR_NOT_FOUND, "stage %s has nothing to retry", named)
                 : err_set(err, ERR_NOT_FOUND, "no stage of " STR_FMT " has failed",
                           STR_ARG(act->pipeline));
}

static int run_retry(struct cli *c, struct err *err) {
    struct acting act;
    struct str stage, execution;
    if (acting_begin(&act, c, err) < 0 || find_failed(&act, &stage, &execution, err) < 0) {
        return -1;
    }
    struct codepipeline_retry_stage_execution_input in = {
        .pipeline_name = act.pipeline,
        .stage_name = stage,
        .pipeline_execution_id = execution,
        .retry_mode = cli_has(c, "all") ? S("ALL_ACTIONS") : S("FAILED_ACTIONS"),
    };
    struct codepipeline_retry_stage_execution_output out;
    if (codepipeline_call_retry_stage_execution(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, "Retrying", stage, execution);
}

static const struct cli_option retry_options[] = {
    {"all", 0, NULL, "run all actions of the stage again, not only the failed ones"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_retry = {
    .name = "retry",
    .group = CLI_RELEASE,
    .args = "[STAGE]",
    .max_args = 1,
    .summary = "Run a failed stage again, with the same commit",
    .detail = "The stage that failed, or STAGE. A closed gate is looked at again.",
    .options = retry_options,
    .run = run_retry,
};

/* ---- stop ---- */

static int run_stop(struct cli *c, struct err *err) {
    struct acting act;
    struct str id;
    if (acting_begin(&act, c, err) < 0 ||
        pick_release(c, &act.target, act.pipeline, c->args_n ? c->args[0] : NULL, &id, err) < 0) {
        return -1;
    }
    struct codepipeline_stop_pipeline_execution_input in = {
        .pipeline_name = act.pipeline,
        .pipeline_execution_id = id,
        .abandon = cli_has(c, "abandon"),
        .has_abandon = true,
        .reason = str_c(cli_opt(c, "reason")),
    };
    struct codepipeline_stop_pipeline_execution_output out;
    if (codepipeline_call_stop_pipeline_execution(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, in.abandon ? "Abandoned" : "Stopping", STR_NONE, id);
}

static const struct cli_option stop_options[] = {
    {"abandon", 0, NULL, "end what runs now, instead of letting it end by itself"},
    {"reason", 'r', "TEXT", "why, kept with the release"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_stop = {
    .name = "stop",
    .group = CLI_RELEASE,
    .args = "[EXECUTION]",
    .max_args = 1,
    .summary = "Stop a release",
    .detail =
        "The newest one, or the one whose id begins with EXECUTION. Actions that run are let\n"
        "end; --abandon kills their builds.",
    .options = stop_options,
    .run = run_stop,
};

/* ---- transitions ---- */

static int run_disable(struct cli *c, struct err *err) {
    struct acting act;
    const char *reason = cli_opt(c, "reason");
    if (acting_begin(&act, c, err) < 0) {
        return -1;
    }
    struct codepipeline_disable_stage_transition_input in = {
        .pipeline_name = act.pipeline,
        .stage_name = str_c(c->args[0]),
        .transition_type = S("Inbound"),
        .reason = str_c(reason ? reason : "closed by trunkline disable"),
    };
    struct codepipeline_disable_stage_transition_output out;
    if (codepipeline_call_disable_stage_transition(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, "Closed the way into", in.stage_name, STR_NONE);
}

static const struct cli_option disable_options[] = {
    {"reason", 'r', "TEXT", "why, shown to whoever waits"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_disable = {
    .name = "disable",
    .group = CLI_RELEASE,
    .args = "STAGE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Let no release enter a stage",
    .options = disable_options,
    .run = run_disable,
};

static int run_enable(struct cli *c, struct err *err) {
    struct acting act;
    if (acting_begin(&act, c, err) < 0) {
        return -1;
    }
    struct codepipeline_enable_stage_transition_input in = {
        .pipeline_name = act.pipeline,
        .stage_name = str_c(c->args[0]),
        .transition_type = S("Inbound"),
    };
    struct codepipeline_enable_stage_transition_output out;
    if (codepipeline_call_enable_stage_transition(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return acting_told(&act, "Opened the way into", in.stage_name, STR_NONE);
}

static const struct cli_option enable_options[] = {PICK_PIPELINE_OPTION, {0}};

const struct cli_verb verb_enable = {
    .name = "enable",
    .group = CLI_RELEASE,
    .args = "STAGE",
    .min_args = 1,
    .max_args = 1,
    .summary = "Let releases enter a stage again",
    .options = enable_options,
    .run = run_enable,
};
