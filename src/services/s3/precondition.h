/*
 * Conditional requests (RFC 9110 as S3 keeps it), ranges, entity tags and names: pure functions,
 * no store, no request.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* What a request demands of the object; absent strings and has_* false demand nothing. */
struct s3_precondition {
    struct str if_match;
    struct str if_none_match;
    bool has_modified_since;
    int64_t modified_since_ms;
    bool has_unmodified_since;
    int64_t unmodified_since_ms;
};

enum s3_verdict {
    S3_GO,
    S3_NOT_MODIFIED, /* 304 */
    S3_FAILED,       /* 412 */
};

/* For reads (and, with NOT_MODIFIED read as FAILED, for the source of a copy). `etag` without
 * quotes. Times count in whole seconds, as Last-Modified shows them. */
enum s3_verdict s3_precondition_read(const struct s3_precondition *want, struct str etag,
                                     int64_t modified_ms);

/* True if the header (quoted or bare tags, commas, "*") holds this tag. */
bool s3_etag_matches(struct str header, struct str etag);

enum s3_range_kind {
    S3_RANGE_ALL,  /* no range, or one that is to be ignored */
    S3_RANGE_PART, /* 206 */
    S3_RANGE_NONE, /* 416 */
};

/* "bytes=0-9", "bytes=5-", "bytes=-3"; several ranges are ignored, as S3 does. *ret_first and
 * *ret_size are filled for PART. */
enum s3_range_kind s3_range_parse(struct str header, int64_t size, int64_t *ret_first,
                                  int64_t *ret_size);

/* NULL if a new bucket may have this name, else the reason. */
const char *s3_bucket_name_problem(struct str name);

/* "/bucket/key?versionId=v" or "bucket/key", percent-coded as the header has it. */
struct s3_copy_source {
    struct str bucket;
    struct str key;
    struct str version;
};
bool s3_copy_source_parse(struct arena *a, struct str header, struct s3_copy_source *ret);
