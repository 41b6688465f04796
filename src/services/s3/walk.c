/* Implementation of walk.h. Rows are read in runs; a common prefix is jumped over by a new run, so
 * that a folder of a million keys costs one look-up. */
#include "services/s3/walk.h"

/* A run is as long as a page may need, but never so long that memory matters. */
enum { RUN_ROWS = 200 };

struct run {
    struct s3_walk_entry *v;
    size_t n;
};

struct str s3_after_prefix(struct arena *a, struct str s) {
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] == 0xFF) {
        s.n--;
    }
    if (s.n == 0) {
        return STR_NONE;
    }
    char *copy = arena_memdup(a, s.p, s.n);
    copy[s.n - 1] = (char)((unsigned char)copy[s.n - 1] + 1);
    return str_n(copy, s.n);
}

struct str s3_after_key(struct arena *a, struct str s) {
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    return str_n(copy, s.n + 1);
}

static struct str entry_key(const struct s3_walk_entry *e) {
    return e->object != NULL ? e->object->key : e->upload->key;
}

static int64_t entry_seq(const struct s3_walk_entry *e) {
    return e->object != NULL ? e->object->seq : e->upload->seq;
}

static int read_run(struct db *db, struct arena *a, enum s3_walk_kind kind,
                    const struct s3_walk *at, int64_t limit, struct run *ret, struct err *err) {
    struct s3_object_rows objects = {0};
    struct s3_upload_row_list uploads = {0};
    int bad;
    if (kind == S3_WALK_UPLOADS) {
        bad = s3_upload_rows(db, a, at->bucket, at->from, at->seq, limit, &uploads, err);
    } else if (kind == S3_WALK_VERSIONS) {
        bad = s3_rows_versions(db, a, at->bucket, at->from, at->seq == 0 ? INT64_MAX : at->seq,
                               limit, &objects, err);
    } else {
        bad = s3_rows_latest(db, a, at->bucket, at->from, at->seq != 0, limit, &objects, err);
    }
    ret->n = objects.n + uploads.n;
    ret->v = arena_new_n(a, struct s3_walk_entry, ret->n);
    for (size_t i = 0; i < objects.n; i++) {
        ret->v[i].object = &objects.v[i];
    }
    for (size_t i = 0; i < uploads.n; i++) {
        ret->v[i].upload = &uploads.v[i];
    }
    return bad;
}

/* The common prefix that `key` folds into; absent if it stands for itself. */
static struct str common_prefix(const struct s3_walk *walk, struct str key) {
    if (walk->delimiter.n == 0) {
        return STR_NONE;
    }
    size_t at = str_find(key, walk->delimiter, walk->prefix.n);
    return at == (size_t)-1 ? STR_NONE : str_sub(key, 0, at + walk->delimiter.n);
}

/* Takes entries of one run. 1: go on from `at` (moved), 0: the walk is over. */
static int take_run(struct arena *a, const struct run *run, struct s3_walk *at,
                    struct s3_walk_page *page) {
    for (size_t i = 0; i < run->n; i++) {
        const struct s3_walk_entry *e = &run->v[i];
        struct str key = entry_key(e);
        if (!str_starts(key, at->prefix)) {
            return 0;
        }
        if ((int64_t)page->entries.n == at->max) {
            page->truncated = true;
            page->next_from = at->from;
            page->next_seq = at->seq;
            return 0;
        }
        struct str fold = common_prefix(at, key);
        if (fold.p != NULL) {
            arena_push(a, &page->entries)->prefix = fold;
            at->from = s3_after_prefix(a, fold);
            at->seq = 0;
            return at->from.p != NULL;
        }
        *arena_push(a, &page->entries) = *e;
        at->from = key;
        at->seq = entry_seq(e);
    }
    return 1;
}

int s3_walk(struct db *db, struct arena *a, enum s3_walk_kind kind, const struct s3_walk *walk,
            struct s3_walk_page *ret, struct err *err) {
    *ret = (struct s3_walk_page){0};
    struct s3_walk at = *walk;
    if (at.prefix.p == NULL) {
        at.prefix = S("");
    }
    if (at.from.p == NULL || str_cmp(at.from, at.prefix) < 0) {
        at.from = at.prefix;
        at.seq = 0;
    }
    if (at.max <= 0) {
        return 0;
    }
    for (;;) {
        struct run run = {0};
        int64_t left = at.max - (int64_t)ret->entries.n + 1;
        int64_t limit = left < RUN_ROWS ? left : RUN_ROWS;
        if (read_run(db, a, kind, &at, limit, &run, err) < 0) {
            return -1;
        }
        size_t before = ret->entries.n;
        bool more = take_run(a, &run, &at, ret) != 0;
        bool folded = ret->entries.n > before && ret->entries.v[ret->entries.n - 1].prefix.p;
        if (!more || (!folded && (int64_t)run.n < limit)) {
            return 0;
        }
    }
}
