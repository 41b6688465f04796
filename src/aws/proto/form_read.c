/*
 * Form bodies to generated structs (query protocol). Names such as "Tags.member.2.Key" become a
 * tree first; then the descriptors walk it.
 */
#include "aws/proto/internal.h"

struct form_node {
    struct str name;
    struct str value; /* absent: only children */
    bool used;
    struct form_node *first, *last, *next;
};

static struct form_node *child(const struct form_node *node, struct str name) {
    /* Clients send elements in order: the newest child is nearly always the one. */
    if (node->last != NULL && str_eq(node->last->name, name)) {
        return node->last;
    }
    struct form_node *c = node->first;
    while (c != NULL && !str_eq(c->name, name)) {
        c = c->next;
    }
    return c;
}

static struct form_node *make_child(struct arena *a, struct form_node *node, struct str name) {
    struct form_node *c = child(node, name);
    if (c == NULL) {
        c = arena_new(a, struct form_node);
        c->name = name;
        if (node->last != NULL) {
            node->last->next = c;
        } else {
            node->first = c;
        }
        node->last = c;
    }
    return c;
}

static int build(struct walk *w, struct str body, struct form_node *root) {
    struct str_map pairs;
    if (!http_parse_query(w->arena, body, &pairs)) {
        return walk_malformed(w, NULL, "The form has a broken %%-escape");
    }
    if (pairs.n > PROTO_MAX_PAIRS) {
        return walk_malformed(w, NULL, "The form has more than %d parameters", PROTO_MAX_PAIRS);
    }
    for (size_t i = 0; i < pairs.n; i++) {
        struct form_node *node = root;
        struct str rest = pairs.v[i].key;
        struct str part;
        for (int depth = 0; str_cut(&rest, '.', &part); depth++) {
            if (depth == JSON_MAX_DEPTH) {
                return walk_malformed(w, NULL, "A parameter's name is nested too deep");
            }
            node = make_child(w->arena, node, part);
        }
        if (node != root) {
            node->value = pairs.v[i].value;
        }
    }
    return 0;
}

static int read_value(struct walk *w, const struct shape *s, struct form_node *node, void *at,
                      const struct spot *spot);
static int read_struct(struct walk *w, const struct shape *s, struct form_node *node, void *base,
                       const struct spot *at);

static size_t count(const struct form_node *node) {
    size_t n = 0;
    for (const struct form_node *c = node->first; c != NULL; c = c->next) {
        n++;
    }
    return n;
}

/* Elements in the order of their numbers; they mostly come so. False if a name is no number. */
static bool elements(struct arena *a, struct form_node *node, struct form_node ***ret,
                     size_t *ret_n) {
    size_t n = count(node);
    struct form_node **v = arena_new_n(a, struct form_node *, n);
    unsigned long long *number = arena_new_n(a, unsigned long long, n);
    size_t i = 0;
    for (struct form_node *c = node->first; c != NULL; c = c->next, i++) {
        unsigned long long value = 0;
        if (!str_to_u64(c->name, &value)) {
            return false;
        }
        size_t at = i;
        for (; at > 0 && number[at - 1] > value; at--) {
            number[at] = number[at - 1];
            v[at] = v[at - 1];
        }
        number[at] = value;
        v[at] = c;
    }
    *ret = v;
    *ret_n = n;
    return true;
}

static int read_list(struct walk *w, const struct shape *s, struct form_node *node, void *at,
                     const struct spot *up) {
    struct form_node *wrapped = s->flat ? NULL : child(node, str_c(s->item_name));
    struct form_node *list = wrapped != NULL ? wrapped : node;
    struct form_node **v = NULL;
    size_t n = 0;
    list->used = true;
    if (!elements(w->arena, list, &v, &n)) {
        return walk_malformed(w, up, "An element of a list has no number");
    }
    list_make(w->arena, s, at, n);
    for (size_t i = 0; i < n; i++) {
        struct spot spot = {up, STR_NONE, i + 1};
        if (read_value(w, s->item, v[i], list_item(s, at, i), &spot) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_map(struct walk *w, const struct shape *s, struct form_node *node, void *at,
                    const struct spot *up) {
    struct form_node *wrapped = s->flat ? NULL : child(node, S("entry"));
    struct form_node *map = wrapped != NULL ? wrapped : node;
    struct form_node **v = NULL;
    size_t n = 0;
    map->used = true;
    if (!elements(w->arena, map, &v, &n)) {
        return walk_malformed(w, up, "An entry of a map has no number");
    }
    map_make(w->arena, s, at, n);
    for (size_t i = 0; i < n; i++) {
        struct form_node *key = child(v[i], str_c(s->key_name));
        struct form_node *value = child(v[i], str_c(s->item_name));
        struct spot spot = {up, STR_NONE, i + 1};
        v[i]->used = true;
        if (key == NULL || value == NULL || key->value.p == NULL) {
            return walk_malformed(w, &spot, "An entry of a map has no key or no value");
        }
        key->used = true;
        *map_key(s, at, i) = key->value;
        if (read_value(w, s->item, value, map_value(s, at, i), &spot) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_value(struct walk *w, const struct shape *s, struct form_node *node, void *at,
                      const struct spot *spot) {
    node->used = true;
    switch ((enum shape_kind)s->kind) {
    case SHAPE_STRUCT:
        return read_struct(w, s, node, at, spot);
    case SHAPE_LIST:
        return read_list(w, s, node, at, spot);
    case SHAPE_MAP:
        return read_map(w, s, node, at, spot);
    default:
        break;
    }
    if (node->value.p == NULL || !scalar_parse(w->arena, s, SHAPE_TIME_ISO8601, node->value, at)) {
        return walk_malformed(w, spot, "'" STR_FMT "' is not a value of its type",
                              STR_ARG(str_sub(node->value, 0, 100)));
    }
    return 0;
}

static int read_struct(struct walk *w, const struct shape *s, struct form_node *node, void *base,
                       const struct spot *at) {
    node->used = true;
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        struct form_node *value = child(node, str_c(m->wire));
        struct spot spot = {at, str_c(m->name), 0};
        if (value != NULL && m->offset != SHAPE_NO_FIELD &&
            read_value(w, m->shape, value, member_make(w->arena, m, base), &spot) < 0) {
            return -1;
        }
    }
    for (struct form_node *c = node->first; c != NULL; c = c->next) {
        if (!c->used) {
            walk_unknown(w, at, c->name);
        }
    }
    return 0;
}

int form_read_struct(struct walk *w, const struct shape *s, struct str body, void *base) {
    struct form_node root = {.name = S("")};
    if (build(w, body, &root) < 0) {
        return -1;
    }
    for (struct form_node *c = root.first; c != NULL; c = c->next) {
        /* The call's own words, and a presigned request's. */
        c->used = str_is(c->name, "Action") || str_is(c->name, "Version") ||
                  str_starts(c->name, S("X-Amz-"));
    }
    return read_struct(w, s, &root, base, NULL);
}
