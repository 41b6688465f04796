/* AWS::DynamoDB::Table. */
#include "gen/dynamodb.h"
#include "services/cloudformation/types.h"

static const char *const not_in_create[] = {"TimeToLiveSpecification",
                                            "PointInTimeRecoverySpecification", "TableName", NULL};

static void attributes(struct cf_call *c) {
    cf_attr(c, "Arn", cf_arn(c, "dynamodb", "table/%.*s", STR_ARG(c->physical)));
}

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "TableName", c->physical);
    return input;
}

/* What has operations of its own. */
static int settle(struct cf_call *c, struct err *err) {
    const json_t *ttl = json_object_get(c->props, "TimeToLiveSpecification");
    const json_t *backups = json_object_get(c->props, "PointInTimeRecoverySpecification");
    if (ttl != NULL && !cf_same(c, "TimeToLiveSpecification")) {
        json_t *input = named(c);
        json_set(input, "TimeToLiveSpecification", json_incref((json_t *)ttl));
        if (cf_invoke(c, &dynamodb_op_update_time_to_live, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (backups != NULL && !cf_same(c, "PointInTimeRecoverySpecification")) {
        json_t *input = named(c);
        json_set(input, "PointInTimeRecoverySpecification", json_incref((json_t *)backups));
        if (cf_invoke(c, &dynamodb_op_update_continuous_backups, input, NULL, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int create(struct cf_call *c, struct err *err) {
    json_t *input = cf_omit(c->props, not_in_create);
    const json_t *sse = json_object_get(input, "SSESpecification");
    c->physical = cf_name(c, "TableName", 255, false);
    json_set_str(input, "TableName", c->physical);
    if (sse != NULL) { /* templates say SSEEnabled where the operation says Enabled */
        json_t *copy = json_copy((json_t *)sse);
        json_t *enabled = json_object_get(copy, "SSEEnabled");
        if (enabled != NULL) {
            json_set(copy, "Enabled", json_incref(enabled));
            json_object_del(copy, "SSEEnabled");
        }
        json_set(input, "SSESpecification", copy);
    }
    attributes(c);
    return cf_invoke(c, &dynamodb_op_create_table, input, NULL, err) < 0 ? -1 : settle(c, err);
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    if (gone.n > 0) {
        json_t *input = json_object();
        json_set_str(input, "ResourceArn", json_str(c->attrs, "Arn"));
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &dynamodb_op_untag_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = json_object();
    json_set_str(input, "ResourceArn", json_str(c->attrs, "Arn"));
    json_set(input, "Tags", cf_tags_json(&tags, true));
    return cf_invoke(c, &dynamodb_op_tag_resource, input, NULL, err);
}

static int update(struct cf_call *c, struct err *err) {
    static const char *const plain[] = {"BillingMode", "ProvisionedThroughput",
                                        "DeletionProtectionEnabled", "TableClass", NULL};
    json_t *input = named(c);
    bool changed = false;
    for (size_t i = 0; plain[i] != NULL; i++) {
        json_t *value = json_object_get(c->props, plain[i]);
        if (value != NULL && !cf_same(c, plain[i])) {
            json_set(input, plain[i], json_incref(value));
            changed = true;
        }
    }
    if (!changed) {
        json_decref(input);
    } else if (cf_invoke(c, &dynamodb_op_update_table, input, NULL, err) < 0) {
        return -1;
    }
    return (!cf_same(c, "Tags") && tag(c, err) < 0) || settle(c, err) < 0 ? -1 : 0;
}

static int remove_table(struct cf_call *c, struct err *err) {
    int bad = cf_invoke(c, &dynamodb_op_delete_table, named(c), NULL, err);
    return bad < 0 && !cf_gone(err, &dynamodb_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_dynamodb_table = {
    .name = "AWS::DynamoDB::Table",
    .properties =
        (const char *const[]){"AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled",
                              "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes",
                              "PointInTimeRecoverySpecification", "ProvisionedThroughput",
                              "SSESpecification", "TableClass", "TableName", "Tags",
                              "TimeToLiveSpecification", NULL},
    .required = (const char *const[]){"KeySchema", NULL},
    .fixed = (const char *const[]){"TableName", "KeySchema", "AttributeDefinitions",
                                   "LocalSecondaryIndexes", "GlobalSecondaryIndexes",
                                   "SSESpecification", NULL},
    .attributes = (const char *const[]){"Arn", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_table,
};
