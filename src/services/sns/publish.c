/* Publishing: checks, the choice of subscriptions, one durable delivery for each. */
#include "platform/crypto/encode.h"
#include "platform/text/utf8.h"
#include "services/sns/deliver.h"
#include "services/sns/filter.h"
#include "services/sns/sns.h"

enum { BATCH_MAX = 10, SUBJECT_MAX = 100 };

/* One message on its way in, from Publish or from an entry of PublishBatch. */
struct outgoing {
    struct str text;
    struct str subject;
    struct str structure;
    const struct sns_message_attribute_value_map *attributes;
    json_t *by_protocol;     /* MessageStructure json: its parsed text */
    json_t *attributes_json; /* as messages carry them */
    size_t size;
};

static void outgoing_done(struct outgoing *o) {
    json_decref(o->by_protocol);
    json_decref(o->attributes_json);
}

static int add_attribute(struct call *c, struct outgoing *o, struct str name,
                         const struct sns_message_attribute_value *value, struct err *err) {
    bool binary = str_is(value->data_type, "Binary") || str_starts(value->data_type, S("Binary."));
    bool known = binary || str_is(value->data_type, "String") ||
                 str_starts(value->data_type, S("String.")) || str_is(value->data_type, "Number") ||
                 str_starts(value->data_type, S("Number."));
    if (!known) {
        return err_api(err, &sns_InvalidParameterValueException,
                       "The message attribute '" STR_FMT "' has an invalid message attribute type, "
                       "the set of supported type prefixes is Binary, Number, and String.",
                       STR_ARG(name));
    }
    struct str text = binary ? base64_encode(c->arena, value->binary_value) : value->string_value;
    if ((binary ? value->binary_value.n : value->string_value.n) == 0) {
        return err_api(err, &sns_InvalidParameterValueException,
                       "The message attribute '" STR_FMT "' must contain non-empty message "
                       "attribute value for message attribute type '" STR_FMT "'.",
                       STR_ARG(name), STR_ARG(value->data_type));
    }
    double number = 0;
    if (str_starts(value->data_type, S("Number")) && !str_to_double(text, &number)) {
        return err_api(err, &sns_InvalidParameterValueException,
                       "Could not cast message attribute '" STR_FMT "' value to number.",
                       STR_ARG(name));
    }
    json_t *json = json_object();
    json_set_str(json, "Type", value->data_type);
    json_set_str(json, "Value", text);
    json_set(o->attributes_json, str_z(c->arena, name), json);
    o->size += name.n + value->data_type.n + text.n;
    return 0;
}

static int prepare(struct call *c, struct outgoing *o, struct err *err) {
    o->attributes_json = json_object();
    o->size = o->text.n;
    if (o->text.n == 0) {
        return sns_invalid(err, "Empty message");
    }
    if (!utf8_valid(o->text)) {
        return sns_invalid(err, "Message Reason: Must be UTF-8");
    }
    for (size_t i = 0; o->subject.p != NULL && i < o->subject.n; i++) {
        if ((unsigned char)o->subject.p[i] < ' ' || o->subject.p[i] == 0x7F) {
            return sns_invalid(err, "Subject");
        }
    }
    if (o->subject.p != NULL && (o->subject.n == 0 || utf8_length(o->subject) > SUBJECT_MAX)) {
        return sns_invalid(err, "Subject");
    }
    for (size_t i = 0; i < o->attributes->n; i++) {
        if (add_attribute(c, o, o->attributes->v[i].key, &o->attributes->v[i].value, err) < 0) {
            return -1;
        }
    }
    if (o->size > SNS_MESSAGE_MAX) {
        return sns_invalid(err, "Message too long");
    }
    if (o->structure.p == NULL) {
        return 0;
    }
    if (!str_is(o->structure, "json")) {
        return sns_invalid(err, "MessageStructure");
    }
    struct err why = ERR_INIT;
    o->by_protocol = json_parse(o->text, &why);
    if (!json_is_object(o->by_protocol)) {
        return sns_invalid(err, "Message Structure - JSON message body failed to parse");
    }
    return json_str(o->by_protocol, "default").p != NULL
               ? 0
               : sns_invalid(err, "Message Structure - No default entry in JSON message body");
}

static struct str text_for(const struct outgoing *o, struct arena *a, struct str protocol) {
    if (o->by_protocol == NULL) {
        return o->text;
    }
    struct str own = json_str(o->by_protocol, str_z(a, protocol));
    return own.p != NULL ? own : json_str(o->by_protocol, "default");
}

/* Whether the subscription's filter lets the message through. */
static bool wanted(const struct sns_sub_row *sub, const struct outgoing *o, struct str text) {
    struct err err = ERR_INIT;
    json_t *set cleanup_json = json_parse(sub->attributes, &err);
    struct str policy = json_str(set, "FilterPolicy");
    if (policy.n == 0) {
        return true;
    }
    json_t *rules cleanup_json = json_parse(policy, &err);
    if (!str_is(json_str(set, "FilterPolicyScope"), "MessageBody")) {
        return filter_match_attributes(rules, o->attributes_json);
    }
    json_t *body cleanup_json = json_parse(text, &err);
    return filter_match_body(rules, body);
}

static int fan_out(struct call *c, const struct sns_topic_row *topic, const struct outgoing *o,
                   struct str *ret_id, struct err *err) {
    *ret_id = rng_uuid(c->rng, c->arena);
    struct sns_sub_rows subs;
    if (sns_sub_list(c->db, c->arena, STR_NONE, STR_NONE, topic->arn, 0, INT64_MAX, &subs, err) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < subs.n; i++) {
        const struct sns_sub_row *sub = &subs.v[i];
        struct str text = text_for(o, c->arena, sub->protocol);
        if (!sub->confirmed || !wanted(sub, o, text)) {
            continue;
        }
        const struct sns_message m = {
            .type = S("Notification"),
            .id = *ret_id,
            .topic = topic->arn,
            .subscription = sub->arn,
            .subject = o->subject,
            .text = text,
            .at_ms = c->now_ms,
            .attributes = o->attributes_json,
        };
        if (sns_deliver_add(c->db, c->arena, &m, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int sns_publish(struct call *c, const struct sns_publish_input *in,
                struct sns_publish_response *out, struct err *err) {
    struct str arn = in->topic_arn.p != NULL ? in->topic_arn : in->target_arn;
    struct sns_topic_row topic;
    struct outgoing o __attribute__((cleanup(outgoing_done))) = {
        .text = in->message,
        .subject = in->subject,
        .structure = in->message_structure,
        .attributes = &in->message_attributes,
    };
    if (in->phone_number.p != NULL) {
        return sns_invalid(err, "PhoneNumber Reason: SMS is not available here");
    }
    if (arn.p == NULL) {
        return sns_invalid(err, "TopicArn or TargetArn Reason: no value for required parameter");
    }
    if (sns_need_topic(c, arn, &topic, err) < 0 || prepare(c, &o, err) < 0) {
        return -1;
    }
    return fan_out(c, &topic, &o, &out->message_id, err);
}

static int check_batch(const struct sns_publish_batch_input *in, struct err *err) {
    if (in->publish_batch_request_entries.n == 0) {
        return err_api(err, &sns_EmptyBatchRequestException,
                       "The batch request doesn't contain any entries.");
    }
    if (in->publish_batch_request_entries.n > BATCH_MAX) {
        return err_api(err, &sns_TooManyEntriesInBatchRequestException,
                       "The batch request contains more entries than permissible (%d).", BATCH_MAX);
    }
    size_t size = 0;
    for (size_t i = 0; i < in->publish_batch_request_entries.n; i++) {
        const struct sns_publish_batch_request_entry *e = &in->publish_batch_request_entries.v[i];
        size += e->message.n;
        for (size_t j = 0; j < i; j++) {
            if (str_eq(e->id, in->publish_batch_request_entries.v[j].id)) {
                return err_api(err, &sns_BatchEntryIdsNotDistinctException,
                               "Two or more batch entries in the request have the same Id.");
            }
        }
    }
    return size <= SNS_MESSAGE_MAX
               ? 0
               : err_api(err, &sns_BatchRequestTooLongException,
                         "The length of all the batch messages put together is more than the "
                         "limit.");
}

int sns_publish_batch(struct call *c, const struct sns_publish_batch_input *in,
                      struct sns_publish_batch_response *out, struct err *err) {
    struct sns_topic_row topic;
    if (sns_need_topic(c, in->topic_arn, &topic, err) < 0 || check_batch(in, err) < 0) {
        return -1;
    }
    out->successful.v = arena_new_n(c->arena, struct sns_publish_batch_result_entry, BATCH_MAX);
    out->failed.v = arena_new_n(c->arena, struct sns_batch_result_error_entry, BATCH_MAX);
    for (size_t i = 0; i < in->publish_batch_request_entries.n; i++) {
        const struct sns_publish_batch_request_entry *e = &in->publish_batch_request_entries.v[i];
        struct outgoing o __attribute__((cleanup(outgoing_done))) = {
            .text = e->message,
            .subject = e->subject,
            .structure = e->message_structure,
            .attributes = &e->message_attributes,
        };
        struct err why = ERR_INIT;
        struct str id = STR_NONE;
        if (prepare(c, &o, &why) < 0) {
            out->failed.v[out->failed.n++] = (struct sns_batch_result_error_entry){
                .id = e->id,
                .code = why.api != NULL ? str_c(why.api->code) : S("InternalError"),
                .message = str_dup(c->arena, str_c(why.msg)),
                .sender_fault = true,
                .has_sender_fault = true,
            };
            continue;
        }
        if (fan_out(c, &topic, &o, &id, err) < 0) {
            return -1;
        }
        out->successful.v[out->successful.n++] =
            (struct sns_publish_batch_result_entry){.id = e->id, .message_id = id};
    }
    return 0;
}
