/* Implementation of variables.h. */
#include "flow/action/variables.h"

#include "base/buf.h"
#include "platform/text/json.h"

/* ---- what is set ---- */

static void add_value(struct arena *a, struct variable_scope *scope, struct str space,
                      struct str key, struct str value) {
    struct str_pair *pair = arena_push(a, &scope->values);
    pair->key = str_printf(a, "%.*s.%.*s", STR_ARG(space), STR_ARG(key));
    pair->value = value;
}

static void add_object(struct arena *a, struct variable_scope *scope, struct str space,
                       struct str json) {
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(o, key, value) {
        add_value(a, scope, space, str_c(key), str_dup(a, json_text(value)));
    }
}

static const struct def_action *declared(const struct definition *d, struct str stage,
                                         struct str action) {
    const struct def_stage *s = definition_stage(d, stage);
    return s ? definition_action(s, action) : NULL;
}

int variables_of(struct db *db, struct arena *a, const struct definition *def,
                 const struct execution_row *execution, struct variable_scope *ret,
                 struct err *err) {
    *ret = (struct variable_scope){0};
    add_value(a, ret, S("codepipeline"), S("PipelineExecutionId"), execution->id);
    add_object(a, ret, S("variables"), execution->variables);
    struct action_row_list actions;
    if (record_action_list(db, a, execution->id, &actions, err) < 0) {
        return -1;
    }
    for (size_t i = actions.n; i > 0; i--) { /* the newest run first: a search ends there */
        const struct action_row *row = &actions.v[i - 1];
        const struct def_action *decl = declared(def, row->stage, row->action);
        if (decl != NULL && decl->namespace.p != NULL && str_is(row->status, "Succeeded")) {
            add_object(a, ret, decl->namespace, row->output_variables);
        }
    }
    return 0;
}

/* ---- one text ---- */

static int resolve_text(struct arena *a, const struct variable_scope *scope, struct str text,
                        struct str *ret, struct err *err) {
    struct buf out cleanup_buf;
    buf_init(&out, VARIABLES_RESOLVED_MAX);
    size_t at = 0;
    for (;;) {
        size_t open = str_find(text, S("#{"), at);
        size_t close = open == (size_t)-1 ? open : str_find_c(text, '}', open);
        if (close == (size_t)-1) {
            break;
        }
        struct str name = str_trim(str_sub(text, open + 2, close - open - 2));
        struct str value = str_map_get(&scope->values, name);
        if (value.p == NULL) {
            return err_set(err, ERR_INVALID,
                           "#{%.*s} is not set: no earlier action with that namespace exports it",
                           STR_ARG(name));
        }
        buf_add(&out, str_sub(text, at, open - at));
        buf_add(&out, value);
        at = close + 1;
    }
    buf_add(&out, str_sub(text, at, text.n));
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the resolved configuration is larger than %d KB",
                       VARIABLES_RESOLVED_MAX / 1024);
    }
    *ret = buf_dup(a, &out);
    return 0;
}

/* ---- JSON ---- */

/* *at is the place of a value in its parent: a string is replaced. */
static int resolve_node(struct arena *a, const struct variable_scope *scope, json_t *node,
                        json_t **ret_new, struct err *err) {
    const char *key = NULL;
    void *next = NULL;
    json_t *child = NULL;
    size_t i = 0;
    *ret_new = NULL;
    if (json_is_string(node)) {
        struct str resolved = STR_NONE;
        if (resolve_text(a, scope, json_text(node), &resolved, err) < 0) {
            return -1;
        }
        *ret_new = json_from_str(resolved);
        return 0;
    }
    json_object_foreach_safe(node, next, key, child) {
        json_t *fresh = NULL;
        if (resolve_node(a, scope, child, &fresh, err) < 0) {
            return -1;
        }
        if (fresh != NULL) {
            json_object_set_new(node, key, fresh);
        }
    }
    json_array_foreach(node, i, child) {
        json_t *fresh = NULL;
        if (resolve_node(a, scope, child, &fresh, err) < 0) {
            return -1;
        }
        if (fresh != NULL) {
            json_array_set_new(node, i, fresh);
        }
    }
    return 0;
}

static json_t *as_json(struct str text) {
    struct err ignored = ERR_INIT;
    struct str trimmed = str_trim(text);
    bool may_be = str_starts(trimmed, S("{")) || str_starts(trimmed, S("["));
    return may_be && str_find(text, S("#{"), 0) != (size_t)-1 ? json_parse(text, &ignored) : NULL;
}

int variables_resolve(struct arena *a, const struct variable_scope *scope, struct str text,
                      struct str *ret, struct err *err) {
    json_t *json cleanup_json = as_json(text);
    json_t *replaced = NULL;
    if (json == NULL) {
        return resolve_text(a, scope, text, ret, err);
    }
    if (resolve_node(a, scope, json, &replaced, err) < 0) {
        return -1;
    }
    *ret = json_dump_str(a, json);
    return 0;
}

/* ---- many ---- */

static int count(size_t *total, struct str text, struct err *err) {
    *total += text.n;
    return *total <= VARIABLES_RESOLVED_MAX
               ? 0
               : err_set(err, ERR_LIMIT, "the resolved configuration is larger than %d KB",
                         VARIABLES_RESOLVED_MAX / 1024);
}

int variables_resolve_map(struct arena *a, const struct variable_scope *scope,
                          const struct str_map *from, struct str_map *ret, struct err *err) {
    size_t total = 0;
    *ret = (struct str_map){0};
    for (size_t i = 0; i < from->n; i++) {
        struct str_pair *to = arena_push(a, ret);
        to->key = from->v[i].key;
        if (variables_resolve(a, scope, from->v[i].value, &to->value, err) < 0) {
            return err_wrap(err, "configuration %.*s", STR_ARG(to->key));
        }
        if (count(&total, to->value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int variables_resolve_list(struct arena *a, const struct variable_scope *scope,
                           const struct str_list *from, struct str_list *ret, struct err *err) {
    size_t total = 0;
    *ret = (struct str_list){0};
    for (size_t i = 0; i < from->n; i++) {
        struct str *to = arena_push(a, ret);
        if (resolve_text(a, scope, from->v[i], to, err) < 0) {
            return err_wrap(err, "command %zu", i + 1);
        }
        if (count(&total, *to, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int variables_check_output(struct str json, struct err *err) {
    json_t *o cleanup_json = json.n > 0 ? json_parse(json, err) : json_object();
    const char *key = NULL;
    json_t *value = NULL;
    size_t total = 0;
    if (o == NULL) {
        return -1;
    }
    json_object_foreach(o, key, value) {
        total += strlen(key) + json_text(value).n;
    }
    return total <= VARIABLES_OUTPUT_MAX
               ? 0
               : err_set(err, ERR_LIMIT,
                         "the output variables have %zu bytes, more than %d: export less", total,
                         VARIABLES_OUTPUT_MAX);
}
