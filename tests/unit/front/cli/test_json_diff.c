/* What is said to differ. */
#include "../../cmocka_.h"

#include "front/cli/json_diff.h"

static struct arena arena;

/* Differences as lines "+ path to", "- path from", "~ path from to". */
static void differs(const char *have, const char *wanted, bool whole, const char *lines) {
    struct err err = ERR_INIT;
    json_t *x cleanup_json = json_parse(str_c(have), &err);
    json_t *y cleanup_json = json_parse(str_c(wanted), &err);
    assert_non_null(x);
    assert_non_null(y);
    struct json_differences all = json_diff(&arena, x, y, whole, " version ");
    struct str text = S("");
    for (size_t i = 0; i < all.n; i++) {
        const struct json_difference *d = &all.v[i];
        text = str_printf(&arena, STR_FMT "%c " STR_FMT "%s" STR_FMT "%s" STR_FMT "\n",
                          STR_ARG(text), "+-~"[d->change], STR_ARG(d->path), d -> from.p ? " " : "",
                          STR_ARG(d->from), d->to.p ? " " : "", STR_ARG(d->to));
    }
    assert_string_equal(str_z(&arena, text), lines);
}

static void test_equal_trees_do_not_differ(void **state) {
    (void)state;
    differs("{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":[1,2]}}", true, "");
    differs("{\"version\":7,\"a\":1}", "{\"a\":1}", true, "");
}

static void test_nothing_is_nothing_in_each_of_its_forms(void **state) {
    (void)state;
    differs("{\"a\":[],\"b\":null,\"c\":{}}", "{\"b\":\"\"}", true, "");
}

static void test_members_of_the_service_count_only_for_the_whole(void **state) {
    (void)state;
    differs("{\"a\":1,\"b\":2}", "{\"a\":1}", false, "");
    differs("{\"a\":1,\"b\":2}", "{\"a\":1}", true, "- b 2\n");
}

static void test_changes_are_named_by_path(void **state) {
    (void)state;
    differs("{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"y\",\"c\":1}}", true,
            "~ a.b \"x\" \"y\"\n+ a.c 1\n");
}

static void test_elements_with_names_are_compared_by_them(void **state) {
    (void)state;
    differs("{\"s\":[{\"name\":\"A\",\"x\":1},{\"name\":\"C\"}]}",
            "{\"s\":[{\"name\":\"A\",\"x\":2},{\"name\":\"B\"}]}", true,
            "~ s.A.x 1 2\n+ s.B {\"name\":\"B\"}\n- s.C {\"name\":\"C\"}\n");
}

static void test_another_order_is_a_difference(void **state) {
    (void)state;
    differs("{\"s\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
            "{\"s\":[{\"name\":\"B\"},{\"name\":\"A\"}]}", true,
            "~ s.1.name \"A\" \"B\"\n~ s.2.name \"B\" \"A\"\n");
}

static void test_lists_without_names_are_compared_whole_or_by_place(void **state) {
    (void)state;
    differs("{\"s\":[1,2]}", "{\"s\":[1]}", true, "~ s [1,2] [1]\n");
    differs("{\"s\":[1,2]}", "{\"s\":[1,3]}", true, "~ s.2 2 3\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_trees_do_not_differ),
        cmocka_unit_test(test_nothing_is_nothing_in_each_of_its_forms),
        cmocka_unit_test(test_members_of_the_service_count_only_for_the_whole),
        cmocka_unit_test(test_changes_are_named_by_path),
        cmocka_unit_test(test_elements_with_names_are_compared_by_them),
        cmocka_unit_test(test_another_order_is_a_difference),
        cmocka_unit_test(test_lists_without_names_are_compared_whole_or_by_place),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
