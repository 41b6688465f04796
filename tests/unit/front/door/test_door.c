/*
 * Requests through the door, in process and without sockets, as real clients sign them. Behind it
 * stands a gate of the test's own: it knows two keys and remembers what it was asked.
 */
#include "../../cmocka_.h"

#include "aws/auth/sigv4.h"
#include "front/door/door.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"
#include "platform/crypto/hash.h"
#include "services/s3/stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "secret"
#define NOW_MS 1795485120000 /* 2026-11-24T01:52:00Z */

/* The test's gate. */
struct gate {
    int invoked;
    const struct shape_op *op;
    struct str key; /* of an S3 request */
    int64_t body_size;
    struct str journal_id;
    bool answered;  /* the journal knows the answer */
    bool overtaken; /* gate_invoke fails, because the same request was done meanwhile */
};

static struct gate gate;
static struct arena arena;
static char data_dir[64];

static const struct gate_service services[] = {{&ssm_service, NULL, NULL},
                                               {&sts_service, NULL, NULL},
                                               {&s3_service, NULL, NULL},
                                               {&sns_service, NULL, NULL}};

const struct gate_service *gate_services(const struct gate *g, size_t *ret_n) {
    (void)g;
    *ret_n = sizeof(services) / sizeof(services[0]);
    return services;
}

const struct gate_service *gate_service_named(const struct gate *g, struct str name) {
    (void)g;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (str_is(name, services[i].shape->name)) {
            return &services[i];
        }
    }
    return NULL;
}

int gate_find_key(struct gate *g, struct arena *a, struct str access_key, struct gate_key *ret,
                  struct err *err) {
    (void)g;
    (void)a;
    (void)err;
    *ret = (struct gate_key){.secret_key = S(SECRET)};
    ret->principal.account = S("111111111111");
    if (str_is(access_key, "ASIA")) {
        ret->session_token = S("token");
        ret->expires_ms = NOW_MS + 1000;
    } else if (str_is(access_key, "ASIAOLD")) {
        ret->session_token = S("token");
        ret->expires_ms = NOW_MS - 1000;
    }
    return str_is(access_key, "NOBODY") ? 0 : 1;
}

int gate_invoke(struct gate *g, struct gate_call *c, struct err *err) {
    g->invoked++;
    g->op = c->op;
    g->body_size = c->body.size;
    g->journal_id = c->journal_id;
    if (g->overtaken) {
        g->answered = true;
        return err_api(err, &ssm_ParameterAlreadyExists, "there already");
    }
    if (c->op == &s3_op_get_object) {
        g->key = ((const struct s3_get_object_request *)c->in)->key;
    } else if (c->op == &s3_op_put_object) {
        g->key = ((const struct s3_put_object_request *)c->in)->key;
    } else if (c->op == &sts_op_get_caller_identity) {
        ((struct sts_get_caller_identity_response *)c->out)->account = c->principal->account;
    } else if (c->op == &s3_op_head_object) {
        struct s3_head_object_output *out = c->out;
        out->content_length = 1234567;
        out->has_content_length = true;
    }
    return 0;
}

int gate_journal_find(struct gate *g, struct arena *a, struct str id, struct gate_answer *ret,
                      struct err *err) {
    (void)a;
    (void)err;
    *ret = (struct gate_answer){.status = 200, .body = S("as before")};
    return g->answered && id.p != NULL;
}

/* Requests. */
struct sent {
    const char *service;
    const char *method;
    const char *path;
    const char *query;
    const char *host;
    const char *headers[6];
    struct str body;
    const char *access_key; /* NULL: AKIA; "": not signed */
    const char *token;
    const char *secret;
    const char *payload; /* S3: another word than the body's digest */
    int64_t skew_ms;
    bool local;
};

static struct clock_fake now = {.now_ms = NOW_MS, .mono_ms = 0};

static struct http_request make(const struct sent *s) {
    struct http_request r = {.arena = &arena,
                             .method = str_c(s->method ? s->method : "POST"),
                             .path = str_c(s->path ? s->path : "/"),
                             .query = str_c(s->query),
                             .local = s->local,
                             .body = s->body.p ? s->body : S("")};
    r.target = r.query.p
                   ? str_printf(&arena, STR_FMT "?" STR_FMT, STR_ARG(r.path), STR_ARG(r.query))
                   : r.path;
    http_header_add(&arena, &r.headers, S("Host"), str_c(s->host ? s->host : "127.0.0.1:4566"));
    for (size_t i = 0; i < 6 && s->headers[i] != NULL; i += 2) {
        http_header_add(&arena, &r.headers, str_c(s->headers[i]), str_c(s->headers[i + 1]));
    }
    const char *key = s->access_key ? s->access_key : "AKIA";
    if (key[0] != '\0') {
        struct aws_credentials keys = {str_c(key), str_c(s->secret ? s->secret : SECRET),
                                       str_c(s->token), 0};
        struct str payload = s->payload ? str_c(s->payload) : crypto_sha256_hex(&arena, r.body);
        struct sigv4_request to_sign = {r.method,   r.path,  r.query,
                                        &r.headers, payload, strcmp(s->service, "s3") == 0};
        sigv4_sign(&arena, &keys, S("eu-west-2"), str_c(s->service), NOW_MS + s->skew_ms, &to_sign,
                   &r.headers);
    }
    return r;
}

static void inner_route(void *ud, struct http_request *req, struct http_response *resp) {
    (void)ud;
    (void)req;
    resp->status = 299;
}

static struct http_response pass(struct http_request *r) {
    struct clock clock = clock_fake(&now);
    const struct door_route route = {"/_trunkline", true, inner_route, NULL};
    struct door_config config = {.gate = &gate,
                                 .routes = &route,
                                 .n_routes = 1,
                                 .clock = &clock,
                                 .rng = &rng_system,
                                 .data_dir = data_dir,
                                 .region = S("eu-west-2")};
    struct door *door = door_new(&config);
    struct http_handler h = door_handler(door);
    struct http_response resp = {.fd = -1};
    struct err err = ERR_INIT;
    if (!h.begin(h.ud, r, &resp)) {
        if (r->sink.write != NULL) {
            if (r->sink.write(r->sink.ud, r->body, &err) < 0) {
                r->sink_error = err;
            }
            r->body = S("");
        }
        h.handle(h.ud, r, &resp);
    }
    if (r->sink.close != NULL) {
        r->sink.close(r->sink.ud);
    }
    door_free(door);
    return resp;
}

static struct http_response send(const struct sent *s) {
    struct http_request r = make(s);
    return pass(&r);
}

static void expect_error(const struct sent *s, int status, const char *code) {
    int before = gate.invoked;
    struct http_response resp = send(s);
    if (str_find(resp.body, str_c(code), 0) == (size_t)-1 || resp.status != status) {
        fail_msg("%d " STR_FMT " is not %d %s", resp.status, STR_ARG(resp.body), status, code);
    }
    assert_int_equal(gate.invoked, before);
}

#define TARGET "X-Amz-Target", "AmazonSSM.GetParameter"
#define IDENTITY S("Action=GetCallerIdentity&Version=2011-06-15")

static void test_json_call_is_told_by_its_target(void **state) {
    (void)state;
    struct sent s = {"ssm", .headers = {TARGET}, .body = S("{\"Name\":\"n\"}")};
    struct http_response resp = send(&s);
    assert_int_equal(resp.status, 200);
    assert_ptr_equal(gate.op, &ssm_op_get_parameter);
    assert_true(str_is(resp.body, "{}"));
}

static void test_compressed_body_is_signed_as_it_came_and_read_unpacked(void **state) {
    (void)state;
    /* gzip of {"Name":"n"} */
    static const char packed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xf2\x4b\xcc\x4d"
                                 "\x55\xb2\x52\xca\x53\xaa\x05\x00\x7b\x6f\x77\xc9\x0c\x00\x00\x00";
    struct sent s = {"ssm", .headers = {TARGET, "Content-Encoding", "gzip"}};
    s.body = str_n(packed, sizeof(packed) - 1);
    assert_int_equal(send(&s).status, 200);
    assert_ptr_equal(gate.op, &ssm_op_get_parameter);
    s.body = S("{\"Name\":\"n\"}");
    expect_error(&s, 400, "not gzip");
}

static void test_query_call_is_told_by_its_scope_or_its_host(void **state) {
    (void)state;
    struct sent s = {"sts", .body = IDENTITY};
    struct http_response resp = send(&s);
    assert_true(str_find(resp.body, S("<Account>111111111111</Account>"), 0) != (size_t)-1);
    s = (struct sent){"sts", .method = "GET", .query = IDENTITY.p, .host = "sts.amazonaws.com"};
    assert_int_equal(send(&s).status, 200);
}

static void test_who_is_not_known_is_refused_in_the_words_of_each_protocol(void **state) {
    (void)state;
    struct sent json = {"ssm", .headers = {TARGET}, .body = S("{\"Name\":\"n\"}")};
    struct sent form = {"sts", .body = IDENTITY};
    struct sent s3 = {"s3", .method = "GET", .path = "/b/k"};
    json.access_key = form.access_key = s3.access_key = "NOBODY";
    expect_error(&json, 400, "UnrecognizedClientException");
    expect_error(&form, 403, "InvalidClientTokenId");
    expect_error(&s3, 403, "InvalidAccessKeyId");
    json.access_key = form.access_key = s3.access_key = NULL;
    json.secret = form.secret = s3.secret = "wrong";
    expect_error(&json, 400, "InvalidSignatureException");
    expect_error(&form, 403, "SignatureDoesNotMatch");
    expect_error(&s3, 403, "SignatureDoesNotMatch");
    json.secret = form.secret = s3.secret = NULL;
    json.skew_ms = form.skew_ms = s3.skew_ms = -16 * 60 * 1000;
    expect_error(&json, 400, "now earlier than");
    expect_error(&form, 403, "now earlier than");
    expect_error(&s3, 403, "RequestTimeTooSkewed");
    json.access_key = form.access_key = "";
    form.host = "sts.amazonaws.com";
    expect_error(&json, 400, "MissingAuthenticationTokenException");
    expect_error(&form, 403, "MissingAuthenticationToken");
}

static void test_session_needs_its_token_and_ends(void **state) {
    (void)state;
    struct sent s = {"ssm", .headers = {TARGET}, .body = S("{\"Name\":\"n\"}")};
    s.access_key = "ASIA";
    expect_error(&s, 400, "UnrecognizedClientException");
    s.token = "other";
    expect_error(&s, 400, "UnrecognizedClientException");
    s.token = "token";
    assert_int_equal(send(&s).status, 200);
    s.access_key = "ASIAOLD";
    expect_error(&s, 400, "ExpiredTokenException");
    s.access_key = NULL;
    expect_error(&s, 400, "UnrecognizedClientException");
}

/* A query string signed at NOW_MS for 600 seconds, used when the clock shows `at_ms`. */
static struct http_response use_presigned(const char *service, int64_t at_ms) {
    struct sent s = {service, .method = "GET", .path = "/b/k", .access_key = ""};
    struct http_request r = make(&s);
    struct aws_credentials keys = {S("AKIA"), S(SECRET), STR_NONE, 0};
    struct sigv4_request to_sign = {r.method,   r.path,         r.query,
                                    &r.headers, SIGV4_UNSIGNED, strcmp(service, "s3") == 0};
    r.query = sigv4_presign(&arena, &keys, S("eu-west-2"), str_c(service), NOW_MS, 600, &to_sign);
    r.target = str_printf(&arena, STR_FMT "?" STR_FMT, STR_ARG(r.path), STR_ARG(r.query));
    now.now_ms = at_ms;
    struct http_response resp = pass(&r);
    now.now_ms = NOW_MS;
    return resp;
}

static void test_presigned_request_is_good_until_its_last_second(void **state) {
    (void)state;
    assert_int_equal(use_presigned("s3", NOW_MS).status, 200);
    assert_int_equal(use_presigned("s3", NOW_MS + 599 * 1000).status, 200);
    assert_int_equal(use_presigned("s3", NOW_MS + 600 * 1000).status, 200);
    int before = gate.invoked;
    struct http_response late = use_presigned("s3", NOW_MS + 601 * 1000);
    assert_int_equal(late.status, 403);
    assert_true(str_find(late.body, S("AccessDenied"), 0) != (size_t)-1);
    assert_true(str_find(late.body, S("Request has expired"), 0) != (size_t)-1);
    /* one of tomorrow is no better than one of yesterday */
    assert_int_equal(use_presigned("s3", NOW_MS - 16 * 60 * 1000).status, 403);
    assert_int_equal(gate.invoked, before);
}

static void test_signature_for_one_service_is_none_for_another(void **state) {
    (void)state;
    struct sent s = {"sts", .headers = {TARGET}, .body = S("{\"Name\":\"n\"}")};
    expect_error(&s, 400, "Credential should be scoped to correct service: 'ssm'.");
}

static void test_header_added_behind_the_signature_is_refused(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "GET", .path = "/b/k"};
    struct http_request r = make(&s);
    http_header_add(&arena, &r.headers, S("x-amz-acl"), S("public-read"));
    struct http_response resp = pass(&r);
    assert_int_equal(resp.status, 403);
    struct sent j = {"ssm", .headers = {TARGET}, .body = S("{\"Name\":\"n\"}")};
    r = make(&j);
    r.body = S("{\"Name\":\"other\"}");
    assert_int_equal(pass(&r).status, 400);
}

static void test_authorization_that_cannot_be_read_is_incomplete(void **state) {
    (void)state;
    struct sent s = {"ssm", .access_key = ""};
    s.headers[0] = "Authorization";
    s.headers[1] = "AWS4-HMAC-SHA256 Credential=a";
    s.headers[2] = "X-Amz-Target";
    s.headers[3] = "AmazonSSM.GetParameter";
    expect_error(&s, 400, "IncompleteSignatureException");
}

static void test_operation_that_is_not_there_is_an_error_of_the_service(void **state) {
    (void)state;
    struct sent s = {"ssm", .headers = {"X-Amz-Target", "AmazonSSM.DoNothing"}, .body = S("{}")};
    expect_error(&s, 400, "UnknownOperationException");
    s = (struct sent){"sts", .body = S("Action=DoNothing")};
    expect_error(&s, 400, "InvalidAction");
    s = (struct sent){"s3", .method = "PATCH", .path = "/b/k"};
    expect_error(&s, 501, "NotImplemented");
    s = (struct sent){"s3", .method = "GET", .path = "/b/k", .query = "policy"};
    expect_error(&s, 501, "NotImplemented");
}

static void test_bucket_may_stand_in_the_host_or_in_the_path(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "GET", .path = "/b/a%20b%2Fc"};
    assert_int_equal(send(&s).status, 200);
    assert_true(str_is(gate.key, "a b/c"));
    s.path = "/a%20b/d";
    s.host = "my.bucket.s3.eu-west-2.amazonaws.com";
    assert_int_equal(send(&s).status, 200);
    assert_true(str_is(gate.key, "a b/d"));
}

static void test_head_names_the_length_of_what_is_not_sent(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "HEAD", .path = "/b/k"};
    struct http_response resp = send(&s);
    assert_int_equal(resp.fd, -1);
    assert_int_equal(resp.fd_size, 1234567);
}

static int staged_files(void) {
    char path[128];
    snprintf(path, sizeof(path), "%s/s3/tmp", data_dir);
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return n;
}

static void test_upload_streams_and_must_be_what_was_signed(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "PUT", .path = "/b/k", .body = S("hello")};
    assert_int_equal(send(&s).status, 200);
    assert_int_equal(gate.body_size, 5);
    struct http_request r = make(&s);
    r.body = S("hellO");
    struct http_response resp = pass(&r);
    assert_int_equal(resp.status, 400);
    assert_true(str_find(resp.body, S("XAmzContentSHA256Mismatch"), 0) != (size_t)-1);
    assert_int_equal(staged_files(), 0);
}

static void test_who_may_not_upload_is_told_before_the_body_comes(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "PUT", .path = "/b/k", .body = S("hello"), .secret = "wrong"};
    struct http_request r = make(&s);
    struct http_response resp = pass(&r);
    assert_int_equal(resp.status, 403);
    assert_null(r.sink.write);
}

static void test_upload_that_breaks_off_leaves_nothing(void **state) {
    (void)state;
    struct clock clock = clock_fake(&now);
    struct door_config config = {
        .gate = &gate, .clock = &clock, .rng = &rng_system, .data_dir = data_dir};
    struct door *door = door_new(&config);
    struct http_handler h = door_handler(door);
    struct sent s = {"s3", .method = "PUT", .path = "/b/k", .body = S("hello")};
    struct http_request r = make(&s);
    struct http_response resp = {.fd = -1};
    struct err err = ERR_INIT;
    assert_false(h.begin(h.ud, &r, &resp));
    assert_int_equal(r.sink.write(r.sink.ud, S("hel"), &err), 0);
    r.sink.close(r.sink.ud);
    assert_int_equal(staged_files(), 0);
    door_free(door);
}

static void test_chunked_upload_is_stored_without_its_framing(void **state) {
    (void)state;
    struct sent s = {"s3", .method = "PUT", .path = "/b/k"};
    s.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    s.headers[0] = "x-amz-trailer";
    s.headers[1] = "x-amz-checksum-crc32";
    s.headers[2] = "x-amz-decoded-content-length";
    s.headers[3] = "5";
    s.body = S("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    assert_int_equal(send(&s).status, 200);
    assert_int_equal(gate.body_size, 5);
    s.body = S("5\r\nhello\r\n");
    expect_error(&s, 400, "IncompleteBody");
    assert_int_equal(staged_files(), 0);
}

static void test_write_that_was_answered_before_is_not_done_again(void **state) {
    (void)state;
    struct sent s = {"ssm", .body = S("{\"Name\":\"n\",\"Value\":\"v\",\"Type\":\"String\"}")};
    s.headers[0] = "X-Amz-Target";
    s.headers[1] = "AmazonSSM.PutParameter";
    s.headers[2] = "x-trunkline-request";
    s.headers[3] = "build/1";
    assert_int_equal(send(&s).status, 200);
    assert_null(gate.journal_id.p); /* from outside the header means nothing */
    s.local = true;
    assert_int_equal(send(&s).status, 200);
    assert_true(str_is(gate.journal_id, "build/1"));
    gate.answered = true;
    int before = gate.invoked;
    assert_true(str_is(send(&s).body, "as before"));
    assert_int_equal(gate.invoked, before);
    gate.answered = false;
    gate.overtaken = true;
    assert_true(str_is(send(&s).body, "as before"));
}

static void test_inner_routes_are_for_our_socket_and_never_for_a_build(void **state) {
    (void)state;
    struct sent s = {"sts", .path = "/_trunkline/builds/other/credentials", .access_key = ""};
    assert_int_not_equal(send(&s).status, 299);
    s.local = true;
    assert_int_equal(send(&s).status, 299);
    s.headers[0] = "X-Trunkline-Build";
    s.headers[1] = "0b5a";
    assert_int_not_equal(send(&s).status, 299);
}

static void test_request_for_nothing_is_told_in_the_format_of_who_asks(void **state) {
    (void)state;
    struct sent s = {"x", .method = "GET", .path = "/favicon.ico", .access_key = ""};
    assert_int_equal(send(&s).status, 404);
    s.service = "unknown";
    s.access_key = NULL;
    expect_error(&s, 404, "UnknownOperationException");
    s.method = "POST";
    s.headers[0] = "X-Amz-Target";
    s.headers[1] = "AmazonSQS.ListQueues";
    expect_error(&s, 400, "UnknownOperationException");
    s.headers[0] = "Content-Type";
    s.headers[1] = "application/x-www-form-urlencoded";
    expect_error(&s, 400, "<Code>InvalidAction</Code>");
}

static int setup(void **state) {
    (void)state;
    gate = (struct gate){.invoked = 0};
    strcpy(data_dir, "/tmp/door.XXXXXX");
    return mkdtemp(data_dir) != NULL ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/s3/tmp", data_dir);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/s3", data_dir);
    rmdir(path);
    rmdir(data_dir);
    arena_done(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_json_call_is_told_by_its_target),
        TEST(test_compressed_body_is_signed_as_it_came_and_read_unpacked),
        TEST(test_query_call_is_told_by_its_scope_or_its_host),
        TEST(test_who_is_not_known_is_refused_in_the_words_of_each_protocol),
        TEST(test_session_needs_its_token_and_ends),
        TEST(test_presigned_request_is_good_until_its_last_second),
        TEST(test_signature_for_one_service_is_none_for_another),
        TEST(test_header_added_behind_the_signature_is_refused),
        TEST(test_authorization_that_cannot_be_read_is_incomplete),
        TEST(test_operation_that_is_not_there_is_an_error_of_the_service),
        TEST(test_bucket_may_stand_in_the_host_or_in_the_path),
        TEST(test_head_names_the_length_of_what_is_not_sent),
        TEST(test_upload_streams_and_must_be_what_was_signed),
        TEST(test_who_may_not_upload_is_told_before_the_body_comes),
        TEST(test_upload_that_breaks_off_leaves_nothing),
        TEST(test_chunked_upload_is_stored_without_its_framing),
        TEST(test_write_that_was_answered_before_is_not_done_again),
        TEST(test_inner_routes_are_for_our_socket_and_never_for_a_build),
        TEST(test_request_for_nothing_is_told_in_the_format_of_who_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
