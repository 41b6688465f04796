/* From Subscribe to a signed message at an HTTP endpoint, with the retries in between. */
#include "../direct.h"

#include "gen/sns.h"
#include "platform/crypto/cert.h"
#include "platform/crypto/encode.h"
#include "platform/text/json.h"
#include "runtime/http/http.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/sns/deliver.h"
#include "services/sns/sns_store.h"

#include <pthread.h>
#include <stdio.h>

/* An endpoint that keeps what it gets and answers as told. */
struct bench {
    struct direct *d;
    struct service_env env;
    struct queue *queue;
    struct http_server *server;
    struct str url;
    pthread_mutex_t lock;
    int status;
    int got;
    struct arena kept;
    struct str body;
    struct http_headers headers;
};

static void take(void *ud, struct http_request *req, struct http_response *resp) {
    struct bench *b = ud;
    pthread_mutex_lock(&b->lock);
    b->got++;
    b->body = str_dup(&b->kept, req->body);
    b->headers = (struct http_headers){0};
    for (size_t i = 0; i < req->headers.n; i++) {
        http_header_add(&b->kept, &b->headers, str_dup(&b->kept, req->headers.v[i].name),
                        str_dup(&b->kept, req->headers.v[i].value));
    }
    resp->status = b->status;
    resp->body = S("ok");
    resp->fd = -1;
    pthread_mutex_unlock(&b->lock);
}

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    const struct db_schema *schemas[] = {&queue_schema, &sns_schema};
    b->d = direct_new(schemas, 2);
    b->status = 200;
    pthread_mutex_init(&b->lock, NULL);
    b->env = (struct service_env){.db = b->d->db,
                                  .clock = &b->d->clock,
                                  .rng = &rng_system,
                                  .endpoint = S("http://127.0.0.1:4566")};
    struct err err = ERR_INIT;
    struct queue_kind kinds[SNS_KINDS];
    sns_queue_kinds(&b->env, kinds);
    const struct http_server_config config = {.host = "127.0.0.1", .threads = 1};
    if (egress_allow(&b->d->arena, &b->env.egress, S("127.0.0.1"), &err) < 0 ||
        queue_open(b->d->db, &b->d->clock, kinds, SNS_KINDS, &b->queue, &err) < 0 ||
        http_server_start(&config, (struct http_handler){.handle = take, .ud = b}, &b->server,
                          &err) < 0) {
        fail_msg("%s", err.msg);
    }
    b->url = str_printf(&b->d->arena, "http://127.0.0.1:%d/hook", http_server_port(b->server));
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    http_server_stop(b->server, 1000);
    queue_stop(b->queue);
    arena_done(&b->kept);
    direct_free(b->d);
    free(b);
    return 0;
}

static struct str make_topic(struct bench *b, const char *name) {
    struct sns_create_topic_input in = {.name = str_c(name)};
    struct sns_create_topic_response out;
    ASSERT_OK(b->d, CALL(b->d, sns, create_topic, &in, &out));
    return out.topic_arn;
}

static struct str subscribe(struct bench *b, struct str topic, struct str_map attributes) {
    struct sns_subscribe_input in = {.topic_arn = topic,
                                     .protocol = S("http"),
                                     .endpoint = b->url,
                                     .attributes = attributes,
                                     .return_subscription_arn = true,
                                     .has_return_subscription_arn = true};
    struct sns_subscribe_response out;
    ASSERT_OK(b->d, CALL(b->d, sns, subscribe, &in, &out));
    return out.subscription_arn;
}

/* Confirms with the token of the message that the endpoint got. */
static void confirm(struct bench *b, struct str topic) {
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_parse(b->body, &err);
    struct sns_confirm_subscription_input in = {.topic_arn = topic,
                                                .token = json_str(json, "Token")};
    struct sns_confirm_subscription_response out;
    ASSERT_OK(b->d, CALL(b->d, sns, confirm_subscription, &in, &out));
}

static int publish(struct bench *b, struct str topic, const char *text) {
    struct sns_publish_input in = {
        .topic_arn = topic, .message = str_c(text), .subject = S("Subject")};
    struct sns_publish_response out;
    return CALL(b->d, sns, publish, &in, &out);
}

static struct str attribute(struct bench *b, struct str arn, const char *name) {
    struct sns_get_subscription_attributes_input in = {.subscription_arn = arn};
    struct sns_get_subscription_attributes_response out;
    ASSERT_OK(b->d, CALL(b->d, sns, get_subscription_attributes, &in, &out));
    return str_map_get(&out.attributes, str_c(name));
}

static void test_endpoint_confirms_then_gets_signed_messages(void **state) {
    struct bench *b = *state;
    struct str topic = make_topic(b, "alerts");
    struct str arn = subscribe(b, topic, (struct str_map){0});
    assert_true(str_is(attribute(b, arn, "PendingConfirmation"), "true"));
    ASSERT_OK(b->d, publish(b, topic, "too early"));
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(b->got, 1);
    assert_true(
        str_is(http_header(&b->headers, S("x-amz-sns-message-type")), "SubscriptionConfirmation"));
    confirm(b, topic);
    assert_true(str_is(attribute(b, arn, "PendingConfirmation"), "false"));
    ASSERT_OK(b->d, publish(b, topic, "line one\nline \"two\""));
    queue_run_due(b->queue);
    assert_int_equal(b->got, 2);
    assert_true(str_eq(http_header(&b->headers, S("x-amz-sns-subscription-arn")), arn));
    json_t *json cleanup_json = json_parse(b->body, &b->d->err);
    assert_true(str_is(json_str(json, "Type"), "Notification"));
    assert_true(str_is(json_str(json, "Message"), "line one\nline \"two\""));
    assert_true(str_is(json_str(json, "SignatureVersion"), "1"));
    /* Checked as a receiver does, from the document alone. */
    struct arena *a = &b->d->arena;
    struct str text = str_printf(
        a,
        "Message\n%.*s\nMessageId\n%.*s\nSubject\nSubject\nTimestamp\n%.*s\nTopicArn\n%.*s\n"
        "Type\nNotification\n",
        STR_ARG(json_str(json, "Message")), STR_ARG(json_str(json, "MessageId")),
        STR_ARG(json_str(json, "Timestamp")), STR_ARG(topic));
    struct str url = json_str(json, "SigningCertURL");
    struct str prefix = S("http://127.0.0.1:4566/_trunkline/sns/");
    struct str pem = STR_NONE;
    struct str signature = STR_NONE;
    assert_true(str_starts(url, prefix));
    assert_int_equal(sns_signing_cert(b->d->db, a, str_sub(url, prefix.n, url.n), &pem, &b->d->err),
                     1);
    assert_true(base64_decode(a, json_str(json, "Signature"), &signature));
    assert_true(cert_verify(pem, HASH_SHA1, text, signature));
}

static void test_failed_delivery_is_tried_three_times_more_20_s_apart(void **state) {
    struct bench *b = *state;
    struct str topic = make_topic(b, "alerts");
    subscribe(b, topic, (struct str_map){0});
    b->status = 503;
    for (int i = 1; i <= 4; i++) {
        queue_run_due(b->queue);
        assert_int_equal(b->got, i);
        b->d->time.now_ms += 19999;
        queue_run_due(b->queue);
        assert_int_equal(b->got, i);
        b->d->time.now_ms += 1;
    }
    queue_run_due(b->queue);
    assert_int_equal(b->got, 4);
}

static void test_client_error_is_not_tried_again(void **state) {
    struct bench *b = *state;
    subscribe(b, make_topic(b, "alerts"), (struct str_map){0});
    b->status = 404;
    queue_run_due(b->queue);
    b->d->time.now_ms += 3600 * 1000;
    queue_run_due(b->queue);
    assert_int_equal(b->got, 1);
}

static void test_address_that_is_not_listed_is_never_connected_to(void **state) {
    struct bench *b = *state;
    b->env.egress.n = 0;
    subscribe(b, make_topic(b, "alerts"), (struct str_map){0});
    assert_int_equal(queue_run_due(b->queue), 1);
    b->d->time.now_ms += 3600 * 1000;
    assert_int_equal(queue_run_due(b->queue), 0);
    assert_int_equal(b->got, 0);
}

static void test_raw_delivery_is_the_message_alone(void **state) {
    struct bench *b = *state;
    struct str topic = make_topic(b, "alerts");
    struct str_pair raw = {S("RawMessageDelivery"), S("true")};
    subscribe(b, topic, (struct str_map){&raw, 1});
    queue_run_due(b->queue);
    confirm(b, topic);
    ASSERT_OK(b->d, publish(b, topic, "plain"));
    queue_run_due(b->queue);
    assert_true(str_is(b->body, "plain"));
    assert_true(str_is(http_header(&b->headers, S("x-amz-sns-rawdelivery")), "true"));
}

static void test_unconfirmed_subscription_goes_away_after_three_days(void **state) {
    struct bench *b = *state;
    struct str arn = subscribe(b, make_topic(b, "alerts"), (struct str_map){0});
    queue_run_due(b->queue);
    b->d->time.now_ms += (int64_t)3 * 24 * 3600 * 1000;
    queue_run_due(b->queue);
    struct sns_get_subscription_attributes_input in = {.subscription_arn = arn};
    struct sns_get_subscription_attributes_response out;
    ASSERT_API(b->d, CALL(b->d, sns, get_subscription_attributes, &in, &out),
               sns_NotFoundException);
}

static void test_pending_subscription_can_not_be_ended_confirmed_can_by_anyone(void **state) {
    struct bench *b = *state;
    struct str topic = make_topic(b, "alerts");
    struct sns_unsubscribe_input in = {.subscription_arn =
                                           subscribe(b, topic, (struct str_map){0})};
    struct sns_unsubscribe_output out;
    ASSERT_API(b->d, CALL(b->d, sns, unsubscribe, &in, &out), sns_InvalidParameterException);
    queue_run_due(b->queue);
    confirm(b, topic);
    b->d->principal.account = STR_NONE;
    ASSERT_OK(b->d, CALL(b->d, sns, unsubscribe, &in, &out));
    b->d->principal.account = S("111111111111");
    ASSERT_OK(b->d, publish(b, topic, "nobody listens"));
    b->got = 0;
    queue_run_due(b->queue);
    assert_int_equal(b->got, 0);
}

static void test_topic_twice_is_one_topic_unless_it_differs(void **state) {
    struct bench *b = *state;
    struct str arn = make_topic(b, "alerts");
    assert_true(str_eq(arn, make_topic(b, "alerts")));
    struct str_pair other = {S("DisplayName"), S("Other")};
    struct sns_create_topic_input in = {.name = S("alerts"), .attributes = {&other, 1}};
    struct sns_create_topic_response out;
    ASSERT_API(b->d, CALL(b->d, sns, create_topic, &in, &out), sns_InvalidParameterException);
    in = (struct sns_create_topic_input){.name = S("bad name")};
    ASSERT_API(b->d, CALL(b->d, sns, create_topic, &in, &out), sns_InvalidParameterException);
}

static void test_policy_of_a_topic_comes_back_as_it_was_set(void **state) {
    struct bench *b = *state;
    struct str arn = make_topic(b, "alerts");
    struct str policy = S("{ \"Version\":\"2012-10-17\",\n \"Statement\": [] }");
    struct sns_set_topic_attributes_input set = {
        .topic_arn = arn, .attribute_name = S("Policy"), .attribute_value = policy};
    struct sns_set_topic_attributes_output none;
    ASSERT_OK(b->d, CALL(b->d, sns, set_topic_attributes, &set, &none));
    struct sns_get_topic_attributes_input get = {.topic_arn = arn};
    struct sns_get_topic_attributes_response out;
    ASSERT_OK(b->d, CALL(b->d, sns, get_topic_attributes, &get, &out));
    assert_true(str_eq(str_map_get(&out.attributes, S("Policy")), policy));
    set.attribute_name = S("Colour");
    ASSERT_API(b->d, CALL(b->d, sns, set_topic_attributes, &set, &none),
               sns_InvalidParameterException);
}

static void test_retry_phases_follow_the_delivery_policy(void **state) {
    struct bench *b = *state;
    struct str policy =
        S("{\"healthyRetryPolicy\":{\"minDelayTarget\":1,\"maxDelayTarget\":60,\"numRetries\":8,"
          "\"numNoDelayRetries\":2,\"numMinDelayRetries\":1,\"numMaxDelayRetries\":1,"
          "\"backoffFunction\":\"exponential\"}}");
    struct sns_retries r = sns_retries_of(&b->d->arena, STR_NONE, policy);
    const int64_t want[] = {0, 0, 1000, 1000, 2000, 4000, 8000, 60000, -1};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(sns_retry_pause(&r, i + 1), want[i]);
    }
}

static void test_publish_checks_what_it_takes(void **state) {
    struct bench *b = *state;
    struct str topic = make_topic(b, "alerts");
    ASSERT_API(b->d, publish(b, topic, ""), sns_InvalidParameterException);
    ASSERT_API(b->d, publish(b, S("arn:aws:sns:eu-west-2:111111111111:none"), "x"),
               sns_NotFoundException);
    struct sns_publish_input in = {
        .topic_arn = topic, .message = S("{\"http\":\"x\"}"), .message_structure = S("json")};
    struct sns_publish_response out;
    ASSERT_API(b->d, CALL(b->d, sns, publish, &in, &out), sns_InvalidParameterException);
    struct str big = str_n(arena_alloc(&b->d->arena, 256 * 1024 + 1), 256 * 1024 + 1);
    memset((char *)big.p, 'x', big.n);
    in = (struct sns_publish_input){.topic_arn = topic, .message = big};
    ASSERT_API(b->d, CALL(b->d, sns, publish, &in, &out), sns_InvalidParameterException);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_endpoint_confirms_then_gets_signed_messages),
        TEST(test_failed_delivery_is_tried_three_times_more_20_s_apart),
        TEST(test_client_error_is_not_tried_again),
        TEST(test_address_that_is_not_listed_is_never_connected_to),
        TEST(test_raw_delivery_is_the_message_alone),
        TEST(test_unconfirmed_subscription_goes_away_after_three_days),
        TEST(test_pending_subscription_can_not_be_ended_confirmed_can_by_anyone),
        TEST(test_topic_twice_is_one_topic_unless_it_differs),
        TEST(test_policy_of_a_topic_comes_back_as_it_was_set),
        TEST(test_retry_phases_follow_the_delivery_policy),
        TEST(test_publish_checks_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
