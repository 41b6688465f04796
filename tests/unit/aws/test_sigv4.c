/*
 * Signatures against vectors that botocore computed (same key, 2026-11-24T01:52:00Z), and the
 * chunked body of Amazon S3's documentation.
 */
#include "../cmocka_.h"

#include "aws/auth/chunked.h"
#include "aws/auth/fault.h"
#include "aws/auth/sigv4.h"
#include "base/buf.h"
#include "platform/crypto/hash.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW_MS 1795485120000 /* 2026-11-24T01:52:00Z */

static struct arena arena;

struct vector {
    const char *access_key;
    const char *token;
    const char *service;
    const char *method;
    const char *path;
    const char *query;
    const char *headers[8]; /* name, value, ..., NULL */
    const char *body;
    const char *signature;
};

static const struct vector vectors[] = {
    {"AKIDEXAMPLE",
     NULL,
     "ssm",
     "POST",
     "/",
     NULL,
     {"Host", "ssm.eu-west-2.amazonaws.com", "Content-Type", "application/x-amz-json-1.1",
      "X-Amz-Target", "AmazonSSM.GetParameter"},
     "{\"Name\":\"/a b\"}",
     "fc83ef88283239e1709d71671edfeec40e665d787014c87793bc1edbc84a11e8"},
    {"ASIDEXAMPLE",
     "IQoJb3/tok+en==",
     "sts",
     "GET",
     "/",
     "Version=2011-06-15&Action=GetCallerIdentity&b=x%20y%2Bz&B=&a",
     {"Host", "sts.amazonaws.com"},
     "",
     "ee096fee7c809b5e002276a9d3488e77b1a5bdd36c11f63f32d0515d6f7c83b1"},
    {"AKIDEXAMPLE",
     NULL,
     "lambda",
     "GET",
     "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/versions//../policy/",
     NULL,
     {"Host", "lambda.eu-west-2.amazonaws.com"},
     "",
     "1315a356180cdf4eb0eac4e29285ad89ef1a6def7e66662bc42aaa0f0554925a"},
    {"AKIDEXAMPLE",
     NULL,
     "iam",
     "POST",
     "/",
     NULL,
     {"Host", "iam.amazonaws.com", "X-Amz-Meta", "  a   b  c ", "Content-Type",
      "application/x-www-form-urlencoded; charset=utf-8"},
     "Action=ListRoles",
     "786ca05cb070cac8687c74d8821db1b844cd9b8847b08c4e1b5e70a2b6069775"},
    {"AKIDEXAMPLE",
     NULL,
     "s3",
     "GET",
     "/buck/env%3A/ci/..%2Fa%20%28b%29//~x",
     "list-type=2&prefix=a%2Fb&uploads",
     {"Host", "127.0.0.1:4566"},
     "",
     "bb21e216bb1e3abf3fc7537660f569e14b44c0fa52df07d077b2d145ad992ba0"},
};

static struct aws_credentials keys_of(const struct vector *v) {
    return (struct aws_credentials){str_c(v->access_key), S(SECRET), str_c(v->token), 0};
}

static struct sigv4_request request_of(const struct vector *v, struct http_headers *headers) {
    *headers = (struct http_headers){NULL, 0};
    for (size_t i = 0; i < 8 && v->headers[i] != NULL; i += 2) {
        http_header_add(&arena, headers, str_c(v->headers[i]), str_c(v->headers[i + 1]));
    }
    return (struct sigv4_request){.method = str_c(v->method),
                                  .path = str_c(v->path),
                                  .query = str_c(v->query),
                                  .headers = headers,
                                  .payload = crypto_sha256_hex(&arena, str_c(v->body)),
                                  .s3 = str_is(str_c(v->service), "s3")};
}

static struct http_request received(const struct sigv4_request *r) {
    return (struct http_request){.arena = &arena,
                                 .method = r->method,
                                 .path = r->path,
                                 .query = r->query,
                                 .headers = *r->headers};
}

static void sign(const struct vector *v, struct sigv4_request *r, struct http_headers *headers) {
    struct aws_credentials keys = keys_of(v);
    *r = request_of(v, headers);
    sigv4_sign(&arena, &keys, S("eu-west-2"), str_c(v->service), NOW_MS, r, headers);
}

static void test_signatures_equal_those_of_botocore(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct http_headers headers;
        struct sigv4_request r;
        struct sigv4 sig;
        struct err err = ERR_INIT;
        sign(&vectors[i], &r, &headers);
        struct http_request req = received(&r);
        assert_int_equal(sigv4_parse(&arena, &req, &sig, &err), 1);
        assert_string_equal(str_z(&arena, sig.signature), vectors[i].signature);
        assert_true(sigv4_verify(&arena, &sig, &r, S(SECRET)));
        assert_null(sigv4_unsigned_header(&arena, &sig, &headers).p);
        assert_true(sig.time_ms == NOW_MS);
    }
}

static void test_any_change_breaks_the_signature(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct http_headers headers;
        struct sigv4_request r;
        struct sigv4 sig;
        struct err err = ERR_INIT;
        sign(&vectors[i], &r, &headers);
        struct http_request req = received(&r);
        assert_int_equal(sigv4_parse(&arena, &req, &sig, &err), 1);
        struct sigv4_request changed = r;
        changed.method = S("DELETE");
        assert_false(sigv4_verify(&arena, &sig, &changed, S(SECRET)));
        changed = r;
        changed.path = str_concat(&arena, r.path, S("x"));
        assert_false(sigv4_verify(&arena, &sig, &changed, S(SECRET)));
        changed = r;
        changed.query = S("Action=DeleteEverything");
        assert_false(sigv4_verify(&arena, &sig, &changed, S(SECRET)));
        changed = r;
        changed.payload = crypto_sha256_hex(&arena, S("other"));
        assert_false(sigv4_verify(&arena, &sig, &changed, S(SECRET)));
        headers.v[0].value = S("elsewhere.example");
        assert_false(sigv4_verify(&arena, &sig, &r, S(SECRET)));
        headers.v[0].value = str_c(vectors[i].headers[1]);
        assert_true(sigv4_verify(&arena, &sig, &r, S(SECRET)));
        assert_false(sigv4_verify(&arena, &sig, &r, S("another secret")));
    }
}

static void test_presigned_query_equals_that_of_botocore(void **state) {
    (void)state;
    struct http_headers headers = {NULL, 0};
    struct aws_credentials keys = {S("ASIDEXAMPLE"), S(SECRET), S("IQoJb3/tok+en=="), 0};
    http_header_add(&arena, &headers, S("host"), S("buck.s3.eu-west-2.amazonaws.com"));
    struct sigv4_request r = {.method = S("GET"),
                              .path = S("/k%20ey"),
                              .query = S("versionId=1"),
                              .headers = &headers,
                              .payload = SIGV4_UNSIGNED,
                              .s3 = true};
    r.query = sigv4_presign(&arena, &keys, S("eu-west-2"), S("s3"), NOW_MS, 600, &r);
    struct sigv4 sig;
    struct err err = ERR_INIT;
    struct http_request req = received(&r);
    assert_int_equal(sigv4_parse(&arena, &req, &sig, &err), 1);
    assert_true(sig.presigned);
    assert_int_equal(sig.expires_s, 600);
    assert_true(str_is(sig.token, "IQoJb3/tok+en=="));
    assert_string_equal(str_z(&arena, sig.signature),
                        "a1b2d3cf541f24de90f16d671c6a36681d22daabce071144cff49c24caa98340");
    assert_true(sigv4_verify(&arena, &sig, &r, S(SECRET)));
}

static int parse_authorization(const char *value, const char *date, struct err *err) {
    struct http_headers headers = {NULL, 0};
    struct sigv4 sig;
    if (value != NULL) {
        http_header_add(&arena, &headers, S("Authorization"), str_c(value));
    }
    if (date != NULL) {
        http_header_add(&arena, &headers, S("X-Amz-Date"), str_c(date));
    }
    struct http_request req = {.arena = &arena, .headers = headers};
    return sigv4_parse(&arena, &req, &sig, err);
}

#define DATE "20261124T015200Z"
#define REST ", SignedHeaders=host, Signature=aa"

static void test_signature_that_cannot_be_read_says_what_is_missing(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(parse_authorization(NULL, DATE, &err), 0);
    assert_int_equal(parse_authorization("Bearer x", DATE, &err), 0);
    assert_int_equal(
        parse_authorization("AWS4-HMAC-SHA256 Credential=a/20261124/r/s/aws4_request", DATE, &err),
        -1);
    assert_string_equal(err.msg, "Authorization header requires 'Signature' parameter.");
    assert_int_equal(
        parse_authorization("AWS4-HMAC-SHA256 Credential=a/20261124/r/s" REST, DATE, &err), -1);
    assert_non_null(strstr(err.msg, "exactly 5 slash-delimited elements"));
    assert_int_equal(
        parse_authorization("AWS4-HMAC-SHA256 Credential=a/20261124/r/s/aws4_request" REST, NULL,
                            &err),
        -1);
    assert_int_equal(
        parse_authorization("AWS4-HMAC-SHA256 Credential=a/20261123/r/s/aws4_request" REST, DATE,
                            &err),
        -1);
    assert_non_null(strstr(err.msg, "'20261123' != '20261124'"));
    assert_int_equal(
        parse_authorization("AWS4-HMAC-SHA256 Credential=a/20261124/r/s/aws4_request" REST, DATE,
                            &err),
        1);
    assert_int_equal(parse_authorization("AWS AKID:sig", DATE, &err), -1);
}

static void test_header_of_aws_that_is_not_covered_is_named(void **state) {
    (void)state;
    struct http_headers headers = {NULL, 0};
    struct sigv4 sig = {.signed_headers = S("host;x-amz-date")};
    http_header_add(&arena, &headers, S("Host"), S("x"));
    http_header_add(&arena, &headers, S("User-Agent"), S("x"));
    assert_null(sigv4_unsigned_header(&arena, &sig, &headers).p);
    http_header_add(&arena, &headers, S("X-Amz-Acl"), S("public-read"));
    assert_true(str_is(sigv4_unsigned_header(&arena, &sig, &headers), "x-amz-acl"));
}

static void test_fault_has_code_and_status_of_its_family(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    auth_fail(&err, AUTH_UNKNOWN_KEY, SHAPE_JSON_1_1, STR_NONE);
    assert_string_equal(err.api->code, "UnrecognizedClientException");
    assert_int_equal(err.api->http_status, 400);
    auth_fail(&err, AUTH_UNKNOWN_KEY, SHAPE_QUERY, STR_NONE);
    assert_string_equal(err.api->code, "InvalidClientTokenId");
    auth_fail(&err, AUTH_SKEWED, SHAPE_REST_XML, S("detail"));
    assert_string_equal(err.api->code, "RequestTimeTooSkewed");
    assert_null(strstr(err.msg, "detail"));
    struct str detail = auth_skew_detail(&arena, NOW_MS - 600000, NOW_MS, 300000);
    auth_fail(&err, AUTH_SKEWED, SHAPE_JSON_1_0, detail);
    assert_string_equal(err.msg, "Signature expired: 20261124T014200Z is now earlier than "
                                 "20261124T014700Z (20261124T015200Z - 5 min.)");
}

/* Chunked bodies. */
struct taken {
    struct buf bytes;
};

static int take(void *ud, struct str data, struct err *err) {
    (void)err;
    buf_add(&((struct taken *)ud)->bytes, data);
    return 0;
}

static struct chunked_config documented(struct taken *taken) {
    struct chunked_config config = {
        .has_signatures = true,
        .amz_date = S("20130524T000000Z"),
        .scope = S("20130524/us-east-1/s3/aws4_request"),
        .seed = S("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
        .decoded_length = 66560,
        .write = take,
        .ud = taken};
    sigv4_key(S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), S("20130524"), S("us-east-1"), S("s3"),
              config.key);
    return config;
}

static struct str documented_body(char filler) {
    struct buf body cleanup_buf;
    buf_init(&body, 100000);
    char *room;
    buf_add_z(&body, "10000;chunk-signature="
                     "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n");
    room = buf_room(&body, 65536);
    memset(room, filler, 65536);
    buf_added(&body, 65536);
    buf_add_z(&body, "\r\n400;chunk-signature="
                     "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
    room = buf_room(&body, 1024);
    memset(room, 'a', 1024);
    buf_added(&body, 1024);
    buf_add_z(&body, "\r\n0;chunk-signature="
                     "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
    return buf_dup(&arena, &body);
}

static int feed(struct chunked *c, struct str body, size_t piece, struct http_headers *trailers,
                struct err *err) {
    while (body.n > 0) {
        struct str part = str_sub(body, 0, piece);
        body = str_sub(body, part.n, body.n);
        if (chunked_write(c, part, err) < 0) {
            return -1;
        }
    }
    return chunked_end(c, &arena, trailers, err);
}

static void test_documented_chunks_are_accepted_however_they_are_cut(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 7, 1000, 65536 + 90, 200000};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct taken taken;
        buf_init(&taken.bytes, 100000);
        struct chunked_config config = documented(&taken);
        struct chunked *c = chunked_new(&config);
        struct http_headers trailers;
        struct err err = ERR_INIT;
        assert_int_equal(feed(c, documented_body('a'), pieces[i], &trailers, &err), 0);
        assert_int_equal(taken.bytes.n, 66560);
        chunked_free(c);
        buf_done(&taken.bytes);
    }
}

static void test_changed_chunk_is_a_mismatch(void **state) {
    (void)state;
    struct taken taken;
    buf_init(&taken.bytes, 100000);
    struct chunked_config config = documented(&taken);
    struct chunked *c = chunked_new(&config);
    struct http_headers trailers;
    struct err err = ERR_INIT;
    assert_int_equal(feed(c, documented_body('b'), 4096, &trailers, &err), -1);
    assert_string_equal(err.api->code, "SignatureDoesNotMatch");
    chunked_free(c);
    buf_done(&taken.bytes);
}

static int unsigned_body(const char *text, const char *names, int64_t length, struct str *ret,
                         struct http_headers *trailers, struct err *err) {
    struct taken taken;
    buf_init(&taken.bytes, 1000);
    struct chunked_config config = {.has_trailer = true,
                                    .trailer_names = str_c(names),
                                    .decoded_length = length,
                                    .write = take,
                                    .ud = &taken};
    struct chunked *c = chunked_new(&config);
    int failed = feed(c, str_c(text), 3, trailers, err);
    *ret = buf_dup(&arena, &taken.bytes);
    buf_done(&taken.bytes);
    chunked_free(c);
    return failed;
}

static void test_trailers_are_taken_when_they_were_announced(void **state) {
    (void)state;
    struct str out;
    struct http_headers trailers;
    struct err err = ERR_INIT;
    const char *body = "5\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:nSIQRg==\r\n\r\n";
    assert_int_equal(unsigned_body(body, "x-amz-checksum-crc32", 6, &out, &trailers, &err), 0);
    assert_true(str_is(out, "hello!"));
    assert_true(str_is(http_header(&trailers, S("x-amz-checksum-crc32")), "nSIQRg=="));
    assert_int_equal(unsigned_body(body, "x-amz-checksum-sha256", 6, &out, &trailers, &err), -1);
    assert_string_equal(err.api->code, "MalformedTrailerError");
}

static void test_body_that_ends_early_or_runs_over_is_incomplete(void **state) {
    (void)state;
    struct str out;
    struct http_headers trailers;
    struct err err = ERR_INIT;
    assert_int_equal(unsigned_body("5\r\nhel", "", 5, &out, &trailers, &err), -1);
    assert_string_equal(err.api->code, "IncompleteBody");
    assert_int_equal(unsigned_body("5\r\nhello\r\n", "", 5, &out, &trailers, &err), -1);
    assert_int_equal(unsigned_body("5\r\nhello\r\n0\r\n\r\n", "", 9, &out, &trailers, &err), -1);
    assert_int_equal(unsigned_body("5\r\nhello\r\n0\r\n\r\n", "", 4, &out, &trailers, &err), -1);
    assert_string_equal(err.api->code, "IncompleteBody");
    assert_int_equal(unsigned_body("5\r\nhello\r\n0\r\n\r\nmore\n", "", 5, &out, &trailers, &err),
                     -1);
    assert_string_equal(err.api->code, "InvalidRequest");
    assert_int_equal(unsigned_body("zz\r\n", "", -1, &out, &trailers, &err), -1);
    assert_int_equal(unsigned_body("fffffffffffffffffff\r\n", "", -1, &out, &trailers, &err), -1);
    assert_int_equal(unsigned_body("5\r\nhello\r\n0\r\n", "", 5, &out, &trailers, &err), 0);
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_equal_those_of_botocore),
        cmocka_unit_test(test_any_change_breaks_the_signature),
        cmocka_unit_test(test_presigned_query_equals_that_of_botocore),
        cmocka_unit_test(test_signature_that_cannot_be_read_says_what_is_missing),
        cmocka_unit_test(test_header_of_aws_that_is_not_covered_is_named),
        cmocka_unit_test(test_fault_has_code_and_status_of_its_family),
        cmocka_unit_test(test_documented_chunks_are_accepted_however_they_are_cut),
        cmocka_unit_test(test_changed_chunk_is_a_mismatch),
        cmocka_unit_test(test_trailers_are_taken_when_they_were_announced),
        cmocka_unit_test(test_body_that_ends_early_or_runs_over_is_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
