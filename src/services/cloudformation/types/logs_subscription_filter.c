/* AWS::Logs::SubscriptionFilter. */
#include "gen/logs.h"
#include "services/cloudformation/types.h"

static int put(struct cf_call *c, struct err *err) {
    json_t *input = json_copy((json_t *)c->props);
    json_set_str(input, "FilterName", c->physical);
    return cf_invoke(c, &logs_op_put_subscription_filter, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_name(c, "FilterName", 512, false);
    return put(c, err);
}

static int remove_filter(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "filterName", c->physical);
    json_set_str(input, "logGroupName", cf_text(c, c->props, "LogGroupName"));
    int bad = cf_invoke(c, &logs_op_delete_subscription_filter, input, NULL, err);
    return bad < 0 && !cf_gone(err, &logs_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_logs_subscription_filter = {
    .name = "AWS::Logs::SubscriptionFilter",
    .properties = (const char *const[]){"DestinationArn", "Distribution", "FilterName",
                                        "FilterPattern", "LogGroupName", "RoleArn", NULL},
    .required = (const char *const[]){"DestinationArn", "FilterPattern", "LogGroupName", NULL},
    .fixed = (const char *const[]){"FilterName", "LogGroupName", NULL},
    .attributes = (const char *const[]){NULL},
    .create = create,
    .update = put,
    .remove = remove_filter,
};
