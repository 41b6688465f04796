/* Template text as a JSON tree. YAML scalars that were not quoted become numbers only where nothing
 * is lost: "2012-10-17", "012" and "5.10" stay text. */
#include "platform/text/yaml.h"
#include "services/cloudformation/template.h"

enum { DEEPEST = 60 };

static json_t *plain_scalar(const struct yaml_node *node) {
    struct str s = node->text;
    long long number = 0;
    if (yaml_is_null(node)) {
        return json_null();
    }
    if (str_is(s, "true") || str_is(s, "True") || str_is(s, "TRUE")) {
        return json_true();
    }
    if (str_is(s, "false") || str_is(s, "False") || str_is(s, "FALSE")) {
        return json_false();
    }
    bool canonical = s.n > 0 && s.n < 16 && (s.p[0] != '0' || s.n == 1) &&
                     (s.p[0] != '-' || (s.n > 1 && s.p[1] != '0'));
    return canonical && str_to_i64(s, &number) ? json_integer(number) : json_from_str(s);
}

static json_t *to_json(struct arena *a, const struct yaml_node *node, int depth, struct err *err);

static json_t *untagged(struct arena *a, const struct yaml_node *node, int depth, struct err *err) {
    if (node->kind == YAML_SCALAR) {
        return node->plain ? plain_scalar(node) : json_from_str(node->text);
    }
    json_t *json = node->kind == YAML_SEQUENCE ? json_array() : json_object();
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_node *value =
            node->kind == YAML_SEQUENCE ? node->item[i] : node->pair[i].value;
        json_t *child = to_json(a, value, depth + 1, err);
        if (child == NULL) {
            json_decref(json);
            return NULL;
        }
        if (node->kind == YAML_SEQUENCE) {
            json_array_append_new(json, child);
        } else {
            json_set(json, str_z(a, node->pair[i].key->text), child);
        }
    }
    return json;
}

/* "!GetAtt a.b" is {"Fn::GetAtt": ["a", "b"]}. */
static json_t *attribute_list(struct arena *a, json_t *argument) {
    struct str text = json_text(argument);
    size_t dot = str_find_c(text, '.', 0);
    if (text.p == NULL || dot == (size_t)-1) {
        return argument;
    }
    json_t *list = json_array();
    json_array_append_new(list, json_from_str(str_dup(a, str_sub(text, 0, dot))));
    json_array_append_new(list, json_from_str(str_dup(a, str_sub(text, dot + 1, text.n))));
    json_decref(argument);
    return list;
}

static json_t *to_json(struct arena *a, const struct yaml_node *node, int depth, struct err *err) {
    if (depth > DEEPEST) {
        err_set(err, ERR_INVALID, "line %u: nested deeper than %d levels", node->line, DEEPEST);
        return NULL;
    }
    json_t *json = untagged(a, node, depth, err);
    if (json == NULL || node->tag.n < 2 || node->tag.p[0] != '!') {
        return json;
    }
    struct str name = str_sub(node->tag, 1, node->tag.n);
    bool bare = str_is(name, "Ref") || str_is(name, "Condition");
    if (str_is(name, "GetAtt")) {
        json = attribute_list(a, json);
    }
    struct str key = bare ? name : str_printf(a, "Fn::%.*s", STR_ARG(name));
    json_t *call = json_object();
    json_set(call, str_z(a, key), json);
    return call;
}

int template_tree(struct arena *a, struct str text, json_t **ret, struct err *err) {
    struct yaml_doc doc;
    struct err why = ERR_INIT;
    struct str trimmed = str_trim(text);
    if (trimmed.n > 0 && trimmed.p[0] == '{') {
        *ret = json_parse(text, &why);
        if (*ret != NULL) {
            return 0;
        }
    }
    if (yaml_parse_tagged(a, "template", text, &doc, err) < 0) {
        struct err yaml = *err;
        return err_set(err, ERR_INVALID, "Template format error: %s. %s",
                       trimmed.n > 0 && trimmed.p[0] == '{' ? "JSON not well-formed"
                                                            : "YAML not well-formed",
                       why.kind != ERR_NONE ? why.msg : yaml.msg);
    }
    *ret = doc.root != NULL ? to_json(a, doc.root, 0, &why) : NULL;
    if (*ret == NULL || !json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
        return err_set(err, ERR_INVALID, "Template format error: %s",
                       why.kind != ERR_NONE ? why.msg : "unsupported structure.");
    }
    return 0;
}
