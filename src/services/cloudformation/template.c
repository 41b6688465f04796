/* Checks of templates and the order of their resources. */
#include "services/cloudformation/template.h"

#include "base/buf.h"
#include "services/cloudformation/types.h"

void template_done(struct template *t) {
    json_decref(t->root);
    *t = (struct template){0};
}

const char *template_function(const json_t *node, const json_t **ret_arg) {
    if (json_object_size(node) != 1) {
        return NULL;
    }
    void *iter = json_object_iter((json_t *)node);
    const char *name = json_object_iter_key(iter);
    if (strcmp(name, "Ref") != 0 && strncmp(name, "Fn::", 4) != 0 &&
        strcmp(name, "Condition") != 0) {
        return NULL;
    }
    *ret_arg = json_object_iter_value(iter);
    return name;
}

bool template_attribute(struct arena *a, const json_t *arg, struct str *ret_resource,
                        struct str *ret_attribute) {
    struct str text = json_text(arg);
    size_t dot = str_find_c(text, '.', 0);
    if (text.p != NULL && dot != (size_t)-1) {
        *ret_resource = str_sub(text, 0, dot);
        *ret_attribute = str_sub(text, dot + 1, text.n);
        return true;
    }
    if (json_array_size(arg) < 2 || !json_is_string(json_array_get(arg, 0))) {
        return false;
    }
    *ret_resource = json_text(json_array_get(arg, 0));
    *ret_attribute = json_text(json_array_get(arg, 1));
    for (size_t i = 2; i < json_array_size(arg); i++) { /* "a.b.c" split at every dot */
        *ret_attribute = str_printf(a, "%.*s.%.*s", STR_ARG(*ret_attribute),
                                    STR_ARG(json_text(json_array_get(arg, i))));
    }
    return ret_attribute->p != NULL;
}

bool template_next_sub(struct str text, size_t *at, size_t *ret_begin, struct str *ret_inside) {
    size_t begin = str_find(text, S("${"), *at);
    size_t end = begin == (size_t)-1 ? (size_t)-1 : str_find_c(text, '}', begin);
    if (end == (size_t)-1) {
        return false;
    }
    *ret_begin = begin;
    *ret_inside = str_sub(text, begin + 2, end - begin - 2);
    *at = end + 1;
    return true;
}

const json_t *template_resource(const struct template *t, struct str logical_id) {
    char name[256];
    if (logical_id.n >= sizeof(name) || logical_id.p == NULL) {
        return NULL;
    }
    memcpy(name, logical_id.p, logical_id.n);
    name[logical_id.n] = '\0';
    return json_object_get(t->resources, name);
}

struct str template_type(const struct template *t, struct str logical_id) {
    return json_str(template_resource(t, logical_id), "Type");
}

/* Calls `see` for every name that a tree refers to; `attribute` is absent for Ref. */
struct scan {
    struct arena *arena;
    void (*see)(struct scan *s, struct str name, struct str attribute);
    void *ud;
};

static void scan(struct scan *s, const json_t *node);

static void scan_sub(struct scan *s, const json_t *arg) {
    struct str text = json_is_string(arg) ? json_text(arg) : json_text(json_array_get(arg, 0));
    const json_t *map = json_array_get(arg, 1);
    size_t at = 0;
    size_t begin = 0;
    struct str inside;
    while (text.p != NULL && template_next_sub(text, &at, &begin, &inside)) {
        if (inside.n == 0 || inside.p[0] == '!' ||
            json_object_get(map, str_z(s->arena, inside)) != NULL) {
            continue;
        }
        size_t dot = str_find_c(inside, '.', 0);
        bool attribute = dot != (size_t)-1;
        s->see(s, attribute ? str_sub(inside, 0, dot) : inside,
               attribute ? str_sub(inside, dot + 1, inside.n) : STR_NONE);
    }
    scan(s, map);
}

static void scan(struct scan *s, const json_t *node) {
    const json_t *arg = NULL;
    const char *function = template_function(node, &arg);
    struct str name;
    struct str attribute;
    if (function != NULL && strcmp(function, "Ref") == 0) {
        s->see(s, json_text(arg), STR_NONE);
        return;
    }
    if (function != NULL && strcmp(function, "Fn::GetAtt") == 0) {
        if (template_attribute(s->arena, arg, &name, &attribute)) {
            s->see(s, name, attribute);
        }
        return;
    }
    if (function != NULL && strcmp(function, "Fn::Sub") == 0) {
        scan_sub(s, arg);
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)node, key, value) {
        scan(s, value);
    }
    for (size_t i = 0; i < json_array_size(node); i++) {
        scan(s, json_array_get(node, i));
    }
}

struct needs {
    const struct template *t;
    struct str_list *list;
};

static void add_need(struct scan *s, struct str name, struct str attribute) {
    (void)attribute;
    struct needs *n = s->ud;
    if (template_resource(n->t, name) != NULL && !str_list_has(n->list, name)) {
        *arena_push(s->arena, n->list) = name;
    }
}

void template_needs(struct arena *a, const struct template *t, struct str logical_id,
                    struct str_list *ret) {
    struct needs n = {t, ret};
    struct scan s = {a, add_need, &n};
    const json_t *resource = template_resource(t, logical_id);
    const json_t *depends = json_object_get(resource, "DependsOn");
    scan(&s, json_object_get(resource, "Properties"));
    if (json_is_string(depends)) {
        add_need(&s, json_text(depends), STR_NONE);
    }
    for (size_t i = 0; i < json_array_size(depends); i++) {
        add_need(&s, json_text(json_array_get(depends, i)), STR_NONE);
    }
}

/* Depth first; `open` are the ones on the way, so that a circle is seen. */
static bool visit(struct arena *a, const struct template *t, const struct str_list *wanted,
                  struct str id, struct str_list *open, struct str_list *ret) {
    struct str_list needs = {0};
    if (str_list_has(ret, id) || !str_list_has(wanted, id)) {
        return true;
    }
    if (str_list_has(open, id)) {
        return false;
    }
    *arena_push(a, open) = id;
    template_needs(a, t, id, &needs);
    for (size_t i = 0; i < needs.n; i++) {
        if (!visit(a, t, wanted, needs.v[i], open, ret)) {
            return false;
        }
    }
    open->n--;
    *arena_push(a, ret) = id;
    return true;
}

static bool order(struct arena *a, const struct template *t, const struct str_list *wanted,
                  struct str_list *ret, struct str_list *ret_open) {
    for (size_t i = 0; i < wanted->n; i++) {
        if (!visit(a, t, wanted, wanted->v[i], ret_open, ret)) {
            return false;
        }
    }
    return true;
}

void template_order(struct arena *a, const struct template *t, const struct str_list *wanted,
                    struct str_list *ret) {
    struct str_list open = {0};
    (void)order(a, t, wanted, ret, &open);
}

static struct str join(struct arena *a, const struct str_list *list) {
    struct buf b cleanup_buf;
    buf_init(&b, 64 * 1024);
    for (size_t i = 0; i < list->n; i++) {
        buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(list->v[i]));
    }
    return buf_dup(a, &b);
}

/* What names in the template may mean. */
struct naming {
    const struct template *t;
    struct str_list unknown;
    struct str bad_attribute; /* "X.Y" */
    bool outputs;
};

static bool is_pseudo(struct str name) {
    static const char *const names[] = {"AWS::AccountId", "AWS::NoValue",  "AWS::NotificationARNs",
                                        "AWS::Partition", "AWS::Region",   "AWS::StackId",
                                        "AWS::StackName", "AWS::URLSuffix"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void check_name(struct scan *s, struct str name, struct str attribute) {
    struct naming *n = s->ud;
    const json_t *resource = template_resource(n->t, name);
    if (resource == NULL) {
        bool known =
            attribute.p == NULL &&
            (is_pseudo(name) ||
             (name.p != NULL && json_object_get(n->t->parameters, str_z(s->arena, name)) != NULL));
        if (!known && !str_list_has(&n->unknown, name)) {
            *arena_push(s->arena, &n->unknown) = name;
        }
        return;
    }
    const struct cf_type *type = cf_type_find(json_str(resource, "Type"));
    if (attribute.p != NULL && type != NULL && !cf_list_has(type->attributes, attribute)) {
        n->bad_attribute =
            str_printf(s->arena, "resource %.*s does not support attribute type %.*s in Fn::GetAtt",
                       STR_ARG(name), STR_ARG(attribute));
    }
}

static int check_names(struct arena *a, const struct template *t, struct err *err) {
    struct naming n = {.t = t};
    struct scan s = {a, check_name, &n};
    scan(&s, t->resources);
    if (n.unknown.n > 0) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Unresolved resource dependencies [" STR_FMT
                       "] in the Resources block of the template",
                       STR_ARG(join(a, &n.unknown)));
    }
    scan(&s, t->outputs);
    if (n.unknown.n > 0) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Unresolved resource dependencies [" STR_FMT
                       "] in the Outputs block of the template",
                       STR_ARG(join(a, &n.unknown)));
    }
    return n.bad_attribute.p == NULL
               ? 0
               : err_set(err, ERR_INVALID, "Template error: " STR_FMT, STR_ARG(n.bad_attribute));
}

static bool is_alphanumeric(const char *z) {
    size_t n = strlen(z);
    for (size_t i = 0; i < n; i++) {
        bool good = (z[i] >= 'a' && z[i] <= 'z') || (z[i] >= 'A' && z[i] <= 'Z') ||
                    (z[i] >= '0' && z[i] <= '9');
        if (!good) {
            return false;
        }
    }
    return n > 0 && n < 256;
}

static int check_properties(const char *id, const struct cf_type *type, const json_t *properties,
                            struct err *err) {
    const char *key;
    json_t *value;
    const json_t *arg;
    if (template_function(properties, &arg) != NULL) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Properties of resource '%s' must be an object", id);
    }
    json_object_foreach((json_t *)properties, key, value) {
        if (!cf_list_has(type->properties, str_c(key))) {
            return err_set(err, ERR_INVALID,
                           "Template error: resource %s: the property %s of %s is unknown or not "
                           "available here",
                           id, key, type->name);
        }
    }
    for (size_t i = 0; type->required != NULL && type->required[i] != NULL; i++) {
        if (json_object_get(properties, type->required[i]) == NULL) {
            return err_set(err, ERR_INVALID,
                           "Template error: resource %s: the property %s of %s is required", id,
                           type->required[i], type->name);
        }
    }
    return 0;
}

static int check_resource(const char *id, const json_t *resource, const struct template *t,
                          struct err *err) {
    static const char *const known[] = {"Type",         "Properties",          "DependsOn",
                                        "Condition",    "DeletionPolicy",      "Metadata",
                                        "UpdatePolicy", "UpdateReplacePolicy", NULL};
    const char *key;
    json_t *value;
    if (!is_alphanumeric(id)) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Resource name %s is non alphanumeric.", id);
    }
    if (!json_is_object(resource) || json_str(resource, "Type").p == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template format error: [/Resources/%s] Every Resources object must contain "
                       "a Type member.",
                       id);
    }
    json_object_foreach((json_t *)resource, key, value) {
        if (!cf_list_has(known, str_c(key))) {
            return err_set(err, ERR_INVALID,
                           "Template format error: [/Resources/%s] the attribute %s is unknown or "
                           "not available here",
                           id, key);
        }
    }
    struct str condition = json_str(resource, "Condition");
    if (condition.p != NULL && json_object_get(t->conditions, condition.p) == NULL) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Unresolved condition dependency " STR_FMT
                       " in the Resources block of the template",
                       STR_ARG(condition));
    }
    struct str policy = json_str(resource, "DeletionPolicy");
    if (policy.p != NULL && !str_is(policy, "Delete") && !str_is(policy, "Retain") &&
        !str_is(policy, "RetainExceptOnCreate")) {
        return err_set(err, ERR_INVALID,
                       "Template error: resource %s: DeletionPolicy " STR_FMT " is not available",
                       id, STR_ARG(policy));
    }
    const struct cf_type *type = cf_type_find(json_str(resource, "Type"));
    return check_properties(id, type, json_object_get(resource, "Properties"), err);
}

static int check_types(struct arena *a, const struct template *t, struct err *err) {
    struct str_list unknown = {0};
    const char *id;
    json_t *resource;
    json_object_foreach((json_t *)t->resources, id, resource) {
        struct str type = json_str(resource, "Type");
        if (type.p != NULL && cf_type_find(type) == NULL && !str_list_has(&unknown, type)) {
            *arena_push(a, &unknown) = type;
        }
    }
    return unknown.n == 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "Template format error: Unrecognized resource types: [" STR_FMT "]",
                         STR_ARG(join(a, &unknown)));
}

static int check_resources(struct arena *a, const struct template *t, struct err *err) {
    struct str_list ids = {0};
    struct str_list sorted = {0};
    struct str_list open = {0};
    const char *id;
    json_t *resource;
    if (json_object_size(t->resources) == 0) {
        return err_set(err, ERR_INVALID,
                       "Template format error: At least one Resources member must "
                       "be defined.");
    }
    if (json_object_size(t->resources) > TEMPLATE_MAX_RESOURCES) {
        return err_set(err, ERR_INVALID,
                       "Template format error: Number of resources, %zu, is greater than maximum "
                       "allowed, %d",
                       json_object_size(t->resources), TEMPLATE_MAX_RESOURCES);
    }
    if (check_types(a, t, err) < 0) {
        return -1;
    }
    json_object_foreach((json_t *)t->resources, id, resource) {
        if (check_resource(id, resource, t, err) < 0) {
            return -1;
        }
        *arena_push(a, &ids) = str_c(id);
    }
    if (check_names(a, t, err) < 0) {
        return -1;
    }
    if (!order(a, t, &ids, &sorted, &open)) {
        return err_set(err, ERR_INVALID, "Circular dependency between resources: [" STR_FMT "]",
                       STR_ARG(join(a, &open)));
    }
    return 0;
}

static int check_sections(struct template *t, struct err *err) {
    static const char *const known[] = {"AWSTemplateFormatVersion",
                                        "Description",
                                        "Metadata",
                                        "Parameters",
                                        "Mappings",
                                        "Conditions",
                                        "Resources",
                                        "Outputs",
                                        NULL};
    const char *key;
    json_t *value;
    json_object_foreach(t->root, key, value) {
        if (!cf_list_has(known, str_c(key))) {
            return err_set(err, ERR_INVALID,
                           "Template format error: the section %s is unknown or not available here",
                           key);
        }
        bool text = strcmp(key, "AWSTemplateFormatVersion") == 0 || strcmp(key, "Description") == 0;
        if (text ? !json_is_string(value) : !json_is_object(value)) {
            return err_set(err, ERR_INVALID, "Template format error: [/%s] %s", key,
                           text ? "must be text" : "'null' values are not allowed in templates");
        }
    }
    struct str version = json_str(t->root, "AWSTemplateFormatVersion");
    return version.p == NULL || str_is(version, "2010-09-09")
               ? 0
               : err_set(err, ERR_INVALID,
                         "Template format error: unsupported value for AWSTemplateFormatVersion.");
}

static int check_outputs(const struct template *t, struct err *err) {
    const char *id;
    json_t *output;
    json_object_foreach((json_t *)t->outputs, id, output) {
        if (json_object_get(output, "Value") == NULL) {
            return err_set(err, ERR_INVALID,
                           "Template format error: [/Outputs/%s] Every Outputs member must contain "
                           "a Value object",
                           id);
        }
    }
    return 0;
}

int template_read(struct arena *a, struct str text, struct template *ret, struct err *err) {
    *ret = (struct template){0};
    if (template_tree(a, text, &ret->root, err) < 0) {
        return -1;
    }
    ret->parameters = json_object_get(ret->root, "Parameters");
    ret->mappings = json_object_get(ret->root, "Mappings");
    ret->conditions = json_object_get(ret->root, "Conditions");
    ret->resources = json_object_get(ret->root, "Resources");
    ret->outputs = json_object_get(ret->root, "Outputs");
    if (check_sections(ret, err) < 0 || check_resources(a, ret, err) < 0 ||
        check_outputs(ret, err) < 0) {
        template_done(ret);
        return -1;
    }
    return 0;
}

const char *template_capability(struct arena *a, const struct template *t,
                                struct str_list *ret_types) {
    const char *needed = NULL;
    const char *id;
    json_t *resource;
    json_object_foreach((json_t *)t->resources, id, resource) {
        const struct cf_type *type = cf_type_find(json_str(resource, "Type"));
        if (type == NULL || !type->iam) {
            continue;
        }
        if (!str_list_has(ret_types, str_c(type->name))) {
            *arena_push(a, ret_types) = str_c(type->name);
        }
        bool named = type->named_iam != NULL &&
                     json_object_get(json_object_get(resource, "Properties"), type->named_iam);
        needed = named ? "CAPABILITY_NAMED_IAM" : needed != NULL ? needed : "CAPABILITY_IAM";
    }
    return needed;
}
