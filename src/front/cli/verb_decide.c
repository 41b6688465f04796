/* trunkline approve, reject, retry, stop, disable, enable: a person acts on a release. */
#include "front/cli/out.h"
#include "front/cli/pick.h"
#include "front/cli/place.h"

struct acting {
    struct cli *c;
    struct aws_target target;
    struct str pipeline;
};

static int begin(struct acting *act, struct cli *c, struct err *err) {
    act->c = c;
    return place_target(c, NULL, &act->target, err) < 0
               ? -1
               : pick_pipeline(c, &act->target, &act->pipeline, err);
}

/* One line, or with --json the same facts. */
static int told(struct acting *act, const char *done, struct str stage, struct str execution) {
    struct cli *c = act->c;
    if (c->json) {
        json_t *o = json_object();
        json_set_str(o, "done", str_c(done));
        json_set_str(o, "pipeline", act->pipeline);
        json_set_str(o, "stage", stage);
        json_set_str(o, "execution", execution);
        return out_json(c, o);
    }
    fprintf(c->out, "%s " STR_FMT "%s" STR_FMT "%s" STR_FMT "\n", done, STR_ARG(act->pipeline),
            stage.n ? " / " : "", STR_ARG(stage), execution.n ? ", release " : "",
            STR_ARG(execution));
    return EXIT_DONE;
}

/* ---- approve, reject ---- */

struct waiting {
    struct str stage, action, token, execution;
};

/* The only approval that waits, or the one in `stage`. */
static int find_waiting(struct acting *act, const char *stage, struct waiting *ret,
                        struct err *err) {
    struct codepipeline_get_pipeline_state_input in = {.name = act->pipeline};
    struct codepipeline_get_pipeline_state_output out;
    size_t found = 0;
    if (codepipeline_call_get_pipeline_state(&act->target, &act->c->arena, &in, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < out.stage_states.n; i++) {
        const struct codepipeline_stage_state *s = &out.stage_states.v[i];
        for (size_t k = 0; k < s->action_states.n; k++) {
            const struct codepipeline_action_execution *e = s->action_states.v[k].latest_execution;
            if (e && e->token.n && str_is(e->status, "InProgress") &&
                (stage == NULL || str_is(s->stage_name, stage))) {
                *ret = (struct waiting){
                    s->stage_name, s->action_states.v[k].action_name, e->token,
                    s->latest_execution ? s->latest_execution->pipeline_execution_id : STR_NONE};
                found++;
            }
        }
    }
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothing waits for approval in " STR_FMT "%s%s",
                       STR_ARG(act->pipeline), stage ? ", stage " : "", stage ? stage : "");
    }
    return found == 1 ? 0 : err_set(err, ERR_INVALID, "several approvals wait: name the stage");
}

static int answer(struct cli *c, const char *status, const char *done, struct err *err) {
    struct acting act;
    struct waiting w;
    const char *summary = cli_opt(c, "summary");
    if (begin(&act, c, err) < 0 || find_waiting(&act, c->args_n ? c->args[0] : NULL, &w, err) < 0) {
        return -1;
    }
    struct codepipeline_approval_result result = {.status = str_c(status),
                                                  .summary = str_c(summary ? summary : "")};
    struct codepipeline_put_approval_result_input in = {
        .pipeline_name = act.pipeline,
        .stage_name = w.stage,
        .action_name = w.action,
        .token = w.token,
        .result = &result,
    };
    struct codepipeline_put_approval_result_output out;
    if (codepipeline_call_put_approval_result(&act.target, &c->arena, &in, &out, err) < 0) {
        return -1;
    }
    return told(&act, done, w.stage, w.execution);
}

static int run_approve(struct cli *c, struct err *err) {
    return answer(c, "Approved", "Approved", err);
}

static int run_reject(struct cli *c, struct err *err) {
    return answer(c, "Rejected", "Rejected", err);
}

static const struct cli_option answer_options[] = {
    {"summary", 's', "TEXT", "why, kept with the release"},
    PICK_PIPELINE_OPTION,
    {0},
};

const struct cli_verb verb_approve = {
    .name = "approve",
    .group = CLI_RELEASE,
    .args = "[STAGE]",
    .max_args = 1,
    .summary = "Let the release that waits go on",
    .detail =
        "Answers with the action's token as it is now, so an approval that somebody else has\n"
        "answered, or that is for another release by now, is refused. Who answered is kept.",
    .options = answer_options,
    .run = run_approve,
};

const struct cli_verb verb_reject = {
    .name = "reject",
    .group = CLI_RELEASE,
    .args = "[STAGE]",
    .max_args = 1,
    .summary = "End the release that waits for approval",
    .options = answer_options,
    .run = run_reject,
};

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
    if (begin(&act, c, err) < 0 || find_failed(&act, &stage, &execution, err) < 0) {
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
    return told(&act, "Retrying", stage, execution);
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
    if (begin(&act, c, err) < 0 ||
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
    return told(&act, in.abandon ? "Abandoned" : "Stopping", STR_NONE, id);
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
    if (begin(&act, c, err) < 0) {
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
    return told(&act, "Closed the way into", in.stage_name, STR_NONE);
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
    if (begin(&act, c, err) < 0) {
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
    return told(&act, "Opened the way into", in.stage_name, STR_NONE);
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
