/* AWS::CloudFormation::WaitConditionHandle: a placeholder, often the only resource of an otherwise
 * empty template. Nobody signals to it here. */
#include "services/cloudformation/types.h"

static int create(struct cf_call *c, struct err *err) {
    (void)err;
    c->physical =
        str_printf(c->arena, "https://cloudformation-waitcondition-%.*s.s3.amazonaws.com/%.*s/%.*s",
                   STR_ARG(c->region), STR_ARG(c->stack_id), STR_ARG(c->logical_id));
    return 0;
}

static int update(struct cf_call *c, struct err *err) {
    (void)c;
    (void)err;
    return 0;
}

const struct cf_type cf_type_cloudformation_wait_condition_handle = {
    .name = "AWS::CloudFormation::WaitConditionHandle",
    .properties = (const char *const[]){NULL},
    .create = create,
    .update = update,
    .remove = update,
};
