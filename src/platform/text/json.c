/* Implementation of platform/text/json.h. */
#include "platform/text/json.h"

#include "base/buf.h"
#include "platform/text/utf8.h"

#include <stdlib.h>

void json_freep(json_t **json) {
    json_decref(*json);
}

/* jansson's own depth limit is 2048 and its parser recurses; ours is checked before it starts. */
static bool too_deep(struct str text) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_DEPTH) {
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

json_t *json_parse(struct str text, struct err *err) {
    if (text.n > JSON_MAX_BYTES) {
        err_set(err, ERR_LIMIT, "JSON of %zu bytes is over the limit of %d", text.n,
                JSON_MAX_BYTES);
        return NULL;
    }
    if (too_deep(text)) {
        err_set(err, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_MAX_DEPTH);
        return NULL;
    }
    json_error_t error;
    json_t *json =
        json_loadb(text.p ? text.p : "", text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        err_set(err, ERR_INVALID, "line %d, column %d: %s", error.line, error.column, error.text);
    }
    return json;
}

struct str json_text(const json_t *value) {
    if (!json_is_string(value)) {
        return STR_NONE;
    }
    return str_n(json_string_value(value), json_string_length(value));
}

struct str json_str(const json_t *object, const char *key) {
    return json_text(json_object_get(object, key));
}

int64_t json_int(const json_t *object, const char *key) {
    return (int64_t)json_integer_value(json_object_get(object, key));
}

bool json_bool(const json_t *object, const char *key) {
    return json_is_true(json_object_get(object, key));
}

double json_number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

json_t *json_from_str(struct str s) {
    if (s.p == NULL) {
        return json_null();
    }
    json_t *value = json_stringn(s.p, s.n);
    if (value == NULL) {
        struct arena a = ARENA_INIT;
        struct str clean = utf8_repair(&a, s);
        value = json_stringn(clean.p, clean.n);
        arena_done(&a);
    }
    if (value == NULL) {
        abort();
    }
    return value;
}

void json_set(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value) < 0) {
        abort();
    }
}

void json_set_str(json_t *object, const char *key, struct str value) {
    if (value.p != NULL) {
        json_set(object, key, json_from_str(value));
    }
}

static int add_piece(const char *piece, size_t n, void *ud) {
    buf_add(ud, str_n(piece, n));
    return 0;
}

static struct str dump(struct arena *a, const json_t *json, size_t flags) {
    struct buf text cleanup_buf;
    buf_init(&text, (size_t)4 * JSON_MAX_BYTES);
    if (json_dump_callback(json, add_piece, &text,
                           flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) < 0 ||
        text.overflow) {
        abort();
    }
    return buf_dup(a, &text);
}

struct str json_dump_str(struct arena *a, const json_t *json) {
    return dump(a, json, JSON_COMPACT);
}

struct str json_dump_pretty(struct arena *a, const json_t *json) {
    return dump(a, json, JSON_INDENT(2));
}

struct str json_dump_sorted(struct arena *a, const json_t *json) {
    return dump(a, json, JSON_COMPACT | JSON_SORT_KEYS);
}
