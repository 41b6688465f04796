/* Evaluation against a stack's rows, and what is made of it: wanted resources, properties, outputs,
 * the plan. */
#include "services/cloudformation/cloudformation.h"

#include "services/cloudformation/parameters.h"

struct cf_resource *cf_rows_find(const struct cf_resource_list *rows, struct str logical_id) {
    for (size_t i = 0; i < rows->n; i++) {
        if (str_eq(rows->v[i].logical_id, logical_id)) {
            return &rows->v[i];
        }
    }
    return NULL;
}

struct str cf_json_str(struct arena *a, const json_t *object, const char *key) {
    return str_dup(a, json_str(object, key));
}

static bool is_there(const struct cf_resource *row) {
    return row != NULL && row->physical_id.p != NULL && !str_is(row->status, "DELETE_COMPLETE") &&
           !str_is(row->status, "CREATE_FAILED");
}

static int resource_value(void *ud, struct str logical_id, struct str attribute, json_t **ret,
                          struct err *err) {
    struct cf_scope *s = ud;
    const struct cf_resource *row = cf_rows_find(s->rows, logical_id);
    if (s->plan && (!is_there(row) || str_list_has(&s->changed, logical_id))) {
        *ret = json_string(EVALUATE_UNKNOWN);
        return 0;
    }
    if (!is_there(row)) {
        return err_set(err, ERR_INVALID,
                       "Template error: resource " STR_FMT " is not part of the stack, because its "
                       "condition does not hold",
                       STR_ARG(logical_id));
    }
    if (attribute.p == NULL) {
        *ret = json_from_str(row->physical_id);
        return 0;
    }
    const json_t *value =
        json_object_get(json_object_get(row->body, "attributes"), str_z(s->arena, attribute));
    if (value == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template error: resource " STR_FMT
                       " has no value for the attribute " STR_FMT,
                       STR_ARG(logical_id), STR_ARG(attribute));
    }
    *ret = json_deep_copy(value);
    return 0;
}

static int import_value(void *ud, struct str name, struct str *ret, struct err *err) {
    struct cf_scope *s = ud;
    struct cf_export found;
    int got =
        cf_export_find(s->db, s->arena, s->stack->account, s->stack->region, name, &found, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        return err_set(err, ERR_INVALID, "No export named " STR_FMT " found.", STR_ARG(name));
    }
    if (!str_list_has(&s->imports, name)) {
        *arena_push(s->arena, &s->imports) = name;
    }
    *ret = found.value;
    return 0;
}

void cf_scope_begin(struct cf_scope *s, struct db *db, struct arena *a,
                    const struct cf_stack *stack, const struct template *t,
                    const struct cf_resource_list *rows, const json_t *resolved_parameters,
                    const json_t *notification_arns, bool plan) {
    *s = (struct cf_scope){.db = db, .arena = a, .stack = stack, .rows = rows, .plan = plan};
    s->parameters = parameters_values(a, t, resolved_parameters);
    s->e = (struct evaluation){
        .arena = a,
        .t = t,
        .parameters = s->parameters,
        .account = stack->account,
        .region = stack->region,
        .stack_name = stack->name,
        .stack_id = stack->id,
        .notification_arns = notification_arns,
        .resource = resource_value,
        .import = import_value,
        .ud = s,
    };
}

void cf_scope_done(struct cf_scope *s) {
    evaluation_done(&s->e);
    json_decref(s->parameters);
    s->parameters = NULL;
}

int cf_wanted(struct cf_scope *s, struct str_list *ret, struct err *err) {
    struct str_list wanted = {0};
    const char *id;
    json_t *resource;
    json_object_foreach((json_t *)s->e.t->resources, id, resource) {
        bool there = false;
        if (evaluate_wanted(&s->e, resource, &there, err) < 0) {
            return -1;
        }
        if (there) {
            *arena_push(s->arena, &wanted) = str_c(id);
        }
    }
    template_order(s->arena, s->e.t, &wanted, ret);
    return 0;
}

/* The resource's own tags win. Lists hold Key and Value; some types take an object. */
static void add_tags(const struct cf_type *type, const json_t *tags, json_t *props) {
    const char *key;
    json_t *value;
    json_t *have = json_object_get(props, "Tags");
    if (!type->tags || json_object_size(tags) == 0) {
        return;
    }
    if (have == NULL) {
        have = strcmp(type->name, "AWS::SSM::Parameter") == 0 ? json_object() : json_array();
        json_set(props, "Tags", have);
    }
    json_object_foreach((json_t *)tags, key, value) {
        bool own = json_object_get(have, key) != NULL;
        for (size_t i = 0; i < json_array_size(have); i++) {
            own = own || str_is(json_str(json_array_get(have, i), "Key"), key);
        }
        if (!own && json_is_object(have)) {
            json_set(have, key, json_deep_copy(value));
        } else if (!own) {
            json_t *tag = json_object();
            json_set_str(tag, "Key", str_c(key));
            json_set(tag, "Value", json_deep_copy(value));
            json_array_append_new(have, tag);
        }
    }
}

int cf_properties(struct cf_scope *s, struct str logical_id, const json_t *tags, json_t **ret,
                  struct err *err) {
    const json_t *resource = template_resource(s->e.t, logical_id);
    const struct cf_type *type = cf_type_find(json_str(resource, "Type"));
    if (evaluate(&s->e, json_object_get(resource, "Properties"), ret, err) < 0) {
        return -1;
    }
    if (*ret == NULL) {
        *ret = json_object();
    }
    add_tags(type, tags, *ret);
    return 0;
}

int cf_outputs(struct cf_scope *s, json_t **ret, struct err *err) {
    json_t *list cleanup_json = json_array();
    const char *key;
    json_t *output;
    json_object_foreach((json_t *)s->e.t->outputs, key, output) {
        bool there = false;
        json_t *value cleanup_json = NULL;
        json_t *name cleanup_json = NULL;
        const json_t *export = json_object_get(json_object_get(output, "Export"), "Name");
        if (evaluate_wanted(&s->e, output, &there, err) < 0) {
            return -1;
        }
        if (!there) {
            continue;
        }
        if (evaluate(&s->e, json_object_get(output, "Value"), &value, err) < 0 ||
            evaluate(&s->e, export, &name, err) < 0) {
            return -1;
        }
        if (value == NULL || json_is_object(value) || json_is_array(value)) {
            return err_set(err, ERR_INVALID,
                           "Template format error: Output %s is malformed. The Value must be text",
                           key);
        }
        json_t *item = json_object();
        json_set_str(item, "k", str_c(key));
        json_set(item, "v",
                 json_is_string(value) ? json_incref(value)
                                       : json_from_str(json_dump_str(s->arena, value)));
        json_set_str(item, "d", json_str(output, "Description"));
        json_set_str(item, "e", json_text(name));
        json_array_append_new(list, item);
    }
    *ret = json_incref(list);
    return 0;
}

void cf_differences(struct arena *a, const json_t *before, const json_t *after,
                    struct str_list *ret) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)after, key, value) {
        const json_t *old = json_object_get(before, key);
        if (old == NULL || !json_equal(old, value)) {
            *arena_push(a, ret) = str_dup(a, str_c(key));
        }
    }
    json_object_foreach((json_t *)before, key, value) {
        if (json_object_get(after, key) == NULL) {
            *arena_push(a, ret) = str_dup(a, str_c(key));
        }
    }
}

bool cf_needs_replacement(const struct cf_type *type, const struct str_list *changed) {
    for (size_t i = 0; i < changed->n; i++) {
        if (type->update == NULL || cf_list_has(type->fixed, changed->v[i])) {
            return true;
        }
    }
    return false;
}

static int plan_one(struct cf_scope *s, struct str id, const json_t *tags,
                    struct cf_change_list *ret, struct err *err) {
    const struct cf_resource *row = cf_rows_find(s->rows, id);
    struct str type_name = template_type(s->e.t, id);
    json_t *props cleanup_json = NULL;
    if (cf_properties(s, id, tags, &props, err) < 0) {
        return -1;
    }
    if (!is_there(row)) {
        *arena_push(s->arena, ret) =
            (struct cf_change){.action = S("Add"), .logical_id = id, .type = type_name};
        return 0;
    }
    if (!str_eq(row->type, type_name)) {
        return err_set(
            err, ERR_INVALID,
            "Update of resource type is not permitted. The new template modifies resource "
            "type of the following resources: [" STR_FMT "]",
            STR_ARG(id));
    }
    struct cf_change change = {.action = S("Modify"),
                               .logical_id = id,
                               .physical_id = row->physical_id,
                               .type = type_name};
    cf_differences(s->arena, json_object_get(row->body, "properties"), props, &change.properties);
    if (change.properties.n == 0) {
        return 0;
    }
    bool replaced = cf_needs_replacement(cf_type_find(type_name), &change.properties);
    change.replacement = !replaced                 ? S("False")
                         : evaluate_unknown(props) ? S("Conditional")
                                                   : S("True");
    if (replaced) {
        *arena_push(s->arena, &s->changed) = id;
    }
    *arena_push(s->arena, ret) = change;
    return 0;
}

static bool same_outputs(const json_t *before, const json_t *after) {
    if (json_array_size(before) != json_array_size(after)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *x = json_array_get(before, i);
        const json_t *y = json_array_get(after, i);
        if (!str_eq(json_str(x, "k"), json_str(y, "k")) ||
            !str_eq(json_str(x, "e"), json_str(y, "e")) ||
            (!evaluate_unknown(y) && !str_eq(json_str(x, "v"), json_str(y, "v")))) {
            return false;
        }
    }
    return true;
}

int cf_plan(struct db *db, struct arena *a, const struct cf_stack *stack, const struct template *t,
            const json_t *operation, struct cf_change_list *ret, bool *ret_other, struct err *err) {
    struct cf_resource_list rows cleanup_resources = {0};
    struct cf_scope s cleanup_scope = {0};
    struct str_list wanted = {0};
    json_t *outputs cleanup_json = NULL;
    const json_t *tags = json_object_get(operation, "tags");
    if (cf_resource_all(db, a, stack->id, &rows, err) < 0) {
        return -1;
    }
    cf_scope_begin(&s, db, a, stack, t, &rows, json_object_get(operation, "parameters"),
                   json_object_get(operation, "notificationArns"), true);
    if (cf_wanted(&s, &wanted, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < wanted.n; i++) {
        wanted.v[i] = str_dup(a, wanted.v[i]);
        if (plan_one(&s, wanted.v[i], tags, ret, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < rows.n; i++) {
        if (is_there(&rows.v[i]) && !str_list_has(&wanted, rows.v[i].logical_id)) {
            *arena_push(a, ret) = (struct cf_change){.action = S("Remove"),
                                                     .logical_id = rows.v[i].logical_id,
                                                     .physical_id = rows.v[i].physical_id,
                                                     .type = rows.v[i].type};
        }
    }
    for (size_t i = 0; i < ret->n; i++) {
        ret->v[i].type = str_dup(a, ret->v[i].type); /* the template may go first */
    }
    if (cf_outputs(&s, &outputs, err) < 0) {
        return -1;
    }
    const json_t *old_tags = json_object_get(stack->body, "tags");
    *ret_other = !same_outputs(json_object_get(stack->body, "outputs"), outputs) ||
                 (json_object_size(old_tags) + json_object_size(tags) > 0 &&
                  !json_equal((json_t *)old_tags, (json_t *)tags));
    return 0;
}
