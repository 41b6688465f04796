/* Invoke/CodePipeline: starts another pipeline and waits for its end. The start's request token is
 * the attempt's id, so that it starts once. Facts: CodePipeline invoke action reference. */
#include "flow/action/providers.h"

#include "gen/codepipeline.h"
#include "platform/text/json.h"

enum { OFTEN_FOR_MS = 60 * 1000, LOOK_BACK = 100 };

static int wrong(struct err *err, const char *key, const char *what) {
    return err_set(err, ERR_INVALID, "%s is not a JSON array of objects with %s", key, what);
}

/* Absent: no list. NULL with *ret_bad: not a list. */
static json_t *list_of(struct action_run *run, const char *key, bool *ret_bad) {
    struct err ignored = ERR_INIT;
    struct str text = action_setting(run, key);
    json_t *list = text.n > 0 ? json_parse(text, &ignored) : NULL;
    *ret_bad = text.n > 0 && !json_is_array(list);
    return list;
}

static int read_variables(struct action_run *run,
                          struct codepipeline_start_pipeline_execution_input *to, struct err *err) {
    bool bad = false;
    json_t *list cleanup_json = list_of(run, "Variables", &bad);
    for (size_t i = 0; !bad && i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct codepipeline_pipeline_variable one = {str_dup(run->arena, json_str(o, "name")),
                                                     str_dup(run->arena, json_str(o, "value"))};
        bad = one.name.n == 0 || one.value.n == 0;
        *arena_push(run->arena, &to->variables) = one;
    }
    return bad ? wrong(err, "Variables", "name and value") : 0;
}

static int read_revisions(struct action_run *run,
                          struct codepipeline_start_pipeline_execution_input *to, struct err *err) {
    bool bad = false;
    json_t *list cleanup_json = list_of(run, "SourceRevisions", &bad);
    for (size_t i = 0; !bad && i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct codepipeline_source_revision_override one = {
            str_dup(run->arena, json_str(o, "actionName")),
            str_dup(run->arena, json_str(o, "revisionType")),
            str_dup(run->arena, json_str(o, "revisionValue"))};
        bad = one.action_name.n == 0 || one.revision_type.n == 0 || one.revision_value.n == 0;
        *arena_push(run->arena, &to->source_revisions) = one;
    }
    return bad ? wrong(err, "SourceRevisions", "actionName, revisionType and revisionValue") : 0;
}

static int begin(struct action_run *run, const struct aws_target *target, struct err *err) {
    struct arena *a = run->arena;
    struct codepipeline_start_pipeline_execution_input in = {
        .name = action_setting(run, "PipelineName"), .client_request_token = run->action.id};
    struct codepipeline_start_pipeline_execution_output out = {0};
    if (read_variables(run, &in, err) < 0 || read_revisions(run, &in, err) < 0 ||
        codepipeline_call_start_pipeline_execution(target, a, &in, &out, err) < 0) {
        return err_wrap(err, "pipeline " STR_FMT, STR_ARG(in.name));
    }
    struct action_row detail = {
        .external_id = out.pipeline_execution_id,
        .external_url = str_printf(a, STR_FMT "/console/pipelines/" STR_FMT "/executions/" STR_FMT,
                                   STR_ARG(run->flow->url), STR_ARG(in.name),
                                   STR_ARG(out.pipeline_execution_id)),
    };
    return action_note(run, &detail, err) < 0 ? -1 : action_look_again(run, OFTEN_FOR_MS);
}

static int look(struct action_run *run, const struct aws_target *target, struct str *ret_status,
                struct err *err) {
    struct codepipeline_get_pipeline_execution_input in = {
        .pipeline_name = action_setting(run, "PipelineName"),
        .pipeline_execution_id = run->action.external_id};
    struct codepipeline_get_pipeline_execution_output out = {0};
    if (codepipeline_call_get_pipeline_execution(target, run->arena, &in, &out, err) < 0) {
        return err_wrap(err, "pipeline " STR_FMT, STR_ARG(in.pipeline_name));
    }
    *ret_status = out.pipeline_execution != NULL ? out.pipeline_execution->status : STR_NONE;
    return 0;
}

static bool goes_on(struct str status) {
    return str_is(status, "InProgress") || str_is(status, "Stopping");
}

int action_pipeline_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                          struct err *err) {
    struct aws_target target;
    struct str status = STR_NONE;
    if (action_target(run, &target, err) < 0) {
        return -1;
    }
    if (run->action.external_id.n == 0) {
        return begin(run, &target, err);
    }
    if (look(run, &target, &status, err) < 0) {
        return -1;
    }
    if (goes_on(status)) {
        return action_look_again(run, OFTEN_FOR_MS);
    }
    struct str name = action_setting(run, "PipelineName");
    *ret_ended = true;
    ret_end->ok = str_is(status, "Succeeded");
    ret_end->summary =
        str_printf(run->arena, "Execution " STR_FMT " of pipeline " STR_FMT " ended as " STR_FMT,
                   STR_ARG(run->action.external_id), STR_ARG(name), STR_ARG(status));
    if (!ret_end->ok) {
        ret_end->error_code = S("JobFailed");
        ret_end->error_message = ret_end->summary;
        return 0;
    }
    json_t *o cleanup_json = json_object();
    json_set_str(o, "PipelineExecutionId", run->action.external_id);
    ret_end->output_variables = json_dump_str(run->arena, o);
    return 0;
}

/* Whether this attempt's own session started the execution. */
static bool is_ours(struct action_run *run,
                    const struct codepipeline_pipeline_execution_summary *e) {
    struct str by = e->trigger != NULL ? e->trigger->trigger_detail : STR_NONE;
    struct str session = action_session_name(run->arena, &run->action);
    return str_ends(by, str_printf(run->arena, "/" STR_FMT, STR_ARG(session)));
}

/* Where we died between the start and the note of its id, the id is that of the newest execution
 * that our session started. Absent: it was not started. */
static int find_started(struct action_run *run, const struct aws_target *target, struct err *err) {
    struct codepipeline_list_pipeline_executions_input in = {
        .pipeline_name = action_setting(run, "PipelineName"),
        .max_results = LOOK_BACK,
        .has_max_results = true};
    struct codepipeline_list_pipeline_executions_output out = {0};
    if (codepipeline_call_list_pipeline_executions(target, run->arena, &in, &out, err) < 0) {
        return err_wrap(err, "pipeline " STR_FMT, STR_ARG(in.pipeline_name));
    }
    for (size_t i = 0; i < out.pipeline_execution_summaries.n; i++) {
        const struct codepipeline_pipeline_execution_summary *e =
            &out.pipeline_execution_summaries.v[i];
        if (is_ours(run, e)) {
            run->action.external_id = e->pipeline_execution_id;
            return 0;
        }
    }
    return 0;
}

/* What this action has started is abandoned with it. Whoever may not stop it, or finds it gone,
 * has nothing to wait for. */
int action_pipeline_kill(struct action_run *run, struct err *err) {
    struct aws_target target;
    struct str status = STR_NONE;
    struct err why = ERR_INIT;
    if (action_target(run, &target, &why) < 0 ||
        (run->action.external_id.n == 0 && find_started(run, &target, &why) < 0) ||
        (run->action.external_id.n > 0 && look(run, &target, &status, &why) < 0)) {
        if (action_is_gone(&why)) {
            return 0;
        }
        *err = why; /* that nobody answers does not mean that it is dead */
        return -1;
    }
    if (!goes_on(status)) {
        return 0;
    }
    struct codepipeline_stop_pipeline_execution_input in = {
        .pipeline_name = action_setting(run, "PipelineName"),
        .pipeline_execution_id = run->action.external_id,
        .abandon = true,
        .has_abandon = true,
        .reason = S("the action that started it was abandoned")};
    struct codepipeline_stop_pipeline_execution_output out;
    bool asked = str_is(status, "Stopping") || codepipeline_call_stop_pipeline_execution(
                                                   &target, run->arena, &in, &out, &why) == 0;
    return !asked && action_is_gone(&why)
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "execution " STR_FMT " still ends",
                         STR_ARG(run->action.external_id));
}
