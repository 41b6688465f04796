/* Implementation of services/cloudformation/evaluate.h. Functions are a table; each gets its raw
 * argument and evaluates what it needs of it. */
#include "services/cloudformation/evaluate.h"

#include "base/buf.h"
#include "platform/crypto/encode.h"

enum { DEEPEST = 100, TEXT_MAX = 4 * 1024 * 1024 };

void evaluation_done(struct evaluation *e) {
    json_decref(e->conditions);
    e->conditions = NULL;
}

static int wrong(struct err *err, const char *function, const char *what) {
    return err_set(err, ERR_INVALID, "Template error: %s %s", function, what);
}

/* Scalars as text, as functions take them. False for lists and objects. */
static bool as_text(struct arena *a, const json_t *value, struct str *ret) {
    if (json_is_string(value)) {
        *ret = str_dup(a, json_text(value));
    } else if (json_is_boolean(value)) {
        *ret = json_is_true(value) ? S("true") : S("false");
    } else if (json_is_integer(value)) {
        *ret = str_printf(a, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        *ret = str_printf(a, "%.15g", json_real_value(value));
    } else {
        return false;
    }
    return true;
}

static int text_of(struct evaluation *e, const char *function, const json_t *node, struct str *ret,
                   struct err *err) {
    json_t *value = NULL;
    if (evaluate(e, node, &value, err) < 0) {
        return -1;
    }
    bool good = value != NULL && as_text(e->arena, value, ret);
    json_decref(value);
    return good ? 0 : wrong(err, function, "every value must be text");
}

static json_t *pseudo(struct evaluation *e, struct str name) {
    if (str_is(name, "AWS::AccountId")) {
        return json_from_str(e->account);
    }
    if (str_is(name, "AWS::Region")) {
        return json_from_str(e->region);
    }
    if (str_is(name, "AWS::StackName")) {
        return json_from_str(e->stack_name);
    }
    if (str_is(name, "AWS::StackId")) {
        return json_from_str(e->stack_id);
    }
    if (str_is(name, "AWS::Partition")) {
        return json_string("aws");
    }
    if (str_is(name, "AWS::URLSuffix")) {
        return json_string("amazonaws.com");
    }
    if (str_is(name, "AWS::NotificationARNs")) {
        return e->notification_arns ? json_deep_copy(e->notification_arns) : json_array();
    }
    return NULL;
}

/* Ref of anything; NULL and 0 for AWS::NoValue. */
static int reference(struct evaluation *e, struct str name, json_t **ret, struct err *err) {
    *ret = NULL;
    if (str_is(name, "AWS::NoValue")) {
        return 0;
    }
    const json_t *parameter =
        name.p != NULL ? json_object_get(e->parameters, str_z(e->arena, name)) : NULL;
    if (parameter != NULL) {
        *ret = json_deep_copy(parameter);
        return 0;
    }
    *ret = pseudo(e, name);
    if (*ret != NULL) {
        return 0;
    }
    if (template_resource(e->t, name) == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template error: Ref of '" STR_FMT "', which is neither a parameter nor a "
                       "resource",
                       STR_ARG(name));
    }
    return e->resource(e->ud, name, STR_NONE, ret, err);
}

static int fn_ref(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    return json_is_string(arg) ? reference(e, json_text(arg), ret, err)
                               : wrong(err, "Ref", "must name a parameter or resource");
}

static int fn_get_att(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str name;
    struct str attribute;
    if (!template_attribute(e->arena, arg, &name, &attribute)) {
        return wrong(err, "Fn::GetAtt",
                     "object requires two non-empty parameters, the resource "
                     "name and the resource attribute");
    }
    return e->resource(e->ud, name, attribute, ret, err);
}

/* One ${name}: from the map, else Ref, else GetAtt. */
static int sub_value(struct evaluation *e, const json_t *map, struct str name, struct str *ret,
                     struct err *err) {
    const json_t *own = json_object_get(map, str_z(e->arena, name));
    json_t *value = NULL;
    size_t dot = str_find_c(name, '.', 0);
    if (own != NULL) {
        return text_of(e, "Fn::Sub", own, ret, err);
    }
    int bad = dot == (size_t)-1 ? reference(e, name, &value, err)
                                : e->resource(e->ud, str_sub(name, 0, dot),
                                              str_sub(name, dot + 1, name.n), &value, err);
    if (bad < 0) {
        return -1;
    }
    bool good = value != NULL && as_text(e->arena, value, ret);
    json_decref(value);
    return good ? 0 : wrong(err, "Fn::Sub", "needs text for every variable");
}

static int fn_sub(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str text = json_is_string(arg) ? json_text(arg) : json_text(json_array_get(arg, 0));
    const json_t *map = json_array_get(arg, 1);
    if (text.p == NULL || (map != NULL && !json_is_object(map))) {
        return wrong(err, "One or more Fn::Sub intrinsic functions",
                     "don't specify expected arguments. Specify a string as first argument, and an "
                     "optional second argument to specify a mapping of values to replace in the "
                     "string");
    }
    struct buf b cleanup_buf;
    buf_init(&b, TEXT_MAX);
    size_t at = 0;
    size_t done = 0;
    size_t begin = 0;
    struct str inside;
    while (template_next_sub(text, &at, &begin, &inside)) {
        struct str value = STR_NONE;
        buf_add(&b, str_sub(text, done, begin - done));
        done = at;
        if (inside.n > 0 && inside.p[0] == '!') {
            buf_printf(&b, "${%.*s}", (int)inside.n - 1, inside.p + 1);
        } else if (sub_value(e, map, inside, &value, err) < 0) {
            return -1;
        } else {
            buf_add(&b, value);
        }
    }
    buf_add(&b, str_sub(text, done, text.n));
    if (b.overflow) {
        return wrong(err, "Fn::Sub", "gives a text that is too long");
    }
    *ret = json_from_str(buf_str(&b));
    return 0;
}

static int fn_join(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    json_t *list cleanup_json = NULL;
    const json_t *delimiter = json_array_get(arg, 0);
    if (json_array_size(arg) != 2 || !json_is_string(delimiter) ||
        evaluate(e, json_array_get(arg, 1), &list, err) < 0 || !json_is_array(list)) {
        return err->kind != ERR_NONE
                   ? -1
                   : wrong(err, "every Fn::Join object",
                           "requires two parameters, (1) a string delimiter and (2) a list of "
                           "strings to be joined or a function that returns a list of strings");
    }
    struct buf b cleanup_buf;
    buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str part;
        if (!as_text(e->arena, json_array_get(list, i), &part)) {
            return wrong(err, "Fn::Join", "joins texts only");
        }
        if (i > 0) {
            buf_add(&b, json_text(delimiter));
        }
        buf_add(&b, part);
    }
    if (b.overflow) {
        return wrong(err, "Fn::Join", "gives a text that is too long");
    }
    *ret = json_from_str(buf_str(&b));
    return 0;
}

static int fn_select(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str index;
    unsigned long long at = 0;
    json_t *list cleanup_json = NULL;
    if (json_array_size(arg) != 2 ||
        text_of(e, "Fn::Select", json_array_get(arg, 0), &index, err) < 0 ||
        evaluate(e, json_array_get(arg, 1), &list, err) < 0 || !json_is_array(list) ||
        !str_to_u64(index, &at)) {
        return err->kind != ERR_NONE ? -1
                                     : wrong(err, "Fn::Select", "requires an index and a list");
    }
    if (evaluate_unknown(list) && at >= json_array_size(list)) {
        *ret = json_string(EVALUATE_UNKNOWN);
        return 0;
    }
    if (at >= json_array_size(list)) {
        return wrong(err, "Fn::Select", "cannot select nonexistent value at index");
    }
    *ret = json_incref(json_array_get(list, at));
    return 0;
}

static int fn_split(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str delimiter = json_text(json_array_get(arg, 0));
    struct str text;
    if (json_array_size(arg) != 2 || delimiter.n == 0 ||
        text_of(e, "Fn::Split", json_array_get(arg, 1), &text, err) < 0) {
        return err->kind != ERR_NONE
                   ? -1
                   : wrong(err, "every Fn::Split object",
                           "requires two parameters, (1) a string delimiter and (2) a string to be "
                           "split or a function that returns a string to be split");
    }
    *ret = json_array();
    size_t from = 0;
    size_t at;
    while ((at = str_find(text, delimiter, from)) != (size_t)-1) {
        json_array_append_new(*ret, json_from_str(str_sub(text, from, at - from)));
        from = at + delimiter.n;
    }
    json_array_append_new(*ret, json_from_str(str_sub(text, from, text.n)));
    return 0;
}

static int fn_if(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    bool holds = false;
    if (json_array_size(arg) != 3 || !json_is_string(json_array_get(arg, 0))) {
        return wrong(err, "Fn::If",
                     "requires a list argument with three elements: a condition's "
                     "name and two values");
    }
    if (evaluate_condition(e, json_text(json_array_get(arg, 0)), &holds, err) < 0) {
        return -1;
    }
    return evaluate(e, json_array_get(arg, holds ? 1 : 2), ret, err);
}

static int fn_find_in_map(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str keys[3];
    const json_t *at = e->t->mappings;
    if (json_array_size(arg) < 3) {
        return wrong(err, "every Fn::FindInMap object",
                     "requires three parameters, the map name, map key and the attribute for "
                     "return value");
    }
    for (size_t i = 0; i < 3; i++) {
        if (text_of(e, "Fn::FindInMap", json_array_get(arg, i), &keys[i], err) < 0) {
            return -1;
        }
        at = json_object_get(at, str_z(e->arena, keys[i]));
    }
    const json_t *fallback = json_object_get(json_array_get(arg, 3), "DefaultValue");
    if (at == NULL && fallback != NULL) {
        return evaluate(e, fallback, ret, err);
    }
    if (at == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template error: Unable to get mapping for " STR_FMT "::" STR_FMT
                       "::" STR_FMT,
                       STR_ARG(keys[0]), STR_ARG(keys[1]), STR_ARG(keys[2]));
    }
    *ret = json_deep_copy(at);
    return 0;
}

static int fn_import_value(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str name;
    struct str value;
    if (text_of(e, "Fn::ImportValue", arg, &name, err) < 0 ||
        e->import(e->ud, name, &value, err) < 0) {
        return -1;
    }
    *ret = json_from_str(value);
    return 0;
}

static int fn_base64(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str text;
    if (text_of(e, "Fn::Base64", arg, &text, err) < 0) {
        return -1;
    }
    bool unknown = str_find(text, S(EVALUATE_UNKNOWN), 0) != (size_t)-1;
    *ret = unknown ? json_string(EVALUATE_UNKNOWN) : json_from_str(base64_encode(e->arena, text));
    return 0;
}

static int fn_get_azs(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err) {
    struct str region;
    if (text_of(e, "Fn::GetAZs", arg, &region, err) < 0) {
        return -1;
    }
    region = region.n > 0 ? region : e->region;
    *ret = json_array();
    for (char zone = 'a'; zone <= 'c'; zone++) {
        json_array_append_new(*ret,
                              json_from_str(str_printf(e->arena, "%.*s%c", STR_ARG(region), zone)));
    }
    return 0;
}

static const struct {
    const char *name;
    int (*fn)(struct evaluation *e, const json_t *arg, json_t **ret, struct err *err);
} functions[] = {
    {"Ref", fn_ref},
    {"Fn::GetAtt", fn_get_att},
    {"Fn::Sub", fn_sub},
    {"Fn::Join", fn_join},
    {"Fn::Select", fn_select},
    {"Fn::Split", fn_split},
    {"Fn::If", fn_if},
    {"Fn::FindInMap", fn_find_in_map},
    {"Fn::ImportValue", fn_import_value},
    {"Fn::Base64", fn_base64},
    {"Fn::GetAZs", fn_get_azs},
};

static int evaluate_members(struct evaluation *e, const json_t *node, json_t **ret,
                            struct err *err) {
    json_t *made = json_is_array(node) ? json_array() : json_object();
    const char *key;
    json_t *child;
    json_t *value = NULL;
    json_object_foreach((json_t *)node, key, child) {
        if (evaluate(e, child, &value, err) < 0) {
            json_decref(made);
            return -1;
        }
        if (value != NULL) {
            json_set(made, key, value);
        }
    }
    for (size_t i = 0; i < json_array_size(node); i++) {
        if (evaluate(e, json_array_get(node, i), &value, err) < 0) {
            json_decref(made);
            return -1;
        }
        if (value != NULL) {
            json_array_append_new(made, value);
        }
    }
    *ret = made;
    return 0;
}

int evaluate(struct evaluation *e, const json_t *node, json_t **ret, struct err *err) {
    const json_t *arg = NULL;
    const char *function = template_function(node, &arg);
    *ret = NULL;
    if (node == NULL || json_is_null(node)) {
        return 0;
    }
    if (!json_is_object(node) && !json_is_array(node)) {
        *ret = json_deep_copy(node);
        return 0;
    }
    if (++e->depth > DEEPEST) {
        return wrong(err, "the template", "is nested too deep");
    }
    int bad = -1;
    if (function == NULL || strcmp(function, "Condition") == 0) {
        bad = evaluate_members(e, node, ret, err);
    } else {
        size_t i = 0;
        size_t n = sizeof(functions) / sizeof(functions[0]);
        while (i < n && strcmp(functions[i].name, function) != 0) {
            i++;
        }
        bad = i < n ? functions[i].fn(e, arg, ret, err)
                    : wrong(err, function, "is unknown, or not available here");
    }
    e->depth--;
    return bad;
}

/* Conditions. */

static int holds(struct evaluation *e, const json_t *node, bool *ret, struct err *err);

static int fold(struct evaluation *e, const json_t *list, bool all, bool *ret, struct err *err) {
    if (json_array_size(list) < 2 || json_array_size(list) > 10) {
        return wrong(err, all ? "every Fn::And object" : "every Fn::Or object",
                     "requires a list of at least 2 and at most 10 boolean parameters.");
    }
    *ret = all;
    for (size_t i = 0; i < json_array_size(list); i++) {
        bool one = false;
        if (holds(e, json_array_get(list, i), &one, err) < 0) {
            return -1;
        }
        *ret = all ? *ret && one : *ret || one;
    }
    return 0;
}

static int holds(struct evaluation *e, const json_t *node, bool *ret, struct err *err) {
    const json_t *arg = NULL;
    const char *function = template_function(node, &arg);
    struct str left;
    struct str right;
    if (function == NULL) {
        return wrong(err, "a condition",
                     "must be one of Fn::And, Fn::Or, Fn::Not, Fn::Equals, "
                     "Condition");
    }
    if (strcmp(function, "Condition") == 0) {
        return evaluate_condition(e, json_text(arg), ret, err);
    }
    if (strcmp(function, "Fn::And") == 0 || strcmp(function, "Fn::Or") == 0) {
        return fold(e, arg, strcmp(function, "Fn::And") == 0, ret, err);
    }
    if (strcmp(function, "Fn::Not") == 0 && json_array_size(arg) == 1) {
        if (holds(e, json_array_get(arg, 0), ret, err) < 0) {
            return -1;
        }
        *ret = !*ret;
        return 0;
    }
    if (strcmp(function, "Fn::Equals") == 0 && json_array_size(arg) == 2) {
        if (text_of(e, function, json_array_get(arg, 0), &left, err) < 0 ||
            text_of(e, function, json_array_get(arg, 1), &right, err) < 0) {
            return -1;
        }
        *ret = str_eq(left, right);
        return 0;
    }
    return wrong(err, function, "is no condition, or has the wrong number of arguments");
}

int evaluate_condition(struct evaluation *e, struct str name, bool *ret, struct err *err) {
    const char *key = str_z(e->arena, name);
    const json_t *condition = json_object_get(e->t->conditions, key);
    if (e->conditions == NULL) {
        e->conditions = json_object();
    }
    const json_t *known = json_object_get(e->conditions, key);
    if (known != NULL) {
        *ret = json_is_true(known);
        return json_is_null(known) ? wrong(err, "Conditions", "refer to each other in a circle")
                                   : 0;
    }
    if (condition == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Unresolved condition dependency '" STR_FMT "'",
                       STR_ARG(name));
    }
    json_set(e->conditions, key, json_null()); /* being evaluated */
    if (holds(e, condition, ret, err) < 0) {
        return -1;
    }
    json_set(e->conditions, key, json_boolean(*ret));
    return 0;
}

int evaluate_wanted(struct evaluation *e, const json_t *item, bool *ret, struct err *err) {
    struct str condition = json_str(item, "Condition");
    *ret = true;
    return condition.p == NULL ? 0 : evaluate_condition(e, condition, ret, err);
}

bool evaluate_unknown(const json_t *tree) {
    const char *key;
    json_t *value;
    if (json_is_string(tree)) {
        return str_find(json_text(tree), S(EVALUATE_UNKNOWN), 0) != (size_t)-1;
    }
    json_object_foreach((json_t *)tree, key, value) {
        if (evaluate_unknown(value)) {
            return true;
        }
    }
    for (size_t i = 0; i < json_array_size(tree); i++) {
        if (evaluate_unknown(json_array_get(tree, i))) {
            return true;
        }
    }
    return false;
}
