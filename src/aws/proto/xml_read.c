/* XML to generated structs: REST-XML bodies, and query answers as a client. */
#include "aws/proto/internal.h"

static int read_value(struct walk *w, const struct shape *s, const struct xml_node *node, void *at,
                      const struct spot *spot);

static size_t count_named(const struct xml_node *first, struct str name) {
    size_t n = 0;
    for (const struct xml_node *c = first; c != NULL; c = c->next) {
        n += name.p == NULL || str_eq(c->name, name) ? 1 : 0;
    }
    return n;
}

/* `first` and the siblings behind it; an absent name takes all of them. */
static int read_list(struct walk *w, const struct shape *s, const struct xml_node *first,
                     struct str name, void *at, const struct spot *up) {
    size_t n = 0;
    list_make(w->arena, s, at, count_named(first, name));
    for (const struct xml_node *c = first; c != NULL; c = c->next) {
        if (name.p != NULL && !str_eq(c->name, name)) {
            continue;
        }
        struct spot spot = {up, STR_NONE, n + 1};
        if (read_value(w, s->item, c, list_item(s, at, n++), &spot) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_map(struct walk *w, const struct shape *s, const struct xml_node *first,
                    struct str name, void *at, const struct spot *up) {
    size_t n = 0;
    map_make(w->arena, s, at, count_named(first, name));
    for (const struct xml_node *c = first; c != NULL; c = c->next) {
        if (name.p != NULL && !str_eq(c->name, name)) {
            continue;
        }
        const struct xml_node *key = xml_child(c, str_c(s->key_name));
        const struct xml_node *value = xml_child(c, str_c(s->item_name));
        if (key == NULL || value == NULL) {
            return walk_malformed(w, up, "An entry has no key or no value");
        }
        struct spot spot = {up, key->text, 0};
        *map_key(s, at, n) = key->text;
        if (read_value(w, s->item, value, map_value(s, at, n++), &spot) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_value(struct walk *w, const struct shape *s, const struct xml_node *node, void *at,
                      const struct spot *spot) {
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        return xml_read_struct(w, s, node, at, false, spot);
    case SHAPE_LIST:
        return read_list(w, s, node->first, STR_NONE, at, spot);
    case SHAPE_MAP:
        return read_map(w, s, node->first, STR_NONE, at, spot);
    default:
        break;
    }
    /* Blanks around a number or a date mean nothing; in a string they do. */
    struct str text =
        s->kind == SHAPE_STR || s->kind == SHAPE_DOCUMENT ? node->text : str_trim(node->text);
    if (!scalar_parse(w->arena, s, SHAPE_TIME_ISO8601, text, at)) {
        return walk_malformed(w, spot, "'" STR_FMT "' is not a value of its type",
                              STR_ARG(str_sub(text, 0, 100)));
    }
    return 0;
}

static int read_member(struct walk *w, const struct shape_member *m, const struct xml_node *node,
                       void *base, const struct spot *spot) {
    if ((m->flags & SHAPE_MEMBER_ATTRIBUTE) != 0) {
        struct str text = str_map_get(&node->attribute, str_c(m->wire));
        if (text.p != NULL && !scalar_parse(w->arena, m->shape, SHAPE_TIME_ISO8601, text,
                                            member_make(w->arena, m, base))) {
            return walk_malformed(w, spot, "An attribute is not a value of its type");
        }
        return 0;
    }
    const struct xml_node *first = xml_child(node, str_c(m->wire));
    if (first == NULL) {
        return 0;
    }
    void *at = member_make(w->arena, m, base);
    if (m->shape->flat && m->shape->kind == SHAPE_LIST) {
        return read_list(w, m->shape, first, str_c(m->wire), at, spot);
    }
    if (m->shape->flat && m->shape->kind == SHAPE_MAP) {
        return read_map(w, m->shape, first, str_c(m->wire), at, spot);
    }
    return read_value(w, m->shape, first, at, spot);
}

static bool known(const struct shape *s, struct str name) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        if (str_is(name, s->members[i].wire)) {
            return true;
        }
    }
    return false;
}

int xml_read_struct(struct walk *w, const struct shape *s, const struct xml_node *node, void *base,
                    bool body_only, const struct spot *at) {
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        struct spot spot = {at, str_c(m->name), 0};
        if (m->offset == SHAPE_NO_FIELD || (body_only && m->place != SHAPE_IN_BODY)) {
            continue;
        }
        if (s->unwrapped) {
            return node->text.n == 0
                       ? 0
                       : read_value(w, m->shape, node, member_make(w->arena, m, base), &spot);
        }
        if (read_member(w, m, node, base, &spot) < 0) {
            return -1;
        }
    }
    for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
        if (!known(s, c->name)) {
            walk_unknown(w, at, c->name);
        }
    }
    return 0;
}
