/* Implementation of services/core/value.h: two walks over descriptors. */
#include "services/core/value.h"

#include "platform/crypto/encode.h"

#include <stdio.h>

static json_t *blob_to_json(struct str bytes) {
    struct arena a = ARENA_INIT;
    json_t *json = json_from_str(base64_encode(&a, bytes));
    arena_done(&a);
    return json;
}

static json_t *struct_to_json(const struct shape *shape, const char *at) {
    json_t *object = json_object();
    for (uint32_t i = 0; i < shape->n_members; i++) {
        const void *member = shape_get(&shape->members[i], at);
        if (member != NULL) {
            json_set(object, shape->members[i].name,
                     value_to_json(shape->members[i].shape, member));
        }
    }
    return object;
}

static json_t *map_to_json(const struct shape *shape, const struct shape_list *map) {
    json_t *object = json_object();
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < map->n; i++) {
        const char *entry = (const char *)map->v + i * shape->entry_size;
        json_set(object, str_z(&a, *(const struct str *)(const void *)entry),
                 value_to_json(shape->item, entry + shape->value_offset));
    }
    arena_done(&a);
    return object;
}

json_t *value_to_json(const struct shape *shape, const void *value) {
    const struct shape_list *list = value;
    switch ((enum shape_kind)shape->kind) {
    case SHAPE_STRUCT:
        return struct_to_json(shape, value);
    case SHAPE_LIST: {
        json_t *array = json_array();
        for (size_t i = 0; i < list->n; i++) {
            const char *item = (const char *)list->v + i * shape->item->size;
            json_array_append_new(array, value_to_json(shape->item, item));
        }
        return array;
    }
    case SHAPE_MAP:
        return map_to_json(shape, list);
    case SHAPE_BLOB:
        return blob_to_json(*(const struct str *)value);
    case SHAPE_BOOL:
        return json_boolean(*(const bool *)value);
    case SHAPE_INT:
        return json_integer(*(const int32_t *)value);
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
        return json_integer(*(const int64_t *)value);
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return json_real(*(const double *)value);
    default:
        return json_from_str(*(const struct str *)value);
    }
}

/* What one walk shares; `path` is built on the way down for messages. */
struct reading {
    struct arena *arena;
    unsigned flags;
    struct err *err;
};

static int from_json(struct reading *r, const struct shape *shape, const json_t *json,
                     struct str path, void *ret);

static int wrong(struct reading *r, struct str path, const char *want) {
    return err_set(r->err, ERR_INVALID, "%.*s: expected %s",
                   STR_ARG(path.n > 0 ? path : S("value")), want);
}

static struct str below(struct reading *r, struct str path, struct str name) {
    return path.n == 0 ? name : str_printf(r->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(name));
}

static const struct shape_member *member_of(const struct reading *r, const struct shape *shape,
                                            struct str key) {
    if (!(r->flags & VALUE_LENIENT)) {
        return shape_find_member(shape, key);
    }
    for (uint32_t i = 0; i < shape->n_members; i++) {
        if (str_ieq(key, str_c(shape->members[i].name))) {
            return &shape->members[i];
        }
    }
    return NULL;
}

static int struct_from_json(struct reading *r, const struct shape *shape, const json_t *json,
                            struct str path, char *ret) {
    if (!json_is_object(json)) {
        return wrong(r, path, "an object");
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        const struct shape_member *m = member_of(r, shape, str_c(key));
        if (m == NULL || m->offset == SHAPE_NO_FIELD) {
            if (r->flags & VALUE_LENIENT) {
                return err_set(r->err, ERR_INVALID, "%.*s: unknown property '%s'",
                               STR_ARG(path.n > 0 ? path : S("Properties")), key);
            }
            continue;
        }
        if (json_is_null(value)) {
            continue;
        }
        char *at = ret + m->offset;
        if (m->shape->kind == SHAPE_STRUCT) {
            char *inner = arena_alloc(r->arena, m->shape->size);
            *(void **)(void *)at = inner;
            at = inner;
        }
        if (from_json(r, m->shape, value, below(r, path, str_c(key)), at) < 0) {
            return -1;
        }
        if (m->has_offset != SHAPE_NO_FIELD) {
            *(bool *)(void *)(ret + m->has_offset) = true;
        }
    }
    return 0;
}

static int list_from_json(struct reading *r, const struct shape *shape, const json_t *json,
                          struct str path, struct shape_list *ret) {
    bool single = !json_is_array(json);
    if (single && (!(r->flags & VALUE_LENIENT) || json_is_object(json))) {
        return wrong(r, path, "a list");
    }
    size_t n = single ? 1 : json_array_size(json);
    ret->v = arena_array(r->arena, n > 0 ? n : 1, shape->item->size);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = single ? json : json_array_get(json, i);
        if (json_is_null(item)) {
            continue;
        }
        struct str at = str_printf(r->arena, "%.*s[%zu]", STR_ARG(path), i);
        if (from_json(r, shape->item, item, at, (char *)ret->v + ret->n * shape->item->size) < 0) {
            return -1;
        }
        ret->n++;
    }
    return 0;
}

static int map_from_json(struct reading *r, const struct shape *shape, const json_t *json,
                         struct str path, struct shape_list *ret) {
    if (!json_is_object(json)) {
        return wrong(r, path, "an object");
    }
    size_t n = json_object_size(json);
    ret->v = arena_array(r->arena, n > 0 ? n : 1, shape->entry_size);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value) {
        char *entry = (char *)ret->v + ret->n * shape->entry_size;
        *(struct str *)(void *)entry = str_dup(r->arena, str_c(key));
        if (!json_is_null(value) && from_json(r, shape->item, value, below(r, path, str_c(key)),
                                              entry + shape->value_offset) < 0) {
            return -1;
        }
        ret->n++;
    }
    return 0;
}

static int str_from_json(struct reading *r, const json_t *json, struct str path, struct str *ret) {
    if (json_is_string(json)) {
        *ret = str_dup(r->arena, json_text(json));
    } else if ((r->flags & VALUE_LENIENT) && json_is_integer(json)) {
        *ret = str_printf(r->arena, "%lld", (long long)json_integer_value(json));
    } else if ((r->flags & VALUE_LENIENT) && json_is_real(json)) {
        *ret = str_printf(r->arena, "%.15g", json_real_value(json));
    } else if ((r->flags & VALUE_LENIENT) && json_is_boolean(json)) {
        *ret = json_is_true(json) ? S("true") : S("false");
    } else {
        return wrong(r, path, "text");
    }
    return 0;
}

static int number_from_json(struct reading *r, const struct shape *shape, const json_t *json,
                            struct str path, void *ret) {
    double real = json_number_value(json);
    long long whole = json_is_integer(json) ? (long long)json_integer_value(json) : 0;
    bool is_whole = json_is_integer(json);
    if ((r->flags & VALUE_LENIENT) && json_is_string(json)) {
        struct str text = json_text(json);
        is_whole = str_to_i64(text, &whole);
        if (!str_to_double(text, &real)) {
            return wrong(r, path, "a number");
        }
    } else if (!json_is_number(json)) {
        return wrong(r, path, "a number");
    }
    if (shape->kind == SHAPE_FLOAT || shape->kind == SHAPE_DOUBLE) {
        *(double *)ret = real;
        return 0;
    }
    if (!is_whole && real >= -9e15 && real <= 9e15 && real == (double)(long long)real) {
        whole = (long long)real;
        is_whole = true;
    }
    if (!is_whole || (shape->kind == SHAPE_INT && (whole > INT32_MAX || whole < INT32_MIN))) {
        return wrong(r, path, "a whole number");
    }
    if (shape->kind == SHAPE_INT) {
        *(int32_t *)ret = (int32_t)whole;
    } else {
        *(int64_t *)ret = whole;
    }
    return 0;
}

static int bool_from_json(struct reading *r, const json_t *json, struct str path, bool *ret) {
    struct str text =
        json_is_string(json) && (r->flags & VALUE_LENIENT) ? json_text(json) : STR_NONE;
    if (json_is_boolean(json)) {
        *ret = json_is_true(json);
    } else if (str_ieq(text, S("true"))) {
        *ret = true;
    } else if (str_ieq(text, S("false"))) {
        *ret = false;
    } else {
        return wrong(r, path, "true or false");
    }
    return 0;
}

static int from_json(struct reading *r, const struct shape *shape, const json_t *json,
                     struct str path, void *ret) {
    struct str text = STR_NONE;
    switch ((enum shape_kind)shape->kind) {
    case SHAPE_STRUCT:
        return struct_from_json(r, shape, json, path, ret);
    case SHAPE_LIST:
        return list_from_json(r, shape, json, path, ret);
    case SHAPE_MAP:
        return map_from_json(r, shape, json, path, ret);
    case SHAPE_BOOL:
        return bool_from_json(r, json, path, ret);
    case SHAPE_INT:
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return number_from_json(r, shape, json, path, ret);
    case SHAPE_BLOB:
        if (str_from_json(r, json, path, &text) < 0) {
            return -1;
        }
        return base64_decode(r->arena, text, ret) ? 0 : wrong(r, path, "base64");
    default:
        return str_from_json(r, json, path, ret);
    }
}

int value_from_json(struct arena *a, const struct shape *shape, const json_t *json, unsigned flags,
                    void *ret, struct err *err) {
    struct reading r = {a, flags, err};
    return from_json(&r, shape, json, S(""), ret);
}

int value_copy(struct arena *a, const struct shape *from, const void *value, const struct shape *to,
               void *ret, struct err *err) {
    json_t *json cleanup_json = value_to_json(from, value);
    return value_from_json(a, to, json, 0, ret, err);
}
