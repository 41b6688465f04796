/* AWS::S3::BucketPolicy. */
#include "gen/s3.h"
#include "services/cloudformation/types.h"

static int put(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "Bucket", c->physical);
    json_set_str(input, "Policy", cf_document(c, c->props, "PolicyDocument"));
    return cf_invoke(c, &s3_op_put_bucket_policy, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_text(c, c->props, "Bucket");
    return put(c, err);
}

static int remove_policy(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "Bucket", c->physical);
    int bad = cf_invoke(c, &s3_op_delete_bucket_policy, input, NULL, err);
    return bad < 0 && !(err->api != NULL && strcmp(err->api->code, "NoSuchBucket") == 0) ? -1 : 0;
}

const struct cf_type cf_type_s3_bucket_policy = {
    .name = "AWS::S3::BucketPolicy",
    .properties = (const char *const[]){"Bucket", "PolicyDocument", NULL},
    .required = (const char *const[]){"Bucket", "PolicyDocument", NULL},
    .fixed = (const char *const[]){"Bucket", NULL},
    .attributes = (const char *const[]){NULL},
    .create = create,
    .update = put,
    .remove = remove_policy,
};
