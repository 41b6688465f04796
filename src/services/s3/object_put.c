/* PutObject and CopyObject. */
#include "services/s3/s3.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/s3/content.h"
#include "services/s3/precondition.h"

#include <unistd.h>

int s3_put_object(struct call *c, const struct s3_put_object_request *in,
                  struct s3_put_object_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_body body cleanup_body = {0};
    struct s3_object_row o = {.bucket = in->bucket, .key = in->key, .modified_ms = c->now_ms};
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_key_check(in->key, err) < 0 ||
        s3_attributes_take(c, &b, c->op->in, in, &o.attr, err) < 0 ||
        s3_write_allowed(c, in->bucket, in->key, in->if_match, in->if_none_match, err) < 0 ||
        s3_body_take(c, c->op->in, in, &body, err) < 0) {
        return -1;
    }
    o.version = s3_new_version(c, &b);
    o.size = s3_stage_size(body.stage);
    o.etag = body.md5;
    o.sum = body.sum;
    o.attr.sum_algorithm = body.algorithm;
    o.attr.sum_type = S("FULL_OBJECT");
    if (s3_stage_keep(body.stage, c->arena, &o.file, &o.data, err) < 0 ||
        s3_object_insert(c->db, &o, err) < 0) {
        return -1;
    }
    out->etag = s3_quoted(c->arena, o.etag);
    out->version_id = s3_shown_version(&b, o.version);
    s3_sum_give(c->op->out, out, o.attr.sum_algorithm, o.sum, o.attr.sum_type);
    s3_encryption_give(c, c->op->out, out, &o.attr);
    return 0;
}

/* A copy is one object, whatever its source was: its tag is the MD5 of its bytes. */
static int plain_etag(struct call *c, const struct s3_object_row *from, struct str *ret,
                      struct err *err) {
    *ret = from->etag;
    if (str_find_c(from->etag, '-', 0) == (size_t)-1) { /* those with '-' have a file */
        return 0;
    }
    int fd = -1;
    if (s3_content_open(c->data_dir, from->file, &fd, err) < 0) {
        return -1;
    }
    struct hash *md5 cleanup_hash = hash_new(HASH_MD5);
    unsigned char digest[HASH_MAX];
    char chunk[65536];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        hash_update(md5, str_n(chunk, (size_t)n));
    }
    close(fd);
    size_t size = hash_end(md5, digest);
    *ret = hex_encode(c->arena, str_n((const char *)digest, size));
    return 0;
}

static bool replaces(struct str directive) {
    return str_is(directive, "REPLACE");
}

int s3_copy_source_find(struct call *c, struct str header, const struct s3_precondition *want,
                        struct s3_object_row *ret, struct err *err) {
    struct s3_copy_source source;
    struct s3_bucket_row b;
    if (!s3_copy_source_parse(c->arena, header, &source)) {
        return err_api(err, &s3e_InvalidArgument,
                       "Copy Source must mention the source bucket and key: "
                       "sourcebucket/sourcekey");
    }
    if (s3_need_bucket(c, source.bucket, STR_NONE, &b, err) < 0 ||
        s3_need_object(c, source.bucket, source.key, source.version, ret, err) < 0) {
        return -1;
    }
    if (s3_precondition_read(want, ret->etag, ret->modified_ms) != S3_GO) {
        return err_api(err, &s3e_PreconditionFailed,
                       "At least one of the pre-conditions you specified did not hold");
    }
    return 0;
}

/* What the copy keeps of its source. */
static int copy_attributes(struct call *c, const struct s3_copy_object_request *in,
                           const struct s3_object_row *from, struct s3_object_row *o,
                           struct err *err) {
    bool same = str_eq(from->bucket, o->bucket) && str_eq(from->key, o->key) &&
                (from->latest || str_eq(from->version, o->version));
    bool changes = replaces(in->metadata_directive) || in->storage_class.p != NULL ||
                   in->website_redirect_location.p != NULL ||
                   in->server_side_encryption.p != NULL || replaces(in->tagging_directive);
    if (same && from->latest && !changes) {
        return err_api(err, &s3_InvalidRequest,
                       "This copy request is illegal because it is trying to copy an object to "
                       "itself without changing the object's metadata, storage class, website "
                       "redirect location or encryption attributes.");
    }
    if (!replaces(in->tagging_directive)) {
        o->attr.tags = from->attr.tags;
    }
    if (replaces(in->metadata_directive)) {
        return 0;
    }
    o->attr.meta = from->attr.meta;
    for (size_t i = 0; i < from->attr.headers.n; i++) {
        const struct str_pair *header = &from->attr.headers.v[i];
        bool of_source = !str_starts(header->key, S("x-amz-"));
        if (of_source && str_map_get(&o->attr.headers, header->key).p == NULL) {
            *arena_push(c->arena, &o->attr.headers) = *header;
        }
    }
    return 0;
}

static int copy_content(struct call *c, struct s3_object_row *from, struct s3_object_row *o,
                        struct err *err) {
    if (s3_object_data(c->db, c->arena, from, err) < 0 || plain_etag(c, from, &o->etag, err) < 0) {
        return -1;
    }
    o->size = from->size;
    bool whole = str_find_c(from->sum, '-', 0) == (size_t)-1;
    o->sum = whole ? from->sum : STR_NONE;
    o->attr.sum_algorithm = whole ? from->attr.sum_algorithm : S3_SUM_NONE;
    o->attr.sum_type = whole ? S("FULL_OBJECT") : STR_NONE;
    if (from->file.p == NULL) {
        o->data = from->data;
        return 0;
    }
    o->file = s3_content_id(c->arena, c->rng);
    return s3_content_link(c->data_dir, from->file, o->file, err);
}

int s3_copy_object(struct call *c, const struct s3_copy_object_request *in,
                   struct s3_copy_object_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row from;
    struct s3_object_row o = {.bucket = in->bucket, .key = in->key, .modified_ms = c->now_ms};
    struct s3_precondition want = {in->copy_source_if_match,
                                   in->copy_source_if_none_match,
                                   in->has_copy_source_if_modified_since,
                                   in->copy_source_if_modified_since,
                                   in->has_copy_source_if_unmodified_since,
                                   in->copy_source_if_unmodified_since};
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_key_check(in->key, err) < 0 ||
        s3_copy_source_find(c, in->copy_source, &want, &from, err) < 0 ||
        s3_attributes_take(c, &b, c->op->in, in, &o.attr, err) < 0 ||
        s3_write_allowed(c, in->bucket, in->key, in->if_match, in->if_none_match, err) < 0) {
        return -1;
    }
    o.version = s3_new_version(c, &b);
    if (copy_attributes(c, in, &from, &o, err) < 0 || copy_content(c, &from, &o, err) < 0 ||
        s3_object_insert(c->db, &o, err) < 0) {
        return -1;
    }
    out->copy_object_result = arena_new(c->arena, struct s3_copy_object_result);
    out->copy_object_result->etag = s3_quoted(c->arena, o.etag);
    out->copy_object_result->last_modified = o.modified_ms;
    out->copy_object_result->has_last_modified = true;
    const struct shape_member *result = shape_find_member(c->op->out, S("CopyObjectResult"));
    s3_sum_give(result->shape, out->copy_object_result, o.attr.sum_algorithm, o.sum,
                o.attr.sum_type);
    out->version_id = s3_shown_version(&b, o.version);
    out->copy_source_version_id = str_is(from.version, "null") ? STR_NONE : from.version;
    s3_encryption_give(c, c->op->out, out, &o.attr);
    return 0;
}
