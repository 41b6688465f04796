/* Generated structs to XML: query answers, REST-XML bodies of both sides. */
#include "aws/proto/internal.h"

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                        const char *name, const char *xmlns);

static void open_tag(struct buf *out, const char *name) {
    buf_printf(out, "<%s>", name);
}

static void close_tag(struct buf *out, const char *name) {
    buf_printf(out, "</%s>", name);
}

void xml_write_text(struct buf *out, const char *name, struct str text) {
    open_tag(out, name);
    xml_escape(out, text);
    close_tag(out, name);
}

static void write_list(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                       const char *name) {
    const struct shape_list *list = at;
    if (!s->flat) {
        open_tag(out, name);
    }
    for (size_t i = 0; i < list->n; i++) {
        write_value(a, out, s->item, list_item(s, at, i), s->flat ? name : s->item_name, NULL);
    }
    if (!s->flat) {
        close_tag(out, name);
    }
}

static void write_map(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                      const char *name) {
    const struct shape_list *map = at;
    const char *entry = s->flat ? name : "entry";
    if (!s->flat) {
        open_tag(out, name);
    }
    for (size_t i = 0; i < map->n; i++) {
        open_tag(out, entry);
        xml_write_text(out, s->key_name, *map_key(s, at, i));
        write_value(a, out, s->item, map_value(s, at, i), s->item_name, NULL);
        close_tag(out, entry);
    }
    if (!s->flat) {
        close_tag(out, name);
    }
}

static void write_value(struct arena *a, struct buf *out, const struct shape *s, const void *at,
                        const char *name, const char *xmlns) {
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        xml_write_struct(a, out, s, at, str_c(name), NULL, xmlns, false);
        break;
    case SHAPE_LIST:
        write_list(a, out, s, at, name);
        break;
    case SHAPE_MAP:
        write_map(a, out, s, at, name);
        break;
    default:
        xml_write_text(out, name, scalar_text(a, s, SHAPE_TIME_ISO8601, at));
        break;
    }
}

void xml_write_members(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                       bool body_only) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = shape_get(m, base);
        if (at == NULL || (body_only && m->place != SHAPE_IN_BODY) ||
            (m->flags & SHAPE_MEMBER_ATTRIBUTE) != 0) {
            continue;
        }
        if (s->unwrapped) {
            xml_escape(out, scalar_text(a, m->shape, SHAPE_TIME_ISO8601, at));
        } else {
            write_value(a, out, m->shape, at, m->wire, m->xmlns);
        }
    }
}

static void write_attributes(struct arena *a, struct buf *out, const struct shape *s,
                             const void *base) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        const void *at = shape_get(m, base);
        if (at != NULL && (m->flags & SHAPE_MEMBER_ATTRIBUTE) != 0) {
            buf_printf(out, " %s=\"", m->wire);
            xml_escape(out, scalar_text(a, m->shape, SHAPE_TIME_ISO8601, at));
            buf_add_c(out, '"');
        }
    }
}

void xml_write_struct(struct arena *a, struct buf *out, const struct shape *s, const void *base,
                      struct str name, const char *xmlns, const char *prefixed_ns, bool body_only) {
    buf_printf(out, "<" STR_FMT, STR_ARG(name));
    if (xmlns != NULL) {
        buf_printf(out, " xmlns=\"%s\"", xmlns);
    }
    if (prefixed_ns != NULL) {
        struct str rest = str_c(prefixed_ns);
        struct str prefix;
        str_cut(&rest, '=', &prefix);
        buf_printf(out, " xmlns:" STR_FMT "=\"" STR_FMT "\"", STR_ARG(prefix), STR_ARG(rest));
    }
    write_attributes(a, out, s, base);
    buf_add_c(out, '>');
    xml_write_members(a, out, s, base, body_only);
    buf_printf(out, "</" STR_FMT ">", STR_ARG(name));
}
