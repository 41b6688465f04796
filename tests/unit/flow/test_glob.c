/* Trigger patterns, as CodePipeline documents them. */
#include "../cmocka_.h"

#include "flow/definition/glob.h"
#include "platform/text/regex.h"

#include <stdio.h>

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
    assert_true(m("{[a,b],c}x", "bx"));
    assert_true(m("{[}],c}x", "}x"));
    assert_true(m("{\\},c}x", "}x"));
    assert_false(m("{[a,b],c}x", ",x,"));
    assert_false(m("{a*,b}*", "a/")); /* two stars side by side, not one pair */
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

/* "*a*a...*ab" of that length. */
static struct str hostile(char *pattern, size_t n) {
    for (size_t i = 0; i + 1 < n; i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[n - 1] = 'b';
    return str_n(pattern, n);
}

static void test_hostile_patterns_end_with_the_right_answer(void **state) {
    (void)state;
    static char pattern[255];
    static char text[4096];
    memset(text, 'a', sizeof(text));
    struct str p = hostile(pattern, sizeof(pattern));
    assert_false(glob_match(p, str_n(text, sizeof(text))));
    text[sizeof(text) - 1] = 'b';
    assert_true(glob_match(p, str_n(text, sizeof(text))));
    assert_false(m("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
    assert_true(m("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void test_an_exclude_holds_however_long_it_takes_to_find_out(void **state) {
    (void)state;
    static char text[4096];
    struct str exclude = S("{*a*a*a*a*a*a*a*a*a*a*b,**}");
    struct str_list excludes = {&exclude, 1};
    struct str_list none = {0};
    memset(text, 'a', sizeof(text));
    assert_false(glob_passes(&none, &excludes, str_n(text, sizeof(text))));
}

static void test_characters_are_not_bytes(void **state) {
    (void)state;
    assert_true(m("?.txt", "\xc3\xa9.txt")); /* e with an accent */
    assert_false(m("??.txt", "\xc3\xa9.txt"));
    assert_true(m("[\xc3\xa0-\xc3\xbc]x", "\xc3\xa9x"));
    assert_false(m("[!\xc3\xa0-\xc3\xbc]x", "\xc3\xa9x"));
    assert_true(m("[!a]x", "\xe2\x82\xacx")); /* a currency's sign */
    assert_true(m("*\xc3\xa9*", "caf\xc3\xa9s"));
    assert_true(m("?", "\xff")); /* a byte that belongs to none is one */
}

/* ---- against the regular expression that Java's matcher makes of a glob ---- */

/* Classes without their '/', groups as alternatives; written from Java's documentation. */
static struct str translate(struct arena *a, const char *glob) {
    struct str out = S("^(?:");
    for (const char *p = glob; *p != '\0'; p++) {
        const char *piece = NULL;
        char text[4] = {*p, '\0'};
        if (p[0] == '*' && p[1] == '*') {
            piece = "(?:.|\n)*";
            p++;
        } else if (*p == '[') {
            bool negate = p[1] == '!';
            const char *end = strchr(p, ']');
            out = str_printf(a, "%.*s[%s%.*s%s]", STR_ARG(out), negate ? "^" : "",
                             (int)(end - p - (negate ? 2 : 1)), p + (negate ? 2 : 1),
                             negate ? "/" : "");
            p = end;
            continue;
        } else {
            piece = *p == '*'   ? "[^/]*"
                    : *p == '?' ? "[^/]"
                    : *p == '{' ? "(?:(?:"
                    : *p == '}' ? "))"
                    : *p == ',' ? ")|(?:"
                                : text;
        }
        out = str_printf(a, "%.*s%s", STR_ARG(out), piece);
    }
    return str_printf(a, "%.*s)$", STR_ARG(out));
}

static unsigned compare(struct arena *a, const char *glob) {
    static const char *const texts[] = {"",     "a",  "b",   "/",    "ab",   "a/",   "/a",
                                        "a/b",  "aa", "aab", "a/ab", "ab/a", "a//b", "b/a/b",
                                        "aaaa", "c",  "a/c", "ca",   "b/",   "abab"};
    struct regex *re = NULL;
    struct err err = ERR_INIT;
    if (glob_check(str_c(glob), &err) < 0) {
        return 0;
    }
    struct str pattern = translate(a, glob);
    if (regex_compile(a, pattern, &re, &err) < 0) {
        fail_msg("%s: %.*s: %s", glob, STR_ARG(pattern), err.msg);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (regex_search(re, str_c(texts[i])) != m(glob, texts[i])) {
            fail_msg("'%s' on '%s': Java's %.*s says %d", glob, texts[i], STR_ARG(pattern),
                     !m(glob, texts[i]));
        }
    }
    return 1;
}

/* Every glob of up to four of these pieces, on every text of the list. */
static void test_equals_the_expression_that_java_makes(void **state) {
    static const char *const pieces[] = {"",  "a",    "b",    "/",     "*",       "**",
                                         "?", "[ab]", "[!a]", "{a,b}", "{a*,/b}", "{,a}"};
    enum { N = sizeof(pieces) / sizeof(pieces[0]) };
    struct arena a = ARENA_INIT;
    unsigned compared = 0;
    (void)state;
    for (size_t i = 0; i < (size_t)N * N * N * N; i++) {
        char glob[64];
        struct arena_mark mark = arena_mark(&a);
        snprintf(glob, sizeof(glob), "%s%s%s%s", pieces[i % N], pieces[i / N % N],
                 pieces[i / N / N % N], pieces[i / N / N / N]);
        compared += compare(&a, glob);
        arena_reset(&a, mark);
    }
    assert_true(compared > 20000);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_star_stays_within_a_component_and_two_cross),
        cmocka_unit_test(test_classes_groups_and_escapes),
        cmocka_unit_test(test_broken_patterns_are_named),
        cmocka_unit_test(test_excludes_win_over_includes),
        cmocka_unit_test(test_hostile_patterns_end_with_the_right_answer),
        cmocka_unit_test(test_an_exclude_holds_however_long_it_takes_to_find_out),
        cmocka_unit_test(test_characters_are_not_bytes),
        cmocka_unit_test(test_equals_the_expression_that_java_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
