/*
 * Headers that an object keeps. Requests and answers have a member for each; which ones are kept is
 * one list here, and the descriptors say where they lie, so that PutObject, CopyObject and
 * CreateMultipartUpload, GetObject and HeadObject share this code.
 */
#include "services/s3/s3.h"

#include "base/clock.h"
#include "platform/text/json.h"
#include "runtime/http/http.h"

/* By header name, lower case. */
static const char *const kept[] = {
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
};

static const char *kept_name(const struct shape_member *m) {
    for (size_t i = 0; m->place == SHAPE_IN_HEADER && i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (str_ieq(str_c(m->wire), str_c(kept[i]))) {
            return kept[i];
        }
    }
    return NULL;
}

static struct str member_text(struct arena *a, const struct shape_member *m, const void *value) {
    switch ((enum shape_kind)m->shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        return *(const struct str *)value;
    case SHAPE_BOOL:
        return *(const bool *)value ? S("true") : S("false");
    case SHAPE_TIMESTAMP:
        return m->shape->time == SHAPE_TIME_ISO8601 ? time_iso(a, *(const int64_t *)value)
                                                    : time_http(a, *(const int64_t *)value);
    default:
        return STR_NONE;
    }
}

/* "aws-chunked" says how the body came, not what the object is. */
static struct str without_chunked(struct arena *a, struct str coding) {
    struct str rest = coding;
    struct str out = STR_NONE;
    struct str part;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (str_ieq(part, S("aws-chunked")) || part.n == 0) {
            continue;
        }
        out =
            out.p == NULL ? part : str_printf(a, STR_FMT "," STR_FMT, STR_ARG(out), STR_ARG(part));
    }
    return out;
}

static void keep(struct arena *a, struct str_map *headers, const char *name, struct str value) {
    if (value.p != NULL) {
        *arena_push(a, headers) = (struct str_pair){str_c(name), value};
    }
}

/* The bucket's default encryption, where the request names none. */
static int default_encryption(struct call *c, const struct s3_bucket_row *b,
                              struct str_map *headers, struct err *err) {
    if (str_map_get(headers, S("x-amz-server-side-encryption")).p != NULL) {
        return 0;
    }
    struct str text;
    int found = s3_setting_get(c->db, c->arena, b->name, "encryption", &text, err);
    if (found < 0) {
        return -1;
    }
    json_t *json cleanup_json = found == 1 ? json_parse(text, err) : NULL;
    json_t *rule = json_array_get(json_object_get(json, "Rules"), 0);
    json_t *by_default = json_object_get(rule, "ApplyServerSideEncryptionByDefault");
    struct str algorithm = str_dup(c->arena, json_str(by_default, "SSEAlgorithm"));
    struct str key = str_dup(c->arena, json_str(by_default, "KMSMasterKeyID"));
    keep(c->arena, headers, "x-amz-server-side-encryption",
         algorithm.p != NULL ? algorithm : S("AES256"));
    keep(c->arena, headers, "x-amz-server-side-encryption-aws-kms-key-id", key);
    if (json_bool(rule, "BucketKeyEnabled")) {
        keep(c->arena, headers, "x-amz-server-side-encryption-bucket-key-enabled", S("true"));
    }
    return 0;
}

static int take_meta(struct call *c, const struct shape *shape, const void *in,
                     struct s3_attributes *ret, struct err *err) {
    const struct shape_member *m = shape_find_member(shape, S("Metadata"));
    const struct str_map *meta = m != NULL ? shape_get(m, in) : NULL;
    size_t size = 0;
    for (size_t i = 0; meta != NULL && i < meta->n; i++) {
        size += meta->v[i].key.n + meta->v[i].value.n;
        *arena_push(c->arena, &ret->meta) =
            (struct str_pair){str_lower(c->arena, meta->v[i].key), meta->v[i].value};
    }
    if (size > S3_META_MAX) {
        return err_api(err, &s3e_MetadataTooLarge,
                       "Your metadata headers exceed the maximum allowed metadata size");
    }
    return 0;
}

int s3_attributes_take(struct call *c, const struct s3_bucket_row *b, const struct shape *shape,
                       const void *in, struct s3_attributes *ret, struct err *err) {
    *ret = (struct s3_attributes){0};
    const struct str *customer = s3_member_str(shape, (void *)in, "SSECustomerAlgorithm");
    if (customer != NULL && customer->p != NULL) {
        return err_api(err, &s3e_NotImplemented,
                       "A header you provided implies functionality that is not implemented: "
                       "encryption with keys of the customer");
    }
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *m = &shape->members[i];
        const char *name = kept_name(m);
        const void *value = name != NULL ? shape_get(m, in) : NULL;
        if (value == NULL) {
            continue;
        }
        struct str text = member_text(c->arena, m, value);
        if (strcmp(name, "content-encoding") == 0) {
            text = without_chunked(c->arena, text);
        }
        keep(c->arena, &ret->headers, name, text);
    }
    const struct str *tagging = s3_member_str(shape, (void *)in, "Tagging");
    const struct str *acl = s3_member_str(shape, (void *)in, "ACL");
    ret->acl = acl != NULL ? *acl : STR_NONE;
    if (take_meta(c, shape, in, ret, err) < 0 || s3_acl_check(c, b, ret->acl, err) < 0 ||
        (tagging != NULL && tagging->p != NULL &&
         s3_tags_parse(c, *tagging, &ret->tags, err) < 0)) {
        return -1;
    }
    return default_encryption(c, b, &ret->headers, err);
}

static void set_member(const struct shape_member *m, void *out, struct str value) {
    char *at = (char *)out + m->offset;
    bool *has =
        m->has_offset != SHAPE_NO_FIELD ? (bool *)(void *)((char *)out + m->has_offset) : NULL;
    int64_t ms = 0;
    switch ((enum shape_kind)m->shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        *(struct str *)(void *)at = value;
        break;
    case SHAPE_BOOL:
        *(bool *)(void *)at = str_is(value, "true");
        *has = true;
        break;
    case SHAPE_TIMESTAMP:
        if (time_parse(value, &ms)) {
            *(int64_t *)(void *)at = ms;
            *has = true;
        }
        break;
    default:
        break;
    }
}

static bool about_encryption(const char *name) {
    return strncmp(name, "x-amz-server-side-encryption", 28) == 0;
}

static void give(const struct shape *shape, void *out, const struct str_map *headers,
                 bool encryption_only) {
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *m = &shape->members[i];
        const char *name = kept_name(m);
        if (name == NULL || (encryption_only && !about_encryption(name))) {
            continue;
        }
        struct str value = str_map_get(headers, str_c(name));
        /* Standard objects have no storage class header. */
        if (value.p != NULL &&
            !(strcmp(name, "x-amz-storage-class") == 0 && str_is(value, "STANDARD"))) {
            set_member(m, out, value);
        }
    }
}

void s3_attributes_give(struct call *c, const struct shape *shape, void *out,
                        const struct s3_attributes *attr) {
    (void)c;
    give(shape, out, &attr->headers, false);
    const struct shape_member *meta = shape_find_member(shape, S("Metadata"));
    if (meta != NULL && attr->meta.n > 0) {
        *(struct str_map *)(void *)((char *)out + meta->offset) = attr->meta;
    }
}

void s3_encryption_give(struct call *c, const struct shape *shape, void *out,
                        const struct s3_attributes *attr) {
    (void)c;
    give(shape, out, &attr->headers, true);
}

int s3_tags_check(const struct str_map *tags, size_t max, struct err *err) {
    if (tags->n > max) {
        return err_api(err, max > 10 ? &s3e_InvalidTag : &s3e_BadRequest,
                       max > 10 ? "The TagSet cannot have more than 50 tags"
                                : "Object tags cannot be greater than 10");
    }
    for (size_t i = 0; i < tags->n; i++) {
        const struct str_pair *tag = &tags->v[i];
        if (tag->key.n == 0 || tag->key.n > 128 * 4) {
            return err_api(err, &s3e_InvalidTag, "The TagKey you have provided is invalid");
        }
        if (tag->value.n > 256 * 4) {
            return err_api(err, &s3e_InvalidTag, "The TagValue you have provided is invalid");
        }
        if (max > 10 && str_starts(tag->key, S("aws:"))) {
            return err_api(err, &s3e_InvalidTag,
                           "System tags cannot be added/updated by requester");
        }
        for (size_t j = 0; j < i; j++) {
            if (str_eq(tags->v[j].key, tag->key)) {
                return err_api(err, &s3e_InvalidTag,
                               "Cannot provide multiple Tags with the same key");
            }
        }
    }
    return 0;
}

int s3_tags_parse(struct call *c, struct str text, struct str_map *ret, struct err *err) {
    if (text.n == 0) {
        return 0;
    }
    if (!http_parse_query(c->arena, text, ret)) {
        return err_api(err, &s3e_InvalidArgument,
                       "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
                       "query parameters without tag name duplicates.");
    }
    return s3_tags_check(ret, 10, err);
}
