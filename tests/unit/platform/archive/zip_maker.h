/* Zips byte by byte, so that every field of theirs can lie. Included by test_hostile_zip.c. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "platform/archive/gzip.h"
#include "platform/crypto/crc.h"
#include "platform/os/fd.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One entry; what is zero is as it should be. */
struct made_entry {
    const char *name;
    struct str content;
    bool deflated;
    bool wide;             /* zip64: sizes and offset in an extra field */
    bool descriptor;       /* sizes behind the content, as writers to a pipe do */
    const char *listed_as; /* its name in the directory */
    uint32_t packed;       /* sizes that it tells, in both places */
    uint32_t unpacked;
    uint32_t listed_unpacked; /* in the directory only */
    size_t same_as;           /* k: no header of its own, but that of entry k - 1 */
    size_t inside_of;         /* k: its header lies `inside_at` bytes behind that of entry k - 1 */
    size_t inside_at;
};

struct made_zip {
    const char *in_front; /* bytes before the first entry */
    const char *comment;
    bool wide;      /* with a zip64 end */
    uint32_t count; /* that its end tells; 0 = as many as there are */
};

static void put(struct buf *b, uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        buf_add_c(b, (char)(value >> (8 * i)));
    }
}

/* A gzip file without its 10 bytes of head and 8 of tail. */
static struct str deflate_raw(struct str in, struct buf *out) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    int plain cleanup_fd = fd_from_bytes("plain", in, &err);
    int packed cleanup_fd = memfd_create("packed", MFD_CLOEXEC);
    struct str bytes = STR_NONE;
    assert_int_equal(gzip_file(plain, (int64_t)in.n, packed, &err), 0);
    assert_int_equal(lseek(packed, 0, SEEK_SET), 0);
    assert_int_equal(fd_read_all(&a, packed, 64 << 20, &bytes, &err), 0);
    buf_add(out, str_sub(bytes, 10, bytes.n - 18));
    arena_done(&a);
    return buf_str(out);
}

/* What both headers of an entry tell. */
struct made_told {
    uint64_t offset, packed, unpacked;
    uint32_t crc;
    unsigned flags, method;
};

static void put_own_header(struct buf *b, const struct made_entry *e, const struct made_told *t) {
    put(b, 0x04034b50, 4);
    put(b, e->wide ? 45 : 20, 2);
    put(b, t->flags, 2);
    put(b, t->method, 2);
    put(b, 0, 4);
    put(b, e->descriptor ? 0 : t->crc, 4);
    put(b, e->wide ? UINT32_MAX : e->descriptor ? 0 : t->packed, 4);
    put(b, e->wide ? UINT32_MAX : e->descriptor ? 0 : t->unpacked, 4);
    put(b, strlen(e->name), 2);
    put(b, e->wide ? 20 : 0, 2);
    buf_add_z(b, e->name);
    if (e->wide) {
        put(b, 1, 2);
        put(b, 16, 2);
        put(b, t->unpacked, 8);
        put(b, t->packed, 8);
    }
}

static void put_listed(struct buf *b, const struct made_entry *e, const struct made_told *t) {
    const char *name = e->listed_as ? e->listed_as : e->name;
    uint64_t unpacked = e->listed_unpacked ? e->listed_unpacked : t->unpacked;
    put(b, 0x02014b50, 4);
    put(b, 3 << 8 | 45, 2);
    put(b, e->wide ? 45 : 20, 2);
    put(b, t->flags, 2);
    put(b, t->method, 2);
    put(b, 0, 4);
    put(b, t->crc, 4);
    put(b, e->wide ? UINT32_MAX : t->packed, 4);
    put(b, e->wide ? UINT32_MAX : unpacked, 4);
    put(b, strlen(name), 2);
    put(b, e->wide ? 28 : 0, 2);
    put(b, 0, 2 + 2 + 2);
    put(b, 0100644U << 16, 4);
    put(b, e->wide ? UINT32_MAX : t->offset, 4);
    buf_add_z(b, name);
    if (e->wide) {
        put(b, 1, 2);
        put(b, 24, 2);
        put(b, unpacked, 8);
        put(b, t->packed, 8);
        put(b, t->offset, 8);
    }
}

static void put_end(struct buf *b, const struct made_zip *z, uint64_t n, uint64_t from,
                    uint64_t bytes) {
    const char *comment = z->comment ? z->comment : "";
    uint64_t count = z->count ? z->count : n;
    if (z->wide) {
        uint64_t end = from + bytes;
        put(b, 0x06064b50, 4);
        put(b, 44, 8);
        put(b, 45, 2);
        put(b, 45, 2);
        put(b, 0, 8);
        put(b, count, 8);
        put(b, count, 8);
        put(b, bytes, 8);
        put(b, from, 8);
        put(b, 0x07064b50, 4);
        put(b, 0, 4);
        put(b, end, 8);
        put(b, 1, 4);
    }
    put(b, 0x06054b50, 4);
    put(b, 0, 4);
    put(b, z->wide ? UINT16_MAX : count, 2);
    put(b, z->wide ? UINT16_MAX : count, 2);
    put(b, z->wide ? UINT32_MAX : bytes, 4);
    put(b, z->wide ? UINT32_MAX : from, 4);
    put(b, strlen(comment), 2);
    buf_add_z(b, comment);
}

/* The whole file into `b`. */
static void make_zip(struct buf *b, const struct made_zip *z, const struct made_entry *entries,
                     size_t n) {
    struct buf listed cleanup_buf;
    struct made_told *told = calloc(n + 1, sizeof(*told));
    buf_init(&listed, 512 << 20);
    buf_add_z(b, z->in_front ? z->in_front : "");
    size_t front = b->n;
    for (size_t i = 0; i < n; i++) {
        const struct made_entry *e = &entries[i];
        struct made_told *t = &told[i];
        struct buf packed cleanup_buf;
        buf_init(&packed, 64 << 20);
        struct str content = e->deflated ? deflate_raw(e->content, &packed) : e->content;
        if (e->same_as > 0) {
            *t = told[e->same_as - 1];
        } else {
            *t = (struct made_told){
                .offset = b->n - front,
                .packed = e->packed ? e->packed : content.n,
                .unpacked = e->unpacked ? e->unpacked : e->content.n,
                .crc = crc32_add(0, e->content),
                .flags = e->descriptor ? 8 : 0,
                .method = e->deflated ? 8 : 0,
            };
        }
        if (e->inside_of > 0) {
            t->offset = told[e->inside_of - 1].offset + e->inside_at;
        } else if (e->same_as == 0) {
            put_own_header(b, e, t);
            buf_add(b, content);
        }
        if (e->descriptor) {
            put(b, 0x08074b50, 4);
            put(b, t->crc, 4);
            put(b, t->packed, 4);
            put(b, t->unpacked, 4);
        }
        put_listed(&listed, e, t);
    }
    size_t from = b->n - front;
    buf_add(b, buf_str(&listed));
    put_end(b, z, n, from, listed.n);
    free(told);
}
