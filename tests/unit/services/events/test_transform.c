/* What targets get instead of the event. */
#include "../../cmocka_.h"

#include "services/events/transform.h"

static const char event_text[] =
    "{\"id\":\"1\",\"source\":\"s\",\"resources\":[\"r0\",\"r1\"],\"detail\":{\"state\":\"he said "
    "\\\"no\\\"\",\"n\":5,\"a-b\":{\"c.d\":true},\"list\":[{\"x\":1},{\"y\":2},{\"x\":3}]}}";

static json_t *event(void) {
    struct err err = ERR_INIT;
    return json_parse(str_c(event_text), &err);
}

static void expect_path(const char *path, const char *want) {
    struct arena a = ARENA_INIT;
    json_t *e cleanup_json = event();
    json_t *found cleanup_json = transform_path(e, str_c(path));
    struct str got = found != NULL ? json_dump_str(&a, found) : S("nothing");
    if (!str_is(got, want)) {
        fail_msg("%s: %.*s", path, STR_ARG(got));
    }
    arena_done(&a);
}

static void test_paths_lead_to_parts_of_the_event(void **state) {
    (void)state;
    expect_path("$", event_text);
    expect_path("$.source", "\"s\"");
    expect_path("$.resources[1]", "\"r1\"");
    expect_path("$.resources[2]", "nothing");
    expect_path("$.detail.a-b['c.d']", "true");
    expect_path("$['detail'][\"n\"]", "5");
    expect_path("$.detail.list[*].x", "[1,3]");
    expect_path("$.detail.nothing.at.all", "nothing");
    expect_path("$.source.x", "nothing");
}

static void test_broken_paths_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "detail", "$.", "$..a",  "$[",    "$[]",
                                      "$[x]", "$.a[",   "$x", "$[-1]", "$['a]", "$[99999999999]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        if (transform_path_check(str_c(bad[i]), &err) == 0) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static const struct str_pair pairs[] = {
    {S_INIT("state"), S_INIT("$.detail.state")},
    {S_INIT("n"), S_INIT("$.detail.n")},
    {S_INIT("all"), S_INIT("$.resources")},
    {S_INIT("gone"), S_INIT("$.detail.gone")},
};
static const struct str_map paths = {(struct str_pair *)pairs, sizeof(pairs) / sizeof(pairs[0])};

static void expect(const char *template, const char *want) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const struct transform_about about = {S("arn:rule"), S("rule"), 0};
    json_t *e cleanup_json = event();
    struct str got = STR_NONE;
    if (transform_template_check(&paths, str_c(template), &err) < 0 ||
        transform_template(&a, e, &about, &paths, str_c(template), &got, &err) < 0) {
        fail_msg("%s: %s", template, err.msg);
    }
    if (!str_is(got, want)) {
        fail_msg("%s: %.*s", template, STR_ARG(got));
    }
    arena_done(&a);
}

static void test_placeholders_become_json_or_text(void **state) {
    (void)state;
    expect("{\"s\": <state>, \"n\": <n>}", "{\"s\": \"he said \\\"no\\\"\", \"n\": 5}");
    expect("\"it is <state>, <n> times\"", "\"it is he said \\\"no\\\", 5 times\"");
    expect("\"of <all>\"", "\"of [\\\"r0\\\",\\\"r1\\\"]\"");
    expect("{\"l\": <all>}", "{\"l\": [\"r0\",\"r1\"]}");
    expect("\"one\"\n\"two <n>\"", "\"one\"\n\"two 5\"");
    expect("\"a \\\" quote <n>\"", "\"a \\\" quote 5\"");
    expect("\"a < b, <not one>\"", "\"a < b, <not one>\"");
}

static void test_what_is_missing_is_nothing(void **state) {
    (void)state;
    expect("{\"a\": <gone>, \"b\": \"<gone>!\"}", "{\"a\": null, \"b\": \"!\"}");
}

static void test_eventbridge_knows_some_names_itself(void **state) {
    (void)state;
    expect("{\"r\": <aws.events.rule-arn>, \"n\": \"<aws.events.rule-name>\"}",
           "{\"r\": \"arn:rule\", \"n\": \"rule\"}");
    expect("<aws.events.event>", "{\"id\":\"1\",\"source\":\"s\",\"resources\":[\"r0\",\"r1\"]}");
    expect("<aws.events.event.json>", event_text);
    expect("<aws.events.event.ingestion-time>", "\"1970-01-01T00:00:00Z\"");
}

static void test_broken_templates_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "<unknown>", "plain text",    "{\"a\": <n>", "\"open",
        " ",         "{\"a\": <n>,}", "<n",          "<aws.events.other>"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        if (transform_template_check(&paths, str_c(bad[i]), &err) == 0) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void test_a_template_that_grows_without_bound_is_stopped(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const struct transform_about about = {0};
    json_t *e cleanup_json = json_object();
    char *big = arena_alloc(&a, 200 * 1000);
    memset(big, 'x', 200 * 1000);
    json_set_str(e, "big", str_n(big, 200 * 1000));
    char *template = arena_alloc(&a, 8193);
    for (size_t i = 0; i < 8192; i += 4) {
        memcpy(template + i, "<b> ", 4);
    }
    const struct str_pair pair = {S("b"), S("$.big")};
    const struct str_map map = {(struct str_pair *)&pair, 1};
    struct str got;
    assert_int_equal(transform_template(&a, e, &about, &map, str_c(template), &got, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_lead_to_parts_of_the_event),
        cmocka_unit_test(test_broken_paths_are_refused),
        cmocka_unit_test(test_placeholders_become_json_or_text),
        cmocka_unit_test(test_what_is_missing_is_nothing),
        cmocka_unit_test(test_eventbridge_knows_some_names_itself),
        cmocka_unit_test(test_broken_templates_are_refused),
        cmocka_unit_test(test_a_template_that_grows_without_bound_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
