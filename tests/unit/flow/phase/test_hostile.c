/*
 * Buildspecs made to hurt: each gives a clear error or the stated behaviour, in bounded processor
 * time. What concerns artifacts and the path of the buildspec stands in test_select and in the
 * tests of builds; what is small enough to be a file stands in tests/corpus/bad.
 */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "flow/phase/lint_fix.h"

#include <time.h>

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

/* Reads and lints within `ms` of processor time (sanitizers and slow machines included). */
static struct buildspec read_within(struct str text, unsigned ms) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    clock_t begin = clock();
    assert_int_equal(lint_buildspec(&arena, "buildspec.yml", text, &spec, &err), 0);
    assert_in_range((clock() - begin) * 1000 / CLOCKS_PER_SEC, 0, ms);
    return spec;
}

static void assert_error(const struct buildspec *spec, const char *code, unsigned line,
                         const char *part) {
    assert_true(spec->errors.n > 0);
    const struct buildspec_note *note = &spec->errors.v[0];
    if (strcmp(note->code, code) != 0 || note->line != line || !strstr(note->text.p, part)) {
        fail_msg("wanted %s in line %u with '%s', not %s in line %u: %s", code, line, part,
                 note->code, note->line, note->text.p);
    }
}

static struct str repeat(const char *before, const char *what, size_t n, const char *behind) {
    struct buf text cleanup_buf;
    buf_init(&text, 64 * 1024 * 1024);
    buf_add_z(&text, before);
    for (size_t i = 0; i < n; i++) {
        buf_add_z(&text, what);
    }
    buf_add_z(&text, behind);
    return buf_dup(&arena, &text);
}

#define HEAD "version: 0.2\nphases:\n  build:\n    commands:\n"

static void test_an_alias_bomb_ends_before_it_grows(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 10000);
    buf_add_z(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    struct buildspec spec = read_within(buf_dup(&arena, &text), 100);
    assert_error(&spec, "limit", 4, "100000 nodes");
}

static void test_twenty_thousand_brackets_are_too_deep(void **state) {
    (void)state;
    struct buildspec spec = read_within(repeat("version: 0.2\nphases: ", "[", 20000, ""), 500);
    assert_error(&spec, "limit", 2, "200 levels");
    spec = read_within(repeat("version: 0.2\nphases: ", "{a: ", 20000, ""), 500);
    assert_error(&spec, "limit", 2, "200 levels");
}

static void test_equal_keys_name_their_lines(void **state) {
    (void)state;
    struct buildspec spec = read_within(
        S("version: 0.2\nphases: {build: {commands: [a]}}\nphases: {build: {commands: [b]}}\n"),
        500);
    assert_int_equal(spec.warnings.n, 1);
    assert_int_equal(spec.warnings.v[0].line, 3);
    assert_non_null(strstr(spec.warnings.v[0].text.p, "line 2"));
    assert_true(str_is(spec.phase[BUILDSPEC_BUILD].commands.v[0], "b"));
}

static void test_a_scalar_of_sixteen_megabytes_is_too_large(void **state) {
    (void)state;
    struct buildspec spec =
        read_within(repeat(HEAD "      - echo ", "0123456789abcdef", 1024 * 1024, "\n"), 500);
    assert_error(&spec, "limit", 1, "1 MiB");
}

static void test_the_largest_command_is_linted_in_time(void **state) {
    (void)state;
    struct buildspec spec = read_within(
        repeat(HEAD "      - |\n", "        a | b; $(c `d`) || true\n", 30000, ""), 5000);
    assert_int_equal(spec.errors.n, 0);
    spec = read_within(repeat(HEAD, "      - make | tee log\n", 40000, ""), 5000);
    assert_int_equal(spec.warnings.n, BUILDSPEC_MAX_NOTES);
}

static void test_fifty_thousand_unknown_keys_are_told_in_bounds(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 1024 * 1024);
    for (int i = 0; i < 49000; i++) {
        buf_printf(&text, "k%d: v\n", i);
    }
    struct buildspec spec = read_within(buf_dup(&arena, &text), 5000);
    assert_int_equal(spec.warnings.n, BUILDSPEC_MAX_NOTES);
    assert_error(&spec, "phases", 1, "phases is missing");
}

static void test_a_python_tag_runs_nothing(void **state) {
    (void)state;
    struct buildspec spec =
        read_within(S(HEAD "      - !!python/object/apply:os.system ['touch /tmp/x']\n"), 500);
    assert_error(&spec, "yaml", 5, "means nothing here");
}

static void test_a_merge_of_itself_is_refused(void **state) {
    (void)state;
    struct buildspec spec =
        read_within(S("version: 0.2\nphases: &a\n  <<: *a\n  build: {commands: [b]}\n"), 500);
    assert_error(&spec, "limit", 3, "inside the node");
}

/* PyYAML and AWS's parser read UTF-16 with a mark; so it is read here. */
static void test_utf_16_with_a_mark_is_read(void **state) {
    (void)state;
    struct str text = S(HEAD "      - echo x\n");
    struct buf wide cleanup_buf;
    buf_init(&wide, 1024);
    buf_add(&wide, S("\xFF\xFE"));
    for (size_t i = 0; i < text.n; i++) {
        buf_add_c(&wide, text.p[i]);
        buf_add_c(&wide, '\0');
    }
    struct buildspec spec = read_within(buf_dup(&arena, &wide), 500);
    assert_int_equal(spec.errors.n, 0);
    assert_true(str_is(spec.phase[BUILDSPEC_BUILD].commands.v[0], "echo x"));
    struct buildspec cut = read_within(str_sub(buf_dup(&arena, &wide), 0, 41), 500);
    assert_error(&cut, "yaml", 1, "incomplete UTF-16");
}

static void test_phases_that_nobody_knows_are_warned_about(void **state) {
    (void)state;
    struct buildspec spec = read_within(
        S("version: 0.2\nphases:\n  BUILD: {commands: [a]}\n  deploy: {commands: [b]}\n"), 500);
    assert_int_equal(spec.errors.n, 0);
    assert_int_equal(spec.warnings.n, 2);
    assert_non_null(strstr(spec.warnings.v[0].text.p, "did you mean 'build'?"));
    assert_int_equal(spec.phases, 0);
}

static void test_names_that_no_variable_has_are_refused(void **state) {
    (void)state;
    struct buildspec spec = read_within(S("version: 0.2\nenv: {variables: {1BAD: a, \"A=B\": b, "
                                          "\"\": c, \"A\\nB\": d}}\nphases: {}\n"),
                                        500);
    assert_int_equal(spec.errors.n, 4);
}

static void test_deep_shell_is_cut_off_not_followed(void **state) {
    (void)state;
    struct buildspec spec = read_within(repeat(HEAD "      - echo ", "$(", 200000, "\n"), 5000);
    assert_int_equal(spec.errors.n, 0);
    spec = read_within(repeat(HEAD "      - ", "if ", 200000, "\n"), 5000);
    assert_int_equal(spec.errors.n, 0);
    spec = read_within(repeat(HEAD "      - \"", "${a:-", 100000, "\"\n"), 5000);
    assert_int_equal(spec.errors.n, 0);
}

static void test_mending_is_bounded(void **state) {
    (void)state;
    struct lint_fixes fixes;
    struct str mended;
    struct err err = ERR_INIT;
    struct str text = repeat(HEAD, "      - a: b\n", 1000, "");
    clock_t begin = clock();
    assert_int_equal(lint_fix(&arena, "b.yml", text, &mended, &fixes, &err), 0);
    assert_int_equal(fixes.n, LINT_MAX_FIXES);
    assert_in_range((clock() - begin) / CLOCKS_PER_SEC, 0, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_alias_bomb_ends_before_it_grows),
        cmocka_unit_test(test_twenty_thousand_brackets_are_too_deep),
        cmocka_unit_test(test_equal_keys_name_their_lines),
        cmocka_unit_test(test_a_scalar_of_sixteen_megabytes_is_too_large),
        cmocka_unit_test(test_the_largest_command_is_linted_in_time),
        cmocka_unit_test(test_fifty_thousand_unknown_keys_are_told_in_bounds),
        cmocka_unit_test(test_a_python_tag_runs_nothing),
        cmocka_unit_test(test_a_merge_of_itself_is_refused),
        cmocka_unit_test(test_utf_16_with_a_mark_is_read),
        cmocka_unit_test(test_phases_that_nobody_knows_are_warned_about),
        cmocka_unit_test(test_names_that_no_variable_has_are_refused),
        cmocka_unit_test(test_deep_shell_is_cut_off_not_followed),
        cmocka_unit_test(test_mending_is_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
