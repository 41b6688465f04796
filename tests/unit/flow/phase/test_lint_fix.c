/* What --fix mends, and what it leaves alone. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/phase/lint_fix.h"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static void assert_fix(const char *before, const char *after, size_t fixes) {
    struct lint_fixes fixed;
    struct str text;
    struct err err = ERR_INIT;
    assert_int_equal(lint_fix(&arena, "b.yml", str_c(before), &text, &fixed, &err), 0);
    assert_string_equal(str_z(&arena, text), after);
    assert_int_equal(fixed.n, fixes);
}

#define HEAD "version: 0.2\nphases:\n  build:\n    commands:\n"

static void test_a_command_with_a_colon_is_quoted(void **state) {
    (void)state;
    assert_fix(HEAD "      - echo a: b\n      - echo c\n",
               HEAD "      - 'echo a: b'\n      - echo c\n", 1);
    assert_fix(HEAD "      - echo it's C: d\r\n", HEAD "      - 'echo it''s C: d'\r\n", 1);
    assert_fix(HEAD "      - name: x\n        run: y\n", HEAD "      - name: x\n        run: y\n",
               0);
    assert_fix(HEAD "      - echo a: b # c\n", HEAD "      - echo a: b # c\n", 0);
}

static void test_variables_get_braces(void **state) {
    (void)state;
    assert_fix(
        "version: 0.2\nenv:\n  variables:\n    A: $B-$C1\n    D: \"x/$E\" # f\nphases: {}\n",
        "version: 0.2\nenv:\n  variables:\n    A: ${B}-${C1}\n    D: \"x/${E}\" # f\nphases: "
        "{}\n",
        2);
}

static void test_empty_items_go_and_comments_stay(void **state) {
    (void)state;
    assert_fix(HEAD "      - a\n      -\n      - # kubectl\n      - b\n",
               HEAD "      - a\n      # kubectl\n      - b\n", 2);
}

static void test_keys_one_letter_off_are_renamed(void **state) {
    (void)state;
    assert_fix("version: 0.2\nphases:\n  pre-build: {commands: [a]}\n  Build:\n    command: b\n",
               "version: 0.2\nphases:\n  pre_build: {commands: [a]}\n  build:\n    commands: b\n",
               3);
    assert_fix("version: 0.2\nphases:\n  deploy: {commands: [a]}\n",
               "version: 0.2\nphases:\n  deploy: {commands: [a]}\n", 0);
    assert_fix("version: 0.2\nphases:\n  build: {commands: [a]}\n  Build: {commands: [b]}\n",
               "version: 0.2\nphases:\n  build: {commands: [a]}\n  Build: {commands: [b]}\n", 0);
}

static void test_a_missing_version_is_added(void **state) {
    (void)state;
    assert_fix("phases: {}\n", "version: 0.2\nphases: {}\n", 1);
    assert_fix("\xef\xbb\xbfphases: {}\r\n", "\xef\xbb\xbfversion: 0.2\r\nphases: {}\r\n", 1);
    assert_fix("---\nphases: {}\n", "---\nversion: 0.2\nphases: {}\n", 1);
    assert_fix("version: 0.3\nphases: {}\n", "version: 0.3\nphases: {}\n", 0);
}

static void test_tabs_between_tokens_become_blanks(void **state) {
    (void)state;
    assert_fix(HEAD "      - a\t\n      - b\tc\n      - \"d\te\"\n",
               HEAD "      - a \n      - b c\n      - \"d\te\"\n", 2);
    assert_fix("version: 0.2\nphases:\n\tbuild: {}\n", "version: 0.2\nphases:\n\tbuild: {}\n", 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_with_a_colon_is_quoted),
        cmocka_unit_test(test_variables_get_braces),
        cmocka_unit_test(test_empty_items_go_and_comments_stay),
        cmocka_unit_test(test_keys_one_letter_off_are_renamed),
        cmocka_unit_test(test_a_missing_version_is_added),
        cmocka_unit_test(test_tabs_between_tokens_become_blanks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
