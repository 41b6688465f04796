/* The stored form of items: typed JSON, as the API itself writes it. Our own bytes come back in, so
 * anything unexpected is a damaged store, not a bad request. */
#include "services/dynamodb/value.h"

#include "base/buf.h"
#include "platform/crypto/encode.h"

#include <jansson.h>

enum { ITEM_TEXT_MAX = 4 * 1024 * 1024 }; /* 400 KiB of item, escaped and base64, and to spare */

static void write_string(struct buf *out, struct str s) {
    static const char hex[] = "0123456789abcdef";
    buf_add_c(out, '"');
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buf_add(out, str_sub(s, plain, i - plain));
        plain = i + 1;
        if (c == '"' || c == '\\') {
            buf_add_c(out, '\\');
            buf_add_c(out, (char)c);
        } else {
            buf_add(out, S("\\u00"));
            buf_add_c(out, hex[c >> 4]);
            buf_add_c(out, hex[c & 15]);
        }
    }
    buf_add(out, str_sub(s, plain, s.n));
    buf_add_c(out, '"');
}

static void write_text(struct arena *a, struct buf *out, const struct ddb_value *value) {
    write_string(out, value->type == DDB_B ? base64_encode(a, value->text) : value->text);
}

static void write_map(struct arena *a, struct buf *out, const struct ddb_map *map);

static void write_value(struct arena *a, struct buf *out, const struct ddb_value *value) {
    bool set = value->type == DDB_SS || value->type == DDB_NS || value->type == DDB_BS;
    buf_printf(out, "{\"%s\":", ddb_type_name(value->type));
    switch (value->type) {
    case DDB_S:
    case DDB_N:
    case DDB_B:
        write_text(a, out, value);
        break;
    case DDB_BOOL:
        buf_add_z(out, value->boolean ? "true" : "false");
        break;
    case DDB_NULL:
        buf_add_z(out, "true");
        break;
    case DDB_M:
        write_map(a, out, &value->map);
        break;
    case DDB_L:
    case DDB_SS:
    case DDB_NS:
    case DDB_BS:
        buf_add_c(out, '[');
        for (size_t i = 0; i < value->list.n; i++) {
            buf_add_z(out, i > 0 ? "," : "");
            if (set) {
                write_text(a, out, value->list.v[i]);
            } else {
                write_value(a, out, value->list.v[i]);
            }
        }
        buf_add_c(out, ']');
        break;
    }
    buf_add_c(out, '}');
}

static void write_map(struct arena *a, struct buf *out, const struct ddb_map *map) {
    buf_add_c(out, '{');
    for (size_t i = 0; i < map->n; i++) {
        buf_add_z(out, i > 0 ? "," : "");
        write_string(out, map->v[i].name);
        buf_add_c(out, ':');
        write_value(a, out, map->v[i].value);
    }
    buf_add_c(out, '}');
}

struct str ddb_map_write(struct arena *a, const struct ddb_map *map) {
    struct buf out cleanup_buf;
    buf_init(&out, ITEM_TEXT_MAX);
    write_map(a, &out, map);
    return buf_dup(a, &out);
}

static int damaged(struct err *err) {
    return err_set(err, ERR_INTERNAL, "store: a damaged DynamoDB item");
}

static int read_map(struct arena *a, json_t *json, struct ddb_map *ret, struct err *err);

static int read_text(struct arena *a, json_t *json, enum ddb_type type, struct str *ret,
                     struct err *err) {
    if (!json_is_string(json)) {
        return damaged(err);
    }
    struct str text = str_n(json_string_value(json), json_string_length(json));
    if (type == DDB_B || type == DDB_BS) {
        return base64_decode(a, text, ret) ? 0 : damaged(err);
    }
    *ret = str_dup(a, text);
    return 0;
}

static int read_value(struct arena *a, json_t *json, struct ddb_value **ret, struct err *err) {
    void *iter = json_is_object(json) ? json_object_iter(json) : NULL;
    enum ddb_type type;
    if (iter == NULL || !ddb_type_parse(str_c(json_object_iter_key(iter)), &type)) {
        return damaged(err);
    }
    json_t *in = json_object_iter_value(iter);
    struct ddb_value *value = ddb_value_new(a, type, STR_NONE);
    *ret = value;
    if (type <= DDB_B) {
        return read_text(a, in, type, &value->text, err);
    }
    if (type == DDB_M) {
        return read_map(a, in, &value->map, err);
    }
    value->boolean = json_is_true(in);
    enum ddb_type member = type == DDB_SS ? DDB_S : type == DDB_NS ? DDB_N : DDB_B;
    size_t i;
    json_t *element;
    json_array_foreach(in, i, element) {
        struct ddb_value *child = NULL;
        if (type != DDB_L) {
            child = ddb_value_new(a, member, STR_NONE);
        }
        if ((type == DDB_L ? read_value(a, element, &child, err)
                           : read_text(a, element, type, &child->text, err)) < 0) {
            return -1;
        }
        *arena_push(a, &value->list) = child;
    }
    return 0;
}

static int read_map(struct arena *a, json_t *json, struct ddb_map *ret, struct err *err) {
    if (!json_is_object(json)) {
        return damaged(err);
    }
    for (void *iter = json_object_iter(json); iter != NULL;
         iter = json_object_iter_next(json, iter)) {
        struct ddb_value *value = NULL;
        if (read_value(a, json_object_iter_value(iter), &value, err) < 0) {
            return -1;
        }
        *arena_push(a, ret) =
            (struct ddb_attr){str_dup(a, str_c(json_object_iter_key(iter))), value};
    }
    return 0;
}

int ddb_map_read(struct arena *a, struct str text, struct ddb_map *ret, struct err *err) {
    *ret = (struct ddb_map){0};
    json_t *json = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    int result = json == NULL ? damaged(err) : read_map(a, json, ret, err);
    json_decref(json);
    return result;
}
