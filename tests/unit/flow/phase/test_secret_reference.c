/* References to secrets, and members of their JSON. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/phase/secret_reference.h"

#define ARN "arn:aws:secretsmanager:eu-west-2:111111111111:secret:app/db-AbCdEf"

static void expect(const char *text, const char *id, const char *key, const char *stage,
                   const char *version) {
    struct err err = ERR_INIT;
    struct secret_reference r;
    if (secret_reference_parse(str_c(text), &r, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    assert_true(str_is(r.id, id));
    assert_true(key ? str_is(r.json_key, key) : r.json_key.p == NULL);
    assert_true(stage ? str_is(r.stage, stage) : r.stage.p == NULL);
    assert_true(version ? str_is(r.version_id, version) : r.version_id.p == NULL);
}

static void test_the_parts_of_a_reference_may_be_left_out_or_empty(void **state) {
    (void)state;
    expect("db", "db", NULL, NULL, NULL);
    expect("app/db:password", "app/db", "password", NULL, NULL);
    expect("db:password:AWSPREVIOUS", "db", "password", "AWSPREVIOUS", NULL);
    expect("db:::v1", "db", NULL, NULL, "v1");
    expect("db:password::v1", "db", "password", NULL, "v1");
    expect("db::AWSPENDING", "db", NULL, "AWSPENDING", NULL);
    expect("db:", "db", NULL, NULL, NULL);
}

static void test_the_colons_of_an_arn_do_not_count(void **state) {
    (void)state;
    expect(ARN, ARN, NULL, NULL, NULL);
    expect(ARN ":password", ARN, "password", NULL, NULL);
    expect(ARN ":password:AWSCURRENT:v1", ARN, "password", "AWSCURRENT", "v1");
    expect("arn:aws:short", "arn:aws:short", NULL, NULL, NULL);
}

static void test_what_is_no_reference_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", ":key", "db:a:b:c:d", ARN ":a:b:c:d"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct err err = ERR_INIT;
        struct secret_reference r;
        assert_int_equal(secret_reference_parse(str_c(bad[i]), &r, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.msg, "SECRET-ID[:JSON-KEY"));
    }
}

static void test_members_are_the_text_that_a_shell_expects(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str value;
    struct str json =
        S("{\"s\":\"a \\\"b\\\" \\u00e9\",\"i\":5432,\"big\":9007199254740993,\"r\":0.1,"
          "\"half\":2.5,\"t\":true,\"f\":false,\"o\":{\"x\":[1,2]},\"e\":\"\","
          "\"n\":null}");
    static const char *const pairs[][2] = {
        {"s", "a \"b\" \xc3\xa9"},
        {"i", "5432"},
        {"big", "9007199254740993"},
        {"r", "0.1"},
        {"half", "2.5"},
        {"t", "true"},
        {"f", "false"},
        {"o", "{\"x\":[1,2]}"},
        {"e", ""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        assert_int_equal(secret_member(&a, json, str_c(pairs[i][0]), &value, &err), 0);
        assert_true(str_is(value, pairs[i][1]));
    }
    assert_int_equal(secret_member(&a, json, S("absent"), &value, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(secret_member(&a, json, S("n"), &value, &err), -1);
    arena_done(&a);
}

static void test_no_message_shows_a_value(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct str value;
    static const char *const texts[] = {"hunter2", "{\"k\": hunter2}", "[\"hunter2\"]",
                                        "\"hunter2\""};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(secret_member(&a, str_c(texts[i]), S("k"), &value, &err), -1);
        assert_null(strstr(err.msg, "hunter2"));
    }
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_parts_of_a_reference_may_be_left_out_or_empty),
        cmocka_unit_test(test_the_colons_of_an_arn_do_not_count),
        cmocka_unit_test(test_what_is_no_reference_is_refused),
        cmocka_unit_test(test_members_are_the_text_that_a_shell_expects),
        cmocka_unit_test(test_no_message_shows_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
