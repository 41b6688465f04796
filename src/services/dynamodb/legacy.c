/*
 * The parameters from before expressions (Expected, AttributeUpdates, KeyConditions, QueryFilter,
 * ScanFilter, AttributesToGet): clients still send them, Terraform's aws_dynamodb_table_item among
 * them. Each becomes the tree that the same wish as an expression would have been parsed into.
 */
#include "services/dynamodb/ddb.h"

static const struct operator{
    const char *name;
    enum ddb_op op;
    bool negated;
    size_t min, max; /* values */
}
operators[] = {
    {"EQ", DDB_OP_EQ, false, 1, 1},
    {"NE", DDB_OP_NE, false, 1, 1},
    {"LT", DDB_OP_LT, false, 1, 1},
    {"LE", DDB_OP_LE, false, 1, 1},
    {"GT", DDB_OP_GT, false, 1, 1},
    {"GE", DDB_OP_GE, false, 1, 1},
    {"NOT_NULL", DDB_OP_EXISTS, false, 0, 0},
    {"NULL", DDB_OP_NOT_EXISTS, false, 0, 0},
    {"CONTAINS", DDB_OP_CONTAINS, false, 1, 1},
    {"NOT_CONTAINS", DDB_OP_CONTAINS, true, 1, 1},
    {"BEGINS_WITH", DDB_OP_BEGINS, false, 1, 1},
    {"IN", DDB_OP_IN, false, 1, 100},
    {"BETWEEN", DDB_OP_BETWEEN, false, 2, 2},
};

static struct ddb_node *node_new(struct arena *a, enum ddb_op op) {
    struct ddb_node *node = arena_new(a, struct ddb_node);
    node->op = op;
    return node;
}

static struct ddb_path path_of(struct arena *a, struct str attribute) {
    struct ddb_path path = {0};
    *arena_push(a, &path) = (struct ddb_step){.name = attribute};
    return path;
}

/* A value of the request on its own, checked like an item's. */
static struct ddb_value *value_of(struct arena *a, const struct dynamodb_attribute_value *in,
                                  struct err *err) {
    struct dynamodb_attribute_value_map_entry entry = {S("value"), *in};
    struct dynamodb_attribute_value_map one = {&entry, 1};
    struct ddb_map map;
    return ddb_map_take(a, &one, &map, err) < 0 ? NULL : map.v[0].value;
}

static struct ddb_node *comparison(struct arena *a, struct str attribute, struct str name,
                                   const struct dynamodb_attribute_value_list *values,
                                   struct err *err) {
    const struct operator* found = NULL;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (str_is(name, operators[i].name)) {
            found = &operators[i];
        }
    }
    if (found == NULL || values->n < found->min || values->n > found->max) {
        ddb_validation(err,
                       "One or more parameter values were invalid: Invalid number of argument(s) "
                       "for the " STR_FMT " ComparisonOperator",
                       STR_ARG(name));
        return NULL;
    }
    struct ddb_node *node = node_new(a, found->op);
    struct ddb_node *path = node_new(a, DDB_OP_PATH);
    path->path = path_of(a, attribute);
    *arena_push(a, &node->args) = path;
    for (size_t i = 0; i < values->n; i++) {
        struct ddb_node *value = node_new(a, DDB_OP_VALUE);
        value->value = value_of(a, &values->v[i], err);
        if (value->value == NULL) {
            return NULL;
        }
        *arena_push(a, &node->args) = value;
    }
    if (!found->negated) {
        return node;
    }
    struct ddb_node *outer = node_new(a, DDB_OP_NOT);
    *arena_push(a, &outer->args) = node;
    return outer;
}

static struct ddb_node *expectation(struct arena *a,
                                    const struct dynamodb_expected_attribute_value_map_entry *in,
                                    struct err *err) {
    const struct dynamodb_expected_attribute_value *e = &in->value;
    static const struct dynamodb_attribute_value_list none = {0};
    if (e->comparison_operator.p != NULL) {
        return comparison(a, in->key, e->comparison_operator, &e->attribute_value_list, err);
    }
    if (e->has_exists && !e->exists) {
        if (e->value != NULL) {
            ddb_validation(err,
                           "One or more parameter values were invalid: Value cannot be used when "
                           "Exists is false for Attribute: " STR_FMT,
                           STR_ARG(in->key));
            return NULL;
        }
        return comparison(a, in->key, S("NULL"), &none, err);
    }
    if (e->value == NULL) {
        ddb_validation(err,
                       "One or more parameter values were invalid: Value must be provided when "
                       "Exists is %s for Attribute: " STR_FMT,
                       e->has_exists ? "true" : "null", STR_ARG(in->key));
        return NULL;
    }
    struct dynamodb_attribute_value_list one = {e->value, 1};
    return comparison(a, in->key, S("EQ"), &one, err);
}

int ddb_legacy_expected(struct arena *a, const struct dynamodb_expected_attribute_value_map *in,
                        struct str joined_by, struct ddb_node **ret, struct err *err) {
    *ret = NULL;
    if (in->n == 0) {
        return 0;
    }
    *ret = node_new(a, str_is(joined_by, "OR") ? DDB_OP_OR : DDB_OP_AND);
    for (size_t i = 0; i < in->n; i++) {
        struct ddb_node *one = expectation(a, &in->v[i], err);
        if (one == NULL) {
            return -1;
        }
        *arena_push(a, &(*ret)->args) = one;
    }
    return 0;
}

int ddb_legacy_filter(struct arena *a, const struct dynamodb_condition_map *in,
                      struct str joined_by, struct ddb_node **ret, struct err *err) {
    *ret = NULL;
    if (in->n == 0) {
        return 0;
    }
    struct ddb_node *all = node_new(a, str_is(joined_by, "OR") ? DDB_OP_OR : DDB_OP_AND);
    for (size_t i = 0; i < in->n; i++) {
        struct ddb_node *one = comparison(a, in->v[i].key, in->v[i].value.comparison_operator,
                                          &in->v[i].value.attribute_value_list, err);
        if (one == NULL) {
            return -1;
        }
        *arena_push(a, &all->args) = one;
    }
    *ret = all->args.n == 1 ? all->args.v[0] : all;
    return 0;
}

int ddb_legacy_updates(struct arena *a, const struct dynamodb_attribute_value_update_map *in,
                       struct ddb_update *ret, struct err *err) {
    *ret = (struct ddb_update){0};
    for (size_t i = 0; i < in->n; i++) {
        const struct dynamodb_attribute_value_update *u = &in->v[i].value;
        bool remove = str_is(u->action, "DELETE");
        struct ddb_action action = {.path = path_of(a, in->v[i].key)};
        if (u->value == NULL && !remove) {
            return ddb_validation(err,
                                  "One or more parameter values were invalid: Only DELETE action "
                                  "is allowed when no attribute value is specified");
        }
        action.clause = str_is(u->action, "ADD") ? DDB_ADD
                        : !remove                ? DDB_SET
                        : u->value == NULL       ? DDB_REMOVE
                                                 : DDB_DELETE;
        if (u->value != NULL) {
            action.operand = node_new(a, DDB_OP_VALUE);
            action.operand->value = value_of(a, u->value, err);
            if (action.operand->value == NULL) {
                return -1;
            }
            enum ddb_type type = action.operand->value->type;
            bool set = type == DDB_SS || type == DDB_NS || type == DDB_BS;
            if ((action.clause == DDB_ADD && !set && type != DDB_N) ||
                (action.clause == DDB_DELETE && !set)) {
                return ddb_validation(err,
                                      "One or more parameter values were invalid: Action " STR_FMT
                                      " is not supported for the type %s",
                                      STR_ARG(u->action), ddb_type_name(type));
            }
        }
        *arena_push(a, ret) = action;
    }
    return 0;
}

struct ddb_projection ddb_legacy_fields(struct arena *a, const struct str_list *names) {
    struct ddb_projection fields = {0};
    for (size_t i = 0; i < names->n; i++) {
        *arena_push(a, &fields) = path_of(a, names->v[i]);
    }
    return fields;
}

int ddb_not_both(bool legacy, const char *legacy_name, bool expression, const char *expression_name,
                 struct err *err) {
    if (legacy && expression) {
        return ddb_validation(err,
                              "Can not use both expression and non-expression parameters in the "
                              "same request: Non-expression parameters: {%s} Expression "
                              "parameters: {%s}",
                              legacy_name, expression_name);
    }
    return 0;
}
