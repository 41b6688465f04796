/* AWS::SNS::TopicPolicy: one policy for several topics; without it they have their default one. */
#include "gen/sns.h"
#include "services/cloudformation/types.h"

static int set(struct cf_call *c, struct str topic, struct str policy, struct err *err) {
    json_t *input = json_object();
    json_set_str(input, "TopicArn", topic);
    json_set_str(input, "AttributeName", S("Policy"));
    json_set_str(input, "AttributeValue", policy);
    return cf_invoke(c, &sns_op_set_topic_attributes, input, NULL, err);
}

static int put(struct cf_call *c, struct err *err) {
    const json_t *topics = json_object_get(c->props, "Topics");
    for (size_t i = 0; i < json_array_size(topics); i++) {
        if (set(c, json_text(json_array_get(topics, i)), cf_document(c, c->props, "PolicyDocument"),
                err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int drop(struct cf_call *c, const json_t *topics, struct err *err) {
    for (size_t i = 0; i < json_array_size(topics); i++) {
        if (set(c, json_text(json_array_get(topics, i)), S(""), err) < 0 &&
            !cf_gone(err, &sns_NotFoundException)) {
            return -1;
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_name(c, "", 200, false);
    return put(c, err);
}

static int update(struct cf_call *c, struct err *err) {
    const json_t *before = json_object_get(c->old, "Topics");
    return !cf_same(c, "Topics") && drop(c, before, err) < 0 ? -1 : put(c, err);
}

static int remove_policy(struct cf_call *c, struct err *err) {
    return drop(c, json_object_get(c->props, "Topics"), err);
}

const struct cf_type cf_type_sns_topic_policy = {
    .name = "AWS::SNS::TopicPolicy",
    .properties = (const char *const[]){"PolicyDocument", "Topics", NULL},
    .required = (const char *const[]){"PolicyDocument", "Topics", NULL},
    .attributes = (const char *const[]){NULL},
    .create = create,
    .update = update,
    .remove = remove_policy,
};
