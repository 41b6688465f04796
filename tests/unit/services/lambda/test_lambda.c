/* Functions as resources: code, settings, versions, policies. */
#include "../fixture.h"

#include "gen/iam.h"
#include "gen/lambda.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "platform/text/json.h"
#include "services/lambda/lambda.h"

/* The smallest archive: an end record alone. */
static const char zip_bytes[22] = {'P', 'K', 5, 6};
static const char other_bytes[24] = {'P', 'K', 3, 4};

struct bench {
    struct fixture f;
    struct str role;
};

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    fixture_start(&b->f);
    const struct iam_create_role_request in = {
        .role_name = S("shipper"),
        .assume_role_policy_document =
            S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
              "{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}")};
    struct iam_create_role_response out;
    assert_done(&b->f, iam_call_create_role(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    b->role = out.role->arn;
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    fixture_end(&b->f);
    free(b);
    return 0;
}

static int create(struct bench *b, struct str zip, struct lambda_function_configuration *out) {
    struct lambda_function_code code = {.zip_file = zip};
    struct str_pair variable = {S("TOKEN"), S("very secret value")};
    struct lambda_environment environment = {.variables = {&variable, 1}};
    const struct lambda_create_function_request in = {.function_name = S("shipper"),
                                                      .runtime = S("python3.12"),
                                                      .handler = S("a.handle"),
                                                      .role = b->role,
                                                      .code = &code,
                                                      .environment = &environment};
    return lambda_call_create_function(&b->f.admin, &b->f.arena, &in, out, &b->f.err);
}

static struct lambda_function_configuration get(struct bench *b, const char *name) {
    const struct lambda_get_function_configuration_request in = {.function_name = str_c(name)};
    struct lambda_function_configuration out;
    assert_done(&b->f, lambda_call_get_function_configuration(&b->f.admin, &b->f.arena, &in, &out,
                                                              &b->f.err));
    return out;
}

static struct str zip(void) {
    return str_n(zip_bytes, sizeof(zip_bytes));
}

static void test_function_comes_back_as_it_was_made(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    unsigned char digest[32];
    assert_done(&b->f, create(b, zip(), &out));
    crypto_sha256(zip(), digest);
    out = get(b, "arn:aws:lambda:eu-west-2:111111111111:function:shipper");
    assert_true(
        str_eq(out.code_sha256, base64_encode(&b->f.arena, str_n((const char *)digest, 32))));
    assert_int_equal(out.code_size, sizeof(zip_bytes));
    assert_int_equal(out.timeout, 3);
    assert_int_equal(out.memory_size, 128);
    assert_true(str_is(out.state, "Active"));
    assert_true(str_is(out.version, "$LATEST"));
    assert_true(str_is(out.environment->variables.v[0].value, "very secret value"));
    assert_refused(&b->f, create(b, zip(), &out), "ResourceConflictException");
}

static void test_settings_are_not_readable_in_the_store(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    int64_t n = -1;
    assert_done(&b->f, create(b, zip(), &out));
    assert_done(&b->f, db_begin(b->f.db, &b->f.err));
    assert_int_equal(db_get_i64(b->f.db, &n, &b->f.err,
                                "SELECT count(*) FROM lambda_function WHERE "
                                "instr(config, CAST('very secret' AS BLOB)) > 0",
                                ""),
                     1);
    db_rollback(b->f.db);
    assert_int_equal(n, 0);
}

static void test_role_that_lambda_may_not_assume_is_refused(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    b->role = S("arn:aws:iam::111111111111:role/none");
    assert_refused(&b->f, create(b, zip(), &out), "InvalidParameterValueException");
    assert_non_null(strstr(b->f.err.msg, "cannot be assumed by Lambda"));
}

static void test_code_that_is_no_zip_is_refused(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    assert_refused(&b->f, create(b, S("#!/bin/sh"), &out), "InvalidParameterValueException");
}

static bool code_is_kept(struct bench *b, struct str bytes) {
    struct str name = crypto_sha256_hex(&b->f.arena, bytes);
    return file_exists(
        str_z(&b->f.arena, str_printf(&b->f.arena, "%s/lambda/%.*s.zip", b->f.dir, STR_ARG(name))));
}

static void test_code_nobody_uses_is_swept(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    struct service_env env = {.db = b->f.db, .clock = &b->f.clock, .data_dir = b->f.dir};
    struct queue_kind kinds[LAMBDA_KINDS];
    struct queue *queue = NULL;
    struct str other = str_n(other_bytes, sizeof(other_bytes));
    lambda_queue_kinds(&env, kinds);
    assert_done(&b->f, queue_open(b->f.db, &b->f.clock, kinds, LAMBDA_KINDS, &queue, &b->f.err));
    assert_done(&b->f, create(b, zip(), &out));
    const struct lambda_publish_version_request publish = {.function_name = S("shipper")};
    assert_done(&b->f,
                lambda_call_publish_version(&b->f.admin, &b->f.arena, &publish, &out, &b->f.err));
    const struct lambda_update_function_code_request in = {.function_name = S("shipper"),
                                                           .zip_file = other};
    assert_done(&b->f,
                lambda_call_update_function_code(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    queue_run_due(queue);
    assert_true(code_is_kept(b, zip())); /* version 1 has it */
    const struct lambda_delete_function_request gone = {.function_name = S("shipper:1")};
    struct lambda_delete_function_response none;
    assert_done(&b->f,
                lambda_call_delete_function(&b->f.admin, &b->f.arena, &gone, &none, &b->f.err));
    queue_run_due(queue);
    assert_false(code_is_kept(b, zip()));
    assert_true(code_is_kept(b, other));
    queue_stop(queue);
}

static void test_update_replaces_what_is_sent_and_keeps_the_rest(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    assert_done(&b->f, create(b, zip(), &out));
    struct lambda_update_function_configuration_request in = {
        .function_name = S("shipper"), .timeout = 30, .has_timeout = true};
    assert_done(&b->f, lambda_call_update_function_configuration(&b->f.admin, &b->f.arena, &in,
                                                                 &out, &b->f.err));
    out = get(b, "shipper");
    assert_int_equal(out.timeout, 30);
    assert_true(str_is(out.handler, "a.handle"));
    assert_true(str_is(out.environment->variables.v[0].key, "TOKEN"));
    in.revision_id = S("stale");
    assert_refused(
        &b->f,
        lambda_call_update_function_configuration(&b->f.admin, &b->f.arena, &in, &out, &b->f.err),
        "PreconditionFailedException");
}

static void test_unchanged_function_gives_no_second_version(void **state) {
    struct bench *b = *state;
    struct lambda_function_configuration out;
    const struct lambda_publish_version_request in = {.function_name = S("shipper")};
    assert_done(&b->f, create(b, zip(), &out));
    for (int i = 0; i < 2; i++) {
        assert_done(&b->f,
                    lambda_call_publish_version(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
        assert_true(str_is(out.version, "1"));
        assert_true(str_ends(out.function_arn, S(":shipper:1")));
        assert_null(out.master_arn.p);
    }
}

static void test_permissions_make_a_policy(void **state) {
    struct bench *b = *state;
    struct fixture *f = &b->f;
    struct lambda_function_configuration out;
    assert_done(f, create(b, zip(), &out));
    const struct lambda_get_policy_request get_in = {.function_name = S("shipper")};
    struct lambda_get_policy_response policy;
    assert_refused(f, lambda_call_get_policy(&f->admin, &f->arena, &get_in, &policy, &f->err),
                   "ResourceNotFoundException");
    const struct lambda_add_permission_request in = {
        .function_name = S("shipper"),
        .statement_id = S("logs"),
        .action = S("lambda:InvokeFunction"),
        .principal = S("logs.amazonaws.com"),
        .source_arn = S("arn:aws:logs:eu-west-2:111111111111:log-group:/x/*"),
        .source_account = S("111111111111")};
    struct lambda_add_permission_response added;
    assert_done(f, lambda_call_add_permission(&f->admin, &f->arena, &in, &added, &f->err));
    assert_refused(f, lambda_call_add_permission(&f->admin, &f->arena, &in, &added, &f->err),
                   "ResourceConflictException");
    assert_done(f, lambda_call_get_policy(&f->admin, &f->arena, &get_in, &policy, &f->err));
    json_t *json cleanup_json = json_parse(policy.policy, &f->err);
    const json_t *s = json_array_get(json_object_get(json, "Statement"), 0);
    const json_t *condition = json_object_get(s, "Condition");
    assert_true(str_is(json_str(json_object_get(s, "Principal"), "Service"), "logs.amazonaws.com"));
    assert_true(str_is(json_str(json_object_get(condition, "StringEquals"), "AWS:SourceAccount"),
                       "111111111111"));
    const struct lambda_remove_permission_request gone = {.function_name = S("shipper"),
                                                          .statement_id = S("logs")};
    struct lambda_remove_permission_output none;
    assert_done(f, lambda_call_remove_permission(&f->admin, &f->arena, &gone, &none, &f->err));
    assert_refused(f, lambda_call_remove_permission(&f->admin, &f->arena, &gone, &none, &f->err),
                   "ResourceNotFoundException");
}

static void test_invoke_says_that_functions_are_not_run(void **state) {
    struct bench *b = *state;
    struct fixture *f = &b->f;
    struct lambda_function_configuration out;
    assert_done(f, create(b, zip(), &out));
    struct lambda_invocation_request in = {.function_name = S("shipper"), .payload = S("{}")};
    struct lambda_invocation_response reply;
    assert_refused(f, lambda_call_invoke(&f->admin, &f->arena, &in, &reply, &f->err),
                   "InvalidRequestContentException");
    assert_non_null(strstr(f->err.msg, "not run"));
    in.invocation_type = S("DryRun");
    assert_done(f, lambda_call_invoke(&f->admin, &f->arena, &in, &reply, &f->err));
    assert_int_equal(reply.status_code, 204);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_function_comes_back_as_it_was_made),
        TEST(test_settings_are_not_readable_in_the_store),
        TEST(test_role_that_lambda_may_not_assume_is_refused),
        TEST(test_code_that_is_no_zip_is_refused),
        TEST(test_code_nobody_uses_is_swept),
        TEST(test_update_replaces_what_is_sent_and_keeps_the_rest),
        TEST(test_unchanged_function_gives_no_second_version),
        TEST(test_permissions_make_a_policy),
        TEST(test_invoke_says_that_functions_are_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
