/* Subscriptions: asking, confirming, ending, attributes. */
#include "runtime/queue/queue.h"
#include "services/core/page.h"
#include "services/sns/deliver.h"
#include "services/sns/filter.h"
#include "services/sns/sns.h"

static const int64_t TOKEN_MS = (int64_t)SNS_TOKEN_DAYS * 24 * 3600 * 1000;

int sns_check_sub_attribute(struct str name, struct str value, bool body_scope, struct err *err) {
    if (str_is(name, "RawMessageDelivery")) {
        return value.n == 0 || str_ieq(value, S("true")) || str_ieq(value, S("false"))
                   ? 0
                   : sns_invalid(err,
                                 "Attributes Reason: RawMessageDelivery: Invalid value [%.*s]. "
                                 "Must be true or false.",
                                 STR_ARG(value));
    }
    if (str_is(name, "FilterPolicyScope")) {
        return value.n == 0 || str_is(value, "MessageAttributes") || str_is(value, "MessageBody")
                   ? 0
                   : sns_invalid(err,
                                 "Attributes Reason: FilterPolicyScope: Invalid value [%.*s]. "
                                 "Please use either MessageBody or MessageAttributes",
                                 STR_ARG(value));
    }
    if (!str_is(name, "FilterPolicy") && !str_is(name, "DeliveryPolicy") &&
        !str_is(name, "RedrivePolicy") && !str_is(name, "SubscriptionRoleArn") &&
        !str_is(name, "ReplayPolicy")) {
        return sns_invalid(err, "AttributeName");
    }
    if (value.n == 0 || str_is(name, "SubscriptionRoleArn")) {
        return 0;
    }
    struct err why = ERR_INIT;
    json_t *json cleanup_json = json_parse(value, &why);
    if (json == NULL) {
        return sns_invalid(err, "Attributes Reason: %.*s: failed to parse JSON: %.300s",
                           STR_ARG(name), why.msg);
    }
    if (str_is(name, "FilterPolicy") && filter_check(json, body_scope, &why) < 0) {
        return sns_invalid(err, "Attributes Reason: FilterPolicy: %.300s", why.msg);
    }
    return 0;
}

static int check_endpoint(struct str protocol, struct str endpoint, struct err *err) {
    bool web = str_is(protocol, "http") || str_is(protocol, "https");
    if (web) {
        bool fits = str_starts(endpoint, str_is(protocol, "http") ? S("http://") : S("https://"));
        size_t host = str_is(protocol, "http") ? 7 : 8;
        for (size_t i = 0; i < endpoint.n; i++) {
            fits = fits && (unsigned char)endpoint.p[i] > ' ' && endpoint.p[i] != 0x7F;
        }
        return fits && endpoint.n > host && endpoint.n <= 2048
                   ? 0
                   : sns_invalid(err, "Endpoint must match the specified protocol");
    }
    if (str_is(protocol, "email") || str_is(protocol, "email-json")) {
        return str_find_c(endpoint, '@', 1) != (size_t)-1 ? 0 : sns_invalid(err, "Email address");
    }
    if (str_is(protocol, "sqs") || str_is(protocol, "lambda") || str_is(protocol, "firehose") ||
        str_is(protocol, "sms") || str_is(protocol, "application")) {
        return sns_invalid(err,
                           "Protocol Reason: %.*s endpoints are not available here; http, "
                           "https and email are",
                           STR_ARG(protocol));
    }
    return sns_invalid(err, "Does not support this protocol string: %.*s", STR_ARG(protocol));
}

static int ask(struct call *c, const struct sns_sub_row *sub, struct err *err) {
    if (!str_is(sub->protocol, "http") && !str_is(sub->protocol, "https")) {
        return 0; /* no mail leaves here: it stays pending */
    }
    const struct sns_message m = {
        .type = S("SubscriptionConfirmation"),
        .id = rng_uuid(c->rng, c->arena),
        .topic = sub->topic,
        .subscription = sub->arn,
        .text = str_printf(c->arena,
                           "You have chosen to subscribe to the topic %.*s.\nTo confirm the "
                           "subscription, visit the SubscribeURL included in this message.",
                           STR_ARG(sub->topic)),
        .token = sub->token,
        .at_ms = c->now_ms,
    };
    return sns_deliver_add(c->db, c->arena, &m, err);
}

static int read_attributes(struct call *c, const struct sns_subscribe_input *in, struct str *ret,
                           struct err *err) {
    struct str text = S("{}");
    struct str scope = str_map_get(&in->attributes, S("FilterPolicyScope"));
    for (size_t i = 0; i < in->attributes.n; i++) {
        struct str_pair *p = &in->attributes.v[i];
        if (sns_check_sub_attribute(p->key, p->value, str_is(scope, "MessageBody"), err) < 0) {
            return -1;
        }
        text = sns_attributes_with(c->arena, text, str_z(c->arena, p->key), p->value);
    }
    *ret = text;
    return 0;
}

int sns_subscribe(struct call *c, const struct sns_subscribe_input *in,
                  struct sns_subscribe_response *out, struct err *err) {
    struct sns_topic_row topic;
    struct sns_sub_row sub = {0};
    struct str attributes;
    if (sns_need_topic(c, in->topic_arn, &topic, err) < 0 ||
        check_endpoint(in->protocol, in->endpoint, err) < 0 ||
        read_attributes(c, in, &attributes, err) < 0) {
        return -1;
    }
    int found =
        sns_sub_find_target(c->db, c->arena, topic.arn, in->protocol, in->endpoint, &sub, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && in->attributes.n > 0 && !str_eq(sub.attributes, attributes)) {
        return sns_invalid(err, "Attributes Reason: Subscription already exists with different "
                                "attributes");
    }
    if (found == 0) {
        sub = (struct sns_sub_row){
            .arn = str_printf(c->arena, "%.*s:%.*s", STR_ARG(topic.arn),
                              STR_ARG(rng_uuid(c->rng, c->arena))),
            .topic = topic.arn,
            .account = c->account,
            .region = topic.region,
            .principal = c->principal != NULL ? c->principal->arn : STR_NONE,
            .protocol = in->protocol,
            .endpoint = in->endpoint,
            .token = rng_hex(c->rng, c->arena, 128),
            .token_ends_ms = c->now_ms + TOKEN_MS,
            .attributes = attributes,
        };
        if (sns_sub_insert(c->db, &sub, err) < 0 ||
            queue_add(c->db, SNS_EXPIRE, sub.arn, STR_NONE, sub.token_ends_ms, err) < 0) {
            return -1;
        }
    }
    if (!sub.confirmed && ask(c, &sub, err) < 0) {
        return -1;
    }
    bool show = sub.confirmed || (in->has_return_subscription_arn && in->return_subscription_arn);
    out->subscription_arn = show ? sub.arn : S("pending confirmation");
    return 0;
}

int sns_confirm_subscription(struct call *c, const struct sns_confirm_subscription_input *in,
                             struct sns_confirm_subscription_response *out, struct err *err) {
    struct sns_topic_row topic;
    struct sns_sub_row sub;
    if (sns_need_topic(c, in->topic_arn, &topic, err) < 0) {
        return -1;
    }
    int found = sns_sub_find_token(c->db, c->arena, topic.arn, in->token, &sub, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || (!sub.confirmed && sub.token_ends_ms <= c->now_ms)) {
        return sns_invalid(err, "Token");
    }
    out->subscription_arn = sub.arn;
    bool authenticated = str_ieq(in->authenticate_on_unsubscribe, S("true")) &&
                         c->principal != NULL && c->principal->account.n > 0;
    return sub.confirmed ? 0 : sns_sub_confirm(c->db, sub.arn, authenticated, err);
}

static int need_sub(struct call *c, struct str arn, struct sns_sub_row *ret, struct err *err) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts)) {
        return sns_invalid(err,
                           "SubscriptionArn Reason: An ARN must have at least 6 elements, "
                           "not %zu",
                           (size_t)1);
    }
    int found = sns_sub_find(c->db, c->arena, arn, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 ? 0 : err_api(err, &sns_NotFoundException, "Subscription does not exist");
}

static bool is_signed(const struct call *c) {
    return c->principal != NULL && c->principal->account.n > 0;
}

/* Rights on a subscription are its owner's account's; the gate can not tell from the ARN alone. */
static int need_own_sub(struct call *c, struct str arn, struct sns_sub_row *ret, struct err *err) {
    if (need_sub(c, arn, ret, err) < 0) {
        return -1;
    }
    struct aws_arn parts;
    bool own = str_eq(ret->account, c->account) ||
               (aws_arn_parse(ret->topic, &parts) && str_eq(parts.account, c->account));
    return own ? 0
               : err_api(err, &sns_AuthorizationErrorException,
                         "User is not authorized to perform this operation on " STR_FMT,
                         STR_ARG(arn));
}

int sns_unsubscribe(struct call *c, const struct sns_unsubscribe_input *in,
                    struct sns_unsubscribe_output *out, struct err *err) {
    (void)out;
    struct sns_sub_row sub;
    int found = is_signed(c) ? need_own_sub(c, in->subscription_arn, &sub, err)
                             : need_sub(c, in->subscription_arn, &sub, err);
    if (found < 0) {
        if (err->api == &sns_NotFoundException) { /* gone already: fine, as on AWS */
            *err = ERR_INIT;
            return 0;
        }
        return -1;
    }
    if (!sub.confirmed) {
        return sns_invalid(err, "SubscriptionArn Reason: Cannot unsubscribe a subscription that is "
                                "pending confirmation");
    }
    if (!is_signed(c) && sub.authenticated) {
        return err_api(err, &sns_AuthorizationErrorException,
                       "Unsubscribing from " STR_FMT " needs a signed request", STR_ARG(sub.topic));
    }
    return sns_sub_remove(c->db, &sub, err);
}

int sns_get_subscription_attributes(struct call *c,
                                    const struct sns_get_subscription_attributes_input *in,
                                    struct sns_get_subscription_attributes_response *out,
                                    struct err *err) {
    struct sns_sub_row sub;
    if (need_own_sub(c, in->subscription_arn, &sub, err) < 0) {
        return -1;
    }
    struct arena *a = c->arena;
    struct str_map *map = &out->attributes;
    json_t *set cleanup_json = json_parse(sub.attributes, err);
    sns_attribute_add(a, map, "SubscriptionArn", sub.arn);
    sns_attribute_add(a, map, "TopicArn", sub.topic);
    sns_attribute_add(a, map, "Owner", sub.account);
    sns_attribute_add(a, map, "Protocol", sub.protocol);
    sns_attribute_add(a, map, "Endpoint", sub.endpoint);
    sns_attribute_add(a, map, "PendingConfirmation", sub.confirmed ? S("false") : S("true"));
    sns_attribute_add(a, map, "ConfirmationWasAuthenticated",
                      sub.authenticated ? S("true") : S("false"));
    if (sub.principal.p != NULL) {
        sns_attribute_add(a, map, "SubscriptionPrincipal", sub.principal);
    }
    if (json_object_get(set, "RawMessageDelivery") == NULL) {
        sns_attribute_add(a, map, "RawMessageDelivery", S("false"));
    }
    if (json_object_get(set, "FilterPolicy") != NULL &&
        json_object_get(set, "FilterPolicyScope") == NULL) {
        sns_attribute_add(a, map, "FilterPolicyScope", S("MessageAttributes"));
    }
    const char *key;
    json_t *value;
    json_object_foreach(set, key, value) {
        sns_attribute_add(a, map, str_z(a, str_c(key)), str_dup(a, json_text(value)));
    }
    return 0;
}

int sns_set_subscription_attributes(struct call *c,
                                    const struct sns_set_subscription_attributes_input *in,
                                    struct sns_set_subscription_attributes_output *out,
                                    struct err *err) {
    (void)out;
    struct sns_sub_row sub;
    if (need_own_sub(c, in->subscription_arn, &sub, err) < 0) {
        return -1;
    }
    json_t *set cleanup_json = json_parse(sub.attributes, err);
    bool body = str_is(json_str(set, "FilterPolicyScope"), "MessageBody");
    if (sns_check_sub_attribute(in->attribute_name, in->attribute_value, body, err) < 0) {
        return -1;
    }
    return sns_sub_set_attributes(c->db, sub.arn,
                                  sns_attributes_with(c->arena, sub.attributes,
                                                      str_z(c->arena, in->attribute_name),
                                                      in->attribute_value),
                                  err);
}

static void show(struct call *c, const struct sns_sub_rows *rows, struct sns_subscription_list *ret,
                 struct str *ret_token) {
    ret->v = arena_new_n(c->arena, struct sns_subscription, SNS_PAGE);
    for (size_t i = 0; i < rows->n && i < SNS_PAGE; i++) {
        const struct sns_sub_row *row = &rows->v[i];
        ret->v[ret->n++] = (struct sns_subscription){
            .subscription_arn = row->confirmed ? row->arn : S("PendingConfirmation"),
            .owner = row->account,
            .protocol = row->protocol,
            .endpoint = row->endpoint,
            .topic_arn = row->topic,
        };
    }
    if (rows->n > SNS_PAGE) {
        *ret_token = page_token_i64(c, rows->v[SNS_PAGE - 1].seq);
    }
}

int sns_list_subscriptions(struct call *c, const struct sns_list_subscriptions_input *in,
                           struct sns_list_subscriptions_response *out, struct err *err) {
    int64_t after = 0;
    struct sns_sub_rows rows;
    if (!page_key_i64(c, in->next_token, &after)) {
        return sns_invalid(err, "nextToken");
    }
    if (sns_sub_list(c->db, c->arena, c->account, c->region, STR_NONE, after, SNS_PAGE + 1, &rows,
                     err) < 0) {
        return -1;
    }
    show(c, &rows, &out->subscriptions, &out->next_token);
    return 0;
}

int sns_list_subscriptions_by_topic(struct call *c,
                                    const struct sns_list_subscriptions_by_topic_input *in,
                                    struct sns_list_subscriptions_by_topic_response *out,
                                    struct err *err) {
    int64_t after = 0;
    struct sns_topic_row topic;
    struct sns_sub_rows rows;
    if (!page_key_i64(c, in->next_token, &after)) {
        return sns_invalid(err, "nextToken");
    }
    if (sns_need_topic(c, in->topic_arn, &topic, err) < 0 ||
        sns_sub_list(c->db, c->arena, STR_NONE, STR_NONE, topic.arn, after, SNS_PAGE + 1, &rows,
                     err) < 0) {
        return -1;
    }
    show(c, &rows, &out->subscriptions, &out->next_token);
    return 0;
}
