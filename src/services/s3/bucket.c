/* Buckets themselves: create, head, delete, list, location, versioning. */
#include "services/s3/s3.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/s3/precondition.h"

struct s3_owner *s3_owner_of(struct call *c, struct str account) {
    struct s3_owner *owner = arena_new(c->arena, struct s3_owner);
    owner->id = crypto_sha256_hex(
        c->arena, str_printf(c->arena, "canonical user of " STR_FMT, STR_ARG(account)));
    owner->display_name = STR_NONE;
    return owner;
}

/* Outside us-east-1 the region must be said, and be this one. */
static int check_location(const struct call *c, struct str location, struct err *err) {
    if (location.p == NULL) {
        if (str_is(c->region, "us-east-1")) {
            return 0;
        }
        return err_api(err, &s3e_IllegalLocationConstraintException,
                       "The unspecified location constraint is incompatible for the region "
                       "specific endpoint this request was sent to.");
    }
    if (str_is(c->region, "us-east-1") || str_eq(location, c->region)) {
        return 0;
    }
    return err_api(err, &s3e_IllegalLocationConstraintException,
                   "The " STR_FMT " location constraint is incompatible for the region specific "
                   "endpoint this request was sent to.",
                   STR_ARG(location));
}

static int check_new(struct call *c, const struct s3_create_bucket_request *in, struct str location,
                     struct err *err) {
    const char *problem = s3_bucket_name_problem(in->bucket);
    struct s3_bucket_row there;
    if (problem != NULL) {
        return err_api(err, &s3e_InvalidBucketName, "The specified bucket is not valid: %s.",
                       problem);
    }
    if (check_location(c, location, err) < 0) {
        return -1;
    }
    int found = s3_bucket_find(c->db, c->arena, in->bucket, &there, err);
    if (found <= 0) {
        return found;
    }
    if (str_eq(there.account, c->account)) {
        return err_api(err, &s3_BucketAlreadyOwnedByYou,
                       "Your previous request to create the named bucket succeeded and you "
                       "already own it.");
    }
    return err_api(err, &s3_BucketAlreadyExists,
                   "The requested bucket name is not available. The bucket namespace is shared by "
                   "all users of the system. Please select a different name and try again.");
}

/* What AWS gives every bucket since April 2023: no public access, no ACLs. */
static int put_defaults(struct call *c, const struct s3_create_bucket_request *in,
                        struct err *err) {
    struct str ownership =
        in->object_ownership.p != NULL ? in->object_ownership : S("BucketOwnerEnforced");
    bool enforced = str_is(ownership, "BucketOwnerEnforced");
    if (enforced && in->acl.p != NULL && !str_is(in->acl, "private")) {
        return err_api(err, &s3e_InvalidBucketAclWithObjectOwnership,
                       "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
                       "setting");
    }
    struct str rules = str_printf(c->arena, "{\"Rules\":[{\"ObjectOwnership\":\"" STR_FMT "\"}]}",
                                  STR_ARG(ownership));
    if (s3_setting_put(c->db, in->bucket, "ownership", rules, err) < 0 ||
        s3_setting_put(c->db, in->bucket, "public_access_block",
                       S("{\"BlockPublicAcls\":true,\"IgnorePublicAcls\":true,"
                         "\"BlockPublicPolicy\":true,\"RestrictPublicBuckets\":true}"),
                       err) < 0) {
        return -1;
    }
    if (in->acl.p != NULL && s3_setting_put(c->db, in->bucket, "acl", in->acl, err) < 0) {
        return -1;
    }
    if (in->has_object_lock_enabled_for_bucket && in->object_lock_enabled_for_bucket) {
        return s3_setting_put(c->db, in->bucket, "object_lock",
                              S("{\"ObjectLockEnabled\":\"Enabled\"}"), err);
    }
    return 0;
}

int s3_create_bucket(struct call *c, const struct s3_create_bucket_request *in,
                     struct s3_create_bucket_output *out, struct err *err) {
    const struct s3_create_bucket_configuration *config = in->create_bucket_configuration;
    struct str location = config != NULL ? config->location_constraint : STR_NONE;
    if (check_new(c, in, location, err) < 0) {
        return -1;
    }
    bool locked = in->has_object_lock_enabled_for_bucket && in->object_lock_enabled_for_bucket;
    struct s3_bucket_row b = {in->bucket, c->account, location.p != NULL ? location : c->region,
                              c->now_ms, locked ? S("Enabled") : STR_NONE};
    if (s3_bucket_insert(c->db, &b, err) < 0 || put_defaults(c, in, err) < 0) {
        return -1;
    }
    if (config != NULL && config->tags.n > 0 &&
        s3_bucket_put_tags(c, in->bucket, &config->tags, err) < 0) {
        return -1;
    }
    out->location = str_printf(c->arena, "/" STR_FMT, STR_ARG(in->bucket));
    return 0;
}

int s3_head_bucket(struct call *c, const struct s3_head_bucket_request *in,
                   struct s3_head_bucket_output *out, struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    out->bucket_region = b.region;
    out->bucket_arn = str_printf(c->arena, "arn:aws:s3:::" STR_FMT, STR_ARG(b.name));
    return 0;
}

int s3_delete_bucket(struct call *c, const struct s3_delete_bucket_request *in,
                     struct s3_delete_bucket_output *out, struct err *err) {
    struct s3_bucket_row b;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    if (s3_bucket_remove(c->db, b.name, err) == 0) {
        return 0;
    }
    if (err->kind == ERR_CONFLICT) {
        return err_api(err, &s3e_BucketNotEmpty,
                       b.versioning.p != NULL
                           ? "The bucket you tried to delete is not empty. You must delete all "
                             "versions in the bucket."
                           : "The bucket you tried to delete is not empty");
    }
    return -1;
}

int s3_list_buckets(struct call *c, const struct s3_list_buckets_request *in,
                    struct s3_list_buckets_output *out, struct err *err) {
    struct s3_bucket_rows rows = {0};
    struct str after = STR_NONE;
    int64_t max = in->has_max_buckets ? in->max_buckets : 10000;
    if (in->continuation_token.p != NULL &&
        !base64url_decode(c->arena, in->continuation_token, &after)) {
        return err_api(err, &s3e_InvalidArgument, "The continuation token provided is incorrect");
    }
    if (s3_bucket_list(c->db, c->arena, c->account, in->prefix, after, max + 1, &rows, err) < 0) {
        return -1;
    }
    out->buckets.v = arena_new_n(c->arena, struct s3_bucket, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        if ((int64_t)out->buckets.n == max) {
            out->continuation_token = base64url_encode(c->arena, rows.v[i - 1].name);
            break;
        }
        if (in->bucket_region.p != NULL && !str_eq(in->bucket_region, rows.v[i].region)) {
            continue;
        }
        struct s3_bucket *b = &out->buckets.v[out->buckets.n++];
        b->name = rows.v[i].name;
        b->creation_date = rows.v[i].created_ms;
        b->has_creation_date = true;
        b->bucket_region = rows.v[i].region;
    }
    out->owner = s3_owner_of(c, c->account);
    out->prefix = in->prefix;
    return 0;
}

int s3_get_bucket_location(struct call *c, const struct s3_get_bucket_location_request *in,
                           struct s3_get_bucket_location_output *out, struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    out->location_constraint = str_is(b.region, "us-east-1") ? S("") : b.region;
    return 0;
}

int s3_get_bucket_versioning(struct call *c, const struct s3_get_bucket_versioning_request *in,
                             struct s3_get_bucket_versioning_output *out, struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    out->status = b.versioning;
    return 0;
}

int s3_put_bucket_versioning(struct call *c, const struct s3_put_bucket_versioning_request *in,
                             struct s3_put_bucket_versioning_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct str lock;
    (void)out;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    struct str status = in->versioning_configuration->status;
    if (!str_is(status, "Enabled") && !str_is(status, "Suspended")) {
        return err_api(err, &s3e_MalformedXML,
                       "The XML you provided was not well-formed or did not validate against our "
                       "published schema");
    }
    int locked = s3_setting_get(c->db, c->arena, b.name, "object_lock", &lock, err);
    if (locked < 0) {
        return -1;
    }
    if (locked == 1 && str_is(status, "Suspended")) {
        return err_api(err, &s3e_InvalidBucketState,
                       "An Object Lock configuration is present on this bucket, so the versioning "
                       "state cannot be changed.");
    }
    return s3_bucket_set_versioning(c->db, b.name, status, err);
}
