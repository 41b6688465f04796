/* Change sets: made at once, so that whoever asks finds them finished; executed as operations. */
#include "services/cloudformation/cloudformation.h"
#include "services/cloudformation/parameters.h"

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

/* The stack that the change set is for: an existing one, or a new one in review. */
static int target_stack(struct call *c, const struct cloudformation_create_change_set_input *in,
                        bool create, struct cf_stack *ret, struct err *err) {
    int found = cf_stack_find(c->db, c->arena, c->account, c->region, in->stack_name, ret, err);
    if (found < 0) {
        return -1;
    }
    bool review = found > 0 && str_is(ret->status, "REVIEW_IN_PROGRESS");
    if (!create) {
        if (found == 0 || review) {
            return cf_invalid(err, "Stack [" STR_FMT "] does not exist", STR_ARG(in->stack_name));
        }
        return cf_can_update(ret->status)
                   ? 0
                   : cf_invalid(err,
                                "Stack:" STR_FMT " is in " STR_FMT " state and can not be updated.",
                                STR_ARG(ret->id), STR_ARG(ret->status));
    }
    if (found > 0 && !review) {
        return cf_invalid(err,
                          "Stack [" STR_FMT "] already exists and cannot be created again with "
                          "the changeSet [" STR_FMT "].",
                          STR_ARG(ret->name), STR_ARG(in->change_set_name));
    }
    if (review) {
        return 0;
    }
    if (cf_new_stack(c, in->stack_name, "REVIEW_IN_PROGRESS", S(""), ret, err) < 0) {
        return -1;
    }
    ret->reason = S("User Initiated");
    if (cf_stack_put(c->db, c->rng, ret, err) < 0) {
        return -1;
    }
    return cf_stack_event(c->db, c->rng, c->arena, ret, in->client_token, c->now_ms, err);
}

static json_t *changes_json(const struct cf_change_list *changes) {
    json_t *list = json_array();
    for (size_t i = 0; i < changes->n; i++) {
        const struct cf_change *change = &changes->v[i];
        json_t *item = json_object();
        json_t *properties = json_array();
        json_set_str(item, "action", change->action);
        json_set_str(item, "id", change->logical_id);
        json_set_str(item, "physical", change->physical_id);
        json_set_str(item, "type", change->type);
        json_set_str(item, "replacement", change->replacement);
        for (size_t j = 0; j < change->properties.n; j++) {
            json_array_append_new(properties, json_from_str(change->properties.v[j]));
        }
        json_set(item, "properties", properties);
        json_array_append_new(list, item);
    }
    return list;
}

static int check_input(const struct cloudformation_create_change_set_input *in, struct err *err) {
    if (!is_name(in->change_set_name)) {
        return cf_invalid(err,
                          "1 validation error detected: Value '" STR_FMT
                          "' at 'changeSetName' failed to satisfy constraint: Member must satisfy "
                          "regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
                          STR_ARG(in->change_set_name));
    }
    if (str_is(in->change_set_type, "IMPORT") || in->resources_to_import.n > 0 ||
        (in->has_import_existing_resources && in->import_existing_resources)) {
        return cf_invalid(err, "Importing resources is not available here");
    }
    return 0;
}

int cloudformation_create_change_set(struct call *c,
                                     const struct cloudformation_create_change_set_input *in,
                                     struct cloudformation_create_change_set_output *out,
                                     struct err *err) {
    struct template t cleanup_template = {0};
    struct cf_stack stack cleanup_stack = {0};
    struct cf_change_set set cleanup_change_set = {0};
    struct cf_change_list changes = {0};
    bool create = str_is(in->change_set_type, "CREATE");
    bool other = false;
    const struct cf_request request = {
        .template_body = in->template_body,
        .template_url = in->template_url,
        .use_previous_template = in->has_use_previous_template && in->use_previous_template,
        .parameters = in->parameters,
        .capabilities = in->capabilities,
        .tags = in->tags,
        .role_arn = in->role_arn,
        .notification_arns = in->notification_arns,
        .token = in->client_token,
        .disable = in->on_stack_failure.p != NULL ? in->on_stack_failure : S("ROLLBACK"),
    };
    if (check_input(in, err) < 0 || target_stack(c, in, create, &stack, err) < 0) {
        return -1;
    }
    int found = cf_change_set_find(c->db, c->arena, stack.id, in->change_set_name, &set, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &cloudformation_AlreadyExistsException,
                                   "ChangeSet " STR_FMT " cannot be created due to a mismatch with "
                                   "existing attribute Template",
                                   STR_ARG(in->change_set_name));
    }
    if (cf_request_read(c, &request, create ? NULL : &stack, &t, &set.body, err) < 0) {
        return -1;
    }
    if (cf_plan(c->db, c->arena, &stack, &t, set.body, &changes, &other, err) < 0) {
        return cf_to_api(err);
    }
    bool empty = changes.n == 0 && !other;
    set.id = str_printf(c->arena, "arn:aws:cloudformation:%.*s:%.*s:changeSet/%.*s/%.*s",
                        STR_ARG(c->region), STR_ARG(c->account), STR_ARG(in->change_set_name),
                        STR_ARG(rng_uuid(c->rng, c->arena)));
    set.stack = stack.id;
    set.name = in->change_set_name;
    set.created_ms = c->now_ms;
    set.status = empty ? S("FAILED") : S("CREATE_COMPLETE");
    set.execution_status = empty ? S("UNAVAILABLE") : S("AVAILABLE");
    set.reason = empty ? S(CF_NO_CHANGES) : STR_NONE;
    set.template = cf_json_str(c->arena, set.body, "template");
    json_set(set.body, "changes", changes_json(&changes));
    json_set_str(set.body, "type", create ? S("CREATE") : S("UPDATE"));
    json_set_str(set.body, "description", in->description);
    json_set_str(set.body, "templateDescription", json_str(t.root, "Description"));
    json_set(set.body, "nested",
             json_boolean(in->has_include_nested_stacks && in->include_nested_stacks));
    out->id = set.id;
    out->stack_id = stack.id;
    return cf_change_set_put(c->db, c->rng, &set, err);
}

/* A change set by ARN, or by name of a stack. *ret_stack is its stack. */
static int need_change_set(struct call *c, struct str name_or_id, struct str stack_name,
                           struct cf_change_set *ret, struct cf_stack *ret_stack, struct err *err) {
    bool by_id = str_starts(name_or_id, S("arn:"));
    if (!by_id && stack_name.p == NULL) {
        return cf_invalid(err, "StackName must be specified if ChangeSetName is not specified as "
                               "an ARN.");
    }
    if (!by_id && cf_need_stack(c, stack_name, ret_stack, err) < 0) {
        return -1;
    }
    int found = cf_change_set_find(c->db, c->arena, ret_stack->id, name_or_id, ret, err);
    if (found > 0 && by_id) {
        found = cf_stack_find(c->db, c->arena, c->account, c->region, ret->stack, ret_stack, err);
    }
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0
                     : err_api(err, &cloudformation_ChangeSetNotFoundException,
                               "ChangeSet [" STR_FMT "] does not exist", STR_ARG(name_or_id));
}

static struct str_list strings(struct arena *a, const json_t *list) {
    struct str_list ret = {.v = arena_new_n(a, struct str, json_array_size(list) + 1)};
    for (size_t i = 0; i < json_array_size(list); i++) {
        ret.v[ret.n++] = str_dup(a, json_text(json_array_get(list, i)));
    }
    return ret;
}

static struct cloudformation_resource_change *show_change(struct arena *a, const json_t *item) {
    struct cloudformation_resource_change *r = arena_new(a, struct cloudformation_resource_change);
    struct str_list properties = strings(a, json_object_get(item, "properties"));
    struct str replacement = cf_json_str(a, item, "replacement");
    const struct cf_type *type = cf_type_find(json_str(item, "type"));
    r->action = cf_json_str(a, item, "action");
    r->logical_resource_id = cf_json_str(a, item, "id");
    r->physical_resource_id = cf_json_str(a, item, "physical");
    r->resource_type = cf_json_str(a, item, "type");
    r->replacement = replacement;
    r->scope.v = arena_new(a, struct str);
    if (properties.n > 0) {
        r->scope.v[r->scope.n++] = S("Properties");
    }
    r->details.v = arena_new_n(a, struct cloudformation_resource_change_detail, properties.n + 1);
    for (size_t i = 0; i < properties.n; i++) {
        struct cloudformation_resource_change_detail *d = &r->details.v[r->details.n++];
        struct str_list one = {&properties.v[i], 1};
        bool again = type != NULL && cf_needs_replacement(type, &one);
        d->target = arena_new(a, struct cloudformation_resource_target_definition);
        d->target->attribute = S("Properties");
        d->target->name = properties.v[i];
        d->target->requires_recreation = !again                               ? S("Never")
                                         : str_is(replacement, "Conditional") ? S("Conditionally")
                                                                              : S("Always");
        d->evaluation = str_is(replacement, "Conditional") ? S("Dynamic") : S("Static");
        d->change_source = S("DirectModification");
    }
    return r;
}

static struct cloudformation_tag_list show_tags(struct arena *a, const json_t *tags) {
    struct cloudformation_tag_list list = {
        .v = arena_new_n(a, struct cloudformation_tag, json_object_size(tags) + 1)};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value) {
        list.v[list.n++] =
            (struct cloudformation_tag){str_dup(a, str_c(key)), str_dup(a, json_text(value))};
    }
    return list;
}

int cloudformation_describe_change_set(struct call *c,
                                       const struct cloudformation_describe_change_set_input *in,
                                       struct cloudformation_describe_change_set_output *out,
                                       struct err *err) {
    struct cf_change_set set cleanup_change_set = {0};
    struct cf_stack stack cleanup_stack = {0};
    struct arena *a = c->arena;
    if (need_change_set(c, in->change_set_name, in->stack_name, &set, &stack, err) < 0) {
        return -1;
    }
    const json_t *changes = json_object_get(set.body, "changes");
    *out = (struct cloudformation_describe_change_set_output){
        .change_set_name = set.name,
        .change_set_id = set.id,
        .stack_id = stack.id,
        .stack_name = stack.name,
        .description = cf_json_str(a, set.body, "description"),
        .parameters = parameters_shown(a, json_object_get(set.body, "parameters")),
        .creation_time = set.created_ms,
        .has_creation_time = true,
        .execution_status = set.execution_status,
        .status = set.status,
        .status_reason = set.reason,
        .notification_arns = strings(a, json_object_get(set.body, "notificationArns")),
        .capabilities = strings(a, json_object_get(set.body, "capabilities")),
        .tags = show_tags(a, json_object_get(set.body, "tags")),
        .include_nested_stacks = json_bool(set.body, "nested"),
        .has_include_nested_stacks = true,
    };
    out->rollback_configuration = arena_new(a, struct cloudformation_rollback_configuration);
    out->changes.v = arena_new_n(a, struct cloudformation_change, json_array_size(changes) + 1);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        out->changes.v[out->changes.n++] = (struct cloudformation_change){
            .type = S("Resource"), .resource_change = show_change(a, json_array_get(changes, i))};
    }
    return 0;
}

/* The others of the stack were made for another state. */
static int drop_others(struct call *c, const struct cf_change_set *set, struct err *err) {
    struct str_list ids;
    if (cf_change_set_ids(c->db, c->arena, set->stack, &ids, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ids.n; i++) {
        if (!str_eq(ids.v[i], set->id) && cf_change_set_remove(c->db, ids.v[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int cloudformation_execute_change_set(struct call *c,
                                      const struct cloudformation_execute_change_set_input *in,
                                      struct cloudformation_execute_change_set_output *out,
                                      struct err *err) {
    (void)out;
    struct cf_change_set set cleanup_change_set = {0};
    struct cf_stack stack cleanup_stack = {0};
    if (need_change_set(c, in->change_set_name, in->stack_name, &set, &stack, err) < 0) {
        return -1;
    }
    bool create = str_is(json_str(set.body, "type"), "CREATE");
    bool ready = create ? str_is(stack.status, "REVIEW_IN_PROGRESS") : cf_can_update(stack.status);
    if (!str_is(set.execution_status, "AVAILABLE") || !ready) {
        return err_api(err, &cloudformation_InvalidChangeSetStatusException,
                       "ChangeSet [" STR_FMT
                       "] cannot be executed in its current status of [" STR_FMT "]",
                       STR_ARG(set.id), STR_ARG(ready ? set.status : stack.status));
    }
    json_t *operation = json_deep_copy(set.body);
    json_object_del(operation, "changes");
    json_object_del(operation, "type");
    json_set(operation, "principal", cf_principal_json(c->principal));
    json_set_str(operation, "token", in->client_request_token);
    if (in->has_disable_rollback && in->disable_rollback) {
        json_set_str(operation, "onFailure", S("DO_NOTHING"));
    }
    set.execution_status = S("EXECUTE_COMPLETE");
    stack.change_set = set.id;
    json_set_str(stack.body, "description", json_str(set.body, "templateDescription"));
    if (create) {
        static const char *const keys[] = {"parameters", "tags", "capabilities", "roleArn",
                                           "notificationArns"};
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            json_t *value = json_object_get(operation, keys[i]);
            if (value != NULL) {
                json_set(stack.body, keys[i], json_incref(value));
            }
        }
        stack.template = cf_json_str(c->arena, operation, "template");
    }
    if (cf_change_set_put(c->db, c->rng, &set, err) < 0 || drop_others(c, &set, err) < 0) {
        json_decref(operation);
        return -1;
    }
    return cf_begin(c, &stack, create ? "CREATE" : "UPDATE", operation, err);
}

int cloudformation_delete_change_set(struct call *c,
                                     const struct cloudformation_delete_change_set_input *in,
                                     struct cloudformation_delete_change_set_output *out,
                                     struct err *err) {
    (void)out;
    struct cf_change_set set cleanup_change_set = {0};
    struct cf_stack stack cleanup_stack = {0};
    if (need_change_set(c, in->change_set_name, in->stack_name, &set, &stack, err) < 0) {
        if (err->api == &cloudformation_ChangeSetNotFoundException) {
            *err = ERR_INIT;
            return 0;
        }
        return -1;
    }
    return cf_change_set_remove(c->db, set.id, err);
}

int cloudformation_list_change_sets(struct call *c,
                                    const struct cloudformation_list_change_sets_input *in,
                                    struct cloudformation_list_change_sets_output *out,
                                    struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct str_list ids;
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0 ||
        cf_change_set_ids(c->db, c->arena, stack.id, &ids, err) < 0) {
        return -1;
    }
    out->summaries.v = arena_new_n(c->arena, struct cloudformation_change_set_summary, ids.n + 1);
    for (size_t i = 0; i < ids.n; i++) {
        struct cf_change_set set cleanup_change_set = {0};
        if (cf_change_set_find(c->db, c->arena, stack.id, ids.v[i], &set, err) <= 0) {
            return -1;
        }
        out->summaries.v[out->summaries.n++] = (struct cloudformation_change_set_summary){
            .stack_id = stack.id,
            .stack_name = stack.name,
            .change_set_id = set.id,
            .change_set_name = set.name,
            .execution_status = set.execution_status,
            .status = set.status,
            .status_reason = set.reason,
            .creation_time = set.created_ms,
            .has_creation_time = true,
            .description = cf_json_str(c->arena, set.body, "description"),
        };
    }
    return 0;
}
