/* Fields of generated structs, paths, scalars as text; see internal.h. */
#include "aws/proto/internal.h"

#include "base/clock.h"
#include "platform/crypto/encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct str spot_path(struct arena *a, const struct spot *s) {
    const struct spot *chain[JSON_MAX_DEPTH + 8];
    size_t n = 0;
    for (; s != NULL && n < sizeof(chain) / sizeof(chain[0]); s = s->up) {
        chain[n++] = s;
    }
    struct str path = S("");
    while (n > 0) {
        const struct spot *at = chain[--n];
        const char *dot = path.n > 0 ? "." : "";
        if (at->name.p == NULL) {
            path = str_printf(a, STR_FMT "%s%zu.member", STR_ARG(path), dot, at->index);
        } else if (at->name.n > 0) {
            int first =
                at->name.p[0] >= 'A' && at->name.p[0] <= 'Z' ? at->name.p[0] + 32 : at->name.p[0];
            path = str_printf(a, STR_FMT "%s%c" STR_FMT, STR_ARG(path), dot, first,
                              STR_ARG(str_sub(at->name, 1, 200)));
        }
    }
    return path;
}

void walk_unknown(struct walk *w, const struct spot *up, struct str name) {
    struct spot at = {up, name, 0};
    if (w->notes->unknown++ == 0) {
        w->notes->first_unknown = spot_path(w->arena, &at);
    }
}

int walk_malformed(struct walk *w, const struct spot *at, const char *fmt, ...) {
    static const struct aws_error in_json = {"SerializationException", "SerializationException",
                                             400, "Message", NULL};
    static const struct aws_error in_form = {"MalformedInput", "MalformedInput", 400, "Message",
                                             NULL};
    static const struct aws_error in_xml = {"MalformedXML", "MalformedXML", 400, "Message", NULL};
    va_list args;
    va_start(args, fmt);
    struct str what = arena_vprintf(w->arena, fmt, args);
    va_end(args);
    struct str path = spot_path(w->arena, at);
    const struct aws_error *error = w->protocol == SHAPE_QUERY      ? &in_form
                                    : w->protocol == SHAPE_REST_XML ? &in_xml
                                                                    : &in_json;
    if (path.n == 0) {
        return err_api(w->err, error, STR_FMT, STR_ARG(what));
    }
    return err_api(w->err, error, STR_FMT " at '" STR_FMT "'", STR_ARG(what), STR_ARG(path));
}

void *member_at(const struct shape_member *m, void *base) {
    return (char *)base + m->offset;
}

void member_set_has(const struct shape_member *m, void *base) {
    if (m->has_offset != SHAPE_NO_FIELD) {
        *((bool *)base + m->has_offset) = true;
    }
}

void *member_make(struct arena *a, const struct shape_member *m, void *base) {
    void *at = member_at(m, base);
    member_set_has(m, base);
    if (m->shape->kind != SHAPE_STRUCT) {
        return at;
    }
    void *made = arena_alloc(a, m->shape->size);
    *(void **)at = made;
    return made;
}

static void *grow(struct arena *a, size_t size, void *at, size_t n) {
    struct shape_list *list = at;
    list->v = arena_array(a, n, size);
    list->n = n;
    return list->v;
}

void *list_make(struct arena *a, const struct shape *list, void *at, size_t n) {
    return grow(a, list->item->size, at, n);
}

void *list_item(const struct shape *list, const void *at, size_t i) {
    return (char *)((const struct shape_list *)at)->v + i * list->item->size;
}

void *map_make(struct arena *a, const struct shape *map, void *at, size_t n) {
    return grow(a, map->entry_size, at, n);
}

struct str *map_key(const struct shape *map, const void *at, size_t i) {
    char *entry = (char *)((const struct shape_list *)at)->v + i * map->entry_size;
    return (struct str *)(void *)entry;
}

void *map_value(const struct shape *map, const void *at, size_t i) {
    return (char *)map_key(map, at, i) + map->value_offset;
}

static bool parse_bool(struct str text, bool *at) {
    if (str_ieq(text, S("true"))) {
        *at = true;
        return true;
    }
    *at = false;
    return str_ieq(text, S("false"));
}

bool scalar_parse(struct arena *a, const struct shape *s, enum shape_time fallback, struct str text,
                  void *at) {
    (void)fallback; /* time_parse tells the formats apart by itself */
    long long number = 0;
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
    case SHAPE_DOCUMENT:
        *(struct str *)at = str_dup(a, text);
        return true;
    case SHAPE_BLOB:
        return base64_decode(a, text, at);
    case SHAPE_BOOL:
        return parse_bool(text, at);
    case SHAPE_INT:
        if (!str_to_i64(text, &number) || number < INT32_MIN || number > INT32_MAX) {
            return false;
        }
        *(int32_t *)at = (int32_t)number;
        return true;
    case SHAPE_LONG:
        if (!str_to_i64(text, &number)) {
            return false;
        }
        *(int64_t *)at = number;
        return true;
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return str_to_double(text, at);
    case SHAPE_TIMESTAMP:
        return time_parse(text, at);
    default:
        return false;
    }
}

struct str double_text(struct arena *a, double value) {
    if (isnan(value)) {
        return S("NaN");
    }
    if (isinf(value)) {
        return value > 0 ? S("Infinity") : S("-Infinity");
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    bool whole = strpbrk(text, ".eEn") == NULL;
    return str_printf(a, "%s%s", text, whole ? ".0" : "");
}

struct str time_text(struct arena *a, enum shape_time format, int64_t ms, bool with_ms) {
    switch (format) {
    case SHAPE_TIME_RFC822:
        return time_http(a, ms);
    case SHAPE_TIME_UNIX:
        return ms % 1000 == 0 ? str_printf(a, "%lld", (long long)(ms / 1000))
                              : str_printf(a, "%.3f", (double)ms / 1000.0);
    default:
        return with_ms || ms % 1000 != 0 ? time_iso_ms(a, ms) : time_iso(a, ms);
    }
}

struct str scalar_text(struct arena *a, const struct shape *s, enum shape_time fallback,
                       const void *at) {
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
    case SHAPE_DOCUMENT:
        return *(const struct str *)at;
    case SHAPE_BLOB:
        return base64_encode(a, *(const struct str *)at);
    case SHAPE_BOOL:
        return *(const bool *)at ? S("true") : S("false");
    case SHAPE_INT:
        return str_printf(a, "%d", (int)*(const int32_t *)at);
    case SHAPE_LONG:
        return str_printf(a, "%lld", (long long)*(const int64_t *)at);
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return double_text(a, *(const double *)at);
    case SHAPE_TIMESTAMP:
        return time_text(a, s->time == SHAPE_TIME_DEFAULT ? fallback : (enum shape_time)s->time,
                         *(const int64_t *)at, false);
    default:
        return S("");
    }
}

bool shape_has_place(const struct shape *s, enum shape_place place) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        if (s->members[i].place == place) {
            return true;
        }
    }
    return false;
}
