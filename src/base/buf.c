/* Implementation of base/buf.h. */
#include "base/buf.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max) {
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b) {
    free(b->p);
    *b = (struct buf){.max = b->max};
}

char *buf_room(struct buf *b, size_t n) {
    if (n > b->max || b->n > b->max - n) {
        b->overflow = true;
        return NULL;
    }
    size_t need = b->n + n + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need) {
            cap *= 2;
        }
        b->p = mem_realloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_added(struct buf *b, size_t n) {
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_drop_front(struct buf *b, size_t n) {
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
    b->p[b->n] = '\0';
}

void buf_add(struct buf *b, struct str s) {
    char *room = buf_room(b, s.n);
    if (room != NULL) {
        if (s.n > 0) {
            memcpy(room, s.p, s.n);
        }
        buf_added(b, s.n);
    }
}

void buf_add_c(struct buf *b, char c) {
    buf_add(b, str_n(&c, 1));
}

void buf_add_z(struct buf *b, const char *z) {
    buf_add(b, str_c(z));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0) {
        abort(); /* a broken format string is our bug */
    }
    char *room = buf_room(b, (size_t)n);
    if (room != NULL) {
        vsnprintf(room, (size_t)n + 1, fmt, again);
        buf_added(b, (size_t)n);
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

struct str buf_dup(struct arena *a, const struct buf *b) {
    return str_dup(a, buf_str(b));
}
