/* Implementation of glob.h: a matcher without backtracking. */
#include "flow/definition/glob.h"

#include "base/arena.h"
#include "platform/text/utf8.h"

static size_t class_end(struct str p, size_t at) {
    size_t i = at + 1;
    if (i < p.n && p.p[i] == '!') {
        i++;
    }
    if (i < p.n && p.p[i] == ']') {
        i++;
    }
    while (i < p.n && p.p[i] != ']') {
        i++;
    }
    return i < p.n ? i : (size_t)-1;
}

int glob_check(struct str p, struct err *err) {
    bool in_group = false;
    for (size_t i = 0; i < p.n; i++) {
        char c = p.p[i];
        if (c == '\\' && ++i >= p.n) {
            return err_set(err, ERR_INVALID, "pattern '%.*s': nothing follows the last '\\'",
                           STR_ARG(p));
        }
        if (c == '[') {
            size_t end = class_end(p, i);
            if (end == (size_t)-1) {
                return err_set(err, ERR_INVALID, "pattern '%.*s': '[' at column %zu has no ']'",
                               STR_ARG(p), i + 1);
            }
            i = end;
        } else if (c == '{' && in_group) {
            return err_set(err, ERR_INVALID, "pattern '%.*s': '{' inside '{' at column %zu",
                           STR_ARG(p), i + 1);
        } else if (c == '{' || c == '}') {
            in_group = c == '{';
        }
    }
    return in_group ? err_set(err, ERR_INVALID, "pattern '%.*s': '{' has no '}'", STR_ARG(p)) : 0;
}

/* The character at `i`, U+FFFD for a byte that belongs to none; *ret_next is behind it. */
static uint32_t at_char(struct str p, size_t i, size_t *ret_next) {
    uint32_t c = 0xFFFD;
    size_t n = utf8_decode(str_sub(p, i, p.n), &c);
    *ret_next = i + (n > 0 ? n : 1);
    return c;
}

/* p[at] is '[', p[end] its ']'. */
static bool in_class(struct str p, size_t at, size_t end, uint32_t c) {
    size_t i = at + 1;
    bool negate = i < end && p.p[i] == '!';
    bool found = false;
    i += negate ? 1 : 0;
    while (i < end) {
        uint32_t low = at_char(p, i, &i);
        uint32_t high = low;
        if (i + 1 < end && p.p[i] == '-') {
            high = at_char(p, i + 1, &i);
        }
        found = found || (c >= low && c <= high);
    }
    return c != '/' && found != negate;
}

/* ---- matching ---- */

/* A pattern as a machine that is in several places at once (Thompson's construction): per character
 * of the text each place is looked at once, so that no pattern takes longer than its length times
 * the text's. Giving up instead would let through what an exclude names. */
enum node_kind {
    NODE_CHAR,  /* the character at p[at] */
    NODE_ANY,   /* one character but '/' */
    NODE_CLASS, /* p[at] is '[', p[end] its ']' */
    NODE_STAR,  /* any number of characters but '/' */
    NODE_DEEP,  /* any number of characters */
    NODE_SPLIT, /* goes on at the node behind, and at `other` */
    NODE_JUMP,  /* goes on at `other` */
    NODE_END,   /* the whole pattern was seen */
};

struct node {
    enum node_kind kind;
    size_t at;
    size_t end;
    size_t other; /* NOWHERE for the last alternative of a group */
};

#define NOWHERE ((size_t)-1)

struct machine {
    struct str p;
    struct node *nodes;
    size_t n;
    size_t *places; /* where it is, and where it will be behind the next character */
    size_t *next;
    size_t *todo; /* places whose ways on were not looked at yet */
    size_t *seen; /* per node: the round in which it became a place */
    size_t n_places;
    size_t n_next;
    size_t round;
};

static struct node *add_node(struct machine *m, enum node_kind kind, size_t at, size_t end) {
    struct node *node = &m->nodes[m->n++];
    *node = (struct node){kind, at, end, NOWHERE};
    return node;
}

/* The group's alternatives end here: what jumps goes on at the next node. */
static void end_group(struct machine *m, size_t first) {
    for (size_t i = first; i < m->n; i++) {
        if (m->nodes[i].kind == NODE_JUMP) {
            m->nodes[i].other = m->n;
        }
    }
}

/* p passed glob_check. At most two nodes for each of its bytes, and the end. */
static void compile(struct machine *m) {
    struct str p = m->p;
    size_t group = NOWHERE; /* the first node of the group that is open */
    size_t split = NOWHERE; /* the last alternative of it so far */
    for (size_t i = 0; i < p.n;) {
        char c = p.p[i];
        size_t next = i + 1;
        if (c == '*') {
            bool deep = next < p.n && p.p[next] == '*';
            add_node(m, deep ? NODE_DEEP : NODE_STAR, i, 0);
            next += deep ? 1 : 0;
        } else if (c == '?') {
            add_node(m, NODE_ANY, i, 0);
        } else if (c == '[') {
            next = class_end(p, i) + 1;
            add_node(m, NODE_CLASS, i, next - 1);
        } else if (c == '{') {
            group = split = m->n;
            add_node(m, NODE_SPLIT, i, 0);
        } else if (group != NOWHERE && c == ',') {
            add_node(m, NODE_JUMP, i, 0);
            m->nodes[split].other = m->n;
            split = m->n;
            add_node(m, NODE_SPLIT, i, 0);
        } else if (group != NOWHERE && c == '}') {
            end_group(m, group);
            group = NOWHERE;
        } else {
            i += c == '\\' ? 1 : 0;
            at_char(p, i, &next);
            add_node(m, NODE_CHAR, i, next);
        }
        i = next;
    }
    add_node(m, NODE_END, p.n, 0);
}

static void remember(struct machine *m, size_t node, size_t *n_todo) {
    if (node != NOWHERE && m->seen[node] != m->round) {
        m->seen[node] = m->round;
        m->todo[(*n_todo)++] = node;
    }
}

/* `node`, and all that is reached from it without a character, become next places. */
static void enter(struct machine *m, size_t node) {
    size_t n_todo = 0;
    remember(m, node, &n_todo);
    while (n_todo > 0) {
        size_t i = m->todo[--n_todo];
        const struct node *x = &m->nodes[i];
        bool jumps = x->kind == NODE_SPLIT || x->kind == NODE_JUMP;
        if (!jumps) {
            m->next[m->n_next++] = i;
        } else {
            remember(m, x->other, &n_todo);
        }
        if (x->kind == NODE_SPLIT || x->kind == NODE_STAR || x->kind == NODE_DEEP) {
            remember(m, i + 1, &n_todo);
        }
    }
}

/* `bytes` are one character, c. */
static bool takes(const struct machine *m, const struct node *x, struct str bytes, uint32_t c) {
    switch (x->kind) {
    case NODE_CHAR:
        return str_eq(str_sub(m->p, x->at, x->end - x->at), bytes);
    case NODE_ANY:
    case NODE_STAR:
        return c != '/';
    case NODE_CLASS:
        return in_class(m->p, x->at, x->end, c);
    case NODE_DEEP:
        return true;
    case NODE_SPLIT:
    case NODE_JUMP:
    case NODE_END:
        break;
    }
    return false;
}

static void turn(struct machine *m) {
    size_t *places = m->places;
    m->places = m->next;
    m->n_places = m->n_next;
    m->next = places;
    m->n_next = 0;
    m->round++;
}

static bool run(struct machine *m, struct str text) {
    m->round = 1;
    enter(m, 0);
    turn(m);
    for (size_t at = 0, next = 0; at < text.n && m->n_places > 0; at = next) {
        uint32_t c = at_char(text, at, &next);
        struct str bytes = str_sub(text, at, next - at);
        for (size_t i = 0; i < m->n_places; i++) {
            size_t place = m->places[i];
            const struct node *x = &m->nodes[place];
            if (takes(m, x, bytes, c)) {
                enter(m, x->kind == NODE_STAR || x->kind == NODE_DEEP ? place : place + 1);
            }
        }
        turn(m);
    }
    for (size_t i = 0; i < m->n_places; i++) {
        if (m->nodes[m->places[i]].kind == NODE_END) {
            return true;
        }
    }
    return false;
}

bool glob_match(struct str pattern, struct str text) {
    struct err err = ERR_INIT;
    if (glob_check(pattern, &err) < 0) {
        return false;
    }
    struct arena a = ARENA_INIT;
    size_t most = 2 * pattern.n + 1;
    struct machine m = {.p = pattern, .nodes = arena_new_n(&a, struct node, most)};
    compile(&m);
    m.places = arena_new_n(&a, size_t, m.n);
    m.next = arena_new_n(&a, size_t, m.n);
    m.todo = arena_new_n(&a, size_t, m.n);
    m.seen = arena_new_n(&a, size_t, m.n); /* zeros: no round */
    bool matched = run(&m, text);
    arena_done(&a);
    return matched;
}

bool glob_passes(const struct str_list *includes, const struct str_list *excludes,
                 struct str text) {
    for (size_t i = 0; i < excludes->n; i++) {
        if (glob_match(excludes->v[i], text)) {
            return false;
        }
    }
    for (size_t i = 0; i < includes->n; i++) {
        if (glob_match(includes->v[i], text)) {
            return true;
        }
    }
    return includes->n == 0;
}
