/* Implementation of base/arena.h: a list of blocks, bump allocation inside the newest one. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t size;
    alignas(max_align_t) char data[];
};

static _Noreturn void out_of_memory(void) {
    fputs("trunkline: out of memory\n", stderr);
    abort();
}

void arena_init(struct arena *a) {
    *a = ARENA_INIT;
}

static void free_until(struct arena *a, struct arena_block *keep) {
    while (a->block != keep) {
        struct arena_block *older = a->block->older;
        free(a->block);
        a->block = older;
    }
}

void arena_done(struct arena *a) {
    free_until(a, NULL);
    a->used = 0;
}

static void add_block(struct arena *a, size_t size) {
    size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    if (bytes > SIZE_MAX - sizeof(struct arena_block)) {
        out_of_memory();
    }
    struct arena_block *block = malloc(sizeof(*block) + bytes);
    if (block == NULL) {
        out_of_memory();
    }
    block->older = a->block;
    block->size = bytes;
    a->block = block;
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size) {
    if (size > SIZE_MAX / 2) {
        out_of_memory();
    }
    size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (need == 0) {
        need = alignof(max_align_t);
    }
    if (a->block == NULL || a->block->size - a->used < need) {
        add_block(a, need);
    }
    void *p = a->block->data + a->used;
    a->used += need;
    return memset(p, 0, need);
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        out_of_memory();
    }
    return arena_alloc(a, bytes);
}

void *arena_memdup(struct arena *a, const void *p, size_t size) {
    void *copy = arena_alloc(a, size);
    if (size > 0) {
        memcpy(copy, p, size);
    }
    return copy;
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0) {
        abort(); /* a broken format string is our bug */
    }
    char *text = arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return str_n(text, (size_t)n);
}

struct arena_mark arena_mark(struct arena *a) {
    return (struct arena_mark){a->block, a->used};
}

void arena_reset(struct arena *a, struct arena_mark mark) {
    free_until(a, mark.block);
    a->used = mark.used;
}

void *arena_grow(struct arena *a, void *v, size_t n, size_t size) {
    if (n == 0) {
        return arena_array(a, 4, size);
    }
    if (n < 4 || (n & (n - 1)) != 0) {
        return v;
    }
    void *bigger = arena_array(a, n * 2, size);
    memcpy(bigger, v, n * size);
    return bigger;
}

void *mem_alloc(size_t size) {
    void *p = calloc(1, size ? size : 1);
    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *mem_realloc(void *p, size_t size) {
    void *moved = realloc(p, size ? size : 1);
    if (moved == NULL) {
        out_of_memory();
    }
    return moved;
}

char *mem_strdup(const char *z) {
    size_t n = strlen(z) + 1;
    return memcpy(mem_alloc(n), z, n);
}

struct str mem_str_dup(struct str s) {
    if (s.p == NULL) {
        return s;
    }
    char *copy = mem_alloc(s.n + 1);
    memcpy(copy, s.p, s.n);
    return str_n(copy, s.n);
}
