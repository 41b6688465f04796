/*
 * What S3's handlers share: errors, finding a bucket or object or failing as S3 does, the moving of
 * headers and checksums between generated structs and rows. Private to this folder.
 */
#pragma once

#include "aws/call/call.h"
#include "aws/shape/shape.h"
#include "gen/s3.h"
#include "services/s3/s3_store.h"

#define S3_ERROR(code, status) extern const struct aws_error s3e_##code;
#include "services/s3/errors.def"
#undef S3_ERROR

enum {
    S3_KEY_MAX = 1024,
    S3_META_MAX = 2048,   /* bytes of all user metadata */
    S3_PAGE_MAX = 1000,   /* entries of a list */
    S3_DELETE_MAX = 1000, /* keys of one DeleteObjects */
    S3_PART_MAX = 10000,
};

/* NoSuchBucket if there is none, AccessDenied if `expected_owner` is given and another one owns
 * it. */
int s3_need_bucket(struct call *c, struct str name, struct str expected_owner,
                   struct s3_bucket_row *ret, struct err *err) MUST_USE;
/* The object that a read means: NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker
 * that is asked for by its version. */
int s3_need_object(struct call *c, struct str bucket, struct str key, struct str version,
                   struct s3_object_row *ret, struct err *err) MUST_USE;
/* Canonical user of an account, as ACLs and lists name it. */
struct s3_owner *s3_owner_of(struct call *c, struct str account);
int s3_bucket_put_tags(struct call *c, struct str bucket, const struct s3_tag_list *tags,
                       struct err *err) MUST_USE;
/* AWS's sentence for a "not found" code of a bucket's settings. */
const char *s3_missing_text(const char *code);

/* What a version id in an answer is: absent in a bucket that never had versions. */
struct str s3_shown_version(const struct s3_bucket_row *b, struct str version);
/* Id of the next version in this bucket: random, or "null". */
struct str s3_new_version(struct call *c, const struct s3_bucket_row *b);
struct str s3_quoted(struct arena *a, struct str etag);

/* Headers, metadata, tags and ACL of a request to make an object or to start an upload; the
 * bucket's defaults (encryption) filled in. `shape` describes *in. */
int s3_attributes_take(struct call *c, const struct s3_bucket_row *b, const struct shape *shape,
                       const void *in, struct s3_attributes *ret, struct err *err) MUST_USE;
/* Sets the answer's members that stand for kept headers, and its metadata. */
void s3_attributes_give(struct call *c, const struct shape *shape, void *out,
                        const struct s3_attributes *attr);
/* Sets those about encryption only. */
void s3_encryption_give(struct call *c, const struct shape *shape, void *out,
                        const struct s3_attributes *attr);
/* InvalidTag and the like; `text` is the form-coded header. */
int s3_tags_parse(struct call *c, struct str text, struct str_map *ret, struct err *err) MUST_USE;
int s3_tags_check(const struct str_map *tags, size_t max, struct err *err) MUST_USE;

/* Whether a canned ACL may be given to an object or (bucket) to a bucket that has these ownership
 * controls. */
int s3_acl_check(struct call *c, const struct s3_bucket_row *b, struct str acl,
                 struct err *err) MUST_USE;

/* Checksum that a request carries (ChecksumCRC32 ... of its struct): *ret_sum absent if none. */
enum s3_sum s3_sum_take(const struct shape *shape, const void *in, struct str *ret_sum);
/* Sets ChecksumX and, where the struct has it, ChecksumType. */
void s3_sum_give(const struct shape *shape, void *out, enum s3_sum algorithm, struct str sum,
                 struct str type);
/* Algorithm that the request wants: by a checksum, by ChecksumAlgorithm or by x-amz-trailer. */
enum s3_sum s3_sum_wanted(struct call *c, const struct shape *shape, const void *in);

/* The call's body as a finished stage, checked against Content-MD5 and the request's checksum
 * (InvalidDigest, BadDigest). *ret_owned = the caller frees it. */
struct s3_body {
    struct s3_stage *stage;
    bool owned;
    enum s3_sum algorithm;
    struct str sum; /* base64 */
    struct str md5; /* hex */
};
int s3_body_take(struct call *c, const struct shape *shape, const void *in, struct s3_body *ret,
                 struct err *err) MUST_USE;
void s3_body_done(struct s3_body *body);
#define cleanup_body __attribute__((cleanup(s3_body_done)))

/* If-Match and If-None-Match of a write: PreconditionFailed, NoSuchKey, NotImplemented. */
int s3_write_allowed(struct call *c, struct str bucket, struct str key, struct str if_match,
                     struct str if_none_match, struct err *err) MUST_USE;
/* The source of a copy, its conditions checked (services/s3/precondition.h). */
struct s3_precondition;
int s3_copy_source_find(struct call *c, struct str header, const struct s3_precondition *want,
                        struct s3_object_row *ret, struct err *err) MUST_USE;
int s3_key_check(struct str key, struct err *err) MUST_USE;

/* Member of a generated struct by the model's name; NULL when the struct has none. */
struct str *s3_member_str(const struct shape *shape, void *base, const char *name);
