/* AWS::SNS::Subscription. One that nobody has confirmed can not be ended; it goes with its topic.
 */
#include "gen/sns.h"
#include "services/cloudformation/types.h"

static const char *const settings[] = {"DeliveryPolicy",
                                       "FilterPolicyScope",
                                       "FilterPolicy",
                                       "RawMessageDelivery",
                                       "RedrivePolicy",
                                       "SubscriptionRoleArn",
                                       NULL};

static struct str setting(struct cf_call *c, const char *name) {
    const json_t *value = json_object_get(c->props, name);
    return json_is_object(value) || json_is_array(value) ? cf_document(c, c->props, name)
                                                         : cf_text(c, c->props, name);
}

static int create(struct cf_call *c, struct err *err) {
    const void *out = NULL;
    json_t *input = json_object();
    json_t *attributes = json_object();
    for (size_t i = 0; settings[i] != NULL; i++) {
        json_set_str(attributes, settings[i], setting(c, settings[i]));
    }
    json_set_str(input, "TopicArn", cf_text(c, c->props, "TopicArn"));
    json_set_str(input, "Protocol", cf_text(c, c->props, "Protocol"));
    json_set_str(input, "Endpoint", cf_text(c, c->props, "Endpoint"));
    json_set(input, "Attributes", attributes);
    json_set(input, "ReturnSubscriptionArn", json_true());
    if (cf_invoke(c, &sns_op_subscribe, input, &out, err) < 0) {
        return -1;
    }
    c->physical = ((const struct sns_subscribe_response *)out)->subscription_arn;
    cf_attr(c, "Arn", c->physical);
    return 0;
}

static int update(struct cf_call *c, struct err *err) {
    for (size_t i = 0; settings[i] != NULL; i++) {
        if (cf_same(c, settings[i])) {
            continue;
        }
        struct str value = setting(c, settings[i]);
        json_t *input = json_object();
        json_set_str(input, "SubscriptionArn", c->physical);
        json_set_str(input, "AttributeName", str_c(settings[i]));
        json_set_str(input, "AttributeValue", value.p != NULL ? value : S(""));
        if (cf_invoke(c, &sns_op_set_subscription_attributes, input, NULL, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int remove_subscription(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "SubscriptionArn", c->physical);
    int bad = cf_invoke(c, &sns_op_unsubscribe, input, NULL, err);
    bool pending = bad < 0 && strstr(err->msg, "pending confirmation") != NULL;
    return bad < 0 && !pending && !cf_gone(err, &sns_NotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_sns_subscription = {
    .name = "AWS::SNS::Subscription",
    .properties = (const char *const[]){"DeliveryPolicy", "Endpoint", "FilterPolicy",
                                        "FilterPolicyScope", "Protocol", "RawMessageDelivery",
                                        "RedrivePolicy", "SubscriptionRoleArn", "TopicArn", NULL},
    .required = (const char *const[]){"Protocol", "TopicArn", NULL},
    .fixed = (const char *const[]){"Endpoint", "Protocol", "TopicArn", NULL},
    .attributes = (const char *const[]){"Arn", NULL},
    .create = create,
    .update = update,
    .remove = remove_subscription,
};
