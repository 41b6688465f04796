/*
 * S3's tables. Everything here runs inside the caller's transaction and knows nothing of requests:
 * buckets, their settings, object versions, multipart uploads. Contents are files (content.h); a
 * row that goes away leaves its file's name in the trash, which is emptied after the commit.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"
#include "services/s3/stage.h"

struct s3_bucket_row {
    struct str name;
    struct str account; /* owner */
    struct str region;
    int64_t created_ms;
    struct str versioning; /* absent = never enabled; "Enabled", "Suspended" */
};

/* What a client gives an object at its making, and an upload at its start. */
struct s3_attributes {
    struct str_map headers; /* lower-case names: content-type, x-amz-storage-class ... */
    struct str_map meta;
    struct str_map tags;
    struct str acl; /* canned name; absent = private */
    enum s3_sum sum_algorithm;
    struct str sum_type; /* "FULL_OBJECT" or "COMPOSITE" */
};

struct s3_object_row {
    int64_t seq;
    struct str bucket;
    struct str key;
    struct str version; /* "null" or an id */
    bool latest;
    bool marker; /* delete marker: none of what follows but modified_ms */
    int64_t modified_ms;
    struct str file;
    int64_t size;
    struct str etag; /* without quotes */
    struct s3_attributes attr;
    struct str sum;   /* base64 of the checksum, "-N" behind it when composite */
    struct str parts; /* "size:sum,..." of a multipart upload, or absent */
    struct str data;  /* the content, where there is no file; read by s3_object_data only */
};

struct s3_object_rows {
    struct s3_object_row *v;
    size_t n;
};

struct s3_bucket_rows {
    struct s3_bucket_row *v;
    size_t n;
};

extern const struct db_schema s3_schema;

/* Buckets. find: 1 found, 0 none, -1 error. */
int s3_bucket_find(struct db *db, struct arena *a, struct str name, struct s3_bucket_row *ret,
                   struct err *err) MUST_USE;
int s3_bucket_insert(struct db *db, const struct s3_bucket_row *b, struct err *err) MUST_USE;
/* ERR_CONFLICT while it holds a version or a delete marker; pending uploads are aborted. */
int s3_bucket_remove(struct db *db, struct str name, struct err *err) MUST_USE;
int s3_bucket_set_versioning(struct db *db, struct str name, struct str status,
                             struct err *err) MUST_USE;
/* Buckets of an account with this prefix, by name, after `after` (may be absent). */
int s3_bucket_list(struct db *db, struct arena *a, struct str account, struct str prefix,
                   struct str after, int64_t limit, struct s3_bucket_rows *ret,
                   struct err *err) MUST_USE;

/* Settings. get: 1 found, 0 none, -1 error; an absent body removes. */
int s3_setting_get(struct db *db, struct arena *a, struct str bucket, const char *kind,
                   struct str *ret, struct err *err) MUST_USE;
int s3_setting_put(struct db *db, struct str bucket, const char *kind, struct str body,
                   struct err *err) MUST_USE;

/* Objects. find: an absent version means the latest one, delete markers included. */
int s3_object_find(struct db *db, struct arena *a, struct str bucket, struct str key,
                   struct str version, struct s3_object_row *ret, struct err *err) MUST_USE;
/* Fills o->data of an object that has no file. */
int s3_object_data(struct db *db, struct arena *a, struct s3_object_row *o,
                   struct err *err) MUST_USE;
/* Makes `o` the latest version. A version of the same id ("null") is replaced. Fills o->seq. */
int s3_object_insert(struct db *db, struct s3_object_row *o, struct err *err) MUST_USE;
/* Removes one version; the next older one becomes the latest. */
int s3_object_remove(struct db *db, const struct s3_object_row *o, struct err *err) MUST_USE;
int s3_object_set_tags(struct db *db, int64_t seq, struct str_map tags, struct err *err) MUST_USE;
int s3_object_set_acl(struct db *db, int64_t seq, struct str acl, struct err *err) MUST_USE;

/* Rows in list order, for walk.c. Latest ones that are not delete markers: keys from `from` on, or
 * above it when `above`. All versions, newest first: keys from `from` on, of exactly that key only
 * those below `below_seq` (INT64_MAX = all). */
int s3_rows_latest(struct db *db, struct arena *a, struct str bucket, struct str from, bool above,
                   int64_t limit, struct s3_object_rows *ret, struct err *err) MUST_USE;
int s3_rows_versions(struct db *db, struct arena *a, struct str bucket, struct str from,
                     int64_t below_seq, int64_t limit, struct s3_object_rows *ret,
                     struct err *err) MUST_USE;

/* Trash: names of content files whose rows are gone. */
/* After a statement that may have put names there: the job that empties it, in this transaction. */
int s3_trash_added(struct db *db, struct err *err) MUST_USE;
int s3_trash_add(struct db *db, struct str file, struct err *err) MUST_USE;

/* Form-coded pairs ("a=b&c=%20"), as the tables keep maps. An empty map is absent text. */
struct str s3_map_text(struct arena *a, struct str_map map);
int s3_map_parse(struct arena *a, struct str text, struct str_map *ret, struct err *err) MUST_USE;
