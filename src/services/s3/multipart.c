/* Multipart uploads: create, parts, list of parts, complete, abort. */
#include "services/s3/s3.h"

#include "base/buf.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/s3/content.h"
#include "services/s3/precondition.h"
#include "services/s3/sums.h"
#include "services/s3/upload_store.h"

#include <unistd.h>

enum { PART_MIN_BYTES = 5 * 1024 * 1024 };

static int need_upload(struct call *c, struct str bucket, struct str key, struct str id,
                       struct str owner, struct s3_bucket_row *ret_bucket,
                       struct s3_upload_row *ret, struct err *err) {
    if (s3_need_bucket(c, bucket, owner, ret_bucket, err) < 0) {
        return -1;
    }
    int found = s3_upload_find(c->db, c->arena, bucket, key, id, ret, err);
    if (found == 0) {
        return err_api(err, &s3_NoSuchUpload,
                       "The specified upload does not exist. The upload ID may be invalid, or the "
                       "upload may have been aborted or completed.");
    }
    return found < 0 ? -1 : 0;
}

/* What stands over the whole: the CRCs can be computed of the parts' CRCs, SHAs cannot. */
static int sum_type(struct str asked, enum s3_sum algorithm, struct str *ret, struct err *err) {
    bool whole = str_is(asked, "FULL_OBJECT");
    if (algorithm == S3_SUM_NONE) {
        *ret = STR_NONE;
        return 0;
    }
    if ((algorithm == S3_SUM_CRC64NVME && str_is(asked, "COMPOSITE")) ||
        ((algorithm == S3_SUM_SHA1 || algorithm == S3_SUM_SHA256) && whole)) {
        return err_api(err, &s3_InvalidRequest,
                       "The " STR_FMT " checksum type cannot be used with the %s checksum "
                       "algorithm.",
                       STR_ARG(asked), s3_sum_name(algorithm));
    }
    *ret = whole || algorithm == S3_SUM_CRC64NVME ? S("FULL_OBJECT") : S("COMPOSITE");
    return 0;
}

int s3_create_multipart_upload(struct call *c, const struct s3_create_multipart_upload_request *in,
                               struct s3_create_multipart_upload_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u = {.bucket = in->bucket, .key = in->key, .created_ms = c->now_ms};
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_key_check(in->key, err) < 0 ||
        s3_attributes_take(c, &b, c->op->in, in, &u.attr, err) < 0) {
        return -1;
    }
    u.attr.sum_algorithm = s3_sum_of(in->checksum_algorithm);
    if (sum_type(in->checksum_type, u.attr.sum_algorithm, &u.attr.sum_type, err) < 0) {
        return -1;
    }
    u.id = rng_alnum(c->rng, c->arena, 64);
    if (s3_upload_insert(c->db, &u, err) < 0) {
        return -1;
    }
    out->bucket = in->bucket;
    out->key = in->key;
    out->upload_id = u.id;
    if (u.attr.sum_algorithm != S3_SUM_NONE) {
        out->checksum_algorithm = str_c(s3_sum_name(u.attr.sum_algorithm));
        out->checksum_type = u.attr.sum_type;
    }
    s3_encryption_give(c, c->op->out, out, &u.attr);
    return 0;
}

static int check_number(int32_t number, struct err *err) {
    if (number < 1 || number > S3_PART_MAX) {
        return err_api(err, &s3e_InvalidArgument,
                       "Part number must be an integer between 1 and 10000, inclusive");
    }
    return 0;
}

/* A part keeps the upload's kind of checksum, whatever it was sent with. */
static int part_sum(struct call *c, const struct s3_upload_row *u, struct s3_body *body,
                    struct err *err) {
    enum s3_sum wanted = u->attr.sum_algorithm;
    if (wanted == S3_SUM_NONE) {
        wanted = S3_SUM_CRC64NVME;
    }
    if (body->algorithm == wanted) {
        return 0;
    }
    struct str raw = s3_stage_sum(body->stage, wanted);
    if (raw.p == NULL && s3_stage_compute(body->stage, c->arena, wanted, &raw, err) < 0) {
        return -1;
    }
    body->algorithm = wanted;
    body->sum = base64_encode(c->arena, raw);
    return 0;
}

static int keep_part(struct call *c, const struct s3_upload_row *u, int32_t number,
                     struct s3_body *body, struct s3_part_row *p, struct err *err) {
    if (part_sum(c, u, body, err) < 0) {
        return -1;
    }
    *p = (struct s3_part_row){.number = number,
                              .size = s3_stage_size(body->stage),
                              .etag = body->md5,
                              .modified_ms = c->now_ms,
                              .sum = body->sum};
    if (s3_stage_keep(body->stage, c->arena, &p->file, NULL, err) < 0) {
        return -1;
    }
    return s3_part_put(c->db, u->id, p, err);
}

int s3_upload_part(struct call *c, const struct s3_upload_part_request *in,
                   struct s3_upload_part_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u;
    struct s3_part_row p;
    struct s3_body body cleanup_body = {0};
    if (check_number(in->part_number, err) < 0 ||
        need_upload(c, in->bucket, in->key, in->upload_id, in->expected_bucket_owner, &b, &u, err) <
            0 ||
        s3_body_take(c, c->op->in, in, &body, err) < 0) {
        return -1;
    }
    enum s3_sum sent = body.algorithm;
    struct str sent_sum = body.sum;
    if (keep_part(c, &u, in->part_number, &body, &p, err) < 0) {
        return -1;
    }
    out->etag = s3_quoted(c->arena, p.etag);
    s3_sum_give(c->op->out, out, sent, sent_sum, STR_NONE);
    s3_encryption_give(c, c->op->out, out, &u.attr);
    return 0;
}

/* "bytes=0-9", both ends given and inside the object. */
static int copy_range(struct str range, int64_t size, int64_t *ret_first, int64_t *ret_size,
                      struct err *err) {
    *ret_first = 0;
    *ret_size = size;
    if (range.p == NULL) {
        return 0;
    }
    struct str ends = str_sub(range, 6, range.n);
    size_t dash = str_find_c(ends, '-', 0);
    long long first = 0;
    long long last = 0;
    if (!str_starts(range, S("bytes=")) || dash == (size_t)-1 ||
        !str_to_i64(str_sub(ends, 0, dash), &first) ||
        !str_to_i64(str_sub(ends, dash + 1, ends.n), &last) || first < 0 || last < first) {
        return err_api(err, &s3e_InvalidArgument,
                       "The x-amz-copy-source-range value must be of the form bytes=first-last "
                       "where first and last are the zero-based offsets of the first and last "
                       "bytes to copy");
    }
    if (last >= size) {
        return err_api(err, &s3e_InvalidArgument,
                       "Range specified is not valid for source object of size: %lld",
                       (long long)size);
    }
    *ret_first = first;
    *ret_size = last - first + 1;
    return 0;
}

static int stage_bytes(struct call *c, struct s3_object_row *from, int64_t first, int64_t size,
                       struct s3_stage *stage, struct err *err) {
    if (from->file.p == NULL) {
        if (s3_object_data(c->db, c->arena, from, err) < 0) {
            return -1;
        }
        return s3_stage_write(stage, str_sub(from->data, (size_t)first, (size_t)size), err);
    }
    int fd = -1;
    if (s3_content_open(c->data_dir, from->file, &fd, err) < 0) {
        return -1;
    }
    int result = s3_stage_copy(stage, fd, first, size, err);
    close(fd);
    return result;
}

static int stage_range(struct call *c, struct s3_object_row *from, int64_t first, int64_t size,
                       struct s3_body *ret, struct err *err) {
    if (s3_stage_open(c->data_dir, S3_SUM_NONE, &ret->stage, err) < 0) {
        return -1;
    }
    ret->owned = true;
    if (stage_bytes(c, from, first, size, ret->stage, err) < 0 ||
        s3_stage_end(ret->stage, err) < 0) {
        return -1;
    }
    ret->algorithm = s3_stage_algorithm(ret->stage);
    ret->sum = base64_encode(c->arena, s3_stage_sum(ret->stage, ret->algorithm));
    ret->md5 = hex_encode(c->arena, s3_stage_md5(ret->stage));
    return 0;
}

int s3_upload_part_copy(struct call *c, const struct s3_upload_part_copy_request *in,
                        struct s3_upload_part_copy_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u;
    struct s3_object_row from;
    struct s3_part_row p;
    struct s3_body body cleanup_body = {0};
    int64_t first = 0;
    int64_t size = 0;
    struct s3_precondition want = {in->copy_source_if_match,
                                   in->copy_source_if_none_match,
                                   in->has_copy_source_if_modified_since,
                                   in->copy_source_if_modified_since,
                                   in->has_copy_source_if_unmodified_since,
                                   in->copy_source_if_unmodified_since};
    if (check_number(in->part_number, err) < 0 ||
        need_upload(c, in->bucket, in->key, in->upload_id, in->expected_bucket_owner, &b, &u, err) <
            0 ||
        s3_copy_source_find(c, in->copy_source, &want, &from, err) < 0 ||
        copy_range(in->copy_source_range, from.size, &first, &size, err) < 0 ||
        stage_range(c, &from, first, size, &body, err) < 0 ||
        keep_part(c, &u, in->part_number, &body, &p, err) < 0) {
        return -1;
    }
    out->copy_part_result = arena_new(c->arena, struct s3_copy_part_result);
    out->copy_part_result->etag = s3_quoted(c->arena, p.etag);
    out->copy_part_result->last_modified = p.modified_ms;
    out->copy_part_result->has_last_modified = true;
    const struct shape_member *result = shape_find_member(c->op->out, S("CopyPartResult"));
    s3_sum_give(result->shape, out->copy_part_result, u.attr.sum_algorithm, p.sum, STR_NONE);
    out->copy_source_version_id = str_is(from.version, "null") ? STR_NONE : from.version;
    s3_encryption_give(c, c->op->out, out, &u.attr);
    return 0;
}

int s3_abort_multipart_upload(struct call *c, const struct s3_abort_multipart_upload_request *in,
                              struct s3_abort_multipart_upload_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u;
    (void)out;
    if (need_upload(c, in->bucket, in->key, in->upload_id, in->expected_bucket_owner, &b, &u, err) <
        0) {
        return -1;
    }
    return s3_upload_remove(c->db, &u, err);
}

int s3_list_parts(struct call *c, const struct s3_list_parts_request *in,
                  struct s3_list_parts_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u;
    struct s3_part_row_list rows;
    int64_t max = in->has_max_parts && in->max_parts < S3_PAGE_MAX ? in->max_parts : S3_PAGE_MAX;
    int32_t after = in->has_part_number_marker ? in->part_number_marker : 0;
    if (max < 0) {
        return err_api(err, &s3e_InvalidArgument,
                       "Argument max-parts must be an integer between 0 and 2147483647");
    }
    if (need_upload(c, in->bucket, in->key, in->upload_id, in->expected_bucket_owner, &b, &u, err) <
            0 ||
        s3_part_rows(c->db, c->arena, u.id, after, max + 1, &rows, err) < 0) {
        return -1;
    }
    const struct shape_member *list = shape_find_member(c->op->out, S("Parts"));
    out->next_part_number_marker = after;
    for (size_t i = 0; i < rows.n && (int64_t)i < max; i++) {
        struct s3_part *p = arena_push(c->arena, &out->parts);
        p->part_number = (int32_t)rows.v[i].number;
        p->has_part_number = true;
        p->last_modified = rows.v[i].modified_ms;
        p->has_last_modified = true;
        p->etag = s3_quoted(c->arena, rows.v[i].etag);
        p->size = rows.v[i].size;
        p->has_size = true;
        s3_sum_give(list->shape->item, p, u.attr.sum_algorithm, rows.v[i].sum, STR_NONE);
        out->next_part_number_marker = p->part_number;
    }
    struct str storage = str_map_get(&u.attr.headers, S("x-amz-storage-class"));
    out->bucket = in->bucket;
    out->key = in->key;
    out->upload_id = u.id;
    out->part_number_marker = after;
    out->has_part_number_marker = true;
    out->has_next_part_number_marker = true;
    out->max_parts = (int32_t)max;
    out->has_max_parts = true;
    out->is_truncated = (int64_t)rows.n > max;
    out->has_is_truncated = true;
    out->owner = s3_owner_of(c, b.account);
    out->initiator = arena_new(c->arena, struct s3_initiator);
    out->initiator->id = c->principal != NULL ? c->principal->arn : out->owner->id;
    out->storage_class = storage.p != NULL ? storage : S("STANDARD");
    if (u.attr.sum_algorithm != S3_SUM_NONE) {
        out->checksum_algorithm = str_c(s3_sum_name(u.attr.sum_algorithm));
        out->checksum_type = u.attr.sum_type;
    }
    return 0;
}

/* The parts that the request names, in its order, as rows. */
static int select_parts(struct call *c, const struct s3_complete_multipart_upload_request *in,
                        const struct s3_upload_row *u, struct s3_part_row_list *ret,
                        struct err *err) {
    struct s3_part_row_list there;
    const struct s3_completed_multipart_upload *given = in->multipart_upload;
    if (given == NULL || given->parts.n == 0) {
        return err_api(err, &s3_InvalidRequest, "You must specify at least one part");
    }
    if (s3_part_rows(c->db, c->arena, u->id, 0, S3_PART_MAX, &there, err) < 0) {
        return -1;
    }
    const struct shape *shape =
        shape_find_member(shape_find_member(c->op->in, S("MultipartUpload"))->shape, S("Parts"))
            ->shape->item;
    *ret = (struct s3_part_row_list){arena_new_n(c->arena, struct s3_part_row, given->parts.n), 0};
    size_t at = 0;
    for (size_t i = 0; i < given->parts.n; i++) {
        const struct s3_completed_part *want = &given->parts.v[i];
        struct str sum;
        if (i > 0 && want->part_number <= given->parts.v[i - 1].part_number) {
            return err_api(err, &s3e_InvalidPartOrder,
                           "The list of parts was not in ascending order. Parts must be ordered "
                           "by part number.");
        }
        while (at < there.n && there.v[at].number < want->part_number) {
            at++;
        }
        bool found = at < there.n && there.v[at].number == want->part_number &&
                     s3_etag_matches(want->etag, there.v[at].etag);
        enum s3_sum algorithm = s3_sum_take(shape, want, &sum);
        if (!found || (algorithm != S3_SUM_NONE && algorithm == u->attr.sum_algorithm &&
                       !str_eq(sum, there.v[at].sum))) {
            return err_api(err, &s3e_InvalidPart,
                           "One or more of the specified parts could not be found.  The part may "
                           "not have been uploaded, or the specified entity tag may not match the "
                           "part's entity tag.");
        }
        ret->v[ret->n++] = there.v[at];
    }
    for (size_t i = 0; i + 1 < ret->n; i++) {
        if (ret->v[i].size < PART_MIN_BYTES) {
            return err_api(err, &s3e_EntityTooSmall,
                           "Your proposed upload is smaller than the minimum allowed size");
        }
    }
    return 0;
}

/* Tag, size, checksum and list of parts of the whole. */
static void describe_whole(struct call *c, const struct s3_part_row_list *parts,
                           struct s3_object_row *o) {
    struct hash *md5 cleanup_hash = hash_new(HASH_MD5);
    unsigned char digest[HASH_MAX];
    struct buf list cleanup_buf;
    buf_init(&list, (size_t)S3_PART_MAX * 128);
    for (size_t i = 0; i < parts->n; i++) {
        struct str raw = S("");
        hex_decode(c->arena, parts->v[i].etag, &raw);
        hash_update(md5, raw);
        o->size += parts->v[i].size;
        buf_printf(&list, "%s%lld:" STR_FMT, i > 0 ? "," : "", (long long)parts->v[i].size,
                   STR_ARG(parts->v[i].sum));
    }
    hash_end(md5, digest);
    o->etag = str_printf(c->arena, STR_FMT "-%zu",
                         STR_ARG(hex_encode(c->arena, str_n((const char *)digest, 16))), parts->n);
    o->parts = buf_dup(c->arena, &list);
    if (o->attr.sum_algorithm == S3_SUM_NONE) { /* S3's own, over the whole object */
        o->attr.sum_algorithm = S3_SUM_CRC64NVME;
        o->attr.sum_type = S("FULL_OBJECT");
    }
    o->sum = str_is(o->attr.sum_type, "FULL_OBJECT")
                 ? s3_sum_joined(c->arena, o->attr.sum_algorithm, parts)
                 : s3_sum_composite(c->arena, o->attr.sum_algorithm, parts);
}

static int join_content(struct call *c, const struct s3_part_row_list *parts,
                        struct s3_object_row *o, struct err *err) {
    struct str *files = arena_new_n(c->arena, struct str, parts->n);
    for (size_t i = 0; i < parts->n; i++) {
        files[i] = parts->v[i].file;
    }
    o->file = s3_content_id(c->arena, c->rng);
    if (parts->n == 1) {
        return s3_content_link(c->data_dir, files[0], o->file, err);
    }
    return s3_content_join(c->data_dir, files, parts->n, o->file, err);
}

static int check_whole(const struct call *c, const struct s3_complete_multipart_upload_request *in,
                       const struct s3_object_row *o, struct err *err) {
    struct str given;
    enum s3_sum algorithm = s3_sum_take(c->op->in, in, &given);
    if (in->has_mpu_object_size && in->mpu_object_size != o->size) {
        return err_api(err, &s3_InvalidRequest,
                       "The provided 'x-amz-mp-object-size' header value %lld does not match what "
                       "was computed: %lld",
                       (long long)in->mpu_object_size, (long long)o->size);
    }
    if (algorithm == o->attr.sum_algorithm && algorithm != S3_SUM_NONE && !str_eq(given, o->sum)) {
        return err_api(err, &s3e_BadDigest,
                       "The %s you specified did not match the calculated checksum.",
                       s3_sum_name(algorithm));
    }
    return 0;
}

int s3_complete_multipart_upload(struct call *c,
                                 const struct s3_complete_multipart_upload_request *in,
                                 struct s3_complete_multipart_upload_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_upload_row u;
    struct s3_part_row_list parts;
    if (need_upload(c, in->bucket, in->key, in->upload_id, in->expected_bucket_owner, &b, &u, err) <
            0 ||
        select_parts(c, in, &u, &parts, err) < 0 ||
        s3_write_allowed(c, in->bucket, in->key, in->if_match, in->if_none_match, err) < 0) {
        return -1;
    }
    struct s3_object_row o = {.bucket = in->bucket,
                              .key = in->key,
                              .version = s3_new_version(c, &b),
                              .modified_ms = c->now_ms,
                              .attr = u.attr};
    describe_whole(c, &parts, &o);
    if (check_whole(c, in, &o, err) < 0 || join_content(c, &parts, &o, err) < 0 ||
        s3_object_insert(c->db, &o, err) < 0 || s3_upload_remove(c->db, &u, err) < 0) {
        return -1;
    }
    out->location =
        str_printf(c->arena, "/" STR_FMT "/" STR_FMT, STR_ARG(in->bucket), STR_ARG(in->key));
    out->bucket = in->bucket;
    out->key = in->key;
    out->etag = s3_quoted(c->arena, o.etag);
    out->version_id = s3_shown_version(&b, o.version);
    s3_sum_give(c->op->out, out, o.attr.sum_algorithm, o.sum, o.attr.sum_type);
    s3_encryption_give(c, c->op->out, out, &o.attr);
    return 0;
}
