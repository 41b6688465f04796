/* Regular expressions: RE2's syntax, and time that no pattern can blow up. */
#include "../../cmocka_.h"

#include "base/clock.h"
#include "platform/text/regex.h"

static struct arena arena;
static struct err err;

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static bool matches(const char *pattern, const char *text) {
    struct regex *re = NULL;
    err = ERR_INIT;
    if (regex_compile(&arena, str_c(pattern), &re, &err) < 0) {
        fail_msg("%s: %s", pattern, err.msg);
    }
    return regex_search(re, str_c(text));
}

static bool refused(const char *pattern, const char *why) {
    struct regex *re = NULL;
    err = ERR_INIT;
    return regex_compile(&arena, str_c(pattern), &re, &err) < 0 && strstr(err.msg, why) != NULL;
}

static void test_texts_match_as_re2_matches_them(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool yes;
    } cases[] = {
        {"", "", true},
        {"", "x", true},
        {"b", "abc", true},
        {"^b", "abc", false},
        {"^refs/heads/main$", "refs/heads/main", true},
        {"^refs/heads/main$", "refs/heads/main2", false},
        {"^(refs/heads/(dev|main)|refs/tags/.*)$", "refs/tags/v1", true},
        {"^(a|b|)$", "", true},
        {"^(a|b|c)$", "c", true},
        {"^(a|b|c)$", "d", false},
        {"ab|cd|ef", "xxefxx", true},
        {"^ab|cd$", "abxx", true},
        {"invalid+", "it was invaliddd", true},
        {".*connection timed out.*", "curl: connection timed out after 3 s", true},
        {"^a*$", "aaaa", true},
        {"^a*$", "aaab", false},
        {"^(a*)*$", "aaaa", true},
        {"^(a|b*)+c$", "abbac", true},
        {"^a{2}$", "aa", true},
        {"^a{2}$", "aaa", false},
        {"^a{2,}$", "a", false},
        {"^a{2,}$", "aaaaa", true},
        {"^a{0,2}$", "", true},
        {"^a{0,2}$", "aaa", false},
        {"^a{1,3}b$", "aaab", true},
        {"^a{1,3}b$", "aaaab", false},
        {"^(ab){2,3}$", "ababab", true},
        {"^(ab){2,3}$", "abababab", false},
        {"^a{0}b$", "b", true},
        {"^x{$", "x{", true},
        {"^a+?b??$", "aab", true},
        {"^[a-c]+$", "abcabc", true},
        {"^[^a-c]+$", "xyz", true},
        {"^[^a-c]+$", "xbz", false},
        {"^[]a]+$", "a]", true},
        {"^[a-]+$", "a-a", true},
        {"^[\\d.]+$", "1.25", true},
        {"^\\d{12}$", "123456789012", true},
        {"^\\D\\W\\S$", "a-b", true},
        {"^[[:alpha:]_][[:alnum:]_]*$", "_name1", true},
        {"^[[:^digit:]]$", "7", false},
        {"a.b", "a\nb", false},
        {"(?s)a.b", "a\nb", true},
        {"^two$", "one\ntwo", false},
        {"(?m)^two$", "one\ntwo\nthree", true},
        {"(?i)HeLLo", "say hello", true},
        {"(?i)[a-c]x", "BX", true},
        {"(?i:a)b", "AB", false},
        {"\\bfoo\\b", "a foo b", true},
        {"\\bfoo\\b", "afoo", false},
        {"\\Bfoo", "afoo", true},
        {"\\Aone\\z", "one", true},
        {"\\x41\\x{e9}", "A\xc3\xa9", true},
        {"^.$", "\xc3\xa9", true},
        {"^.$", "\xff", true},
        {"^[\xc3\xa0-\xc3\xbf]$", "\xc3\xa9", true},
        {"\\.\\*\\[", "a.*[", true},
        {"(?P<name>x)y", "xy", true},
        {"(?:ab)+$", "abab", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (matches(cases[i].pattern, cases[i].text) != cases[i].yes) {
            fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].text);
        }
    }
}

static void test_what_re2_cannot_say_is_refused_with_a_reason(void **state) {
    (void)state;
    assert_true(refused("(a", "not closed"));
    assert_true(refused("a)", "no beginning"));
    assert_true(refused("[a", "not closed"));
    assert_true(refused("*a", "nothing stands before"));
    assert_true(refused("(a)\\1", "back references"));
    assert_true(refused("(?=a)", "look-around"));
    assert_true(refused("(?<!a)b", "look-around"));
    assert_true(refused("[z-a]", "range"));
    assert_true(refused("\\q", "means nothing"));
    assert_true(refused("a\\", "backslash at the end"));
    assert_true(refused("a{3,2}", "count"));
    assert_true(refused("a{1001}", "count"));
}

static void test_size_and_depth_are_bounded(void **state) {
    (void)state;
    assert_true(refused("((a{1000}){1000}){1000}", "too large"));
    char deep[1001];
    memset(deep, '(', 500);
    memset(deep + 500, ')', 500);
    deep[1000] = '\0';
    assert_true(refused(deep, "too deep"));
}

static void test_no_pattern_takes_long(void **state) {
    (void)state;
    char text[20001];
    memset(text, 'a', 20000);
    text[20000] = '\0';
    int64_t begin = clock_mono_ms(&clock_system);
    assert_false(matches("^(a+)+$x", text));
    assert_false(matches("(a|aa)*b", text));
    assert_false(matches("(.*)(.*)(.*)(.*)[^a]", text));
    assert_true(clock_mono_ms(&clock_system) - begin < 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_match_as_re2_matches_them),
        cmocka_unit_test(test_what_re2_cannot_say_is_refused_with_a_reason),
        cmocka_unit_test(test_size_and_depth_are_bounded),
        cmocka_unit_test(test_no_pattern_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
