/* Remote calls against a server of our own that answers what each test wants. */
#include "../cmocka_.h"

#include "aws/auth/sigv4.h"
#include "aws/call/remote.h"
#include "gen/iam.h"
#include "gen/s3.h"
#include "gen/ssm.h"
#include "platform/crypto/hash.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECRET "secret"

struct fixture {
    struct http_server *server;
    struct arena arena;
    int requests;        /* seen so far */
    int failures;        /* answered before the good answer */
    const char *failure; /* their body */
    int failure_status;
    const char *success; /* body of the good answer */
    bool signed_right;   /* the newest request's signature was right */
    char target[200];    /* its request target */
    char host[100];
    char body[200];
    char journal[64];
    int64_t signed_ms;
};

static int64_t waited_ms;

static void do_not_wait(int64_t ms) {
    waited_ms += ms;
}

static void copy(char *to, size_t size, struct str from) {
    size_t n = from.n < size - 1 ? from.n : size - 1;
    memcpy(to, from.p ? from.p : "", n);
    to[n] = '\0';
}

static void on_handle(void *ud, struct http_request *req, struct http_response *resp) {
    struct fixture *f = ud;
    struct sigv4 sig;
    struct err err = ERR_INIT;
    struct str sha = http_header(&req->headers, S("x-amz-content-sha256"));
    f->requests++;
    copy(f->target, sizeof(f->target), req->target);
    copy(f->host, sizeof(f->host), http_header(&req->headers, S("host")));
    copy(f->body, sizeof(f->body), req->body);
    copy(f->journal, sizeof(f->journal), http_header(&req->headers, S("x-trunkline-request")));
    struct sigv4_request r = {.method = req->method,
                              .path = req->path,
                              .query = req->query,
                              .headers = &req->headers,
                              .payload = crypto_sha256_hex(req->arena, req->body),
                              .s3 = sha.p != NULL};
    f->signed_right = sigv4_parse(req->arena, req, &sig, &err) == 1 &&
                      sigv4_verify(req->arena, &sig, &r, S(SECRET)) &&
                      (sha.p == NULL || str_eq(sha, r.payload));
    f->signed_ms = sig.time_ms;
    bool fail = f->requests <= f->failures;
    resp->status = fail ? f->failure_status : 200;
    resp->body = str_c(fail ? f->failure : f->success);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = ERR_INIT;
    struct http_server_config config = {"127.0.0.1", 0, NULL, 1};
    struct http_handler handler = {NULL, on_handle, f};
    assert_int_equal(http_server_start(&config, handler, &f->server, &err), 0);
    f->success = "{\"Parameter\":{\"Name\":\"n\",\"Value\":\"v\"}}";
    f->failure = "{}";
    f->failure_status = 500;
    remote_sleep = do_not_wait;
    waited_ms = 0;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    http_server_stop(f->server, 1000);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static struct aws_target target_of(struct fixture *f) {
    return (struct aws_target){
        .account = S("111111111111"),
        .region = S("eu-west-2"),
        .endpoint = str_printf(&f->arena, "http://127.0.0.1:%u", http_server_port(f->server)),
        .credentials = {S("AKID"), S(SECRET), S("token/+="), 0},
        .request_id = S("build/7"),
        .retries = -1};
}

static int get_parameter(struct fixture *f, struct ssm_get_parameter_result *out, struct err *err) {
    struct aws_target t = target_of(f);
    struct ssm_get_parameter_request in = {.name = S("n")};
    return ssm_call_get_parameter(&t, &f->arena, &in, out, err);
}

static void test_call_is_signed_sent_and_decoded(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct ssm_get_parameter_result out;
    assert_int_equal(get_parameter(f, &out, &err), 0);
    assert_true(str_is(out.parameter->value, "v"));
    assert_true(f->signed_right);
    assert_string_equal(f->body, "{\"Name\":\"n\"}");
    assert_string_equal(f->journal, "build/7");
}

static void test_server_errors_and_throttling_are_tried_three_times_in_all(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct ssm_get_parameter_result out;
    f->failures = 2;
    assert_int_equal(get_parameter(f, &out, &err), 0);
    assert_int_equal(f->requests, 3);
    assert_true(waited_ms <= 3000);
    f->requests = 0;
    f->failures = 99;
    f->failure_status = 400;
    f->failure = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}";
    assert_int_equal(get_parameter(f, &out, &err), -1);
    assert_int_equal(f->requests, 3);
    assert_string_equal(err.api_code, "ThrottlingException");
}

static void test_refusals_are_final_and_modelled(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct ssm_get_parameter_result out;
    f->failures = 99;
    f->failure_status = 400;
    f->failure = "{\"__type\":\"ParameterNotFound\",\"message\":\"not there\"}";
    assert_int_equal(get_parameter(f, &out, &err), -1);
    assert_int_equal(f->requests, 1);
    assert_ptr_equal(err.api, &ssm_ParameterNotFound);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_wrong_clock_is_corrected_once_by_that_of_the_server(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct ssm_get_parameter_result out;
    struct clock_fake past = {.now_ms = 1000000000000, .mono_ms = 0};
    struct clock clock = clock_fake(&past);
    struct aws_target t = target_of(f);
    struct ssm_get_parameter_request in = {.name = S("n")};
    t.clock = &clock;
    f->failures = 1;
    f->failure_status = 400;
    f->failure = "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: x\"}";
    assert_int_equal(ssm_call_get_parameter(&t, &f->arena, &in, &out, &err), 0);
    assert_int_equal(f->requests, 2);
    int64_t now = clock_now_ms(&clock_system);
    assert_true(llabs(now - f->signed_ms) < 60000);
    f->requests = 0;
    f->failures = 99;
    assert_int_equal(ssm_call_get_parameter(&t, &f->arena, &in, &out, &err), -1);
    assert_int_equal(f->requests, 2);
}

static void test_streamed_bodies_go_from_and_to_files(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct aws_target t = target_of(f);
    int fd = memfd_create("body", MFD_CLOEXEC);
    assert_int_equal(write(fd, "xxhello", 7), 7);
    struct aws_body body = {fd, 2, 5, NULL};
    struct s3_put_object_request put = {.bucket = S("b"), .key = S("a b/../c")};
    struct s3_put_object_output put_out;
    f->success = "";
    f->failures = 1;
    assert_int_equal(
        aws_call_stream(&t, &s3_op_put_object, &f->arena, &put, &body, &put_out, NULL, &err), 0);
    assert_string_equal(f->body, "hello");
    assert_string_equal(f->target, "/b/a%20b/../c");
    assert_true(f->signed_right);
    f->success = "content";
    struct s3_get_object_request get = {.bucket = S("b"), .key = S("k")};
    struct s3_get_object_output get_out;
    struct aws_body got = AWS_BODY_NONE;
    assert_int_equal(
        aws_call_stream(&t, &s3_op_get_object, &f->arena, &get, NULL, &get_out, &got, &err), 0);
    char text[16] = "";
    assert_int_equal(got.size, 7);
    assert_int_equal(pread(got.fd, text, 15, 0), 7);
    assert_string_equal(text, "content");
    close(got.fd);
    close(fd);
}

static void test_hosts_of_aws_are_its_own(void **state) {
    struct fixture *f = *state;
    assert_true(str_is(remote_host(&f->arena, &ssm_service, S("eu-west-2")),
                       "ssm.eu-west-2.amazonaws.com"));
    assert_true(str_is(remote_host(&f->arena, &iam_service, S("eu-west-2")), "iam.amazonaws.com"));
}

static void test_nobody_there_is_tried_again_and_then_unavailable(void **state) {
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct ssm_get_parameter_result out;
    struct aws_target t = target_of(f);
    struct ssm_get_parameter_request in = {.name = S("n")};
    t.endpoint = S("http://127.0.0.1:1");
    assert_int_equal(ssm_call_get_parameter(&t, &f->arena, &in, &out, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_true(waited_ms > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_call_is_signed_sent_and_decoded),
        TEST(test_server_errors_and_throttling_are_tried_three_times_in_all),
        TEST(test_refusals_are_final_and_modelled),
        TEST(test_wrong_clock_is_corrected_once_by_that_of_the_server),
        TEST(test_streamed_bodies_go_from_and_to_files),
        TEST(test_hosts_of_aws_are_its_own),
        TEST(test_nobody_there_is_tried_again_and_then_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
