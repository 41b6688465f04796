/* AWS::KMS::Alias. */
#include "gen/kms.h"
#include "services/cloudformation/types.h"

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_text(c, c->props, "AliasName");
    return cf_invoke(c, &kms_op_create_alias, json_copy((json_t *)c->props), NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    return cf_invoke(c, &kms_op_update_alias, json_copy((json_t *)c->props), NULL, err);
}

static int remove_alias(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "AliasName", c->physical);
    int bad = cf_invoke(c, &kms_op_delete_alias, input, NULL, err);
    return bad < 0 && !cf_gone(err, &kms_NotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_kms_alias = {
    .name = "AWS::KMS::Alias",
    .properties = (const char *const[]){"AliasName", "TargetKeyId", NULL},
    .required = (const char *const[]){"AliasName", "TargetKeyId", NULL},
    .fixed = (const char *const[]){"AliasName", NULL},
    .attributes = (const char *const[]){NULL},
    .create = create,
    .update = update,
    .remove = remove_alias,
};
