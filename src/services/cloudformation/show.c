/* Showing stacks: descriptions, resources, events, templates, exports. */
#include "services/cloudformation/cloudformation.h"
#include "services/cloudformation/parameters.h"
#include "services/core/page.h"

enum { PAGE = 100 };

static struct str_list strings(struct arena *a, const json_t *list) {
    struct str_list ret = {.v = arena_new_n(a, struct str, json_array_size(list) + 1)};
    for (size_t i = 0; i < json_array_size(list); i++) {
        ret.v[ret.n++] = str_dup(a, json_text(json_array_get(list, i)));
    }
    return ret;
}

static struct cloudformation_tag_list tags(struct arena *a, const json_t *object) {
    struct cloudformation_tag_list list = {
        .v = arena_new_n(a, struct cloudformation_tag, json_object_size(object) + 1)};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        list.v[list.n++] =
            (struct cloudformation_tag){str_dup(a, str_c(key)), str_dup(a, json_text(value))};
    }
    return list;
}

static struct cloudformation_output_list outputs(struct arena *a, const json_t *list) {
    struct cloudformation_output_list ret = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        *arena_push(a, &ret) =
            (struct cloudformation_output){cf_json_str(a, o, "k"), cf_json_str(a, o, "v"),
                                           cf_json_str(a, o, "d"), cf_json_str(a, o, "e")};
    }
    return ret;
}

static struct cloudformation_stack shown(struct call *c, const struct cf_stack *s) {
    struct arena *a = c->arena;
    const json_t *b = s->body;
    struct cloudformation_stack ret = {
        .stack_id = s->id,
        .stack_name = s->name,
        .change_set_id = s->change_set,
        .description = cf_json_str(a, b, "description"),
        .parameters = parameters_shown(a, json_object_get(b, "parameters")),
        .creation_time = s->created_ms,
        .has_creation_time = true,
        .deletion_time = s->deleted_ms,
        .has_deletion_time = s->deleted_ms != 0,
        .last_updated_time = s->updated_ms,
        .has_last_updated_time = s->updated_ms != 0,
        .stack_status = s->status,
        .stack_status_reason = s->reason,
        .disable_rollback = json_bool(b, "disableRollback"),
        .has_disable_rollback = true,
        .notification_arns = strings(a, json_object_get(b, "notificationArns")),
        .capabilities = strings(a, json_object_get(b, "capabilities")),
        .outputs = outputs(a, json_object_get(b, "outputs")),
        .role_arn = cf_json_str(a, b, "roleArn"),
        .tags = tags(a, json_object_get(b, "tags")),
        .enable_termination_protection = json_bool(b, "protect"),
        .has_enable_termination_protection = true,
        .timeout_in_minutes = (int32_t)json_int(b, "timeout"),
        .has_timeout_in_minutes = json_object_get(b, "timeout") != NULL,
    };
    ret.rollback_configuration = arena_new(a, struct cloudformation_rollback_configuration);
    ret.drift_information = arena_new(a, struct cloudformation_stack_drift_information);
    ret.drift_information->stack_drift_status = S("NOT_CHECKED");
    return ret;
}

int cloudformation_describe_stacks(struct call *c,
                                   const struct cloudformation_describe_stacks_input *in,
                                   struct cloudformation_describe_stacks_output *out,
                                   struct err *err) {
    struct str_list ids = {0};
    struct str after;
    if (!page_key(c, in->next_token, &after)) {
        return cf_invalid(err, "Invalid NextToken");
    }
    if (in->stack_name.p != NULL) {
        struct cf_stack stack cleanup_stack = {0};
        if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
            return -1;
        }
        *arena_push(c->arena, &out->stacks) = shown(c, &stack);
        return 0;
    }
    if (cf_stack_ids(c->db, c->arena, c->account, c->region, false, after, PAGE + 1, &ids, err) <
        0) {
        return -1;
    }
    out->stacks.v = arena_new_n(c->arena, struct cloudformation_stack, PAGE);
    for (size_t i = 0; i < ids.n && i < PAGE; i++) {
        struct cf_stack stack cleanup_stack = {0};
        if (cf_need_stack(c, ids.v[i], &stack, err) < 0) {
            return -1;
        }
        out->stacks.v[out->stacks.n++] = shown(c, &stack);
    }
    if (ids.n > PAGE) {
        out->next_token = page_token(c, ids.v[PAGE - 1]);
    }
    return 0;
}

int cloudformation_list_stacks(struct call *c, const struct cloudformation_list_stacks_input *in,
                               struct cloudformation_list_stacks_output *out, struct err *err) {
    struct str_list ids = {0};
    struct str after;
    if (!page_key(c, in->next_token, &after)) {
        return cf_invalid(err, "Invalid NextToken");
    }
    if (cf_stack_ids(c->db, c->arena, c->account, c->region, true, after, PAGE + 1, &ids, err) <
        0) {
        return -1;
    }
    out->stack_summaries.v = arena_new_n(c->arena, struct cloudformation_stack_summary, PAGE);
    for (size_t i = 0; i < ids.n && i < PAGE; i++) {
        struct cf_stack s cleanup_stack = {0};
        if (cf_need_stack(c, ids.v[i], &s, err) < 0) {
            return -1;
        }
        if (in->stack_status_filter.n > 0 && !str_list_has(&in->stack_status_filter, s.status)) {
            continue;
        }
        out->stack_summaries.v[out->stack_summaries.n++] = (struct cloudformation_stack_summary){
            .stack_id = s.id,
            .stack_name = s.name,
            .template_description = cf_json_str(c->arena, s.body, "description"),
            .creation_time = s.created_ms,
            .has_creation_time = true,
            .last_updated_time = s.updated_ms,
            .has_last_updated_time = s.updated_ms != 0,
            .deletion_time = s.deleted_ms,
            .has_deletion_time = s.deleted_ms != 0,
            .stack_status = s.status,
            .stack_status_reason = s.reason,
        };
    }
    if (ids.n > PAGE) {
        out->next_token = page_token(c, ids.v[PAGE - 1]);
    }
    return 0;
}

int cloudformation_describe_stack_events(
    struct call *c, const struct cloudformation_describe_stack_events_input *in,
    struct cloudformation_describe_stack_events_output *out, struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct cf_event_list rows;
    int64_t before = 0;
    if (!page_key_i64(c, in->next_token, &before)) {
        return cf_invalid(err, "Invalid NextToken");
    }
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0 ||
        cf_event_list(c->db, c->arena, stack.id, before, PAGE + 1, &rows, err) < 0) {
        return -1;
    }
    out->stack_events.v = arena_new_n(c->arena, struct cloudformation_stack_event, PAGE);
    for (size_t i = 0; i < rows.n && i < PAGE; i++) {
        const struct cf_event *e = &rows.v[i];
        out->stack_events.v[out->stack_events.n++] = (struct cloudformation_stack_event){
            .stack_id = stack.id,
            .event_id = e->id,
            .stack_name = stack.name,
            .logical_resource_id = e->logical_id,
            .physical_resource_id = e->physical_id.p != NULL ? e->physical_id : S(""),
            .resource_type = e->type,
            .timestamp = e->at_ms,
            .has_timestamp = true,
            .resource_status = e->status,
            .resource_status_reason = e->reason,
            .client_request_token = e->token,
        };
    }
    if (rows.n > PAGE) {
        out->next_token = page_token_i64(c, rows.v[PAGE - 1].seq);
    }
    return 0;
}

static struct cloudformation_stack_resource resource(struct arena *a, const struct cf_stack *s,
                                                     const struct cf_resource *r) {
    struct cloudformation_stack_resource ret = {
        .stack_name = s->name,
        .stack_id = s->id,
        .logical_resource_id = r->logical_id,
        .physical_resource_id = r->physical_id,
        .resource_type = r->type,
        .timestamp = r->at_ms,
        .has_timestamp = true,
        .resource_status = r->status,
        .resource_status_reason = r->reason,
    };
    ret.drift_information = arena_new(a, struct cloudformation_stack_resource_drift_information);
    ret.drift_information->stack_resource_drift_status = S("NOT_CHECKED");
    return ret;
}

int cloudformation_describe_stack_resources(
    struct call *c, const struct cloudformation_describe_stack_resources_input *in,
    struct cloudformation_describe_stack_resources_output *out, struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct cf_resource_list rows cleanup_resources = {0};
    struct str name = in->stack_name;
    if ((name.p != NULL) == (in->physical_resource_id.p != NULL)) {
        return cf_invalid(err, "Either StackName or PhysicalResourceId must be specified");
    }
    if (name.p == NULL && cf_resource_owner(c->db, c->arena, c->account, c->region,
                                            in->physical_resource_id, &name, err) < 0) {
        return -1;
    }
    if (name.p == NULL) {
        return cf_invalid(err, "Stack for " STR_FMT " does not exist",
                          STR_ARG(in->physical_resource_id));
    }
    if (cf_need_stack(c, name, &stack, err) < 0 ||
        cf_resource_all(c->db, c->arena, stack.id, &rows, err) < 0) {
        return -1;
    }
    out->stack_resources.v =
        arena_new_n(c->arena, struct cloudformation_stack_resource, rows.n + 1);
    for (size_t i = 0; i < rows.n; i++) {
        if (in->logical_resource_id.p == NULL ||
            str_eq(in->logical_resource_id, rows.v[i].logical_id)) {
            out->stack_resources.v[out->stack_resources.n++] =
                resource(c->arena, &stack, &rows.v[i]);
        }
    }
    return 0;
}

int cloudformation_describe_stack_resource(
    struct call *c, const struct cloudformation_describe_stack_resource_input *in,
    struct cloudformation_describe_stack_resource_output *out, struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct cf_resource row cleanup_resource = {0};
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
        return -1;
    }
    int found = cf_resource_find(c->db, c->arena, stack.id, in->logical_resource_id, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : cf_invalid(err, "Resource " STR_FMT " does not exist for stack " STR_FMT,
                                      STR_ARG(in->logical_resource_id), STR_ARG(stack.name));
    }
    struct cloudformation_stack_resource r = resource(c->arena, &stack, &row);
    out->stack_resource_detail = arena_new(c->arena, struct cloudformation_stack_resource_detail);
    *out->stack_resource_detail = (struct cloudformation_stack_resource_detail){
        .stack_name = r.stack_name,
        .stack_id = r.stack_id,
        .logical_resource_id = r.logical_resource_id,
        .physical_resource_id = r.physical_resource_id,
        .resource_type = r.resource_type,
        .last_updated_timestamp = r.timestamp,
        .has_last_updated_timestamp = true,
        .resource_status = r.resource_status,
        .resource_status_reason = r.resource_status_reason,
        .metadata = S("{}"),
        .drift_information = r.drift_information,
    };
    return 0;
}

int cloudformation_list_stack_resources(struct call *c,
                                        const struct cloudformation_list_stack_resources_input *in,
                                        struct cloudformation_list_stack_resources_output *out,
                                        struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct cf_resource_list rows cleanup_resources = {0};
    int64_t after = 0;
    if (!page_key_i64(c, in->next_token, &after)) {
        return cf_invalid(err, "Invalid NextToken");
    }
    if (cf_need_stack(c, in->stack_name, &stack, err) < 0 ||
        cf_resource_all(c->db, c->arena, stack.id, &rows, err) < 0) {
        return -1;
    }
    out->stack_resource_summaries.v =
        arena_new_n(c->arena, struct cloudformation_stack_resource_summary, PAGE);
    for (size_t i = 0; i < rows.n; i++) {
        const struct cf_resource *r = &rows.v[i];
        if (r->seq <= after) {
            continue;
        }
        if (out->stack_resource_summaries.n == PAGE) {
            out->next_token = page_token_i64(c, rows.v[i - 1].seq);
            break;
        }
        struct cloudformation_stack_resource_summary *summary =
            &out->stack_resource_summaries.v[out->stack_resource_summaries.n++];
        *summary = (struct cloudformation_stack_resource_summary){
            .logical_resource_id = r->logical_id,
            .physical_resource_id = r->physical_id,
            .resource_type = r->type,
            .last_updated_timestamp = r->at_ms,
            .has_last_updated_timestamp = true,
            .resource_status = r->status,
            .resource_status_reason = r->reason,
        };
        summary->drift_information =
            arena_new(c->arena, struct cloudformation_stack_resource_drift_information_summary);
        summary->drift_information->stack_resource_drift_status = S("NOT_CHECKED");
    }
    return 0;
}

int cloudformation_list_exports(struct call *c, const struct cloudformation_list_exports_input *in,
                                struct cloudformation_list_exports_output *out, struct err *err) {
    struct str after;
    struct cf_export_list rows;
    if (!page_key(c, in->next_token, &after)) {
        return cf_invalid(err, "Invalid NextToken");
    }
    if (cf_export_list(c->db, c->arena, c->account, c->region, after, PAGE + 1, &rows, err) < 0) {
        return -1;
    }
    out->exports.v = arena_new_n(c->arena, struct cloudformation_export, PAGE);
    for (size_t i = 0; i < rows.n && i < PAGE; i++) {
        out->exports.v[out->exports.n++] =
            (struct cloudformation_export){rows.v[i].stack, rows.v[i].name, rows.v[i].value};
    }
    if (rows.n > PAGE) {
        out->next_token = page_token(c, rows.v[PAGE - 1].name);
    }
    return 0;
}

/* Templates. */

int cloudformation_get_template(struct call *c, const struct cloudformation_get_template_input *in,
                                struct cloudformation_get_template_output *out, struct err *err) {
    struct cf_stack stack cleanup_stack = {0};
    struct cf_change_set set cleanup_change_set = {0};
    static struct str stages[] = {S_INIT("Original"), S_INIT("Processed")};
    if (in->change_set_name.p != NULL) {
        if (in->stack_name.p != NULL && cf_need_stack(c, in->stack_name, &stack, err) < 0) {
            return -1;
        }
        int found = cf_change_set_find(c->db, c->arena, stack.id, in->change_set_name, &set, err);
        if (found <= 0) {
            return found < 0 ? -1
                             : err_api(err, &cloudformation_ChangeSetNotFoundException,
                                       "ChangeSet [" STR_FMT "] does not exist",
                                       STR_ARG(in->change_set_name));
        }
        if (stack.id.p == NULL && cf_need_stack(c, set.stack, &stack, err) < 0) {
            return -1; /* another account's */
        }
        out->template_body = set.template;
    } else {
        if (in->stack_name.p == NULL) {
            return cf_invalid(err, "StackName must be specified");
        }
        if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
            return -1;
        }
        out->template_body = stack.template;
    }
    out->stages_available = (struct str_list){stages, 2};
    return 0;
}

static bool is_quiet(const json_t *parameter) {
    const json_t *quiet = json_object_get(parameter, "NoEcho");
    return json_is_true(quiet) || str_ieq(json_text(quiet), S("true"));
}

static struct str default_of(struct arena *a, const json_t *parameter) {
    const json_t *value = json_object_get(parameter, "Default");
    return value == NULL || json_is_string(value) ? str_dup(a, json_text(value))
                                                  : json_dump_str(a, value);
}

static struct str_list needed(struct call *c, const struct template *t, struct str *ret_reason) {
    struct str_list types = {0};
    struct str_list list = {0};
    const char *capability = template_capability(c->arena, t, &types);
    *ret_reason = STR_NONE;
    if (capability == NULL) {
        return list;
    }
    struct str names = S("");
    for (size_t i = 0; i < types.n; i++) {
        names = str_printf(c->arena, "%.*s%s%.*s", STR_ARG(names), i > 0 ? ", " : "",
                           STR_ARG(types.v[i]));
    }
    *ret_reason = str_printf(c->arena, "The following resource(s) require capabilities: [%.*s]",
                             STR_ARG(names));
    *arena_push(c->arena, &list) = str_c(capability);
    return list;
}

int cloudformation_validate_template(struct call *c,
                                     const struct cloudformation_validate_template_input *in,
                                     struct cloudformation_validate_template_output *out,
                                     struct err *err) {
    struct template t cleanup_template = {0};
    struct str text;
    const char *name;
    json_t *p;
    if (cf_template_text(c, in->template_body, in->template_url, &text, err) < 0) {
        return -1;
    }
    if (template_read(c->arena, text, &t, err) < 0) {
        return cf_to_api(err);
    }
    out->description = cf_json_str(c->arena, t.root, "Description");
    out->capabilities = needed(c, &t, &out->capabilities_reason);
    out->parameters.v = arena_new_n(c->arena, struct cloudformation_template_parameter,
                                    json_object_size(t.parameters) + 1);
    json_object_foreach((json_t *)t.parameters, name, p) {
        out->parameters.v[out->parameters.n++] = (struct cloudformation_template_parameter){
            .parameter_key = str_dup(c->arena, str_c(name)),
            .default_value = default_of(c->arena, p),
            .no_echo = is_quiet(p),
            .has_no_echo = true,
            .description = cf_json_str(c->arena, p, "Description"),
        };
    }
    return 0;
}

static struct cloudformation_parameter_declaration declare(struct call *c, const char *name,
                                                           const json_t *p) {
    struct cloudformation_parameter_declaration d = {
        .parameter_key = str_dup(c->arena, str_c(name)),
        .default_value = default_of(c->arena, p),
        .parameter_type = cf_json_str(c->arena, p, "Type"),
        .no_echo = is_quiet(p),
        .has_no_echo = true,
        .description = cf_json_str(c->arena, p, "Description"),
    };
    d.parameter_constraints = arena_new(c->arena, struct cloudformation_parameter_constraints);
    const json_t *allowed = json_object_get(p, "AllowedValues");
    if (allowed != NULL) {
        d.parameter_constraints->allowed_values = strings(c->arena, allowed);
    }
    return d;
}

int cloudformation_get_template_summary(struct call *c,
                                        const struct cloudformation_get_template_summary_input *in,
                                        struct cloudformation_get_template_summary_output *out,
                                        struct err *err) {
    struct template t cleanup_template = {0};
    struct cf_stack stack cleanup_stack = {0};
    struct str text;
    const char *name;
    json_t *p;
    if (in->stack_set_name.p != NULL) {
        return cf_invalid(err, "Stack sets are not available here");
    }
    if (in->stack_name.p != NULL) {
        if (cf_need_stack(c, in->stack_name, &stack, err) < 0) {
            return -1;
        }
        text = stack.template;
    } else if (cf_template_text(c, in->template_body, in->template_url, &text, err) < 0) {
        return -1;
    }
    if (template_read(c->arena, text, &t, err) < 0) {
        return cf_to_api(err);
    }
    struct arena *a = c->arena;
    out->description = cf_json_str(a, t.root, "Description");
    out->version = cf_json_str(a, t.root, "AWSTemplateFormatVersion");
    const json_t *metadata = json_object_get(t.root, "Metadata");
    out->metadata = metadata != NULL ? json_dump_str(a, metadata) : STR_NONE;
    out->capabilities = needed(c, &t, &out->capabilities_reason);
    out->parameters.v = arena_new_n(a, struct cloudformation_parameter_declaration,
                                    json_object_size(t.parameters) + 1);
    json_object_foreach((json_t *)t.parameters, name, p) {
        out->parameters.v[out->parameters.n++] = declare(c, name, p);
    }
    json_object_foreach((json_t *)t.resources, name, p) {
        struct str type = cf_json_str(a, p, "Type");
        if (!str_list_has(&out->resource_types, type)) {
            *arena_push(a, &out->resource_types) = type;
        }
    }
    return 0;
}
