/* Stacks as operations: creating, updating, deleting, cancelling. The work itself is the job's
 * (run.c). */
#include "services/cloudformation/cloudformation.h"

enum { LINGER_MS = 5000 };

int cf_need_stack(struct call *c, struct str name_or_id, struct cf_stack *ret, struct err *err) {
    int found = cf_stack_find(c->db, c->arena, c->account, c->region, name_or_id, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0
               ? 0
               : cf_invalid(err, "Stack with id " STR_FMT " does not exist", STR_ARG(name_or_id));
}

bool cf_can_update(struct str status) {
    static const char *const open[] = {
        "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_FAILED",   "CREATE_FAILED",   NULL};
    return cf_list_has(open, status);
}

static bool is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        if (!letter && (i == 0 || (ch != '-' && !(ch >= '0' && ch <= '9')))) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 128;
}

int cf_new_stack(struct call *c, struct str name, const char *status, struct str template,
                 struct cf_stack *ret, struct err *err) {
    if (!is_name(name)) {
        return cf_invalid(err,
                          "1 validation error detected: Value '" STR_FMT
                          "' at 'stackName' failed to satisfy constraint: Member must satisfy "
                          "regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
                          STR_ARG(name));
    }
    *ret = (struct cf_stack){
        .id = str_printf(c->arena, "arn:aws:cloudformation:%.*s:%.*s:stack/%.*s/%.*s",
                         STR_ARG(c->region), STR_ARG(c->account), STR_ARG(name),
                         STR_ARG(rng_uuid(c->rng, c->arena))),
        .account = c->account,
        .region = c->region,
        .name = name,
        .status = str_c(status),
        .template = template,
        .created_ms = c->now_ms,
        .body = json_object(),
    };
    return 0;
}

struct wait {
    struct str id;
};

static int settled(struct db *db, void *ud, struct err *err) {
    struct wait *w = ud;
    int64_t busy = 0;
    int found = db_get_i64(db, &busy, err,
                           "SELECT operation IS NOT NULL FROM cf_stack WHERE id = ?", "s", w->id);
    return found < 0 ? -1 : found == 0 || busy == 0;
}

int cf_begin(struct call *c, struct cf_stack *stack, const char *kind, json_t *operation,
             struct err *err) {
    bool create = strcmp(kind, "CREATE") == 0;
    bool delete = strcmp(kind, "DELETE") == 0;
    struct str token = cf_json_str(c->arena, operation, "token");
    json_set_str(operation, "id", rng_uuid(c->rng, c->arena));
    json_set_str(operation, "kind", str_c(kind));
    if (json_object_get(operation, "phase") == NULL) {
        json_set_str(operation, "phase", delete ? S("delete") : S("apply"));
    }
    json_decref(stack->operation);
    stack->operation = operation;
    if (json_object_get(operation, "status") == NULL) {
        stack->status = create   ? S("CREATE_IN_PROGRESS")
                        : delete ? S("DELETE_IN_PROGRESS")
                                 : S("UPDATE_IN_PROGRESS");
    } else {
        stack->status = cf_json_str(c->arena, operation, "status");
    }
    stack->reason = S("User Initiated");
    stack->updated_ms = create ? 0 : c->now_ms;
    struct wait *w = arena_new(c->arena, struct wait);
    w->id = stack->id;
    c->linger = (struct call_linger){settled, w, LINGER_MS};
    if (cf_stack_put(c->db, c->rng, stack, err) < 0 ||
        cf_stack_event(c->db, c->rng, c->arena, stack, token, c->now_ms, err) < 0) {
        return -1;
    }
    return queue_add(c->db, CF_RUN, stack->id, STR_NONE, 0, err);
}

/* A stack shows what it is being made of from the start. */
static void adopt_early(struct cf_stack *stack, const json_t *operation) {
    static const char *const keys[] = {"parameters", "tags", "capabilities", "roleArn",
                                       "notificationArns"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *value = json_object_get(operation, keys[i]);
        if (value != NULL) {
            json_set(stack->body, keys[i], json_incref(value));
        }
    }
}

static struct str on_failure(struct str wanted, bool disabled) {
    return wanted.p != NULL ? wanted : disabled ? S("DO_NOTHING") : S("ROLLBACK");
}

static int refuse_policy(struct str body, struct str url, struct err *err) {
    return body.p == NULL && url.p == NULL
               ? 0
               : cf_invalid(err, "Stack policies are not available here");
}

int cloudformation_create_stack(struct call *c, const struct cloudformation_create_stack_input *in,
                                struct cloudformation_create_stack_output *out, struct err *err) {
    struct template t cleanup_template = {0};
    struct cf_stack have cleanup_stack = {0};
    struct cf_stack stack cleanup_stack = {0};
    json_t *operation = NULL;
    const struct cf_request request = {
        .template_body = in->template_body,
        .template_url = in->template_url,
        .parameters = in->parameters,
        .capabilities = in->capabilities,
        .tags = in->tags,
        .role_arn = in->role_arn,
        .notification_arns = in->notification_arns,
        .token = in->client_request_token,
        .disable = on_failure(in->on_failure, in->has_disable_rollback && in->disable_rollback),
    };
    if (in->on_failure.p != NULL && in->has_disable_rollback) {
        return cf_invalid(err,
                          "You can specify either DisableRollback or OnFailure, but not both.");
    }
    if (refuse_policy(in->stack_policy_body, in->stack_policy_url, err) < 0) {
        return -1;
    }
    int found = cf_stack_find(c->db, c->arena, c->account, c->region, in->stack_name, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &cloudformation_AlreadyExistsException,
                                   "Stack [" STR_FMT "] already exists", STR_ARG(in->stack_name));
    }
    if (cf_request_read(c, &request, NULL, &t, &operation, err) < 0) {
        return -1;
    }
    struct str text = cf_json_str(c->arena, operation, "template");
    if (cf_new_stack(c, in->stack_name, "CREATE_IN_PROGRESS", text, &stack, err) < 0) {
        json_decref(operation);
        return -1;
    }
    adopt_early(&stack, operation);
    json_set_str(stack.body, "description", json_str(t.root, "Description"));
    json_set(stack.body, "disableRollback",
             json_boolean(in->has_disable_rollback && in->disable_rollback));
    json_set(
        stack.body, "protect",
        json_boolean(in->has_enable_termination_protection && in->enable_termination_protection));
    if (in->has_timeout_in_minutes) {
        json_set(stack.body, "timeout", json_integer(in->timeout_in_minutes));
    }
    out->stack_id = stack.id;
    return cf_begin(c, &stack, "CREATE", operation, err);
}

int cloudformation_update_stack(struct call *c, const struct cloudformation_update_stack_input *in,
                                struct cloudformation_update_stack_output *out, struct err *err) {
    struct template t cleanup_template = {0};
    struct cf_stack stack cleanup_stack = {0};
    struct cf_change_list changes = {0};
    bool other = false;
    json_t *operation = NULL;
    const struct cf_request request = {
        .template_body = in->template_body,
        .template_url = in->template_url,
        .use_previous_template = in->has_use_previous_template && in->use_previous_template,
        .parameters = in->parameters,
        .capabilities = in->capabilities,
        .tags = in->tags,
        .role_arn = in->role_arn,
        .notification_arns = in->notification_arns,
        .token = in->client_request_token,
        .disable = on_failure(STR_NONE, in->has_disable_rollback && in->disable_rollback),
    };
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0 ||
        refuse_policy(in->stack_policy_body, in->stack_policy_url, err) < 0) {
        return -1;
    }
    if (!cf_can_update(stack.status)) {
        return cf_invalid(err, "Stack:" STR_FMT " is in " STR_FMT " state and can not be updated.",
                          STR_ARG(stack.id), STR_ARG(stack.status));
    }
    if (cf_request_read(c, &request, &stack, &t, &operation, err) < 0) {
        return -1;
    }
    json_t *owned cleanup_json = json_incref(operation);
    json_decref(operation);
    if (cf_plan(c->db, c->arena, &stack, &t, owned, &changes, &other, err) < 0) {
        return cf_to_api(err);
    }
    if (changes.n == 0 && !other) {
        return cf_invalid(err, "No updates are to be performed.");
    }
    json_set_str(stack.body, "description", json_str(t.root, "Description"));
    out->stack_id = stack.id;
    return cf_begin(c, &stack, "UPDATE", json_incref(owned), err);
}

int cloudformation_delete_stack(struct call *c, const struct cloudformation_delete_stack_input *in,
                                struct cloudformation_delete_stack_output *out, struct err *err) {
    (void)out;
    struct cf_stack stack cleanup_stack = {0};
    int found = cf_stack_find(c->db, c->arena, c->account, c->region, in->stack_name, &stack, err);
    if (found <= 0 || stack.deleted_ms != 0) {
        return found < 0 ? -1 : 0; /* gone: fine, as on AWS */
    }
    if (json_bool(stack.body, "protect")) {
        return cf_invalid(err,
                          "Stack [" STR_FMT "] cannot be deleted while TerminationProtection "
                          "is enabled",
                          STR_ARG(stack.name));
    }
    if (str_is(stack.status, "REVIEW_IN_PROGRESS")) {
        return cf_stack_remove(c->db, stack.id, err);
    }
    if (str_starts(stack.status, S("UPDATE_")) && str_ends(stack.status, S("_IN_PROGRESS"))) {
        return cf_invalid(err, "Stack [" STR_FMT "] cannot be deleted while in status " STR_FMT,
                          STR_ARG(stack.name), STR_ARG(stack.status));
    }
    if (str_is(stack.status, "DELETE_IN_PROGRESS")) {
        return 0;
    }
    json_t *operation = json_object();
    json_t *retain = json_array();
    for (size_t i = 0; i < in->retain_resources.n; i++) {
        json_array_append_new(retain, json_from_str(in->retain_resources.v[i]));
    }
    json_set(operation, "retain", retain);
    json_set(operation, "principal", cf_principal_json(c->principal));
    json_set_str(operation, "roleArn",
                 in->role_arn.p != NULL ? in->role_arn : json_str(stack.body, "roleArn"));
    json_set_str(operation, "token", in->client_request_token);
    return cf_begin(c, &stack, "DELETE", operation, err);
}

int cloudformation_cancel_update_stack(struct call *c,
                                       const struct cloudformation_cancel_update_stack_input *in,
                                       struct cloudformation_cancel_update_stack_output *out,
                                       struct err *err) {
    (void)out;
    struct cf_stack stack cleanup_stack = {0};
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
        return -1;
    }
    if (!str_is(stack.status, "UPDATE_IN_PROGRESS")) {
        return cf_invalid(err, "CancelUpdateStack cannot be called from current stack status");
    }
    json_set_str(stack.operation, "phase", S("rollback"));
    stack.status = S("UPDATE_ROLLBACK_IN_PROGRESS");
    stack.reason = S("User Initiated");
    if (cf_stack_put(c->db, c->rng, &stack, err) < 0) {
        return -1;
    }
    return cf_stack_event(c->db, c->rng, c->arena, &stack, in->client_request_token, c->now_ms,
                          err);
}

int cloudformation_continue_update_rollback(
    struct call *c, const struct cloudformation_continue_update_rollback_input *in,
    struct cloudformation_continue_update_rollback_output *out, struct err *err) {
    (void)out;
    struct cf_stack stack cleanup_stack = {0};
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
        return -1;
    }
    if (!str_is(stack.status, "UPDATE_ROLLBACK_FAILED")) {
        return cf_invalid(err,
                          "Stack:" STR_FMT " is in " STR_FMT " state and can not continue "
                          "rollback.",
                          STR_ARG(stack.id), STR_ARG(stack.status));
    }
    json_t *operation = json_object();
    json_t *skip = json_array();
    for (size_t i = 0; i < in->resources_to_skip.n; i++) {
        json_array_append_new(skip, json_from_str(in->resources_to_skip.v[i]));
    }
    json_set(operation, "skip", skip);
    json_set(operation, "principal", cf_principal_json(c->principal));
    json_set_str(operation, "roleArn",
                 in->role_arn.p != NULL ? in->role_arn : json_str(stack.body, "roleArn"));
    json_set_str(operation, "token", in->client_request_token);
    json_set_str(operation, "phase", S("rollback"));
    json_set_str(operation, "status", S("UPDATE_ROLLBACK_IN_PROGRESS"));
    return cf_begin(c, &stack, "UPDATE", operation, err);
}
