/* Topics: making, listing, attributes, tags. */
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/sns/sns.h"

#include <stdio.h>

int sns_invalid(struct err *err, const char *fmt, ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    return err_api(err, &sns_InvalidParameterException, "Invalid parameter: %.700s", inner.msg);
}

int sns_need_topic(struct call *c, struct str arn, struct sns_topic_row *ret, struct err *err) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts) || !str_is(parts.service, "sns") || parts.resource.n == 0) {
        return sns_invalid(err, "TopicArn");
    }
    int found = sns_topic_find(c->db, c->arena, arn, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0 : err_api(err, &sns_NotFoundException, "Topic does not exist");
}

struct str sns_attributes_with(struct arena *a, struct str attributes, const char *name,
                               struct str value) {
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_parse(attributes, &err);
    if (json == NULL) {
        json = json_object();
    }
    if (value.n == 0) {
        json_object_del(json, name);
    } else {
        json_set_str(json, name, value);
    }
    return json_dump_sorted(a, json);
}

void sns_attribute_add(struct arena *a, struct str_map *map, const char *name, struct str value) {
    *arena_push(a, map) = (struct str_pair){str_c(name), value};
}

static bool is_feedback(struct str name) {
    return str_ends(name, S("FeedbackRoleArn")) || str_ends(name, S("FeedbackSampleRate"));
}

int sns_check_topic_attribute(struct str name, struct str value, struct err *err) {
    static const char *const known[] = {
        "Policy",           "DisplayName",         "DeliveryPolicy", "KmsMasterKeyId",
        "SignatureVersion", "TracingConfig",       "FifoTopic",      "ContentBasedDeduplication",
        "ArchivePolicy",    "FifoThroughputScope",
    };
    bool is_known = is_feedback(name);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        is_known = is_known || str_is(name, known[i]);
    }
    if (!is_known) {
        return sns_invalid(err, "AttributeName");
    }
    if ((str_is(name, "FifoTopic") || str_is(name, "ContentBasedDeduplication")) &&
        str_is(value, "true")) {
        return sns_invalid(err, "Attributes Reason: FIFO topics are not available here");
    }
    if (str_is(name, "DisplayName") && value.n > 100) {
        return sns_invalid(err, "DisplayName Reason: Must be 100 characters at most");
    }
    if (str_is(name, "SignatureVersion") && value.n > 0 && !str_is(value, "1") &&
        !str_is(value, "2")) {
        return sns_invalid(err, "SignatureVersion Reason: Must be 1 or 2");
    }
    bool json = str_is(name, "Policy") || str_is(name, "DeliveryPolicy");
    if (json && value.n > 0) {
        struct err why = ERR_INIT;
        json_t *parsed cleanup_json = json_parse(value, &why);
        if (!json_is_object(parsed)) {
            return sns_invalid(err, "%.*s Reason: Policy is not valid JSON: %.300s", STR_ARG(name),
                               parsed == NULL ? why.msg : "not an object");
        }
    }
    return 0;
}

static bool is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
        if (!good) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 256;
}

static struct str_map map_of(struct call *c, const struct sns_tag_list *tags) {
    struct str_map map = {0};
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    return map;
}

static int put_tags(struct call *c, struct str arn, const struct sns_tag_list *tags,
                    struct err *err) {
    struct str_map map = map_of(c, tags);
    struct str key;
    enum tags_fault fault = tags_check(&map, &key);
    if (fault == TAGS_TOO_MANY) {
        return err_api(err, &sns_TagLimitExceededException,
                       "Could not complete request: tag quota of per resource exceeded");
    }
    if (fault != TAGS_OK) {
        return sns_invalid(err,
                           "Tags Reason: key '" STR_FMT "' is too long, reserved or given twice",
                           STR_ARG(key));
    }
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT
                   ? err_api(err, &sns_TagLimitExceededException,
                             "Could not complete request: tag quota of per resource exceeded")
                   : -1;
    }
    return 0;
}

/* CreateTopic of a topic that is there: fine unless it asks for something else. */
static int same_topic(struct call *c, const struct sns_create_topic_input *in,
                      const struct sns_topic_row *row, struct err *err) {
    json_t *have cleanup_json = json_parse(row->attributes, err);
    for (size_t i = 0; i < in->attributes.n; i++) {
        struct str_pair *p = &in->attributes.v[i];
        struct str value = json_str(have, str_z(c->arena, p->key));
        if (p->value.n > 0 && !str_eq(value, p->value)) {
            return sns_invalid(err, "Attributes Reason: Topic already exists with different "
                                    "attributes");
        }
    }
    struct str_map tags;
    if (tags_get(c->db, c->arena, row->arn, &tags, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < in->tags.n; i++) {
        struct str value = str_map_get(&tags, in->tags.v[i].key);
        if (value.p == NULL || !str_eq(value, in->tags.v[i].value)) {
            return sns_invalid(err, "Tags Reason: Topic already exists with different tags");
        }
    }
    return 0;
}

int sns_create_topic(struct call *c, const struct sns_create_topic_input *in,
                     struct sns_create_topic_response *out, struct err *err) {
    if (str_ends(in->name, S(".fifo"))) {
        return sns_invalid(err, "Topic Name Reason: FIFO topics are not available here");
    }
    if (!is_name(in->name)) {
        return sns_invalid(err, "Topic Name");
    }
    struct sns_topic_row row = {.arn = arn_make(c, "sns", "%.*s", STR_ARG(in->name)),
                                .account = c->account,
                                .region = c->region,
                                .name = in->name,
                                .attributes = S("{}"),
                                .created_ms = c->now_ms};
    for (size_t i = 0; i < in->attributes.n; i++) {
        struct str_pair *p = &in->attributes.v[i];
        if (sns_check_topic_attribute(p->key, p->value, err) < 0) {
            return -1;
        }
        row.attributes =
            sns_attributes_with(c->arena, row.attributes, str_z(c->arena, p->key), p->value);
    }
    struct sns_topic_row have;
    int found = sns_topic_find(c->db, c->arena, row.arn, &have, err);
    out->topic_arn = row.arn;
    if (found != 0) {
        return found < 0 ? -1 : same_topic(c, in, &have, err);
    }
    if (sns_topic_insert(c->db, &row, err) < 0) {
        return -1;
    }
    return put_tags(c, row.arn, &in->tags, err);
}

int sns_delete_topic(struct call *c, const struct sns_delete_topic_input *in,
                     struct sns_delete_topic_output *out, struct err *err) {
    (void)out;
    struct aws_arn parts;
    if (!aws_arn_parse(in->topic_arn, &parts)) {
        return sns_invalid(err, "TopicArn");
    }
    if (tags_drop(c->db, in->topic_arn, err) < 0) { /* no error when it is gone, as on AWS */
        return -1;
    }
    return sns_topic_remove(c->db, in->topic_arn, err);
}

static struct str default_policy(struct arena *a, const struct sns_topic_row *t) {
    return str_printf(
        a,
        "{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{\"Sid\":"
        "\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":"
        "[\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\",\"SNS:AddPermission\","
        "\"SNS:RemovePermission\",\"SNS:DeleteTopic\",\"SNS:Subscribe\","
        "\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],\"Resource\":\"%.*s\",\"Condition\":"
        "{\"StringEquals\":{\"AWS:SourceOwner\":\"%.*s\"}}}]}",
        STR_ARG(t->arn), STR_ARG(t->account));
}

int sns_topic_policy(struct db *db, struct arena *a, struct str arn, struct str *ret,
                     struct err *err) {
    struct sns_topic_row row;
    int found = sns_topic_find(db, a, arn, &row, err);
    if (found > 0) {
        json_t *attributes cleanup_json = json_parse(row.attributes, err);
        struct str policy = json_str(attributes, "Policy");
        *ret = policy.n > 0 ? str_dup(a, policy) : default_policy(a, &row);
    }
    return found;
}

static const char effective_policy[] =
    "{\"http\":{\"defaultHealthyRetryPolicy\":{\"minDelayTarget\":20,\"maxDelayTarget\":20,"
    "\"numRetries\":3,\"numMaxDelayRetries\":0,\"numNoDelayRetries\":0,\"numMinDelayRetries\":0,"
    "\"backoffFunction\":\"linear\"},\"disableSubscriptionOverrides\":false,"
    "\"defaultRequestPolicy\":{\"headerContentType\":\"text/plain; charset=UTF-8\"}}}";

int sns_get_topic_attributes(struct call *c, const struct sns_get_topic_attributes_input *in,
                             struct sns_get_topic_attributes_response *out, struct err *err) {
    struct sns_topic_row row;
    int64_t pending = 0;
    int64_t confirmed = 0;
    if (sns_need_topic(c, in->topic_arn, &row, err) < 0 ||
        sns_topic_counts(c->db, row.arn, &pending, &confirmed, err) < 0) {
        return -1;
    }
    struct arena *a = c->arena;
    struct str_map *map = &out->attributes;
    json_t *set cleanup_json = json_parse(row.attributes, err);
    sns_attribute_add(a, map, "TopicArn", row.arn);
    sns_attribute_add(a, map, "Owner", row.account);
    sns_attribute_add(a, map, "SubscriptionsPending", str_printf(a, "%lld", (long long)pending));
    sns_attribute_add(a, map, "SubscriptionsConfirmed",
                      str_printf(a, "%lld", (long long)confirmed));
    sns_attribute_add(a, map, "SubscriptionsDeleted",
                      str_printf(a, "%lld", (long long)row.deleted));
    struct str delivery = json_str(set, "DeliveryPolicy");
    sns_attribute_add(a, map, "EffectiveDeliveryPolicy",
                      delivery.n > 0 ? str_dup(a, delivery) : str_c(effective_policy));
    if (json_object_get(set, "Policy") == NULL) {
        sns_attribute_add(a, map, "Policy", default_policy(a, &row));
    }
    if (json_object_get(set, "DisplayName") == NULL) {
        sns_attribute_add(a, map, "DisplayName", S(""));
    }
    const char *key;
    json_t *value;
    json_object_foreach(set, key, value) {
        sns_attribute_add(a, map, str_z(a, str_c(key)), str_dup(a, json_text(value)));
    }
    return 0;
}

int sns_set_topic_attributes(struct call *c, const struct sns_set_topic_attributes_input *in,
                             struct sns_set_topic_attributes_output *out, struct err *err) {
    (void)out;
    struct sns_topic_row row;
    if (sns_need_topic(c, in->topic_arn, &row, err) < 0 ||
        sns_check_topic_attribute(in->attribute_name, in->attribute_value, err) < 0) {
        return -1;
    }
    return sns_topic_set_attributes(c->db, row.arn,
                                    sns_attributes_with(c->arena, row.attributes,
                                                        str_z(c->arena, in->attribute_name),
                                                        in->attribute_value),
                                    err);
}

int sns_list_topics(struct call *c, const struct sns_list_topics_input *in,
                    struct sns_list_topics_response *out, struct err *err) {
    int64_t after = 0;
    struct sns_topic_rows rows;
    if (!page_key_i64(c, in->next_token, &after)) {
        return sns_invalid(err, "nextToken");
    }
    if (sns_topic_list(c->db, c->arena, c->account, c->region, after, SNS_PAGE + 1, &rows, err) <
        0) {
        return -1;
    }
    out->topics.v = arena_new_n(c->arena, struct sns_topic, SNS_PAGE);
    for (size_t i = 0; i < rows.n && i < SNS_PAGE; i++) {
        out->topics.v[out->topics.n++] = (struct sns_topic){rows.v[i].arn};
    }
    if (rows.n > SNS_PAGE) {
        out->next_token = page_token_i64(c, rows.v[SNS_PAGE - 1].seq);
    }
    return 0;
}

static int need_tagged(struct call *c, struct str arn, struct err *err) {
    struct sns_topic_row row;
    int found = sns_topic_find(c->db, c->arena, arn, &row, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0 : err_api(err, &sns_ResourceNotFoundException, "Resource does not exist");
}

int sns_list_tags_for_resource(struct call *c, const struct sns_list_tags_for_resource_request *in,
                               struct sns_list_tags_for_resource_response *out, struct err *err) {
    struct str_map map;
    if (need_tagged(c, in->resource_arn, err) < 0 ||
        tags_get(c->db, c->arena, in->resource_arn, &map, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct sns_tag, map.n + 1);
    for (size_t i = 0; i < map.n; i++) {
        out->tags.v[out->tags.n++] = (struct sns_tag){map.v[i].key, map.v[i].value};
    }
    return 0;
}

int sns_tag_resource(struct call *c, const struct sns_tag_resource_request *in,
                     struct sns_tag_resource_response *out, struct err *err) {
    (void)out;
    if (need_tagged(c, in->resource_arn, err) < 0) {
        return -1;
    }
    return put_tags(c, in->resource_arn, &in->tags, err);
}

int sns_untag_resource(struct call *c, const struct sns_untag_resource_request *in,
                       struct sns_untag_resource_response *out, struct err *err) {
    (void)out;
    if (need_tagged(c, in->resource_arn, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, in->resource_arn, &in->tag_keys, err);
}
