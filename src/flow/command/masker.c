/*
 * Aho-Corasick behind a skipping filter. Nearly all output holds no secret, so the common path
 * looks at one three-byte block in every four positions: if it occurs in no pattern's first six
 * bytes, no pattern starts at any of the four positions that end there (Wu and Manber's idea). Only
 * where a pattern may start does the automaton run, until it is back at its root.
 *
 * The automaton keeps its edges in one hash table: memory is proportional to the patterns' length,
 * not to 256 times that, and speed does not matter where the filter has already said "perhaps".
 */
#include "flow/command/masker.h"

#include "base/arena.h"

#include <stdlib.h>

#define NO_NODE UINT32_MAX
#define ROOT 0U

enum {
    BLOCK = 3,  /* bytes of one filter block */
    STRIDE = 4, /* MASK_MIN_BYTES - BLOCK + 1: positions that one block decides */
    START_BITS = 16,
};
_Static_assert(STRIDE == MASK_MIN_BYTES - BLOCK + 1, "a skip may not jump over a pattern's start");

struct node {
    uint32_t parent;
    uint32_t fail;  /* longest proper suffix that is also a node */
    uint32_t depth; /* length of the text that leads here */
    uint32_t out;   /* length of the longest pattern that ends here; 0 = none */
    uint8_t byte;   /* the edge from the parent */
};

struct edge {
    uint32_t key; /* node << 8 | byte, NO_NODE = free */
    uint32_t to;
};

struct masker {
    struct node *nodes;
    uint32_t n, cap;
    struct edge *edges;
    uint32_t edge_mask;
    size_t patterns;
    size_t total;
    uint32_t generation; /* counts compilations; a stream of an older one is replayed */
    bool stale;          /* patterns were added since the last compilation */
    uint64_t *blocks;    /* bit per hash of a block in the first six bytes of a pattern */
    unsigned block_bits;
    uint64_t starts[(1U << START_BITS) / 64]; /* bit per hash of a pattern's first four bytes */
};

static uint32_t edge_slot(const struct masker *m, uint32_t key) {
    uint32_t slot = (key * 2654435761U) >> 7;
    for (;; slot++) {
        struct edge *e = &m->edges[slot & m->edge_mask];
        if (e->key == key || e->key == NO_NODE) {
            return slot & m->edge_mask;
        }
    }
}

static uint32_t edge_find(const struct masker *m, uint32_t node, uint8_t byte) {
    const struct edge *e = &m->edges[edge_slot(m, node << 8 | byte)];
    return e->key == NO_NODE ? NO_NODE : e->to;
}

static void edges_resize(struct masker *m, uint32_t size) {
    struct edge *old = m->edges;
    uint32_t old_size = old ? m->edge_mask + 1 : 0;
    m->edges = mem_alloc(size * sizeof(*m->edges));
    m->edge_mask = size - 1;
    for (uint32_t i = 0; i < size; i++) {
        m->edges[i].key = NO_NODE;
    }
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].key != NO_NODE) {
            m->edges[edge_slot(m, old[i].key)] = old[i];
        }
    }
    free(old);
}

static uint32_t node_new(struct masker *m, uint32_t parent, uint8_t byte) {
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 256;
        m->nodes = mem_realloc(m->nodes, m->cap * sizeof(*m->nodes));
        edges_resize(m, m->cap * 2);
    }
    uint32_t id = m->n++;
    m->nodes[id] = (struct node){.parent = parent, .byte = byte};
    if (id != ROOT) {
        m->nodes[id].depth = m->nodes[parent].depth + 1;
        uint32_t key = parent << 8 | byte;
        m->edges[edge_slot(m, key)] = (struct edge){key, id};
    }
    return id;
}

struct masker *masker_new(void) {
    struct masker *m = mem_alloc(sizeof(*m));
    node_new(m, ROOT, 0);
    m->stale = true;
    return m;
}

void masker_free(struct masker *m) {
    if (m == NULL) {
        return;
    }
    free(m->nodes);
    free(m->edges);
    free(m->blocks);
    free(m);
}

size_t masker_count(const struct masker *m) {
    return m->patterns;
}

bool masker_add(struct masker *m, struct str pattern) {
    if (pattern.n < MASK_MIN_BYTES) {
        return true;
    }
    if (pattern.n > MASK_MAX_TOTAL - m->total) {
        return false;
    }
    uint32_t node = ROOT;
    for (size_t i = 0; i < pattern.n; i++) {
        uint8_t byte = (uint8_t)pattern.p[i];
        uint32_t next = edge_find(m, node, byte);
        node = next != NO_NODE ? next : node_new(m, node, byte);
    }
    if (m->nodes[node].out != m->nodes[node].depth) {
        m->nodes[node].out = m->nodes[node].depth;
        m->patterns++;
        m->total += pattern.n;
        m->stale = true;
    }
    return true;
}

static uint32_t load4(const char *p) {
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static uint32_t block_hash(const struct masker *m, uint32_t bytes) {
    return ((bytes & 0xFFFFFFU) * 2654435761U) >> (32 - m->block_bits);
}

static uint32_t start_hash(uint32_t bytes) {
    return (bytes * 2246822519U) >> (32 - START_BITS);
}

static bool bit_get(const uint64_t *bits, uint32_t i) {
    return (bits[i / 64] >> (i % 64)) & 1;
}

static void bit_set(uint64_t *bits, uint32_t i) {
    bits[i / 64] |= (uint64_t)1 << (i % 64);
}

/* The six bytes that lead to a node of depth six are the beginning of at least one pattern. */
static void filter_add(struct masker *m, uint32_t node) {
    char text[MASK_MIN_BYTES + 2] = {0};
    for (size_t i = MASK_MIN_BYTES; i > 0; i--) {
        text[i - 1] = (char)m->nodes[node].byte;
        node = m->nodes[node].parent;
    }
    for (size_t i = 0; i < STRIDE; i++) {
        bit_set(m->blocks, block_hash(m, load4(text + i)));
    }
    bit_set(m->starts, start_hash(load4(text)));
}

static uint32_t step(const struct masker *m, uint32_t state, uint8_t byte) {
    for (;;) {
        uint32_t next = edge_find(m, state, byte);
        if (next != NO_NODE) {
            return next;
        }
        if (state == ROOT) {
            return ROOT;
        }
        state = m->nodes[state].fail;
    }
}

/* Node ids grow along each path but not by depth over all, so an order by depth is made first:
 * a node's fail link leads to a smaller depth. */
static void compile(struct masker *m) {
    uint32_t deepest = 0;
    uint32_t beginnings = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        deepest = m->nodes[i].depth > deepest ? m->nodes[i].depth : deepest;
        beginnings += m->nodes[i].depth == MASK_MIN_BYTES;
    }
    uint32_t *first = mem_alloc(((size_t)deepest + 2) * sizeof(*first));
    uint32_t *order = mem_alloc((size_t)m->n * sizeof(*order));
    for (uint32_t i = 0; i < m->n; i++) {
        first[m->nodes[i].depth + 1]++;
    }
    for (uint32_t d = 1; d <= deepest + 1; d++) {
        first[d] += first[d - 1];
    }
    for (uint32_t i = 0; i < m->n; i++) {
        order[first[m->nodes[i].depth]++] = i;
    }
    m->block_bits = 16;
    while (m->block_bits < 22 && ((uint32_t)1 << m->block_bits) < beginnings * STRIDE * 32) {
        m->block_bits++;
    }
    free(m->blocks);
    m->blocks = mem_alloc(((size_t)1 << m->block_bits) / 8);
    memset(m->starts, 0, sizeof(m->starts));
    for (uint32_t i = 1; i < m->n; i++) {
        struct node *node = &m->nodes[order[i]];
        bool terminal = node->out == node->depth;
        node->fail = node->depth == 1 ? ROOT : step(m, m->nodes[node->parent].fail, node->byte);
        node->out = terminal ? node->depth : m->nodes[node->fail].out;
        if (node->depth == MASK_MIN_BYTES) {
            filter_add(m, order[i]);
        }
    }
    free(first);
    free(order);
    m->stale = false;
    m->generation++;
}

void mask_stream_done(struct mask_stream *s) {
    free(s->held);
    free(s->spans);
    *s = (struct mask_stream){0};
}

static void span_add(struct mask_stream *s, uint64_t from, uint64_t to) {
    while (s->spans_n > 0 && s->spans[s->spans_n - 1].to >= from) {
        struct mask_span *last = &s->spans[s->spans_n - 1];
        from = last->from < from ? last->from : from;
        to = last->to > to ? last->to : to;
        s->spans_n--;
    }
    if (s->spans_n == s->spans_cap) {
        s->spans_cap = s->spans_cap ? s->spans_cap * 2 : 8;
        s->spans = mem_realloc(s->spans, s->spans_cap * sizeof(*s->spans));
    }
    s->spans[s->spans_n++] = (struct mask_span){from, to};
}

/* One chunk on its way: `in` begins at stream position `base`; older bytes are in s->held. */
struct chunk {
    struct str in;
    uint64_t base;
    struct buf *out;
};

static void pass_on(struct mask_stream *s, const struct chunk *c, uint64_t to) {
    if (s->emitted < c->base) {
        uint64_t end = to < c->base ? to : c->base;
        size_t n = (size_t)(end - s->emitted);
        buf_add(c->out, str_n(s->held + (s->held_n - (size_t)(c->base - s->emitted)), n));
        s->emitted = end;
    }
    if (s->emitted < to) {
        buf_add(c->out, str_n(c->in.p + (s->emitted - c->base), (size_t)(to - s->emitted)));
        s->emitted = to;
    }
}

/* Settles everything before `to`: no later match can begin there. */
static void settle(struct mask_stream *s, const struct chunk *c, uint64_t to) {
    size_t done = 0;
    while (s->emitted < to) {
        const struct mask_span *span = done < s->spans_n ? &s->spans[done] : NULL;
        if (span == NULL || span->from >= to) {
            s->hiding = false;
            pass_on(s, c, to);
            break;
        }
        if (s->emitted < span->from) {
            s->hiding = false;
            pass_on(s, c, span->from);
        }
        if (!s->hiding) {
            buf_add(c->out, S("***"));
            s->hiding = true;
        }
        s->emitted = span->to < to ? span->to : to;
        done += span->to <= to;
    }
    if (done > 0) {
        s->spans_n -= done;
        memmove(s->spans, s->spans + done, s->spans_n * sizeof(*s->spans));
    }
}

/* First position at or after `from` where a pattern may start; near the end, where blocks cannot
 * be read any more, that is simply the first undecided position. */
static size_t scan(const struct masker *m, struct str in, size_t from) {
    size_t q = from + STRIDE - 1;
    for (; q + 4 <= in.n; q += STRIDE) {
        if (!bit_get(m->blocks, block_hash(m, load4(in.p + q)))) {
            continue;
        }
        for (size_t start = q - (STRIDE - 1); start <= q; start++) {
            if (bit_get(m->starts, start_hash(load4(in.p + start)))) {
                return start;
            }
        }
    }
    size_t undecided = q - (STRIDE - 1);
    return undecided < in.n ? undecided : in.n;
}

static void advance(const struct masker *m, struct mask_stream *s, const struct chunk *c) {
    size_t i = 0;
    while (i < c->in.n) {
        if (s->state == ROOT) {
            i = scan(m, c->in, i);
            settle(s, c, c->base + i);
            if (i == c->in.n) {
                break;
            }
        }
        s->state = step(m, s->state, (uint8_t)c->in.p[i]);
        i++;
        const struct node *node = &m->nodes[s->state];
        if (node->out > 0) {
            span_add(s, c->base + i - node->out, c->base + i);
        }
    }
    s->position = c->base + c->in.n;
    settle(s, c, s->position - m->nodes[s->state].depth);
}

static void hold(struct mask_stream *s, const struct chunk *c) {
    size_t keep = (size_t)(s->position - s->emitted);
    size_t of_held = keep > c->in.n ? keep - c->in.n : 0;
    if (of_held > 0 && of_held < s->held_n) {
        memmove(s->held, s->held + s->held_n - of_held, of_held);
    }
    if (keep > s->held_cap) {
        s->held_cap = keep * 2;
        s->held = mem_realloc(s->held, s->held_cap);
    }
    size_t of_in = keep - of_held;
    if (of_in > 0) {
        memcpy(s->held + of_held, c->in.p + c->in.n - of_in, of_in);
    }
    s->held_n = keep;
}

/* Patterns were added while bytes were held: the automaton of now must see them again, and what
 * was found before stays hidden. */
static void replay(struct masker *m, struct mask_stream *s, struct buf *out) {
    if (m->stale) {
        compile(m);
    }
    if (s->generation == m->generation) {
        return;
    }
    s->generation = m->generation;
    s->state = ROOT;
    if (s->held_n == 0) {
        return;
    }
    size_t n = s->held_n;
    char *again = mem_alloc(n);
    memcpy(again, s->held, n);
    s->held_n = 0;
    struct chunk c = {str_n(again, n), s->emitted, out};
    advance(m, s, &c);
    hold(s, &c);
    free(again);
}

void mask_feed(struct masker *m, struct mask_stream *s, struct str in, struct buf *out) {
    replay(m, s, out);
    if (in.n == 0) {
        return;
    }
    struct chunk c = {in, s->position, out};
    advance(m, s, &c);
    hold(s, &c);
}

void mask_end(struct masker *m, struct mask_stream *s, struct buf *out) {
    replay(m, s, out);
    struct chunk c = {S(""), s->position, out};
    settle(s, &c, s->position);
    s->state = ROOT;
    s->held_n = 0;
    s->hiding = false;
}

struct str mask_text(struct masker *m, struct arena *a, struct str text) {
    struct mask_stream s = {0};
    struct buf out;
    buf_init(&out, text.n * 2 + 16);
    mask_feed(m, &s, text, &out);
    mask_end(m, &s, &out);
    struct str masked = buf_dup(a, &out);
    mask_stream_done(&s);
    buf_done(&out);
    return masked;
}
