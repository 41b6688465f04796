/* The body of PutObject and UploadPart: a stage from the front door, or a file of somebody in this
 * process, checked against the digests that came with the request. */
#include "services/s3/s3.h"

#include "platform/crypto/encode.h"
#include "runtime/http/http.h"

#include <stdio.h>

static const enum s3_sum sums[] = {S3_SUM_CRC32, S3_SUM_CRC32C, S3_SUM_CRC64NVME, S3_SUM_SHA1,
                                   S3_SUM_SHA256};

static const char *member_name(enum s3_sum algorithm, char name[32]) {
    snprintf(name, 32, "Checksum%s", s3_sum_name(algorithm));
    return name;
}

enum s3_sum s3_sum_take(const struct shape *shape, const void *in, struct str *ret_sum) {
    char name[32];
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        const struct str *sum = s3_member_str(shape, (void *)in, member_name(sums[i], name));
        if (sum != NULL && sum->p != NULL) {
            *ret_sum = *sum;
            return sums[i];
        }
    }
    *ret_sum = STR_NONE;
    return S3_SUM_NONE;
}

void s3_sum_give(const struct shape *shape, void *out, enum s3_sum algorithm, struct str sum,
                 struct str type) {
    char name[32];
    if (algorithm == S3_SUM_NONE || sum.p == NULL) {
        return;
    }
    struct str *member = s3_member_str(shape, out, member_name(algorithm, name));
    struct str *member_type = s3_member_str(shape, out, "ChecksumType");
    if (member != NULL) {
        *member = sum;
    }
    if (member_type != NULL) {
        *member_type = type;
    }
}

enum s3_sum s3_sum_wanted(struct call *c, const struct shape *shape, const void *in) {
    struct str sum;
    enum s3_sum algorithm = s3_sum_take(shape, in, &sum);
    const struct str *named = s3_member_str(shape, (void *)in, "ChecksumAlgorithm");
    if (algorithm == S3_SUM_NONE && named != NULL && named->p != NULL) {
        algorithm = s3_sum_of(*named);
    }
    if (algorithm == S3_SUM_NONE && c->http != NULL) {
        algorithm = s3_sum_of(http_header(&c->http->headers, S("x-amz-trailer")));
    }
    return algorithm;
}

/* Bytes that nobody has staged: read them now. */
static int stage_now(struct call *c, enum s3_sum algorithm, struct s3_body *ret, struct err *err) {
    if (s3_stage_open(c->data_dir, algorithm, &ret->stage, err) < 0) {
        return -1;
    }
    ret->owned = true;
    if (c->body.fd >= 0 &&
        s3_stage_copy(ret->stage, c->body.fd, c->body.offset, c->body.size, err) < 0) {
        return -1;
    }
    return s3_stage_end(ret->stage, err);
}

static int check_md5(struct call *c, struct str given, const struct s3_stage *stage,
                     struct err *err) {
    struct str raw;
    if (given.p == NULL) {
        return 0;
    }
    if (!base64_decode(c->arena, given, &raw) || raw.n != 16) {
        return err_api(err, &s3e_InvalidDigest, "The Content-MD5 you specified was invalid.");
    }
    if (!str_eq(raw, s3_stage_md5(stage))) {
        return err_api(err, &s3e_BadDigest,
                       "The Content-MD5 you specified did not match what we received.");
    }
    return 0;
}

static int check_sum(struct call *c, enum s3_sum algorithm, struct str given, struct str computed,
                     struct err *err) {
    struct str raw;
    if (given.p == NULL) {
        return 0;
    }
    if (!base64_decode(c->arena, given, &raw) || raw.n != s3_sum_size(algorithm)) {
        return err_api(err, &s3_InvalidRequest,
                       "Value for x-amz-checksum-" STR_FMT " header is invalid.",
                       STR_ARG(str_lower(c->arena, str_c(s3_sum_name(algorithm)))));
    }
    if (!str_eq(raw, computed)) {
        return err_api(err, &s3e_BadDigest,
                       "The %s you specified did not match the calculated checksum.",
                       s3_sum_name(algorithm));
    }
    return 0;
}

int s3_body_take(struct call *c, const struct shape *shape, const void *in, struct s3_body *ret,
                 struct err *err) {
    *ret = (struct s3_body){.stage = c->body.stage};
    struct str given;
    enum s3_sum wanted = s3_sum_wanted(c, shape, in);
    enum s3_sum carried = s3_sum_take(shape, in, &given);
    const struct str *md5 = s3_member_str(shape, (void *)in, "ContentMD5");
    if (ret->stage == NULL && stage_now(c, wanted, ret, err) < 0) {
        return -1;
    }
    ret->algorithm = wanted != S3_SUM_NONE ? wanted : s3_stage_algorithm(ret->stage);
    struct str computed = s3_stage_sum(ret->stage, ret->algorithm);
    if (computed.p == NULL && /* staged before anybody looked at the headers */
        s3_stage_compute(ret->stage, c->arena, ret->algorithm, &computed, err) < 0) {
        return -1;
    }
    if (check_md5(c, md5 != NULL ? *md5 : STR_NONE, ret->stage, err) < 0 ||
        check_sum(c, carried, given, computed, err) < 0) {
        return -1;
    }
    ret->sum = base64_encode(c->arena, computed);
    ret->md5 = hex_encode(c->arena, s3_stage_md5(ret->stage));
    return 0;
}

void s3_body_done(struct s3_body *body) {
    if (body->owned) {
        s3_stage_free(body->stage);
    }
}
