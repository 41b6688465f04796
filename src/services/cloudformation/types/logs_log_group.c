/* AWS::Logs::LogGroup. */
#include "gen/logs.h"
#include "services/cloudformation/types.h"

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "logGroupName", c->physical);
    return input;
}

static int retain(struct cf_call *c, struct err *err) {
    json_t *days = json_object_get(c->props, "RetentionInDays");
    json_t *input = named(c);
    if (days == NULL) {
        return cf_invoke(c, &logs_op_delete_retention_policy, input, NULL, err);
    }
    json_set(input, "retentionInDays", json_incref(days));
    return cf_invoke(c, &logs_op_put_retention_policy, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    struct str_map tags = cf_tags(c, c->props);
    c->physical = cf_name(c, "LogGroupName", 512, false);
    json_t *input = named(c);
    json_set_str(input, "kmsKeyId", cf_text(c, c->props, "KmsKeyId"));
    json_set_str(input, "logGroupClass", cf_text(c, c->props, "LogGroupClass"));
    if (tags.n > 0) {
        json_set(input, "tags", cf_tags_json(&tags, false));
    }
    cf_attr(c, "Arn", cf_arn(c, "logs", "log-group:%.*s:*", STR_ARG(c->physical)));
    if (cf_invoke(c, &logs_op_create_log_group, input, NULL, err) < 0) {
        return -1;
    }
    return json_object_get(c->props, "RetentionInDays") != NULL ? retain(c, err) : 0;
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    struct str arn = cf_arn(c, "logs", "log-group:%.*s", STR_ARG(c->physical));
    if (gone.n > 0) {
        json_t *input = json_object();
        json_set_str(input, "resourceArn", arn);
        json_set(input, "tagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &logs_op_untag_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = json_object();
    json_set_str(input, "resourceArn", arn);
    json_set(input, "tags", cf_tags_json(&tags, false));
    return cf_invoke(c, &logs_op_tag_resource, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    if (!cf_same(c, "RetentionInDays") && retain(c, err) < 0) {
        return -1;
    }
    return !cf_same(c, "Tags") && tag(c, err) < 0 ? -1 : 0;
}

static int remove_group(struct cf_call *c, struct err *err) {
    int bad = cf_invoke(c, &logs_op_delete_log_group, named(c), NULL, err);
    return bad < 0 && !cf_gone(err, &logs_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_logs_log_group = {
    .name = "AWS::Logs::LogGroup",
    .properties = (const char *const[]){"KmsKeyId", "LogGroupClass", "LogGroupName",
                                        "RetentionInDays", "Tags", NULL},
    .fixed = (const char *const[]){"KmsKeyId", "LogGroupClass", "LogGroupName", NULL},
    .attributes = (const char *const[]){"Arn", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_group,
};
