/* Trigger patterns, as CodePipeline documents them. */
#include "../cmocka_.h"

#include "flow/definition/glob.h"

static bool m(const char *pattern, const char *text) {
    return glob_match(str_c(pattern), str_c(text));
}

static void test_star_stays_within_a_component_and_two_cross(void **state) {
    (void)state;
    assert_true(m("*.md", "README.md"));
    assert_false(m("*.md", "docs/README.md"));
    assert_true(m("**.md", "docs/README.md"));
    assert_true(m("docs/**", "docs/a/b.txt"));
    assert_false(m("docs/**", "src/docs/a"));
    assert_false(m("main*", "main/x"));
    assert_true(m("**", "anything/at/all"));
}

static void test_classes_groups_and_escapes(void **state) {
    (void)state;
    assert_true(m("release-[0-9]", "release-7"));
    assert_false(m("release-[!0-9]", "release-7"));
    assert_true(m("*.{yml,yaml}", "buildspec.yaml"));
    assert_false(m("*.{yml,yaml}", "buildspec.json"));
    assert_true(m("a\\*b", "a*b"));
    assert_false(m("a\\*b", "axb"));
    assert_false(m("a?b", "a/b"));
}

static void test_broken_patterns_are_named(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(glob_check(S("a[b"), &err), -1);
    assert_non_null(strstr(err.msg, "column 2"));
    assert_int_equal(glob_check(S("{a,{b}}"), &err), -1);
    assert_int_equal(glob_check(S("x\\"), &err), -1);
    assert_int_equal(glob_check(S("{a"), &err), -1);
}

static void test_excludes_win_over_includes(void **state) {
    (void)state;
    struct str in[] = {S_INIT("src/**")};
    struct str ex[] = {S_INIT("**/*.md")};
    struct str_list includes = {in, 1};
    struct str_list excludes = {ex, 1};
    struct str_list none = {0};
    assert_true(glob_passes(&includes, &excludes, S("src/a.c")));
    assert_false(glob_passes(&includes, &excludes, S("src/a.md")));
    assert_false(glob_passes(&includes, &excludes, S("docs/a.c")));
    assert_true(glob_passes(&none, &excludes, S("anything")));
}

static void test_hostile_pattern_ends(void **state) {
    (void)state;
    char pattern[256];
    char text[2048];
    for (size_t i = 0; i + 2 < sizeof(pattern); i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    pattern[254] = 'b';
    memset(text, 'a', sizeof(text));
    assert_false(glob_match(str_n(pattern, 255), str_n(text, sizeof(text))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_star_stays_within_a_component_and_two_cross),
        cmocka_unit_test(test_classes_groups_and_escapes),
        cmocka_unit_test(test_broken_patterns_are_named),
        cmocka_unit_test(test_excludes_win_over_includes),
        cmocka_unit_test(test_hostile_pattern_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
