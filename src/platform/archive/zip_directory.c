/* Implementation of zip_directory.h. */
#include "platform/archive/zip_directory.h"

#include "base/arena.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    FIELD_MAX = 65535, /* of a name, of extra fields, of a comment */
    TAIL_BYTES = END_BYTES + FIELD_MAX,
    WINDOW_BYTES = 4 * (FIELD_MAX + 1), /* more than any record of the directory */
    EXTRA_ZIP64 = 1,
    FLAG_SIZES_BEHIND = 8,
};

/* Bytes of the file from its begin to its end. */
struct span {
    int64_t from, to;
};

struct directory {
    int fd;
    int64_t size;     /* of the file */
    int64_t from;     /* of the first record */
    int64_t to;       /* behind the last one */
    int64_t shift;    /* what lies in front of the zip, and its offsets do not count */
    uint64_t counted; /* entries, as its end says */
    bool wide;        /* zip64: the count has 64 bits */
    struct arena a;
    struct {
        struct span *v;
        size_t n;
    } spans;
    unsigned char *window; /* a part of the file */
    int64_t window_at;
    int64_t window_n;
};

struct entry {
    const unsigned char *name; /* in the window */
    size_t name_n;
    uint64_t packed;   /* bytes */
    uint32_t unpacked; /* all ones: in an extra field */
    uint64_t offset;   /* of its own header */
};

static uint64_t number(const unsigned char *p, size_t n) {
    uint64_t value = 0;
    while (n > 0) {
        value = value << 8 | p[--n];
    }
    return value;
}

static bool is(const unsigned char *p, char third, char fourth) {
    return p[0] == 'P' && p[1] == 'K' && p[2] == third && p[3] == fourth;
}

static int64_t read_at(int fd, void *to, int64_t n, int64_t at) {
    ssize_t got = at < 0 ? 0 : pread(fd, to, (size_t)n, at);
    return got < 0 ? 0
                   : got; /* what cannot be read is missing; the reader of the archive says why */
}

static int damaged(struct err *err, const char *what) {
    return err_set(err, ERR_INVALID, "damaged zip: %s", what);
}

/* The file's bytes from `at` on: at least n, or NULL where it has fewer. */
static const unsigned char *bytes_at(struct directory *d, int64_t at, int64_t n) {
    if (at < d->window_at || at + n > d->window_at + d->window_n) {
        d->window_n = read_at(d->fd, d->window, WINDOW_BYTES, at);
        d->window_at = at;
    }
    return n <= d->window_n - (at - d->window_at) ? d->window + (at - d->window_at) : NULL;
}

/* ---- the end of the directory ---- */

/* zip64: offset and sizes of 64 bits stand in a record of their own, in front of the locator. */
static int find_wide_end(struct directory *d, const unsigned char *locator, struct err *err) {
    unsigned char end[END64_BYTES];
    int64_t at = (int64_t)number(locator + 8, 8);
    if (at < 0 || at > d->size - END64_BYTES ||
        read_at(d->fd, end, END64_BYTES, at) != END64_BYTES || !is(end, 6, 6)) {
        return damaged(err, "the end of its directory is not where it should be");
    }
    uint64_t bytes = number(end + 40, 8);
    d->counted = number(end + 32, 8);
    d->wide = true;
    d->to = at;
    if (bytes > (uint64_t)at || number(end + 48, 8) != (uint64_t)at - bytes) {
        return damaged(err, "its directory is not where it should be");
    }
    d->from = at - (int64_t)bytes;
    return 0;
}

/* 1 found, 0 there is none. The last one of the file, as the reader takes it. */
static int find_end(struct directory *d, struct err *err) {
    unsigned char *tail = arena_alloc(&d->a, TAIL_BYTES);
    int64_t at = d->size > TAIL_BYTES ? d->size - TAIL_BYTES : 0;
    int64_t n = read_at(d->fd, tail, TAIL_BYTES, at);
    int64_t i = n - END_BYTES;
    while (i >= 0 && !is(tail + i, 5, 6)) {
        i--;
    }
    if (i < 0) {
        return 0;
    }
    const unsigned char *end = tail + i;
    if (i >= LOCATOR_BYTES && is(end - LOCATOR_BYTES, 6, 7)) {
        return find_wide_end(d, end - LOCATOR_BYTES, err) < 0 ? -1 : 1;
    }
    int64_t bytes = (int64_t)number(end + 12, 4);
    int64_t offset = (int64_t)number(end + 16, 4);
    d->counted = number(end + 10, 2);
    d->to = at + i;
    d->from = d->to - bytes;
    d->shift = d->from - offset;
    return d->shift < 0 ? damaged(err, "its directory is not where it should be") : 1;
}

/* ---- entries ---- */

/* The values that stand as all ones stand in extra field 1 instead, in this order. */
static bool read_wide(const unsigned char *extra, size_t n, bool unpacked, bool packed, bool offset,
                      struct entry *e) {
    size_t at = 0;
    while (at + 4 <= n) {
        size_t id = number(extra + at, 2);
        size_t bytes = number(extra + at + 2, 2);
        at += 4;
        if (id != EXTRA_ZIP64 || bytes > n - at) {
            at += bytes;
            continue;
        }
        const unsigned char *p = extra + at + (unpacked ? 8 : 0);
        if (bytes < ((size_t)unpacked + packed + offset) * 8) {
            return false;
        }
        e->packed = packed ? number(p, 8) : e->packed;
        e->offset = offset ? number(p + (packed ? 8 : 0), 8) : e->offset;
        return true;
    }
    return !packed && !offset;
}

/* The record at *io_at: 1 and *io_at behind it, 0 there is no further one. */
static int next_entry(struct directory *d, int64_t *io_at, struct entry *ret, struct err *err) {
    const unsigned char *p =
        *io_at + CENTRAL_BYTES > d->to ? NULL : bytes_at(d, *io_at, CENTRAL_BYTES);
    if (p == NULL || !is(p, 1, 2)) {
        return 0;
    }
    size_t name_n = number(p + 28, 2);
    size_t extra_n = number(p + 30, 2);
    int64_t whole = CENTRAL_BYTES + (int64_t)(name_n + extra_n + number(p + 32, 2));
    if (*io_at + whole > d->to || (p = bytes_at(d, *io_at, whole)) == NULL) {
        return damaged(err, "its directory is cut off");
    }
    *ret = (struct entry){p + CENTRAL_BYTES, name_n, number(p + 20, 4), (uint32_t)number(p + 24, 4),
                          number(p + 42, 4)};
    if (!read_wide(p + CENTRAL_BYTES + name_n, extra_n, ret->unpacked == UINT32_MAX,
                   ret->packed == UINT32_MAX, ret->offset == UINT32_MAX, ret)) {
        return damaged(err, "an entry lacks its zip64 sizes");
    }
    *io_at += whole;
    return 1;
}

/* Its sizes in its own header are those of the directory, where they stand there at all: a writer
 * to a pipe puts them behind the content, zip64 into an extra field. */
static bool tells_the_same(const unsigned char *own, const struct entry *e) {
    bool behind = (own[6] & FLAG_SIZES_BEHIND) != 0;
    uint32_t packed = (uint32_t)number(own + 18, 4);
    uint32_t unpacked = (uint32_t)number(own + 22, 4);
    return behind || packed == UINT32_MAX || unpacked == UINT32_MAX ||
           (packed == e->packed && unpacked == e->unpacked);
}

/* The entry's own header has the same name; header and content lie in front of the directory. */
static int check_own(struct directory *d, const struct entry *e, struct err *err) {
    unsigned char own[LOCAL_BYTES + FIELD_MAX];
    uint64_t front = (uint64_t)d->from;
    int64_t want = LOCAL_BYTES + (int64_t)e->name_n;
    if (e->offset > front || e->packed > front) {
        return damaged(err, "an entry lies behind its directory");
    }
    int64_t at = (int64_t)e->offset + d->shift;
    if (read_at(d->fd, own, want, at) < LOCAL_BYTES || !is(own, 3, 4)) {
        return damaged(err, "an entry is not where its directory says");
    }
    size_t name_n = number(own + 26, 2);
    if (name_n != e->name_n || memcmp(own + LOCAL_BYTES, e->name, name_n) != 0) {
        return err_set(err, ERR_INVALID, "damaged zip: entry '%.*s' has another name in its header",
                       (int)(e->name_n > 100 ? 100 : e->name_n), (const char *)e->name);
    }
    if (!tells_the_same(own, e)) {
        return err_set(err, ERR_INVALID, "damaged zip: entry '%.*s' has other sizes in its header",
                       (int)(e->name_n > 100 ? 100 : e->name_n), (const char *)e->name);
    }
    int64_t to = at + want + (int64_t)number(own + 28, 2) + (int64_t)e->packed;
    if (to > d->from) {
        return damaged(err, "an entry reaches into its directory");
    }
    *arena_push(&d->a, &d->spans) = (struct span){at, to};
    return 0;
}

/* Moves the span at `root` down until none below it begins later. */
static void sink(struct span *v, size_t root, size_t n) {
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        child += child + 1 < n && v[child + 1].from > v[child].from;
        if (v[root].from >= v[child].from) {
            return;
        }
        struct span lower = v[root];
        v[root] = v[child];
        v[child] = lower;
        root = child;
    }
}

/* Where each begins, in order. By a heap: the library's qsort asks how much memory the machine has,
 * which a locked up process may not. Most zips are in order already. */
static void sort_spans(struct span *v, size_t n) {
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++) {
        sorted = v[i - 1].from <= v[i].from;
    }
    for (size_t i = n / 2; !sorted && i > 0; i--) {
        sink(v, i - 1, n);
    }
    for (size_t end = n; !sorted && end > 1; end--) {
        struct span last = v[0];
        v[0] = v[end - 1];
        v[end - 1] = last;
        sink(v, 0, end - 1);
    }
}

static int check_overlap(struct directory *d, struct err *err) {
    sort_spans(d->spans.v, d->spans.n);
    for (size_t i = 1; i < d->spans.n; i++) {
        if (d->spans.v[i].from < d->spans.v[i - 1].to) {
            return err_set(err, ERR_LIMIT,
                           "entries of the archive share its bytes (at byte %lld): it would unpack "
                           "to more than it holds",
                           (long long)d->spans.v[i].from);
        }
    }
    return 0;
}

static int check_entries(struct directory *d, int64_t max_entries, struct err *err) {
    int64_t at = d->from;
    uint64_t n = 0;
    struct entry e;
    int found = 0;
    while ((found = next_entry(d, &at, &e, err)) > 0) {
        if (++n > (uint64_t)max_entries) {
            return err_set(err, ERR_LIMIT, "the archive has more than %lld entries",
                           (long long)max_entries);
        }
        if (check_own(d, &e, err) < 0) {
            return -1;
        }
    }
    if (found < 0) {
        return -1;
    }
    /* Without zip64 some writers let the count of 16 bits go round. */
    if (d->wide ? n != d->counted : (n & UINT16_MAX) != d->counted) {
        return err_set(err, ERR_INVALID,
                       "damaged zip: its directory has %llu entries and counts %llu",
                       (unsigned long long)n, (unsigned long long)d->counted);
    }
    return check_overlap(d, err);
}

bool zip_directory_begins(int fd) {
    unsigned char head[4];
    return read_at(fd, head, sizeof(head), 0) == sizeof(head) && (is(head, 3, 4) || is(head, 5, 6));
}

int zip_directory_check(int fd, int64_t max_entries, struct err *err) {
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return err_sys(err, errno, "look at the archive");
    }
    struct directory d = {.fd = fd, .size = st.st_size};
    d.window = arena_alloc(&d.a, WINDOW_BYTES);
    int result = find_end(&d, err);
    if (result > 0 && d.counted > (uint64_t)max_entries) {
        result = err_set(err, ERR_LIMIT, "the archive has more than %lld entries",
                         (long long)max_entries);
    }
    if (result > 0) {
        result = check_entries(&d, max_entries, err);
    }
    arena_done(&d.a);
    return result;
}
