/* AWS::S3::Bucket with the settings that releases use. */
#include "gen/s3.h"
#include "services/cloudformation/types.h"

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "Bucket", c->physical);
    return input;
}

static void attributes(struct cf_call *c) {
    struct str b = c->physical;
    struct str r = c->region;
    struct arena *a = c->arena;
    cf_attr(c, "Arn", str_printf(a, "arn:aws:s3:::%.*s", STR_ARG(b)));
    cf_attr(c, "DomainName", str_printf(a, "%.*s.s3.amazonaws.com", STR_ARG(b)));
    cf_attr(c, "RegionalDomainName",
            str_printf(a, "%.*s.s3.%.*s.amazonaws.com", STR_ARG(b), STR_ARG(r)));
    cf_attr(c, "DualStackDomainName",
            str_printf(a, "%.*s.s3.dualstack.%.*s.amazonaws.com", STR_ARG(b), STR_ARG(r)));
    cf_attr(c, "WebsiteURL",
            str_printf(a, "http://%.*s.s3-website.%.*s.amazonaws.com", STR_ARG(b), STR_ARG(r)));
}

/* Encryption's members are called otherwise in templates. */
static json_t *encryption(const json_t *property) {
    json_t *rules = json_array();
    const json_t *list = json_object_get(property, "ServerSideEncryptionConfiguration");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *rule = json_deep_copy(json_array_get(list, i));
        json_t *by = json_object_get(rule, "ServerSideEncryptionByDefault");
        if (by != NULL) {
            json_set(rule, "ApplyServerSideEncryptionByDefault", json_incref(by));
            json_object_del(rule, "ServerSideEncryptionByDefault");
        }
        json_array_append_new(rules, rule);
    }
    json_t *configuration = json_object();
    json_set(configuration, "Rules", rules);
    return configuration;
}

/* Sets or takes away one setting that has changed. */
static int set_one(struct cf_call *c, const char *property, const char *member,
                   const struct shape_op *put, const struct shape_op *del, struct err *err) {
    const json_t *value = json_object_get(c->props, property);
    json_t *input = NULL;
    if (cf_same(c, property) || (value == NULL && del == NULL)) {
        return 0;
    }
    input = named(c);
    if (value == NULL) {
        return cf_invoke(c, del, input, NULL, err);
    }
    bool sealed = strcmp(property, "BucketEncryption") == 0;
    json_set(input, member, sealed ? encryption(value) : json_incref((json_t *)value));
    return cf_invoke(c, put, input, NULL, err);
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_map tags = cf_tags(c, c->props);
    if (cf_same(c, "Tags")) {
        return 0;
    }
    if (tags.n == 0) {
        return cf_invoke(c, &s3_op_delete_bucket_tagging, named(c), NULL, err);
    }
    json_t *input = named(c);
    json_t *set = json_object();
    json_set(set, "TagSet", cf_tags_json(&tags, true));
    json_set(input, "Tagging", set);
    return cf_invoke(c, &s3_op_put_bucket_tagging, input, NULL, err);
}

static int settle(struct cf_call *c, struct err *err) {
    return set_one(c, "OwnershipControls", "OwnershipControls",
                   &s3_op_put_bucket_ownership_controls, &s3_op_delete_bucket_ownership_controls,
                   err) < 0 ||
                   set_one(c, "PublicAccessBlockConfiguration", "PublicAccessBlockConfiguration",
                           &s3_op_put_public_access_block, &s3_op_delete_public_access_block,
                           err) < 0 ||
                   set_one(c, "VersioningConfiguration", "VersioningConfiguration",
                           &s3_op_put_bucket_versioning, NULL, err) < 0 ||
                   set_one(c, "BucketEncryption", "ServerSideEncryptionConfiguration",
                           &s3_op_put_bucket_encryption, &s3_op_delete_bucket_encryption, err) < 0
               ? -1
               : tag(c, err);
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_name(c, "BucketName", 63, true);
    json_t *input = named(c);
    if (!str_is(c->region, "us-east-1")) {
        json_t *where = json_object();
        json_set_str(where, "LocationConstraint", c->region);
        json_set(input, "CreateBucketConfiguration", where);
    }
    attributes(c);
    return cf_invoke(c, &s3_op_create_bucket, input, NULL, err) < 0 ? -1 : settle(c, err);
}

static int remove_bucket(struct cf_call *c, struct err *err) {
    int bad = cf_invoke(c, &s3_op_delete_bucket, named(c), NULL, err);
    return bad < 0 && !(err->api != NULL && strcmp(err->api->code, "NoSuchBucket") == 0) ? -1 : 0;
}

const struct cf_type cf_type_s3_bucket = {
    .name = "AWS::S3::Bucket",
    .properties = (const char *const[]){"BucketEncryption", "BucketName", "OwnershipControls",
                                        "PublicAccessBlockConfiguration", "Tags",
                                        "VersioningConfiguration", NULL},
    .fixed = (const char *const[]){"BucketName", NULL},
    .attributes = (const char *const[]){"Arn", "DomainName", "DualStackDomainName",
                                        "RegionalDomainName", "WebsiteURL", NULL},
    .tags = true,
    .create = create,
    .update = settle,
    .remove = remove_bucket,
};
