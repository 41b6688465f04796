/*
 * The order of S3's lists: keys by bytes, keys that share what stands before a delimiter folded
 * into one common prefix, pages. ListObjects, ListObjectVersions and ListMultipartUploads are the
 * same walk over other rows. No requests, no encoding of keys: list.c.
 */
#pragma once

#include "services/s3/upload_store.h"

enum s3_walk_kind { S3_WALK_LATEST, S3_WALK_VERSIONS, S3_WALK_UPLOADS };

struct s3_walk {
    struct str bucket;
    struct str prefix;    /* absent = none */
    struct str delimiter; /* absent or empty = none */
    struct str from;      /* first key that counts; absent = all */
    int64_t seq;          /* rows of exactly `from` count only beyond this one; 0 = all of them */
    int64_t max;          /* entries of a page, prefixes included */
};

/* One entry: exactly one of the three is set. */
struct s3_walk_entry {
    struct s3_object_row *object;
    struct s3_upload_row *upload;
    struct str prefix; /* a common prefix */
};

struct s3_walk_page {
    struct {
        struct s3_walk_entry *v;
        size_t n;
    } entries;
    bool truncated;
    struct str next_from; /* where the next page begins, when truncated */
    int64_t next_seq;
};

int s3_walk(struct db *db, struct arena *a, enum s3_walk_kind kind, const struct s3_walk *walk,
            struct s3_walk_page *ret, struct err *err) MUST_USE;

/* The least string that is above every string that begins with `s`; absent if there is none (all
 * bytes 255). */
struct str s3_after_prefix(struct arena *a, struct str s);
/* The least string above `s`. */
struct str s3_after_key(struct arena *a, struct str s);
