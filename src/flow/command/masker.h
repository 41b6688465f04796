/*
 * Hides secret values in a stream of bytes. A masker holds the patterns (a value in each of its
 * encodings, see secret.h); a mask_stream is one stream that passes through it in chunks of any
 * size. A byte that belongs to any occurrence of any pattern is hidden; each longest run of hidden
 * bytes is written as "***". What comes out does not depend on how the input was cut.
 *
 * It does not know what a secret is, and is not safe for threads: log.h locks.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

enum {
    MASK_MIN_BYTES = 6,               /* shorter patterns would hide ordinary text */
    MASK_MAX_TOTAL = 8 * 1024 * 1024, /* all patterns of one masker together */
};

struct masker;

struct masker *masker_new(void);
void masker_free(struct masker *m); /* NULL ok */

/* Adds one pattern (copied). Too short or already known ones are left out. False when the patterns
 * would exceed MASK_MAX_TOTAL: the caller must not let the value into the stream's source. */
bool masker_add(struct masker *m, struct str pattern);
size_t masker_count(const struct masker *m);

struct mask_span {
    uint64_t from;
    uint64_t to;
};

/* One stream. Zero-initialise; mask_stream_done frees. */
struct mask_stream {
    uint32_t state;          /* node of the automaton that the bytes so far lead to */
    uint32_t generation;     /* of the automaton that `state` belongs to */
    uint64_t position;       /* bytes taken in */
    uint64_t emitted;        /* bytes settled: passed on or hidden */
    bool hiding;             /* the last settled byte was hidden */
    char *held;              /* bytes [emitted, position) that may yet become part of a match */
    size_t held_n, held_cap; /* their number and the room for them */
    struct mask_span *spans; /* hidden ranges not settled yet, in order, disjoint */
    size_t spans_n, spans_cap;
};
void mask_stream_done(struct mask_stream *s);

/* Takes `in` and appends what is settled to *out. At most the longest pattern's length is held. */
void mask_feed(struct masker *m, struct mask_stream *s, struct str in, struct buf *out);
/* The stream ends (or is known to be cut here): the held bytes are settled. */
void mask_end(struct masker *m, struct mask_stream *s, struct buf *out);

/* A whole text at once. */
struct str mask_text(struct masker *m, struct arena *a, struct str text);
