/* Finding buckets and objects, and small rules that all handlers share. */
#include "services/s3/s3.h"

#include "services/s3/precondition.h"

#define S3_ERROR(code, status)                                                                     \
    const struct aws_error s3e_##code = {#code, #code, status, "Message", NULL};
#include "services/s3/errors.def"
#undef S3_ERROR

int s3_need_bucket(struct call *c, struct str name, struct str expected_owner,
                   struct s3_bucket_row *ret, struct err *err) {
    int found = s3_bucket_find(c->db, c->arena, name, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        return err_api(err, &s3_NoSuchBucket, "The specified bucket does not exist");
    }
    if (expected_owner.p != NULL && !str_eq(expected_owner, ret->account)) {
        return err_api(err, &s3e_AccessDenied, "Access Denied");
    }
    return 0;
}

int s3_need_object(struct call *c, struct str bucket, struct str key, struct str version,
                   struct s3_object_row *ret, struct err *err) {
    if (version.p != NULL && version.n == 0) {
        return err_api(err, &s3e_InvalidArgument, "Version id cannot be the empty string");
    }
    int found = s3_object_find(c->db, c->arena, bucket, key, version, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found == 1 && !ret->marker) {
        return 0;
    }
    if (version.p == NULL) {
        return err_api(err, &s3_NoSuchKey, "The specified key does not exist.");
    }
    if (found == 0) {
        return err_api(err, &s3e_NoSuchVersion, "The specified version does not exist.");
    }
    return err_api(err, &s3e_MethodNotAllowed,
                   "The specified method is not allowed against this resource.");
}

struct str s3_shown_version(const struct s3_bucket_row *b, struct str version) {
    return b->versioning.p != NULL ? version : STR_NONE;
}

struct str s3_new_version(struct call *c, const struct s3_bucket_row *b) {
    return str_is(b->versioning, "Enabled") ? rng_alnum(c->rng, c->arena, 32) : S("null");
}

struct str s3_quoted(struct arena *a, struct str etag) {
    return str_printf(a, "\"" STR_FMT "\"", STR_ARG(etag));
}

int s3_write_allowed(struct call *c, struct str bucket, struct str key, struct str if_match,
                     struct str if_none_match, struct err *err) {
    if (if_match.p == NULL && if_none_match.p == NULL) {
        return 0;
    }
    struct s3_object_row there;
    int found = s3_object_find(c->db, c->arena, bucket, key, STR_NONE, &there, err);
    if (found < 0) {
        return -1;
    }
    bool exists = found == 1 && !there.marker;
    if (if_none_match.p != NULL) {
        if (!str_is(str_trim(if_none_match), "*")) {
            return err_api(err, &s3e_NotImplemented,
                           "A header you provided implies functionality that is not implemented");
        }
        if (exists) {
            return err_api(err, &s3e_PreconditionFailed,
                           "At least one of the pre-conditions you specified did not hold");
        }
    }
    if (if_match.p == NULL) {
        return 0;
    }
    if (!exists) {
        return err_api(err, &s3_NoSuchKey, "The specified key does not exist.");
    }
    if (!s3_etag_matches(if_match, there.etag)) {
        return err_api(err, &s3e_PreconditionFailed,
                       "At least one of the pre-conditions you specified did not hold");
    }
    return 0;
}

int s3_key_check(struct str key, struct err *err) {
    if (key.n > S3_KEY_MAX) {
        return err_api(err, &s3e_KeyTooLongError, "Your key is too long");
    }
    return 0;
}

struct str *s3_member_str(const struct shape *shape, void *base, const char *name) {
    const struct shape_member *m = shape_find_member(shape, str_c(name));
    if (m == NULL || (m->shape->kind != SHAPE_STR && m->shape->kind != SHAPE_ENUM)) {
        return NULL;
    }
    return (struct str *)(void *)((char *)base + m->offset);
}
