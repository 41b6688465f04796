/* Strings, buffers, arenas, errors and times. */
#include "../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

static void test_cut_gives_every_part_and_then_ends(void **state) {
    (void)state;
    struct str rest = S("a,,b");
    struct str part = STR_NONE;
    assert_true(str_cut(&rest, ',', &part) && str_is(part, "a"));
    assert_true(str_cut(&rest, ',', &part) && str_is(part, ""));
    assert_true(str_cut(&rest, ',', &part) && str_is(part, "b"));
    assert_false(str_cut(&rest, ',', &part));
}

static void test_numbers_are_strict_and_do_not_overflow(void **state) {
    (void)state;
    long long value = 0;
    assert_true(str_to_i64(S("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_false(str_to_i64(S("9223372036854775808"), &value));
    assert_false(str_to_i64(S(" 1"), &value));
    assert_false(str_to_i64(S(""), &value));
    assert_false(str_to_i64(S("1x"), &value));
}

static void test_buffer_never_grows_over_its_maximum(void **state) {
    (void)state;
    struct buf b cleanup_buf;
    buf_init(&b, 8);
    buf_add(&b, S("12345678"));
    assert_false(b.overflow);
    buf_add(&b, S("9"));
    assert_true(b.overflow);
    assert_true(str_is(buf_str(&b), "12345678"));
}

static void test_arena_lists_grow_and_keep_their_elements(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct str_list list = {0};
    for (int i = 0; i < 100; i++) {
        *arena_push(&a, &list) = str_printf(&a, "%d", i);
    }
    assert_int_equal(list.n, 100);
    assert_true(str_is(list.v[0], "0"));
    assert_true(str_is(list.v[63], "63"));
    assert_true(str_is(list.v[99], "99"));
    arena_done(&a);
}

static void test_arena_mark_gives_memory_back(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    void *first = arena_alloc(&a, 10);
    struct arena_mark mark = arena_mark(&a);
    void *second = arena_alloc(&a, 100);
    arena_alloc(&a, 1000000);
    arena_reset(&a, mark);
    assert_ptr_equal(second, arena_alloc(&a, 100));
    assert_ptr_not_equal(first, second);
    arena_done(&a);
}

static void test_error_message_is_cut_on_a_character(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    char text[2000];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(err.msg) - 2, "\xC3\xA9", 2);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(err_set(&err, ERR_INVALID, "%s", text), -1);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 2);
    err_set(&err, ERR_NOT_FOUND, "pipeline 'x'");
    err_wrap(&err, "start execution");
    assert_string_equal(err.msg, "start execution: pipeline 'x'");
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_times_are_read_in_every_form_that_aws_uses(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    const int64_t want = 1795485120123;
    assert_true(str_is(time_iso_ms(&a, want), "2026-11-24T01:52:00.123Z"));
    assert_true(str_is(time_basic(&a, want), "20261124T015200Z"));
    assert_true(str_is(time_http(&a, want), "Tue, 24 Nov 2026 01:52:00 GMT"));
    static const char *const forms[] = {"2026-11-24T01:52:00.123Z", "2026-11-24T02:52:00.123+01:00",
                                        "1795485120.123"};
    for (size_t i = 0; i < 3; i++) {
        int64_t got = 0;
        assert_true(time_parse(str_c(forms[i]), &got));
        assert_true(got == want);
    }
    int64_t got = 0;
    assert_true(time_parse(S("Tue, 24 Nov 2026 01:52:00 GMT"), &got) && got == want - 123);
    assert_true(time_parse(S("20261124T015200Z"), &got) && got == want - 123);
    assert_false(time_parse(S("yesterday"), &got));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_gives_every_part_and_then_ends),
        cmocka_unit_test(test_numbers_are_strict_and_do_not_overflow),
        cmocka_unit_test(test_buffer_never_grows_over_its_maximum),
        cmocka_unit_test(test_arena_lists_grow_and_keep_their_elements),
        cmocka_unit_test(test_arena_mark_gives_memory_back),
        cmocka_unit_test(test_error_message_is_cut_on_a_character),
        cmocka_unit_test(test_times_are_read_in_every_form_that_aws_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
