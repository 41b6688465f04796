/* Invoke/StepFunctions: starts a state machine and waits for its end. The execution's name is made
 * of the attempt's id, so that it starts once. No embedded account serves state machines: there the
 * start is refused, and says so. Facts: Step Functions invoke action reference. */
#include "flow/action/artifacts.h"
#include "flow/action/providers.h"

#include "gen/stepfunctions.h"
#include "platform/text/json.h"

enum {
    OFTEN_FOR_MS = 60 * 1000,
    MAX_INPUT = 262144, /* Step Functions' */
    MAX_PREFIX = 43,    /* of a name of 80 characters, before "-" and the attempt's id */
};

/* A literal, or with InputType FilePath a file of the input artifact. */
static int read_input(struct action_run *run, const struct aws_target *target, struct str *ret,
                      struct err *err) {
    struct artifact_row row;
    *ret = action_setting(run, "Input");
    if (!str_is(action_setting(run, "InputType"), "FilePath")) {
        return 0;
    }
    return action_input_named(run, STR_NONE, &row, err) < 0
               ? -1
               : action_input_file(run, target, &row, *ret, MAX_INPUT, ret, err);
}

static struct str execution_name(struct action_run *run) {
    struct str prefix = str_sub(action_setting(run, "ExecutionNamePrefix"), 0, MAX_PREFIX);
    return prefix.n > 0 ? str_printf(run->arena, STR_FMT "-" STR_FMT, STR_ARG(prefix),
                                     STR_ARG(run->action.id))
                        : run->action.id;
}

/* The execution's address: as noted, or, where we died between its start and the note, made of the
 * machine's (arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[:ALIAS]) and its name. */
static struct str execution_arn(struct action_run *run) {
    const struct str kind = S(":stateMachine:");
    struct str machine = action_setting(run, "StateMachineArn");
    size_t at = str_find(machine, kind, 0);
    if (run->action.external_id.n > 0 || at == (size_t)-1) {
        return run->action.external_id;
    }
    size_t name = at + kind.n;
    size_t end = str_find_c(machine, ':', name);
    return str_printf(run->arena, STR_FMT ":execution:" STR_FMT ":" STR_FMT,
                      STR_ARG(str_sub(machine, 0, at)), STR_ARG(str_sub(machine, name, end)),
                      STR_ARG(execution_name(run)));
}

/* That there is one of this name already says that this attempt has started it before. */
static int begin(struct action_run *run, const struct aws_target *target, struct err *err) {
    struct arena *a = run->arena;
    struct stepfunctions_start_execution_input in = {
        .state_machine_arn = action_setting(run, "StateMachineArn"),
        .name = execution_name(run),
    };
    struct stepfunctions_start_execution_output out = {0};
    if (read_input(run, target, &in.input, err) < 0 ||
        stepfunctions_call_start_execution(target, a, &in, &out, err) < 0) {
        if (err->kind != ERR_EXISTS) {
            return err_wrap(err, "state machine " STR_FMT, STR_ARG(in.state_machine_arn));
        }
        out.execution_arn = execution_arn(run);
    }
    struct action_row detail = {.external_id = out.execution_arn};
    return action_note(run, &detail, err) < 0 ? -1 : action_look_again(run, OFTEN_FOR_MS);
}

static int look(struct action_run *run, const struct aws_target *target,
                struct stepfunctions_describe_execution_output *ret, struct err *err) {
    struct stepfunctions_describe_execution_input in = {.execution_arn = execution_arn(run)};
    *ret = (struct stepfunctions_describe_execution_output){0};
    return stepfunctions_call_describe_execution(target, run->arena, &in, ret, err) < 0
               ? err_wrap(err, "execution " STR_FMT, STR_ARG(in.execution_arn))
               : 0;
}

static bool goes_on(struct str status) {
    return str_is(status, "RUNNING") || str_is(status, "PENDING_REDRIVE");
}

/* What the execution answered, as the output artifact's only file. */
static int put_output(struct action_run *run, const struct aws_target *target, struct str text,
                      struct action_end *ret, struct err *err) {
    if (run->decl->outputs.n == 0) {
        return 0;
    }
    struct action_artifact artifact = action_output(run, run->decl->outputs.v[0]);
    return action_output_text(run, target, S("output.json"), text.n > 0 ? text : S("{}"), &artifact,
                              err) < 0
               ? -1
               : action_store_outputs(run, &artifact, 1, &ret->outputs, err);
}

static int succeeded(struct action_run *run, const struct aws_target *target,
                     const struct stepfunctions_describe_execution_output *out,
                     struct action_end *ret, struct err *err) {
    json_t *o cleanup_json = json_object();
    json_set_str(o, "ExecutionArn", run->action.external_id);
    json_set_str(o, "StateMachineArn", action_setting(run, "StateMachineArn"));
    ret->output_variables = json_dump_str(run->arena, o);
    return put_output(run, target, out->output, ret, err);
}

int action_step_functions_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                                struct err *err) {
    struct aws_target target;
    struct stepfunctions_describe_execution_output out;
    if (action_target(run, &target, err) < 0) {
        return -1;
    }
    if (run->action.external_id.n == 0) {
        return begin(run, &target, err);
    }
    if (look(run, &target, &out, err) < 0) {
        return -1;
    }
    if (goes_on(out.status)) {
        return action_look_again(run, OFTEN_FOR_MS);
    }
    *ret_ended = true;
    ret_end->ok = str_is(out.status, "SUCCEEDED");
    ret_end->summary =
        str_printf(run->arena, "Execution " STR_FMT " ended as " STR_FMT "%s" STR_FMT,
                   STR_ARG(run->action.external_id), STR_ARG(out.status),
                   out.cause.n > 0 ? ": " : "", STR_ARG(out.cause));
    if (!ret_end->ok) {
        ret_end->error_code = S("JobFailed");
        ret_end->error_message = ret_end->summary;
        return 0;
    }
    return succeeded(run, &target, &out, ret_end, err);
}

/* Whoever may not stop it, or finds it gone, has nothing to wait for. */
int action_step_functions_kill(struct action_run *run, struct err *err) {
    struct aws_target target;
    struct stepfunctions_describe_execution_output out;
    struct stepfunctions_stop_execution_output stopped;
    struct err why = ERR_INIT;
    if (execution_arn(run).n == 0) {
        return 0; /* names no state machine, so nothing was started */
    }
    if (action_target(run, &target, &why) < 0 || look(run, &target, &out, &why) < 0) {
        if (action_is_gone(&why)) {
            return 0;
        }
        *err = why; /* that nobody answers does not mean that it is dead */
        return -1;
    }
    if (!goes_on(out.status)) {
        return 0;
    }
    struct stepfunctions_stop_execution_input in = {
        .execution_arn = execution_arn(run),
        .cause = S("the action that started it was abandoned")};
    if (stepfunctions_call_stop_execution(&target, run->arena, &in, &stopped, &why) < 0 &&
        action_is_gone(&why)) {
        return 0;
    }
    return err_set(err, ERR_UNAVAILABLE, "execution " STR_FMT " is still ending",
                   STR_ARG(in.execution_arn));
}
