/* Filter policies: which messages they let through, and which policies are none. */
#include "../../cmocka_.h"

#include "services/sns/filter.h"

static bool match(const char *policy, const char *attributes) {
    struct err err = ERR_INIT;
    json_t *p cleanup_json = json_parse(str_c(policy), &err);
    json_t *a cleanup_json = json_parse(str_c(attributes), &err);
    if (p == NULL || a == NULL || filter_check(p, false, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return filter_match_attributes(p, a);
}

#define TEXT(name, value) "{\"" name "\":{\"Type\":\"String\",\"Value\":\"" value "\"}}"
#define NUMBER(name, value) "{\"" name "\":{\"Type\":\"Number\",\"Value\":\"" value "\"}}"

static void test_exact_values_and_all_names_count(void **state) {
    (void)state;
    assert_true(match("{\"store\":[\"a\",\"b\"]}", TEXT("store", "b")));
    assert_false(match("{\"store\":[\"a\",\"b\"]}", TEXT("store", "c")));
    assert_false(match("{\"store\":[\"a\"],\"kind\":[\"x\"]}", TEXT("store", "a")));
    assert_false(match("{\"store\":[\"a\"]}", "{}"));
    assert_true(match("{\"n\":[10]}", NUMBER("n", "10.0")));
    assert_false(match("{\"n\":[\"10\"]}", NUMBER("n", "10")));
}

static void test_operators(void **state) {
    (void)state;
    assert_true(match("{\"s\":[{\"prefix\":\"prod\"}]}", TEXT("s", "production")));
    assert_true(match("{\"s\":[{\"suffix\":\"tion\"}]}", TEXT("s", "production")));
    assert_true(match("{\"s\":[{\"equals-ignore-case\":\"ALARM\"}]}", TEXT("s", "alarm")));
    assert_true(match("{\"s\":[{\"anything-but\":[\"x\",\"y\"]}]}", TEXT("s", "z")));
    assert_false(match("{\"s\":[{\"anything-but\":[\"x\",\"y\"]}]}", TEXT("s", "y")));
    assert_false(match("{\"s\":[{\"anything-but\":{\"prefix\":\"p\"}}]}", TEXT("s", "prod")));
    assert_true(match("{\"s\":[{\"cidr\":\"10.0.0.0/24\"}]}", TEXT("s", "10.0.0.255")));
    assert_false(match("{\"s\":[{\"cidr\":\"10.0.0.0/24\"}]}", TEXT("s", "10.0.1.0")));
    assert_true(match("{\"n\":[{\"numeric\":[\">\",0,\"<=\",150]}]}", NUMBER("n", "150")));
    assert_false(match("{\"n\":[{\"numeric\":[\">\",0,\"<=\",150]}]}", NUMBER("n", "150.5")));
    assert_true(match("{\"s\":[{\"exists\":false}]}", TEXT("t", "x")));
    assert_false(match("{\"s\":[{\"exists\":false}]}", TEXT("s", "x")));
    assert_true(match("{\"s\":[{\"exists\":true}]}", TEXT("s", "x")));
}

static void test_array_attribute_matches_by_any_element(void **state) {
    (void)state;
    const char *attributes =
        "{\"s\":{\"Type\":\"String.Array\",\"Value\":\"[\\\"rugby\\\",\\\"golf\\\"]\"}}";
    assert_true(match("{\"s\":[\"golf\"]}", attributes));
    assert_false(match("{\"s\":[\"chess\"]}", attributes));
}

static void test_body_is_matched_at_its_depth(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *policy cleanup_json = json_parse(S("{\"a\":{\"b\":[\"x\"]}}"), &err);
    json_t *yes cleanup_json = json_parse(S("{\"a\":{\"b\":\"x\"}}"), &err);
    json_t *no cleanup_json = json_parse(S("{\"a\":\"x\"}"), &err);
    assert_int_equal(filter_check(policy, true, &err), 0);
    assert_true(filter_match_body(policy, yes));
    assert_false(filter_match_body(policy, no));
    assert_false(filter_match_body(policy, NULL));
}

static void test_broken_policies_are_refused(void **state) {
    (void)state;
    const char *bad[] = {
        "[]",
        "{\"a\":\"x\"}",
        "{\"a\":[]}",
        "{\"a\":[{\"near\":\"x\"}]}",
        "{\"a\":[{\"prefix\":1}]}",
        "{\"a\":[{\"numeric\":[\"~\",1]}]}",
        "{\"a\":[{\"numeric\":[\"=\"]}]}",
        "{\"a\":[{\"prefix\":\"x\",\"suffix\":\"y\"}]}",
        "{\"a\":{\"b\":[\"x\"]}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        json_t *p cleanup_json = json_parse(str_c(bad[i]), &err);
        assert_non_null(p);
        if (filter_check(p, false, &err) == 0) {
            fail_msg("%s is accepted", bad[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_values_and_all_names_count),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_array_attribute_matches_by_any_element),
        cmocka_unit_test(test_body_is_matched_at_its_depth),
        cmocka_unit_test(test_broken_policies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
