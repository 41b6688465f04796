/* JSON to generated structs. null means absent, everywhere. */
#include "aws/proto/internal.h"

#include "base/clock.h"
#include "platform/crypto/encode.h"

#include <math.h>

static int read_value(struct walk *w, const struct shape *s, const json_t *json, void *at,
                      const struct spot *spot);

static const char *type_name(const json_t *json) {
    static const char *const names[] = {"START_OBJECT", "START_ARRAY",  "STRING_VALUE",
                                        "NUMBER_VALUE", "NUMBER_VALUE", "TRUE_VALUE",
                                        "FALSE_VALUE",  "NULL_VALUE"};
    return names[json_typeof(json)];
}

static int wrong_type(struct walk *w, const json_t *json, const char *wanted,
                      const struct spot *spot) {
    return walk_malformed(w, spot, "%s cannot be converted to %s", type_name(json), wanted);
}

static int read_integer(struct walk *w, const struct shape *s, const json_t *json, void *at,
                        const struct spot *spot) {
    bool small = s->kind == SHAPE_INT;
    int64_t value = json_integer_value(json);
    if (json_is_real(json)) {
        double real = json_real_value(json);
        if (fabs(real) >= 9.2e18 || real != (double)(int64_t)real) {
            return wrong_type(w, json, small ? "Integer" : "Long", spot);
        }
        value = (int64_t)real;
    } else if (!json_is_integer(json)) {
        return wrong_type(w, json, small ? "Integer" : "Long", spot);
    }
    if (small && (value < INT32_MIN || value > INT32_MAX)) {
        return walk_malformed(w, spot, "Value out of range for int: %lld", (long long)value);
    }
    if (small) {
        *(int32_t *)at = (int32_t)value;
    } else {
        *(int64_t *)at = value;
    }
    return 0;
}

static int read_double(struct walk *w, const json_t *json, double *at, const struct spot *spot) {
    struct str text = json_text(json);
    if (str_is(text, "NaN")) {
        *at = (double)NAN;
    } else if (str_is(text, "Infinity") || str_is(text, "-Infinity")) {
        *at = text.p[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    } else if (json_is_number(json)) {
        *at = json_number_value(json);
    } else {
        return wrong_type(w, json, "Double", spot);
    }
    return 0;
}

/* Seconds with a fraction, or one of the text forms. */
static int read_time(struct walk *w, const json_t *json, int64_t *at, const struct spot *spot) {
    if (json_is_number(json)) {
        double ms = json_number_value(json) * 1000.0;
        if (fabs(ms) < 1e17) {
            *at = (int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5);
            return 0;
        }
    }
    return json_is_string(json) && time_parse(json_text(json), at)
               ? 0
               : wrong_type(w, json, "Timestamp", spot);
}

static int read_text(struct walk *w, const struct shape *s, const json_t *json, struct str *at,
                     const struct spot *spot) {
    if (s->kind == SHAPE_DOCUMENT) {
        *at = json_dump_str(w->arena, json);
        return 0;
    }
    if (!json_is_string(json)) {
        return wrong_type(w, json, s->kind == SHAPE_BLOB ? "Blob" : "String", spot);
    }
    if (s->kind == SHAPE_BLOB) {
        return base64_decode(w->arena, json_text(json), at)
                   ? 0
                   : walk_malformed(w, spot, "Invalid base64 text");
    }
    *at = str_dup(w->arena, json_text(json));
    return 0;
}

static int read_list(struct walk *w, const struct shape *s, const json_t *json, void *at,
                     const struct spot *up) {
    if (!json_is_array(json)) {
        return wrong_type(w, json, "List", up);
    }
    size_t n = json_array_size(json);
    size_t kept = 0;
    list_make(w->arena, s, at, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        struct spot spot = {up, STR_NONE, i + 1};
        if (json_is_null(item)) {
            continue;
        }
        if (read_value(w, s->item, item, list_item(s, at, kept++), &spot) < 0) {
            return -1;
        }
    }
    ((struct shape_list *)at)->n = kept;
    return 0;
}

static int read_map(struct walk *w, const struct shape *s, const json_t *json, void *at,
                    const struct spot *up) {
    if (!json_is_object(json)) {
        return wrong_type(w, json, "Map", up);
    }
    size_t n = 0;
    map_make(w->arena, s, at, json_object_size(json));
    for (void *i = json_object_iter((json_t *)json); i != NULL;
         i = json_object_iter_next((json_t *)json, i)) {
        const json_t *value = json_object_iter_value(i);
        struct str key = str_n(json_object_iter_key(i), json_object_iter_key_len(i));
        struct spot spot = {up, key, 0};
        if (json_is_null(value)) {
            continue;
        }
        *map_key(s, at, n) = str_dup(w->arena, key);
        if (read_value(w, s->item, value, map_value(s, at, n++), &spot) < 0) {
            return -1;
        }
    }
    ((struct shape_list *)at)->n = n;
    return 0;
}

static int read_value(struct walk *w, const struct shape *s, const json_t *json, void *at,
                      const struct spot *spot) {
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        return json_read_struct(w, s, json, at, false, spot);
    case SHAPE_LIST:
        return read_list(w, s, json, at, spot);
    case SHAPE_MAP:
        return read_map(w, s, json, at, spot);
    case SHAPE_BOOL:
        if (!json_is_boolean(json)) {
            return wrong_type(w, json, "Boolean", spot);
        }
        *(bool *)at = json_is_true(json);
        return 0;
    case SHAPE_INT:
    case SHAPE_LONG:
        return read_integer(w, s, json, at, spot);
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return read_double(w, json, at, spot);
    case SHAPE_TIMESTAMP:
        return read_time(w, json, at, spot);
    case SHAPE_BODY:
        return 0;
    default:
        return read_text(w, s, json, at, spot);
    }
}

static const struct shape_member *find_wire(const struct shape *s, struct str name,
                                            bool body_only) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        if (str_is(name, m->wire) && (!body_only || m->place == SHAPE_IN_BODY)) {
            return m;
        }
    }
    return NULL;
}

int json_read_struct(struct walk *w, const struct shape *s, const json_t *json, void *base,
                     bool body_only, const struct spot *at) {
    if (!json_is_object(json)) {
        return wrong_type(w, json, s->name ? s->name : "Structure", at);
    }
    for (void *i = json_object_iter((json_t *)json); i != NULL;
         i = json_object_iter_next((json_t *)json, i)) {
        struct str key = str_n(json_object_iter_key(i), json_object_iter_key_len(i));
        const json_t *value = json_object_iter_value(i);
        const struct shape_member *m = find_wire(s, key, body_only);
        if (m == NULL) {
            walk_unknown(w, at, key);
            continue;
        }
        if (json_is_null(value) || m->offset == SHAPE_NO_FIELD) {
            continue;
        }
        struct spot spot = {at, str_c(m->name), 0};
        if (read_value(w, m->shape, value, member_make(w->arena, m, base), &spot) < 0) {
            return -1;
        }
    }
    return 0;
}
