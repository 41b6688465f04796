/* AWS::SNS::Topic with its inline subscriptions. */
#include "gen/sns.h"
#include "services/cloudformation/types.h"

static const char *const settings[] = {"DisplayName", "KmsMasterKeyId", "SignatureVersion",
                                       "TracingConfig", NULL};

static int subscribe(struct cf_call *c, const json_t *one, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "TopicArn", c->physical);
    json_set_str(input, "Protocol", json_str(one, "Protocol"));
    json_set_str(input, "Endpoint", json_str(one, "Endpoint"));
    return cf_invoke(c, &sns_op_subscribe, input, NULL, err);
}

static bool listed(const json_t *list, const json_t *item) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), (json_t *)item)) {
            return true;
        }
    }
    return false;
}

static int subscribe_new(struct cf_call *c, struct err *err) {
    const json_t *list = json_object_get(c->props, "Subscription");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!listed(json_object_get(c->old, "Subscription"), one) && subscribe(c, one, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    const void *out = NULL;
    json_t *input = json_object();
    json_t *attributes = json_object();
    struct str_map tags = cf_tags(c, c->props);
    struct str name = cf_name(c, "TopicName", 256, false);
    for (size_t i = 0; settings[i] != NULL; i++) {
        json_set_str(attributes, settings[i], cf_text(c, c->props, settings[i]));
    }
    if (cf_true(c->props, "FifoTopic")) {
        json_set_str(attributes, "FifoTopic", S("true"));
    }
    json_set_str(input, "Name", name);
    json_set(input, "Attributes", attributes);
    if (tags.n > 0) {
        json_set(input, "Tags", cf_tags_json(&tags, true));
    }
    if (cf_invoke(c, &sns_op_create_topic, input, &out, err) < 0) {
        return -1;
    }
    c->physical = ((const struct sns_create_topic_response *)out)->topic_arn;
    cf_attr(c, "TopicName", name);
    cf_attr(c, "TopicArn", c->physical);
    return subscribe_new(c, err);
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    if (gone.n > 0) {
        json_t *input = json_object();
        json_set_str(input, "ResourceArn", c->physical);
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &sns_op_untag_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = json_object();
    json_set_str(input, "ResourceArn", c->physical);
    json_set(input, "Tags", cf_tags_json(&tags, true));
    return cf_invoke(c, &sns_op_tag_resource, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    for (size_t i = 0; settings[i] != NULL; i++) {
        if (cf_same(c, settings[i])) {
            continue;
        }
        struct str value = cf_text(c, c->props, settings[i]);
        json_t *input = json_object();
        json_set_str(input, "TopicArn", c->physical);
        json_set_str(input, "AttributeName", str_c(settings[i]));
        json_set_str(input, "AttributeValue", value.p != NULL ? value : S(""));
        if (cf_invoke(c, &sns_op_set_topic_attributes, input, NULL, err) < 0) {
            return -1;
        }
    }
    return (!cf_same(c, "Tags") && tag(c, err) < 0) ? -1 : subscribe_new(c, err);
}

static int remove_topic(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "TopicArn", c->physical);
    return cf_invoke(c, &sns_op_delete_topic, input, NULL, err);
}

const struct cf_type cf_type_sns_topic = {
    .name = "AWS::SNS::Topic",
    .properties =
        (const char *const[]){"DisplayName", "FifoTopic", "KmsMasterKeyId", "SignatureVersion",
                              "Subscription", "Tags", "TopicName", "TracingConfig", NULL},
    .fixed = (const char *const[]){"FifoTopic", "TopicName", NULL},
    .attributes = (const char *const[]){"TopicArn", "TopicName", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_topic,
};
