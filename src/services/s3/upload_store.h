/* Rows of multipart uploads and their parts. Same rules as s3_store.h. */
#pragma once

#include "services/s3/s3_store.h"

struct s3_upload_row {
    int64_t seq; /* order of creation */
    struct str id;
    struct str bucket;
    struct str key;
    int64_t created_ms;
    struct s3_attributes attr;
};

struct s3_part_row {
    int64_t number; /* 1 to 10000 */
    struct str file;
    int64_t size;
    struct str etag; /* without quotes */
    int64_t modified_ms;
    struct str sum; /* base64, or absent */
};

struct s3_upload_row_list {
    struct s3_upload_row *v;
    size_t n;
};

struct s3_part_row_list {
    struct s3_part_row *v;
    size_t n;
};

int s3_upload_insert(struct db *db, struct s3_upload_row *u, struct err *err) MUST_USE;
/* 1 found, 0 none (also when it belongs to another bucket or key), -1 error. */
int s3_upload_find(struct db *db, struct arena *a, struct str bucket, struct str key, struct str id,
                   struct s3_upload_row *ret, struct err *err) MUST_USE;
/* Removes the upload and its part rows; the parts' files go to the trash. */
int s3_upload_remove(struct db *db, const struct s3_upload_row *u, struct err *err) MUST_USE;
/* In order of key, then of creation; from `from` on, of that key only those above `above_seq`. */
int s3_upload_rows(struct db *db, struct arena *a, struct str bucket, struct str from,
                   int64_t above_seq, int64_t limit, struct s3_upload_row_list *ret,
                   struct err *err) MUST_USE;

/* Replaces a part of the same number; the old one's file goes to the trash. */
int s3_part_put(struct db *db, struct str upload, const struct s3_part_row *p,
                struct err *err) MUST_USE;
/* Parts above number `after`, by number. */
int s3_part_rows(struct db *db, struct arena *a, struct str upload, int64_t after, int64_t limit,
                 struct s3_part_row_list *ret, struct err *err) MUST_USE;
