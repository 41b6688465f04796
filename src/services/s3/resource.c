/* What the gate asks about buckets and objects: whose they are, and the bucket's policy. */
#include "services/resources.h"
#include "services/s3/s3_store.h"

int s3_resource(const struct gate_call *c, struct db *db, struct str action,
                struct gate_resource *r, struct err *err) {
    struct aws_arn arn;
    struct s3_bucket_row bucket = {0};
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "s3")) {
        return 0;
    }
    /* Who makes a bucket needs no right in the account that has its name already; the handler says
     * that it is taken. */
    if (str_is(action, "s3:CreateBucket")) {
        return 0;
    }
    size_t slash = str_find_c(arn.resource, '/', 0);
    struct str name = str_sub(arn.resource, 0, slash);
    int found = s3_bucket_find(db, c->arena, name, &bucket, err);
    if (found <= 0) {
        return found;
    }
    r->account = bucket.account;
    /* A root that locked itself out can still mend the policy. */
    if (c->principal->kind == AWS_PRINCIPAL_ROOT && str_ends(action, S("BucketPolicy"))) {
        return 0;
    }
    return s3_setting_get(db, c->arena, name, "policy", &r->policy, err) < 0 ? -1 : 0;
}
