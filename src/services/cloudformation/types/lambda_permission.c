/* AWS::Lambda::Permission: one statement of a function's policy; every change makes a new one. */
#include "gen/lambda.h"
#include "services/cloudformation/types.h"

static int create(struct cf_call *c, struct err *err) {
    json_t *input = json_copy((json_t *)c->props);
    c->physical = cf_name(c, "", 100, false);
    json_set_str(input, "StatementId", c->physical);
    cf_attr(c, "Id", c->physical);
    return cf_invoke(c, &lambda_op_add_permission, input, NULL, err);
}

static int remove_permission(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "FunctionName", cf_text(c, c->props, "FunctionName"));
    json_set_str(input, "StatementId", c->physical);
    int bad = cf_invoke(c, &lambda_op_remove_permission, input, NULL, err);
    return bad < 0 && !cf_gone(err, &lambda_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_lambda_permission = {
    .name = "AWS::Lambda::Permission",
    .properties =
        (const char *const[]){"Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType",
                              "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn", NULL},
    .required = (const char *const[]){"Action", "FunctionName", "Principal", NULL},
    .attributes = (const char *const[]){"Id", NULL},
    .create = create,
    .remove = remove_permission,
};
