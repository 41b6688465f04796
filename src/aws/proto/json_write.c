/* Generated structs to JSON. Absent members are left out. */
#include "aws/proto/internal.h"

#include "platform/crypto/encode.h"
#include "platform/text/utf8.h"

#include <math.h>

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at);

static bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void write_character(struct buf *out, struct str *s) {
    uint32_t c = 0;
    size_t n = utf8_decode(*s, &c);
    if (n == 0) {
        buf_add_z(out, "\xEF\xBF\xBD"); /* JSON has no way to say any byte */
        n = 1;
    } else if (c == '"' || c == '\\') {
        buf_add_c(out, '\\');
        buf_add_c(out, (char)c);
    } else if (c == '\n') {
        buf_add_z(out, "\\n");
    } else if (c < 0x20) {
        buf_printf(out, "\\u%04x", (unsigned)c);
    } else {
        buf_add(out, str_n(s->p, n));
    }
    *s = str_n(s->p + n, s->n - n);
}

void json_write_string(struct buf *out, struct str s) {
    buf_add_c(out, '"');
    while (s.n > 0) {
        size_t run = 0;
        while (run < s.n && is_plain((unsigned char)s.p[run])) {
            run++;
        }
        buf_add(out, str_n(s.p, run));
        s = str_n(s.p + run, s.n - run);
        if (s.n > 0) {
            write_character(out, &s);
        }
    }
    buf_add_c(out, '"');
}

static void write_list(struct arena *a, struct buf *out, const struct shape *s, const void *at) {
    const struct shape_list *list = at;
    buf_add_c(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_add_z(out, i > 0 ? "," : "");
        write_value(a, out, s->item, list_item(s, at, i));
    }
    buf_add_c(out, ']');
}

static void write_map(struct arena *a, struct buf *out, const struct shape *s, const void *at) {
    const struct shape_list *map = at;
    buf_add_c(out, '{');
    for (size_t i = 0; i < map->n; i++) {
        buf_add_z(out, i > 0 ? "," : "");
        json_write_string(out, *map_key(s, at, i));
        buf_add_c(out, ':');
        write_value(a, out, s->item, map_value(s, at, i));
    }
    buf_add_c(out, '}');
}

static void write_time(struct arena *a, struct buf *out, const struct shape *s, int64_t ms) {
    if (s->time == SHAPE_TIME_ISO8601 || s->time == SHAPE_TIME_RFC822) {
        json_write_string(out, time_text(a, (enum shape_time)s->time, ms, false));
    } else if (ms % 1000 == 0) {
        buf_printf(out, "%lld", (long long)(ms / 1000));
    } else {
        buf_printf(out, "%.3f", (double)ms / 1000.0);
    }
}

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at) {
    double number;
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        json_write_struct(a, out, s, at, false);
        break;
    case SHAPE_LIST:
        write_list(a, out, s, at);
        break;
    case SHAPE_MAP:
        write_map(a, out, s, at);
        break;
    case SHAPE_BOOL:
        buf_add_z(out, *(const bool *)at ? "true" : "false");
        break;
    case SHAPE_INT:
        buf_printf(out, "%d", (int)*(const int32_t *)at);
        break;
    case SHAPE_LONG:
        buf_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        number = *(const double *)at;
        if (isfinite(number)) {
            buf_add(out, double_text(a, number));
        } else {
            json_write_string(out, double_text(a, number));
        }
        break;
    case SHAPE_TIMESTAMP:
        write_time(a, out, s, *(const int64_t *)at);
        break;
    case SHAPE_BLOB:
        json_write_string(out, base64_encode(a, *(const struct str *)at));
        break;
    case SHAPE_DOCUMENT:
        buf_add(out, *(const struct str *)at);
        break;
    default:
        json_write_string(out, *(const struct str *)at);
        break;
    }
}

void json_write_members(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                        bool body_only, bool comma) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = shape_get(m, base);
        if (at == NULL || (body_only && m->place != SHAPE_IN_BODY)) {
            continue;
        }
        buf_add_z(out, comma ? "," : "");
        json_write_string(out, str_c(m->wire));
        buf_add_c(out, ':');
        write_value(a, out, m->shape, at);
        comma = true;
    }
}

void json_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                       bool body_only) {
    buf_add_c(out, '{');
    json_write_members(a, out, s, base, body_only, false);
    buf_add_c(out, '}');
}
