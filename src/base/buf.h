/*
 * Growing byte buffer with a maximum that is fixed when it is made (curl's dynbuf idea): input
 * from outside can never make it larger. Going over the maximum sets `overflow`, keeps what was
 * there and drops the rest; writers need not check every append, readers check once at the end.
 * Always NUL-terminated behind `n`.
 */
#pragma once

#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *p;       /* owned; NULL until the first byte */
    size_t n;      /* bytes used */
    size_t cap;    /* bytes allocated */
    size_t max;    /* most bytes that it may hold */
    bool overflow; /* something did not fit */
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
static inline void buf_clear(struct buf *b) {
    b->n = 0;
    b->overflow = false;
}

void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, char c);
void buf_add_z(struct buf *b, const char *z);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for n more bytes at the end, to be filled by the caller, who then calls buf_added. NULL if
 * it does not fit (overflow is set). */
char *buf_room(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
void buf_drop_front(struct buf *b, size_t n);

static inline struct str buf_str(const struct buf *b) {
    return str_n(b->p ? b->p : "", b->n);
}

/* Copy owned by the arena. */
struct str buf_dup(struct arena *a, const struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_done)))
