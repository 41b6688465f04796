/*
 * Contents of objects that are too large for their row: immutable files DATA/s3/<first 2>/<id>,
 * each named by exactly one row. A file and its name are durable before its row is committed, and
 * ids are never used again, so no rename is needed to hide what is half written; one whose row is
 * gone stands in the trash table and is unlinked after the commit; one that never got a row is
 * swept at start.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

/* A new random id, 32 hex digits. */
struct str s3_content_id(struct arena *a, const struct rng *rng);

/* A new file under this id, open for writing and reading. */
int s3_content_create(const char *data_dir, struct str id, int *ret_fd, struct err *err) MUST_USE;
/* Bytes and name are on the disk when this returns. */
int s3_content_sync(const char *data_dir, struct str id, int fd, struct err *err) MUST_USE;
void s3_content_delete(const char *data_dir, struct str id);
/* A file in memory that holds these bytes, for answers. */
int s3_content_of(struct str data, int *ret_fd, struct err *err) MUST_USE;
/* Open for reading; the caller closes *ret_fd. ERR_INTERNAL if it is not there. */
int s3_content_open(const char *data_dir, struct str id, int *ret_fd, struct err *err) MUST_USE;
/* A second name for the same bytes: copies cost no space and no time. */
int s3_content_link(const char *data_dir, struct str id, struct str new_id,
                    struct err *err) MUST_USE;
/* One file of several behind each other (a completed multipart upload). */
int s3_content_join(const char *data_dir, const struct str *ids, size_t n, struct str new_id,
                    struct err *err) MUST_USE;
/* Unlinks what stands in the trash, at most `max` files, and forgets them. Outside a transaction.
 * Returns how many, -1 on error. */
int s3_trash_empty(struct db *db, const char *data_dir, int max, struct err *err) MUST_USE;

/* Deletes leftovers of a crash: content files without a row that were made before `before_ms` (the
 * start of this process). Outside a transaction. Returns how many it deleted, -1 on error. */
int s3_sweep(struct db *db, const char *data_dir, int64_t before_ms, struct err *err) MUST_USE;
