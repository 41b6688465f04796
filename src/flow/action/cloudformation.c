/* Deploy/CloudFormation: stacks and change sets. A call that begins something carries the attempt's
 * id as its token; what goes on is noted as the attempt's external id and looked at by its job, so
 * that a crash between the two begins nothing twice. Facts: CloudFormation's configuration
 * properties reference; the variables reference. */
#include "flow/action/providers.h"

#include "flow/action/stack_outputs.h"
#include "flow/action/stack_request.h"
#include "platform/text/json.h"

struct deployment {
    struct action_run *run;
    struct aws_target target;
    struct str stack_name;
    struct str change_set;
    struct cloudformation_stack stack; /* as described last */
    bool there;
    bool *ret_ended;
    struct action_end *ret_end;
};

/* ---- ends ---- */

static int succeed(struct deployment *d, struct str summary, struct err *err) {
    *d->ret_ended = true;
    d->ret_end->ok = true;
    d->ret_end->summary = summary;
    return d->there ? stack_outputs(d->run, &d->target, &d->stack, d->ret_end, err) : 0;
}

static int fail(struct deployment *d, struct str why) {
    *d->ret_ended = true;
    *d->ret_end =
        (struct action_end){.error_code = S("JobFailed"), .error_message = why, .summary = why};
    return 0;
}

static int again(struct deployment *d) {
    enum { OFTEN_FOR_MS = 30 * 1000 };
    return action_look_again(d->run, OFTEN_FOR_MS);
}

static int note(struct deployment *d, struct str external_id, struct err *err) {
    struct action_row detail = {.external_id = external_id};
    d->run->action.external_id = external_id;
    return action_note(d->run, &detail, err) < 0 ? -1 : again(d);
}

/* ---- looking ---- */

/* Fills d->stack and d->there. */
static int describe(struct deployment *d, struct str name_or_id, struct err *err) {
    struct cloudformation_describe_stacks_input in = {.stack_name = name_or_id};
    struct cloudformation_describe_stacks_output out = {0};
    d->there = false;
    if (cloudformation_call_describe_stacks(&d->target, d->run->arena, &in, &out, err) < 0) {
        if (strstr(err->msg, "does not exist") == NULL) {
            return -1;
        }
        *err = ERR_INIT;
        return 0;
    }
    if (out.stacks.n > 0) {
        d->stack = out.stacks.v[0];
        d->there = !str_is(d->stack.stack_status, "DELETE_COMPLETE");
    }
    return 0;
}

static bool in_progress(const struct deployment *d) {
    return str_ends(d->stack.stack_status, S("_IN_PROGRESS")) &&
           !str_is(d->stack.stack_status, "REVIEW_IN_PROGRESS");
}

/* The stack's events, newest first, as far as this attempt caused them. */
static int own_events(struct deployment *d, struct cloudformation_stack_event_list *ret,
                      struct err *err) {
    struct cloudformation_describe_stack_events_input in = {.stack_name = d->stack.stack_id};
    struct cloudformation_describe_stack_events_output out = {0};
    *ret = (struct cloudformation_stack_event_list){0};
    if (cloudformation_call_describe_stack_events(&d->target, d->run->arena, &in, &out, err) < 0) {
        return -1;
    }
    while (ret->n < out.stack_events.n &&
           str_eq(out.stack_events.v[ret->n].client_request_token, d->run->action.id)) {
        ret->n++;
    }
    ret->v = out.stack_events.v;
    return 0;
}

/* Did a life of ours that died begin it? 1 yes, 0 no. */
static int begun_before(struct deployment *d, struct err *err) {
    struct cloudformation_stack_event_list events;
    return !d->there ? 0 : own_events(d, &events, err) < 0 ? -1 : events.n > 0;
}

/* The resource that failed first, and its reason. */
static struct str reason_of_failure(struct deployment *d) {
    struct cloudformation_stack_event_list events = {0};
    struct err ignored = ERR_INIT;
    struct str reason = d->stack.stack_status_reason;
    if (own_events(d, &events, &ignored) < 0) {
        return reason;
    }
    for (size_t i = 0; i < events.n; i++) {
        const struct cloudformation_stack_event *e = &events.v[i];
        bool failed = str_ends(e->resource_status, S("_FAILED"));
        if (failed && e->resource_status_reason.n > 0 &&
            str_find(e->resource_status_reason, S("cancelled"), 0) == (size_t)-1) {
            reason =
                str_printf(d->run->arena, STR_FMT ": " STR_FMT, STR_ARG(e->logical_resource_id),
                           STR_ARG(e->resource_status_reason));
        }
    }
    return reason;
}

/* A stack that has settled, or not. */
static int judge_stack(struct deployment *d, struct err *err) {
    struct str status = d->there ? d->stack.stack_status : S("DELETE_COMPLETE");
    if (d->there && in_progress(d)) {
        return again(d);
    }
    struct str text = str_printf(d->run->arena, "Stack " STR_FMT " is " STR_FMT,
                                 STR_ARG(d->stack_name), STR_ARG(status));
    bool wanted = str_is(action_setting(d->run, "ActionMode"), "DELETE_ONLY")
                      ? !d->there
                      : str_is(status, "CREATE_COMPLETE") || str_is(status, "UPDATE_COMPLETE");
    if (wanted) {
        return succeed(d, text, err);
    }
    struct str reason = d->there ? reason_of_failure(d) : STR_NONE;
    return fail(d, reason.n == 0 ? text
                                 : str_printf(d->run->arena, STR_FMT ". " STR_FMT, STR_ARG(text),
                                              STR_ARG(reason)));
}

/* ---- stacks ---- */

static int create(struct deployment *d, const struct stack_request *q, struct err *err) {
    struct cloudformation_create_stack_input in = {
        .stack_name = q->stack_name,
        .template_body = q->template_body,
        .template_url = q->template_url,
        .parameters = q->parameters,
        .capabilities = q->capabilities,
        .role_arn = q->role_arn.n > 0 ? q->role_arn : STR_NONE,
        .stack_policy_body = q->stack_policy,
        .tags = q->tags,
        .client_request_token = d->run->action.id,
    };
    struct cloudformation_create_stack_output out = {0};
    return cloudformation_call_create_stack(&d->target, d->run->arena, &in, &out, err) < 0
               ? -1
               : note(d, out.stack_id, err);
}

static int update(struct deployment *d, const struct stack_request *q, struct err *err) {
    struct cloudformation_update_stack_input in = {
        .stack_name = q->stack_name,
        .template_body = q->template_body,
        .template_url = q->template_url,
        .parameters = q->parameters,
        .capabilities = q->capabilities,
        .role_arn = q->role_arn.n > 0 ? q->role_arn : STR_NONE,
        .stack_policy_body = q->stack_policy,
        .tags = q->tags,
        .client_request_token = d->run->action.id,
    };
    struct cloudformation_update_stack_output out = {0};
    if (cloudformation_call_update_stack(&d->target, d->run->arena, &in, &out, err) == 0) {
        return note(d, out.stack_id, err);
    }
    if (strstr(err->msg, "No updates are to be performed") == NULL) {
        return -1;
    }
    *err = ERR_INIT;
    return succeed(d,
                   str_printf(d->run->arena, "Stack " STR_FMT ": no updates are to be performed",
                              STR_ARG(d->stack_name)),
                   err);
}

static int erase(struct deployment *d, struct err *err) {
    struct str role = action_setting(d->run, "RoleArn");
    struct cloudformation_delete_stack_input in = {
        .stack_name = d->stack.stack_id,
        .role_arn = role.n > 0 ? role : STR_NONE,
        .client_request_token = d->run->action.id,
    };
    struct cloudformation_delete_stack_output out;
    return cloudformation_call_delete_stack(&d->target, d->run->arena, &in, &out, err);
}

static bool has_failed(const struct deployment *d) {
    static const char *const states[] = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED",
                                         "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (str_is(d->stack.stack_status, states[i])) {
            return true;
        }
    }
    return false;
}

static int create_or_update(struct deployment *d, struct err *err) {
    struct stack_request request;
    bool replace = str_is(action_setting(d->run, "ActionMode"), "REPLACE_ON_FAILURE");
    if (replace && d->there && str_is(d->stack.stack_status, "DELETE_IN_PROGRESS")) {
        return again(d);
    }
    int begun = begun_before(d, err); /* a deletion of ours that has failed, too */
    if (begun != 0) {
        return begun < 0 ? -1 : note(d, d->stack.stack_id, err);
    }
    if (replace && d->there && has_failed(d)) {
        return erase(d, err) < 0 ? -1 : again(d); /* and create it once it is gone */
    }
    if (stack_request_read(d->run, &d->target, &request, err) < 0) {
        return -1;
    }
    bool exists = d->there && !str_is(d->stack.stack_status, "REVIEW_IN_PROGRESS");
    return exists ? update(d, &request, err) : create(d, &request, err);
}

static int delete_only(struct deployment *d, struct err *err) {
    if (!d->there) {
        return succeed(
            d,
            str_printf(d->run->arena, "Stack " STR_FMT " does not exist", STR_ARG(d->stack_name)),
            err);
    }
    return erase(d, err) < 0 ? -1 : note(d, d->stack.stack_id, err);
}

/* ---- change sets ---- */

/* 1 found, 0 not. */
static int find_change_set(struct deployment *d, struct str name_or_id,
                           struct cloudformation_describe_change_set_output *ret, struct err *err) {
    bool id = str_starts(name_or_id, S("arn:"));
    struct cloudformation_describe_change_set_input in = {
        .change_set_name = name_or_id, .stack_name = id ? STR_NONE : d->stack_name};
    *ret = (struct cloudformation_describe_change_set_output){0};
    if (cloudformation_call_describe_change_set(&d->target, d->run->arena, &in, ret, err) == 0) {
        return 1;
    }
    if (strstr(err->msg, "does not exist") == NULL) {
        return -1;
    }
    *err = ERR_INIT;
    return 0;
}

static bool has_no_changes(const struct cloudformation_describe_change_set_output *set) {
    return str_is(set->status, "FAILED") &&
           (str_find(set->status_reason, S("didn't contain changes"), 0) != (size_t)-1 ||
            str_find(set->status_reason, S("No updates are to be performed"), 0) != (size_t)-1);
}

static int judge_change_set(struct deployment *d, struct err *err) {
    struct arena *a = d->run->arena;
    struct cloudformation_describe_change_set_output set;
    int found = find_change_set(d, d->run->action.external_id, &set, err);
    if (found <= 0) {
        return found < 0 ? -1 : fail(d, S("The change set was deleted while it was made"));
    }
    bool empty = has_no_changes(&set);
    if (!str_is(set.status, "CREATE_COMPLETE") && !str_is(set.status, "FAILED")) {
        return again(d);
    }
    struct str text = str_printf(a, "Change set " STR_FMT " is " STR_FMT "%s" STR_FMT,
                                 STR_ARG(d->change_set), STR_ARG(set.status),
                                 set.status_reason.n > 0 ? ". " : "", STR_ARG(set.status_reason));
    if (str_is(set.status, "FAILED") && !empty) {
        return fail(d, text);
    }
    json_t *variables cleanup_json = json_object();
    json_set_str(variables, "StackName", d->stack_name);
    json_set_str(variables, "ChangeSetName", d->change_set);
    json_set_str(variables, "ChangeSetId", set.change_set_id);
    *d->ret_ended = true;
    *d->ret_end = (struct action_end){
        .ok = true, .summary = text, .output_variables = json_dump_str(a, variables)};
    return 0;
}

static int create_change_set(struct deployment *d, struct str mark, struct err *err) {
    struct stack_request q;
    if (stack_request_read(d->run, &d->target, &q, err) < 0) {
        return -1;
    }
    bool fresh = !d->there || str_is(d->stack.stack_status, "REVIEW_IN_PROGRESS");
    struct cloudformation_create_change_set_input in = {
        .stack_name = q.stack_name,
        .template_body = q.template_body,
        .template_url = q.template_url,
        .parameters = q.parameters,
        .capabilities = q.capabilities,
        .role_arn = q.role_arn.n > 0 ? q.role_arn : STR_NONE,
        .tags = q.tags,
        .change_set_name = d->change_set,
        .client_token = d->run->action.id,
        .description = mark,
        .change_set_type = fresh ? S("CREATE") : S("UPDATE"),
    };
    struct cloudformation_create_change_set_output out = {0};
    return cloudformation_call_create_change_set(&d->target, d->run->arena, &in, &out, err) < 0
               ? -1
               : note(d, out.id, err);
}

/* The description says whose it is. */
static int replace_change_set(struct deployment *d, struct err *err) {
    struct str mark = str_printf(d->run->arena, "CodePipeline " STR_FMT " " STR_FMT,
                                 STR_ARG(d->run->pipeline.name), STR_ARG(d->run->action.id));
    struct cloudformation_describe_change_set_output set;
    int found = find_change_set(d, d->change_set, &set, err);
    if (found > 0 && str_eq(set.description, mark)) {
        return note(d, set.change_set_id, err);
    }
    struct cloudformation_delete_change_set_input in = {.change_set_name = d->change_set,
                                                        .stack_name = d->stack_name};
    struct cloudformation_delete_change_set_output out;
    if (found < 0 || (found > 0 && cloudformation_call_delete_change_set(&d->target, d->run->arena,
                                                                         &in, &out, err) < 0)) {
        return -1;
    }
    return create_change_set(d, mark, err);
}

static int execute_change_set(struct deployment *d, struct err *err) {
    struct arena *a = d->run->arena;
    struct cloudformation_describe_change_set_output set;
    int begun = begun_before(d, err);
    if (begun != 0) {
        return begun < 0 ? -1 : note(d, d->stack.stack_id, err);
    }
    int found = find_change_set(d, d->change_set, &set, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_set(err, ERR_INVALID,
                                   "ChangeSet [" STR_FMT "] of stack " STR_FMT " does not exist",
                                   STR_ARG(d->change_set), STR_ARG(d->stack_name));
    }
    if (has_no_changes(&set)) {
        return succeed(
            d, str_printf(a, "Change set " STR_FMT " has no changes", STR_ARG(d->change_set)), err);
    }
    struct cloudformation_execute_change_set_input in = {.change_set_name = set.change_set_id,
                                                         .client_request_token = d->run->action.id};
    struct cloudformation_execute_change_set_output out;
    return cloudformation_call_execute_change_set(&d->target, a, &in, &out, err) < 0
               ? -1
               : note(d, set.stack_id, err);
}

/* ---- the provider ---- */

static const struct {
    const char *name;
    int (*begin)(struct deployment *d, struct err *err);
    int (*judge)(struct deployment *d, struct err *err);
    bool change_set; /* ChangeSetName is needed */
    bool template;   /* TemplatePath is */
} modes[] = {
    {"CHANGE_SET_EXECUTE", execute_change_set, judge_stack, true, false},
    {"CHANGE_SET_REPLACE", replace_change_set, judge_change_set, true, true},
    {"CREATE_UPDATE", create_or_update, judge_stack, false, true},
    {"DELETE_ONLY", delete_only, judge_stack, false, false},
    {"REPLACE_ON_FAILURE", create_or_update, judge_stack, false, true},
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static int read_mode(struct deployment *d, size_t *ret, struct err *err) {
    struct action_run *run = d->run;
    struct str mode = action_setting(run, "ActionMode");
    for (*ret = 0; *ret < MODES && !str_is(mode, modes[*ret].name); ++*ret) {
    }
    if (*ret == MODES) {
        return err_set(err, ERR_INVALID,
                       "ActionMode '" STR_FMT "' is none of CREATE_UPDATE, REPLACE_ON_FAILURE, "
                       "CHANGE_SET_REPLACE, CHANGE_SET_EXECUTE and DELETE_ONLY",
                       STR_ARG(mode));
    }
    d->stack_name = action_setting(run, "StackName");
    d->change_set = action_setting(run, "ChangeSetName");
    const char *missing = d->stack_name.n == 0                             ? "StackName"
                          : modes[*ret].change_set && d->change_set.n == 0 ? "ChangeSetName"
                          : modes[*ret].template && action_setting(run, "TemplatePath").n == 0
                              ? "TemplatePath"
                              : NULL;
    return missing == NULL ? 0
                           : err_set(err, ERR_INVALID, "%s needs %s", modes[*ret].name, missing);
}

int action_cloudformation_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                                struct err *err) {
    struct deployment d = {.run = run, .ret_ended = ret_ended, .ret_end = ret_end};
    size_t mode = 0;
    if (read_mode(&d, &mode, err) < 0 || action_target(run, &d.target, err) < 0) {
        return -1;
    }
    struct str begun = run->action.external_id;
    bool of_stack = modes[mode].judge == judge_stack;
    if (begun.n > 0 && !of_stack) {
        return modes[mode].judge(&d, err);
    }
    if (describe(&d, begun.n > 0 ? begun : d.stack_name, err) < 0) {
        return -1;
    }
    return begun.n > 0 ? modes[mode].judge(&d, err) : modes[mode].begin(&d, err);
}

/* Where we died between a call and the note of it, the stack's events tell whose it is. */
static int find_begun(struct deployment *d, struct err *err) {
    if (describe(d, action_setting(d->run, "StackName"), err) < 0) {
        return -1;
    }
    int ours = begun_before(d, err);
    d->there = ours > 0;
    struct action_row detail = {.external_id = d->stack.stack_id};
    return ours <= 0 ? ours : action_note(d->run, &detail, err);
}

/* CloudFormation undoes or finishes what it has begun: an update is cancelled, and the stack is
 * left alone only when nothing changes it any more. */
int action_cloudformation_kill(struct action_run *run, struct err *err) {
    struct deployment d = {.run = run};
    struct str begun = run->action.external_id;
    bool set = str_is(action_setting(run, "ActionMode"), "CHANGE_SET_REPLACE");
    if (set || action_setting(run, "StackName").n == 0) {
        return 0;
    }
    struct err why = ERR_INIT;
    if (action_target(run, &d.target, &why) < 0 ||
        (begun.n > 0 ? describe(&d, begun, &why) : find_begun(&d, &why)) < 0) {
        *err = why;
        return action_is_gone(&why) ? 0 : -1;
    }
    if (!d.there || !in_progress(&d)) {
        return 0;
    }
    if (str_is(d.stack.stack_status, "UPDATE_IN_PROGRESS")) {
        struct cloudformation_cancel_update_stack_input in = {.stack_name = d.stack.stack_id};
        struct cloudformation_cancel_update_stack_output out;
        struct err ignored = ERR_INIT; /* it may have ended just now: the next look tells */
        (void)!cloudformation_call_cancel_update_stack(&d.target, run->arena, &in, &out, &ignored);
    }
    return err_set(err, ERR_UNAVAILABLE, "stack " STR_FMT " is still " STR_FMT,
                   STR_ARG(d.stack.stack_name), STR_ARG(d.stack.stack_status));
}
