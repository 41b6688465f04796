/* Implementation of setting_json.h. Settings are what a decoder let through, so depth is bounded by
 * the model. */
#include "services/s3/setting_json.h"

#include "platform/text/json.h"

static json_t *write_value(const struct shape *shape, const void *value);

static json_t *write_struct(const struct shape *shape, const void *base) {
    json_t *object = json_object();
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *m = &shape->members[i];
        const void *value = m->place == SHAPE_IN_BODY ? shape_get(m, base) : NULL;
        if (value != NULL) {
            json_set(object, m->name, write_value(m->shape, value));
        }
    }
    return object;
}

static json_t *write_list(const struct shape *shape, const struct shape_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        const char *at = (const char *)list->v + i * shape->item->size;
        json_array_append_new(array, write_value(shape->item, at));
    }
    return array;
}

static json_t *write_value(const struct shape *shape, const void *value) {
    switch ((enum shape_kind)shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        return json_from_str(*(const struct str *)value);
    case SHAPE_BOOL:
        return json_boolean(*(const bool *)value);
    case SHAPE_INT:
        return json_integer(*(const int32_t *)value);
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
        return json_integer(*(const int64_t *)value);
    case SHAPE_STRUCT:
        return write_struct(shape, value);
    case SHAPE_LIST:
        return write_list(shape, value);
    default:
        return json_null(); /* no setting of S3 has other kinds */
    }
}

struct str s3_setting_write(struct arena *a, const struct shape *shape, const void *value) {
    json_t *json cleanup_json = write_struct(shape, value);
    return json_dump_str(a, json);
}

static bool read_value(struct arena *a, const struct shape *shape, const json_t *json, void *out);

static bool read_struct(struct arena *a, const struct shape *shape, const json_t *json, void *out) {
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *m = &shape->members[i];
        const json_t *value = json_object_get(json, m->name);
        if (value == NULL || json_is_null(value) || m->offset == SHAPE_NO_FIELD) {
            continue;
        }
        char *at = (char *)out + m->offset;
        if (m->shape->kind == SHAPE_STRUCT) {
            void *inner = arena_alloc(a, m->shape->size);
            *(void **)(void *)at = inner;
            at = inner;
        }
        if (!read_value(a, m->shape, value, at)) {
            return false;
        }
        if (m->has_offset != SHAPE_NO_FIELD) {
            *(bool *)(void *)((char *)out + m->has_offset) = true;
        }
    }
    return json_is_object(json);
}

static bool read_list(struct arena *a, const struct shape *shape, const json_t *json,
                      struct shape_list *list) {
    list->n = json_array_size(json);
    list->v = arena_array(a, list->n, shape->item->size);
    for (size_t i = 0; i < list->n; i++) {
        char *at = (char *)list->v + i * shape->item->size;
        if (!read_value(a, shape->item, json_array_get(json, i), at)) {
            return false;
        }
    }
    return json_is_array(json);
}

static bool read_value(struct arena *a, const struct shape *shape, const json_t *json, void *out) {
    switch ((enum shape_kind)shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        *(struct str *)out = str_dup(a, json_text(json));
        return json_is_string(json);
    case SHAPE_BOOL:
        *(bool *)out = json_is_true(json);
        return json_is_boolean(json);
    case SHAPE_INT:
        *(int32_t *)out = (int32_t)json_integer_value(json);
        return json_is_integer(json);
    case SHAPE_LONG:
    case SHAPE_TIMESTAMP:
        *(int64_t *)out = json_integer_value(json);
        return json_is_integer(json);
    case SHAPE_STRUCT:
        return read_struct(a, shape, json, out);
    case SHAPE_LIST:
        return read_list(a, shape, json, out);
    default:
        return false;
    }
}

int s3_setting_read(struct arena *a, const struct shape *shape, struct str text, void *out,
                    struct err *err) {
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL || !read_struct(a, shape, json, out)) {
        return err_set(err, ERR_INTERNAL, "store: a damaged bucket setting");
    }
    return 0;
}
