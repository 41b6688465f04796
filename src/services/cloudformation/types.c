/* The table of resource types and what they share. */
#include "services/cloudformation/types.h"

#include "services/core/value.h"

#include <stdio.h>

#define TYPE(name) extern const struct cf_type cf_type_##name;
#include "services/cloudformation/resource_types.def"

static const struct cf_type *const all[] = {
#define TYPE(name) &cf_type_##name,
#include "services/cloudformation/resource_types.def"
};

const struct cf_type *cf_type_find(struct str name) {
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (str_is(name, all[i]->name)) {
            return all[i];
        }
    }
    return NULL;
}

bool cf_list_has(const char *const *list, struct str name) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        if (str_is(name, list[i])) {
            return true;
        }
    }
    return false;
}

struct str cf_text(struct cf_call *c, const json_t *props, const char *property) {
    const json_t *value = json_object_get(props, property);
    if (json_is_string(value)) {
        return str_dup(c->arena, json_text(value));
    }
    if (json_is_integer(value)) {
        return str_printf(c->arena, "%lld", (long long)json_integer_value(value));
    }
    if (json_is_real(value)) {
        return str_printf(c->arena, "%.15g", json_real_value(value));
    }
    return json_is_boolean(value) ? (json_is_true(value) ? S("true") : S("false")) : STR_NONE;
}

bool cf_true(const json_t *props, const char *property) {
    const json_t *value = json_object_get(props, property);
    return json_is_true(value) || str_ieq(json_text(value), S("true"));
}

bool cf_same(const struct cf_call *c, const char *property) {
    const json_t *before = json_object_get(c->old, property);
    const json_t *after = json_object_get(c->props, property);
    return before == NULL ? after == NULL : after != NULL && json_equal(before, after);
}

void cf_attr(struct cf_call *c, const char *name, struct str value) {
    json_set_str(c->attrs, name, value);
}

struct str cf_arn(struct cf_call *c, const char *service, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str resource = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    return str_printf(c->arena, "arn:aws:%s:%.*s:%.*s:%.*s", service, STR_ARG(c->region),
                      STR_ARG(c->account), STR_ARG(resource));
}

struct str cf_name(struct cf_call *c, const char *property, size_t max, bool lower) {
    struct str given = cf_text(c, c->props, property);
    if (given.p != NULL) {
        return given;
    }
    struct str random = rng_alnum(c->rng, c->arena, 12);
    struct str stem =
        str_printf(c->arena, "%.*s-%.*s", STR_ARG(c->stack_name), STR_ARG(c->logical_id));
    stem = str_sub(stem, 0, max - random.n - 1);
    struct str name = str_printf(c->arena, "%.*s-%.*s", STR_ARG(stem), STR_ARG(random));
    return lower ? str_lower(c->arena, name) : name;
}

int cf_invoke(struct cf_call *c, const struct shape_op *op, json_t *input, const void **ret_out,
              struct err *err) {
    json_t *owned cleanup_json = input;
    void *in = arena_alloc(c->arena, op->in->size > 0 ? op->in->size : 1);
    void *out = arena_alloc(c->arena, op->out->size > 0 ? op->out->size : 1);
    if (value_from_json(c->arena, op->in, owned, VALUE_LENIENT, in, err) < 0 ||
        aws_call(c->target, op, c->arena, in, out, err) < 0) {
        return -1;
    }
    if (ret_out != NULL) {
        *ret_out = out;
    }
    return 0;
}

static json_t *filter(const json_t *props, const char *const *names, bool named) {
    json_t *made = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)props, key, value) {
        if (cf_list_has(names, str_c(key)) == named) {
            json_set(made, key, json_incref(value));
        }
    }
    return made;
}

json_t *cf_pick(const json_t *props, const char *const *names) {
    return filter(props, names, true);
}

json_t *cf_omit(const json_t *props, const char *const *names) {
    return filter(props, names, false);
}

json_t *cf_tags_json(const struct str_map *tags, bool as_list) {
    json_t *json = as_list ? json_array() : json_object();
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < tags->n; i++) {
        if (!as_list) {
            json_set_str(json, str_z(&a, tags->v[i].key), tags->v[i].value);
            continue;
        }
        json_t *tag = json_object();
        json_set_str(tag, "Key", tags->v[i].key);
        json_set_str(tag, "Value", tags->v[i].value);
        json_array_append_new(json, tag);
    }
    arena_done(&a);
    return json;
}

json_t *cf_list_json(const struct str_list *list) {
    json_t *json = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(json, json_from_str(list->v[i]));
    }
    return json;
}

struct str cf_document(struct cf_call *c, const json_t *props, const char *property) {
    const json_t *value = json_object_get(props, property);
    if (value == NULL || json_is_string(value)) {
        return str_dup(c->arena, json_text(value));
    }
    return json_dump_str(c->arena, value);
}

struct str_map cf_tags(struct cf_call *c, const json_t *props) {
    const json_t *tags = json_object_get(props, "Tags");
    struct str_map map = {0};
    const char *key;
    json_t *value;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        *arena_push(c->arena, &map) =
            (struct str_pair){cf_text(c, tag, "Key"), cf_text(c, tag, "Value")};
    }
    json_object_foreach((json_t *)tags, key, value) {
        *arena_push(c->arena, &map) =
            (struct str_pair){str_dup(c->arena, str_c(key)), cf_text(c, tags, key)};
    }
    return map;
}

struct str_list cf_tags_gone(struct cf_call *c) {
    struct str_map before = cf_tags(c, c->old);
    struct str_map after = cf_tags(c, c->props);
    struct str_list gone = {0};
    for (size_t i = 0; i < before.n; i++) {
        if (str_map_get(&after, before.v[i].key).p == NULL) {
            *arena_push(c->arena, &gone) = before.v[i].key;
        }
    }
    return gone;
}

bool cf_gone(struct err *err, const struct aws_error *not_found) {
    if (err->api != not_found) {
        return false;
    }
    *err = ERR_INIT;
    return true;
}
