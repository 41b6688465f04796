/* Implementation of services/sns/deliver.h. */
#include "services/sns/deliver.h"

#include "runtime/http/http.h"
#include "services/sns/sns_store.h"

#include <math.h>

enum {
    CONNECT_TIMEOUT_MS = 5 * 1000,
    TIMEOUT_MS = 15 * 1000, /* SNS waits so long, too */
    REPLY_MAX = 64 * 1024,
    AT_ONCE = 8,
};

int sns_deliver_add(struct db *db, struct arena *a, const struct sns_message *m, struct err *err) {
    json_t *job cleanup_json = json_object();
    json_set_str(job, "type", m->type);
    json_set_str(job, "id", m->id);
    json_set_str(job, "topic", m->topic);
    json_set_str(job, "subscription", m->subscription);
    json_set_str(job, "subject", m->subject);
    json_set_str(job, "text", m->text);
    json_set_str(job, "token", m->token);
    json_set(job, "at", json_integer(m->at_ms));
    if (m->attributes != NULL) {
        json_set(job, "attributes", json_incref((json_t *)m->attributes));
    }
    struct str key = str_printf(a, "%.*s/%.*s", STR_ARG(m->id), STR_ARG(m->subscription));
    return queue_add(db, SNS_DELIVER, key, json_dump_str(a, job), 0, err);
}

static void read_retries(const json_t *policy, struct sns_retries *r, struct arena *a) {
    struct {
        const char *name;
        int64_t *at;
    } numbers[] = {
        {"numRetries", &r->total},
        {"numNoDelayRetries", &r->no_delay},
        {"numMinDelayRetries", &r->min_delay},
        {"numMaxDelayRetries", &r->max_delay},
        {"minDelayTarget", &r->min_s},
        {"maxDelayTarget", &r->max_s},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const json_t *value = json_object_get(policy, numbers[i].name);
        if (json_is_integer(value)) {
            int64_t n = json_integer_value(value);
            *numbers[i].at = n < 0 ? 0 : n > 3600 ? 3600 : n;
        }
    }
    struct str function = json_str(policy, "backoffFunction");
    if (function.p != NULL) {
        r->function = str_dup(a, function);
    }
}

struct sns_retries sns_retries_of(struct arena *a, struct str topic_policy,
                                  struct str subscription_policy) {
    struct sns_retries r = {.total = 3, .min_s = 20, .max_s = 20, .function = S("linear")};
    struct err err = ERR_INIT;
    if (topic_policy.n > 0) {
        json_t *json cleanup_json = json_parse(topic_policy, &err);
        const json_t *http = json_object_get(json, "http");
        read_retries(json_object_get(http, "defaultHealthyRetryPolicy"), &r, a);
        if (json_bool(http, "disableSubscriptionOverrides")) {
            return r;
        }
    }
    if (subscription_policy.n > 0) {
        json_t *json cleanup_json = json_parse(subscription_policy, &err);
        read_retries(json_object_get(json, "healthyRetryPolicy"), &r, a);
    }
    return r;
}

int64_t sns_retry_pause(const struct sns_retries *r, int retry) {
    int64_t n = retry;
    if (n > r->total) {
        return -1;
    }
    if (n <= r->no_delay) {
        return 0;
    }
    n -= r->no_delay;
    if (n <= r->min_delay) {
        return r->min_s * 1000;
    }
    n -= r->min_delay;
    int64_t steps = r->total - r->no_delay - r->min_delay - r->max_delay;
    if (n > steps || r->max_s <= r->min_s) {
        return (r->max_s > r->min_s ? r->max_s : r->min_s) * 1000;
    }
    double part = steps > 1 ? (double)(n - 1) / (double)(steps - 1) : 1;
    double low = (double)(r->min_s > 0 ? r->min_s : 1);
    double high = (double)r->max_s;
    double seconds = low + (high - low) * part;
    if (str_is(r->function, "arithmetic")) {
        seconds = low + (high - low) * part * part;
    } else if (str_is(r->function, "geometric")) {
        seconds = low * pow(high / low, part);
    } else if (str_is(r->function, "exponential")) {
        seconds = low * pow(2, (double)(n - 1));
    }
    return (int64_t)(1000 * (seconds > high ? high : seconds));
}

/* What the store knows about a delivery. */
struct target {
    struct sns_sub_row sub;
    struct sns_topic_row topic;
    struct sns_signer signer;
};

/* 1 deliver, 0 it is not wanted any more, -1 error. */
static int look_up(struct service_env *env, struct arena *a, const struct sns_message *m,
                   struct target *ret, struct err *err) {
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    bool confirmation = m->token.p != NULL;
    int found = sns_sub_find(env->db, a, m->subscription, &ret->sub, err);
    if (found > 0 && ret->sub.confirmed == confirmation) {
        found = 0;
    }
    if (found > 0) {
        found = sns_topic_find(env->db, a, ret->sub.topic, &ret->topic, err);
    }
    if (found > 0 &&
        sns_signer_load(env->db, a, env->rng, clock_now_ms(env->clock), &ret->signer, err) < 0) {
        found = -1;
    }
    if (found < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err) < 0 ? -1 : found;
}

static void add_headers(struct arena *a, struct http_headers *h, const struct sns_message *m,
                        bool raw) {
    http_header_add(a, h, S("x-amz-sns-message-type"), m->type);
    http_header_add(a, h, S("x-amz-sns-message-id"), m->id);
    http_header_add(a, h, S("x-amz-sns-topic-arn"), m->topic);
    if (m->token.p == NULL) {
        http_header_add(a, h, S("x-amz-sns-subscription-arn"), m->subscription);
    }
    if (raw) {
        http_header_add(a, h, S("x-amz-sns-rawdelivery"), S("true"));
    }
    http_header_add(a, h, S("Content-Type"), S("text/plain; charset=UTF-8"));
    http_header_add(a, h, S("User-Agent"), S("Amazon Simple Notification Service Agent"));
}

/* 0 delivered; -1 not, and *ret_permanent says whether trying again can help. */
static int post(struct service_env *env, struct arena *a, const struct sns_message *m,
                const struct target *t, const json_t *attributes, bool *ret_permanent,
                struct err *err) {
    bool raw = m->token.p == NULL && str_is(json_str(attributes, "RawMessageDelivery"), "true");
    json_t *topic cleanup_json = json_parse(t->topic.attributes, err);
    struct str version = json_str(topic, "SignatureVersion");
    struct str body = m->text;
    if (!raw && sns_message_document(a, m, &t->signer, env->endpoint,
                                     version.n > 0 ? version : S("1"), &body, err) < 0) {
        return -1;
    }
    struct http_call call = HTTP_CALL_INIT;
    call.method = S("POST");
    call.url = t->sub.endpoint;
    call.body = body;
    call.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    call.timeout_ms = TIMEOUT_MS;
    call.max_body = REPLY_MAX;
    call.may_connect = egress_may_connect;
    call.may_connect_ud = &env->egress;
    add_headers(a, &call.headers, m, raw);
    struct http_reply reply;
    if (http_fetch(a, &call, &reply, err) < 0) {
        *ret_permanent = err->kind == ERR_INVALID || err->kind == ERR_DENIED;
        return -1;
    }
    if (reply.status / 100 == 2) {
        return 0;
    }
    *ret_permanent = reply.status / 100 == 4 && reply.status != 429;
    return err_set(err, ERR_UNAVAILABLE, STR_FMT " answered %d", STR_ARG(t->sub.endpoint),
                   reply.status);
}

static int run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    json_t *payload cleanup_json = json_parse(job->payload, err);
    if (payload == NULL) {
        job->give_up = true;
        return err_wrap(err, "damaged job");
    }
    const struct sns_message m = {
        .type = json_str(payload, "type"),
        .id = json_str(payload, "id"),
        .topic = json_str(payload, "topic"),
        .subscription = json_str(payload, "subscription"),
        .subject = json_str(payload, "subject"),
        .text = json_str(payload, "text"),
        .token = json_str(payload, "token"),
        .at_ms = json_int(payload, "at"),
        .attributes = json_object_get(payload, "attributes"),
    };
    struct target t = {0};
    int wanted = look_up(env, job->arena, &m, &t, err);
    if (wanted <= 0) {
        return wanted;
    }
    json_t *attributes cleanup_json = json_parse(t.sub.attributes, err);
    json_t *topic cleanup_json = json_parse(t.topic.attributes, err);
    bool permanent = false;
    if (post(env, job->arena, &m, &t, attributes, &permanent, err) == 0) {
        return 0;
    }
    struct sns_retries retries = sns_retries_of(job->arena, json_str(topic, "DeliveryPolicy"),
                                                json_str(attributes, "DeliveryPolicy"));
    int64_t pause = permanent ? -1 : sns_retry_pause(&retries, job->attempt);
    job->give_up = pause < 0;
    job->again_ms = clock_now_ms(env->clock) + pause;
    return -1;
}

/* A subscription that nobody confirmed goes away, as on AWS. */
static int expire(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct sns_sub_row sub;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int found = sns_sub_find(env->db, job->arena, job->key, &sub, err);
    if (found > 0 && !sub.confirmed && sub.token_ends_ms <= clock_now_ms(env->clock)) {
        found = sns_sub_remove(env->db, &sub, err);
    }
    if (found < 0 || queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        return -1;
    }
    return db_commit(env->db, err);
}

void sns_queue_kinds(struct service_env *env, struct queue_kind ret[SNS_KINDS]) {
    ret[0] = (struct queue_kind){.name = SNS_DELIVER, .run = run, .ud = env, .parallel = AT_ONCE};
    ret[1] = (struct queue_kind){.name = SNS_EXPIRE, .run = expire, .ud = env};
}
