/* Generated structs to form bodies (query protocol, as a client). */
#include "aws/proto/internal.h"

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                        struct str name);

static void write_pair(struct arena *a, struct buf *out, struct str name, struct str value) {
    buf_add_z(out, out->n > 0 ? "&" : "");
    buf_add(out, http_url_encode(a, name, false));
    buf_add_c(out, '=');
    buf_add(out, http_url_encode(a, value, false));
}

static void write_members(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                          struct str prefix) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = shape_get(m, base);
        if (at != NULL) {
            write_value(
                a, out, m->shape, at,
                str_printf(a, STR_FMT "%s%s", STR_ARG(prefix), prefix.n > 0 ? "." : "", m->wire));
        }
    }
}

static void write_list(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                       struct str name) {
    const struct shape_list *list = at;
    if (list->n == 0) {
        write_pair(a, out, name, S("")); /* how clients say "empty" and not "absent" */
    }
    for (size_t i = 0; i < list->n; i++) {
        struct str item =
            s->flat ? str_printf(a, STR_FMT ".%zu", STR_ARG(name), i + 1)
                    : str_printf(a, STR_FMT ".%s.%zu", STR_ARG(name), s->item_name, i + 1);
        write_value(a, out, s->item, list_item(s, at, i), item);
    }
}

static void write_map(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                      struct str name) {
    const struct shape_list *map = at;
    for (size_t i = 0; i < map->n; i++) {
        struct str entry =
            str_printf(a, STR_FMT "%s.%zu", STR_ARG(name), s->flat ? "" : ".entry", i + 1);
        write_pair(a, out, str_printf(a, STR_FMT ".%s", STR_ARG(entry), s->key_name),
                   *map_key(s, at, i));
        write_value(a, out, s->item, map_value(s, at, i),
                    str_printf(a, STR_FMT ".%s", STR_ARG(entry), s->item_name));
    }
}

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                        struct str name) {
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        write_members(a, out, s, at, name);
        break;
    case SHAPE_LIST:
        write_list(a, out, s, at, name);
        break;
    case SHAPE_MAP:
        write_map(a, out, s, at, name);
        break;
    default:
        write_pair(a, out, name, scalar_text(a, s, SHAPE_TIME_ISO8601, at));
        break;
    }
}

void form_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base) {
    write_members(a, out, s, base, S(""));
}
