/*
 * Arena: memory of one request or one engine step, freed together. Never returns NULL: out of
 * memory ends the process (state is in the store; start is recovery), therefore every size that
 * comes from outside is bounded before it reaches here.
 */
#pragma once

#include "base/str.h"

#include <stdarg.h>

struct arena_block;

struct arena {
    struct arena_block *block; /* newest block; older ones are linked behind it */
    size_t used;               /* bytes used in the newest block */
};

struct arena_mark {
    struct arena_block *block;
    size_t used;
};

#define ARENA_INIT ((struct arena){NULL, 0})

void arena_init(struct arena *a);
void arena_done(struct arena *a); /* frees all; the arena can be used again */

/* Zeroed memory, aligned for any type. size 0 gives a valid unique pointer. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size); /* aborts on overflow */
void *arena_memdup(struct arena *a, const void *p, size_t size);
struct str arena_vprintf(struct arena *a, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_n(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))

/* For loops: everything allocated since the mark is given back. */
struct arena_mark arena_mark(struct arena *a);
void arena_reset(struct arena *a, struct arena_mark mark);

/* Grows a `struct {T *v; size_t n;}` list in the arena by one zeroed element and returns a pointer
 * to it. Capacity is the next power of two (at least 4) of n, so no field for it is needed; the
 * list must only ever be grown by this macro. */
#define arena_push(a, list)                                                                        \
    ((list)->v = arena_grow((a), (list)->v, (list)->n, sizeof(*(list)->v)), &(list)->v[(list)->n++])
void *arena_grow(struct arena *a, void *v, size_t n, size_t size);

/* malloc that aborts instead of returning NULL, for memory that outlives requests. */
void *mem_alloc(size_t size); /* zeroed */
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *z);
struct str mem_str_dup(struct str s); /* free with free((char *)s.p) */
