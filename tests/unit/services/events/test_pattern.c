/* Event patterns: what EventBridge's documents say of every operator, and what they refuse. */
#include "../../cmocka_.h"

#include "services/events/pattern.h"

static bool matches(const char *pattern, const char *event) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ev_pattern *p = NULL;
    json_t *json cleanup_json = json_parse(str_c(event), &err);
    if (json == NULL || ev_pattern_compile(&a, str_c(pattern), &p, &err) < 0) {
        fail_msg("%s: %s", pattern, err.msg);
    }
    bool result = ev_pattern_match(p, json);
    arena_done(&a);
    return result;
}

/* `values` of one field of the detail against a value of it. */
static bool field(const char *values, const char *value) {
    struct arena a = ARENA_INIT;
    struct str pattern = str_printf(&a, "{\"detail\":{\"x\":[%s]}}", values);
    struct str event = str_printf(&a, "{\"detail\":{\"x\":%s}}", value);
    bool result = matches(str_z(&a, pattern), str_z(&a, event));
    arena_done(&a);
    return result;
}

struct row {
    const char *values, *yes, *no;
};

static void check(const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i].yes != NULL && !field(rows[i].values, rows[i].yes)) {
            fail_msg("[%s] does not match %s", rows[i].values, rows[i].yes);
        }
        if (rows[i].no != NULL && field(rows[i].values, rows[i].no)) {
            fail_msg("[%s] matches %s", rows[i].values, rows[i].no);
        }
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_plain_values_are_equal_or_not(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"\"a\",\"b\"", "\"b\"", "\"c\""},
        {"\"\"", "\"\"", "\"a\""},
        {"\"a\"", "\"a\"", "\"A\""},
        {"null", "null", "\"null\""},
        {"true", "true", "\"true\""},
        {"false", "false", "true"},
        {"5", "5", "\"5\""},
        {"300", "300.0", "301"},
        {"3.0e2", "300", "30"},
        {"0.1234567", "0.1234568", "0.12344"},
        {"12345678901", "12345678901", "12345678902"},
    };
    CHECK(rows);
}

static void test_text_operators(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"prefix\":\"us-\"}", "\"us-east-1\"", "\"eu-us-1\""},
        {"{\"prefix\":\"\"}", "\"\"", "5"},
        {"{\"prefix\":{\"equals-ignore-case\":\"EventB\"}}", "\"eventbridge\"", "\"event\""},
        {"{\"suffix\":\".png\"}", "\"a.png\"", "\"a.PNG\""},
        {"{\"suffix\":{\"equals-ignore-case\":\".png\"}}", "\"a.PNG\"", "\"png\""},
        {"{\"equals-ignore-case\":\"alice\"}", "\"ALICE\"", "\"alices\""},
        {"{\"wildcard\":\"dir/*.png\"}", "\"dir/a/b.png\"", "\"dir/a.png.txt\""},
        {"{\"wildcard\":\"*\"}", "\"\"", "1"},
        {"{\"wildcard\":\"a*b*c\"}", "\"aXbbYc\"", "\"acb\""},
        {"{\"wildcard\":\"a*a\"}", "\"aa\"", "\"a\""},
        {"{\"wildcard\":\"a\\\\*b\"}", "\"a*b\"", "\"aXb\""},
        {"{\"wildcard\":\"a\\\\\\\\b\"}", "\"a\\\\b\"", "\"ab\""},
        {"{\"wildcard\":\"plain\"}", "\"plain\"", "\"plainer\""},
    };
    CHECK(rows);
}

static void test_numbers_lie_in_ranges(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"numeric\":[\"=\",3.018e2]}", "301.8", "301.81"},
        {"{\"numeric\":[\">\",0,\"<=\",5]}", "5", "0"},
        {"{\"numeric\":[\">\",0,\"<=\",5]}", "0.000001", "5.000001"},
        {"{\"numeric\":[\"<\",10]}", "-5000000000", "10"},
        {"{\"numeric\":[\">=\",-2]}", "-2", "-2.5"},
        {"{\"numeric\":[\">\",1]}", NULL, "\"2\""},
    };
    CHECK(rows);
}

static void test_addresses_lie_in_networks(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"cidr\":\"10.0.0.0/24\"}", "\"10.0.0.255\"", "\"10.0.1.0\""},
        {"{\"cidr\":\"10.0.0.64/26\"}", "\"10.0.0.127\"", "\"10.0.0.128\""},
        {"{\"cidr\":\"0.0.0.0/0\"}", "\"1.2.3.4\"", "\"::1\""},
        {"{\"cidr\":\"2001:db8::/32\"}", "\"2001:db8:ffff::1\"", "\"2001:db9::\""},
        {"{\"cidr\":\"10.0.0.0/24\"}", NULL, "\"10.0.0.1/24\""},
        {"{\"cidr\":\"10.0.0.0/24\"}", NULL, "\"nonsense\""},
    };
    CHECK(rows);
}

static void test_anything_but_has_all_its_forms(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"anything-but\":\"a\"}", "\"b\"", "\"a\""},
        {"{\"anything-but\":[\"a\",\"b\"]}", "\"c\"", "\"b\""},
        {"{\"anything-but\":\"a\"}", "5", NULL},
        {"{\"anything-but\":123}", "124", "123.0"},
        {"{\"anything-but\":[100,200]}", "300", "200"},
        {"{\"anything-but\":{\"prefix\":\"us-\"}}", "\"eu-1\"", "\"us-1\""},
        {"{\"anything-but\":{\"prefix\":[\"a\",\"b\"]}}", "\"c\"", "\"b1\""},
        {"{\"anything-but\":{\"suffix\":\".png\"}}", "\"a.jpg\"", "\"a.png\""},
        {"{\"anything-but\":{\"suffix\":[\".png\",\".rgb\"]}}", "\"a\"", "\"a.rgb\""},
        {"{\"anything-but\":{\"equals-ignore-case\":\"X\"}}", "\"y\"", "\"x\""},
        {"{\"anything-but\":{\"equals-ignore-case\":[\"X\",\"Y\"]}}", "\"z\"", "\"y\""},
        {"{\"anything-but\":{\"wildcard\":\"*/lib/*\"}}", "\"/bin/a\"", "\"/usr/lib/a\""},
        {"{\"anything-but\":{\"wildcard\":[\"*/lib/*\",\"*/bin/*\"]}}", "\"/a\"", "\"/bin/a\""},
        {"{\"anything-but\":\"a\"}", "[\"a\",\"b\"]", "[\"a\"]"},
    };
    CHECK(rows);
}

static void test_existence_is_that_of_leaves(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{\"exists\":true}", "null", "{\"y\":1}"},     {"{\"exists\":true}", "[0]", "[]"},
        {"{\"exists\":false}", "{\"y\":1}", "0"},       {"{\"exists\":false}", "[]", "[null]"},
        {"\"a\",{\"exists\":false}", "\"a\"", "\"b\""},
    };
    CHECK(rows);
    assert_true(matches("{\"detail\":{\"x\":[{\"exists\":false}]}}", "{\"detail\":{}}"));
    assert_true(matches("{\"detail\":{\"x\":{\"y\":[{\"exists\":false}]}}}", "{}"));
    assert_false(matches("{\"detail\":{\"x\":[{\"exists\":true}]}}", "{\"detail\":{}}"));
    assert_false(matches("{\"a\":[{\"exists\":false}],\"b\":[1]}", "{\"a\":1,\"b\":1}"));
}

static void test_arrays_match_by_an_element(void **state) {
    (void)state;
    assert_true(matches("{\"resources\":[\"b\"]}", "{\"resources\":[\"a\",\"b\"]}"));
    assert_true(matches("{\"r\":[\"c\"]}", "{\"r\":[\"a\",[\"b\",[\"c\"]]]}"));
    assert_false(matches("{\"r\":[\"c\"]}", "{\"r\":[\"a\",{\"c\":\"c\"}]}"));
}

static void test_fields_of_an_element_belong_together(void **state) {
    (void)state;
    const char *pattern = "{\"e\":{\"name\":[\"x\"],\"n\":[1]}}";
    assert_true(matches(pattern, "{\"e\":[{\"name\":\"y\",\"n\":1},{\"name\":\"x\",\"n\":1}]}"));
    assert_false(matches(pattern, "{\"e\":[{\"name\":\"y\",\"n\":1},{\"name\":\"x\",\"n\":2}]}"));
    assert_true(matches(pattern, "{\"e\":[[{\"name\":\"x\",\"n\":1}]]}"));
    const char *absent = "{\"e\":{\"n\":[{\"exists\":false}]}}";
    assert_false(matches(absent, "{\"e\":[{\"m\":1},{\"n\":1}]}"));
    assert_true(matches(absent, "{\"e\":[{\"m\":1},{\"m\":2}]}"));
}

static void test_or_is_a_relation_of_fields(void **state) {
    (void)state;
    const char *pattern = "{\"source\":[\"s\"],\"$or\":[{\"a\":[1]},{\"b\":[2],\"c\":[3]},"
                          "{\"d\":{\"$or\":[{\"e\":[4]},{\"f\":[5]}]}}]}";
    assert_true(matches(pattern, "{\"source\":\"s\",\"a\":1}"));
    assert_true(matches(pattern, "{\"source\":\"s\",\"b\":2,\"c\":3}"));
    assert_false(matches(pattern, "{\"source\":\"s\",\"b\":2}"));
    assert_true(matches(pattern, "{\"source\":\"s\",\"d\":{\"f\":5}}"));
    assert_false(matches(pattern, "{\"source\":\"t\",\"a\":1}"));
    assert_true(matches("{\"$or\":[1,2]}", "{\"$or\":2}")); /* no relation: a field of that name */
    assert_false(matches("{\"$or\":[{\"prefix\":\"a\"},{\"prefix\":\"b\"}]}", "{\"$or\":\"c\"}"));
}

static void test_objects_in_the_way_of_a_value_do_not_match(void **state) {
    (void)state;
    assert_false(matches("{\"a\":{\"b\":[1]}}", "{\"a\":1}"));
    assert_false(matches("{\"a\":[1]}", "{\"a\":{\"b\":1}}"));
    assert_false(matches("{\"a\":[1]}", "[]"));
}

static void test_broken_patterns_are_refused_with_the_reason(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", "line 1"},
        {"[]", "not an object"},
        {"{}", "Empty objects"},
        {"{\"a\":{}}", "Empty objects"},
        {"{\"a\":[]}", "Empty arrays"},
        {"{\"a\":1}", "must be an object or an array"},
        {"{\"a\":[[1]]}", "Match value must be"},
        {"{\"a\":[{\"prefix\":\"a\",\"suffix\":\"b\"}]}", "Only one key"},
        {"{\"a\":[{}]}", "Only one key"},
        {"{\"a\":[{\"unknown\":1}]}", "Unrecognized match type unknown"},
        {"{\"a\":[{\"prefix\":1}]}", "must be a string"},
        {"{\"a\":[{\"prefix\":{\"equals-ignore-case\":1}}]}", "must be a string"},
        {"{\"a\":[{\"exists\":1}]}", "true or false"},
        {"{\"a\":[{\"numeric\":[\">\"]}]}", "numeric"},
        {"{\"a\":[{\"numeric\":[\">\",\"1\"]}]}", "must be numbers"},
        {"{\"a\":[{\"numeric\":[\">\",1,\">\",2]}]}", "Bad numeric range"},
        {"{\"a\":[{\"numeric\":[\"<\",1,\">\",2]}]}", "Bad numeric range"},
        {"{\"a\":[{\"numeric\":[\">\",5,\"<\",5]}]}", "Bottom must be less"},
        {"{\"a\":[{\"numeric\":[\"<\",5000000001]}]}", "between -5.0E9"},
        {"{\"a\":[{\"wildcard\":\"a**b\"}]}", "Consecutive"},
        {"{\"a\":[{\"wildcard\":\"a\\\\b\"}]}", "escape"},
        {"{\"a\":[{\"wildcard\":\"a\\\\\"}]}", "escape"},
        {"{\"a\":[{\"cidr\":\"10.0.0.0\"}]}", "CIDR"},
        {"{\"a\":[{\"cidr\":\"10.0.0.0/33\"}]}", "CIDR"},
        {"{\"a\":[{\"cidr\":\"10.0.0/8\"}]}", "CIDR"},
        {"{\"a\":[{\"anything-but\":[]}]}", "Empty arrays"},
        {"{\"a\":[{\"anything-but\":[\"a\",1]}]}", "mixed type"},
        {"{\"a\":[{\"anything-but\":null}]}", "anything-but"},
        {"{\"a\":[{\"anything-but\":{\"prefix\":\"\"}}]}", "Null prefix"},
        {"{\"a\":[{\"anything-but\":{\"numeric\":[\"=\",1]}}]}", "Unsupported anything-but"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct ev_pattern *p = NULL;
        assert_int_equal(ev_pattern_compile(&a, str_c(bad[i][0]), &p, &err), -1);
        if (strstr(err.msg, bad[i][1]) == NULL) {
            fail_msg("%s: %s", bad[i][0], err.msg);
        }
        arena_done(&a);
    }
}

static void test_a_pattern_with_too_many_ways_is_refused(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ev_pattern *p = NULL;
    struct str levels = S("{\"z\":[1]}");
    for (int i = 0; i < 10; i++) { /* 2 to the power of 10 */
        levels =
            str_printf(&a, "{\"$or\":[{\"a\":[1]},{\"b\":[1]}],\"n%d\":%.*s}", i, STR_ARG(levels));
    }
    assert_int_equal(ev_pattern_compile(&a, levels, &p, &err), -1);
    assert_non_null(strstr(err.msg, "too complex"));
    arena_done(&a);
}

static void test_hostile_texts_take_no_longer_than_others(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ev_pattern *p = NULL;
    enum { STARS = 1300, LONG = 200 * 1000 };
    char *stars = arena_alloc(&a, STARS * 3 + 2);
    for (int i = 0; i < STARS; i++) {
        memcpy(stars + (ptrdiff_t)i * 3, "a*a", 3); /* aaaa... with a b at the end only */
    }
    stars[(ptrdiff_t)STARS * 3] = 'b';
    struct str pattern = str_printf(&a, "{\"x\":[{\"wildcard\":\"%s\"}]}", stars);
    char *text = arena_alloc(&a, LONG + 1);
    memset(text, 'a', LONG);
    json_t *event cleanup_json = json_object();
    json_set_str(event, "x", str_n(text, LONG));
    assert_int_equal(ev_pattern_compile(&a, pattern, &p, &err), 0);
    for (int i = 0; i < 1000; i++) { /* with backtracking one would not end */
        assert_false(ev_pattern_match(p, event));
    }
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_values_are_equal_or_not),
        cmocka_unit_test(test_text_operators),
        cmocka_unit_test(test_numbers_lie_in_ranges),
        cmocka_unit_test(test_addresses_lie_in_networks),
        cmocka_unit_test(test_anything_but_has_all_its_forms),
        cmocka_unit_test(test_existence_is_that_of_leaves),
        cmocka_unit_test(test_arrays_match_by_an_element),
        cmocka_unit_test(test_fields_of_an_element_belong_together),
        cmocka_unit_test(test_or_is_a_relation_of_fields),
        cmocka_unit_test(test_objects_in_the_way_of_a_value_do_not_match),
        cmocka_unit_test(test_broken_patterns_are_refused_with_the_reason),
        cmocka_unit_test(test_a_pattern_with_too_many_ways_is_refused),
        cmocka_unit_test(test_hostile_texts_take_no_longer_than_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
