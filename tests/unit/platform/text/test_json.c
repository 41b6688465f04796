/* JSON reading within limits, members, writing; UTF-8 beside it. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "platform/text/json.h"
#include "platform/text/utf8.h"

static struct arena arena;

static void test_members_are_read_by_their_type_only(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_parse(
        S("{\"s\":\"x\\u0000y\",\"i\":9223372036854775807,\"b\":true,\"d\":0.5,\"n\":null}"), &err);
    assert_non_null(json);
    assert_int_equal(json_str(json, "s").n, 3);
    assert_true(json_int(json, "i") == INT64_MAX);
    assert_true(json_bool(json, "b"));
    assert_true(json_number(json, "d") == 0.5);
    assert_null(json_str(json, "i").p);
    assert_null(json_str(json, "missing").p);
    assert_int_equal(json_int(json, "s"), 0);
}

static void test_last_of_two_equal_keys_counts(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_parse(S("{\"a\":1,\"a\":2}"), &err);
    assert_int_equal(json_int(json, "a"), 2);
}

static void test_error_names_line_and_column(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_null(json_parse(S("{\n  \"a\": x\n}"), &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.msg, "line 2, column"));
    assert_null(json_parse(S(""), &err));
    assert_null(json_parse(S("{} {}"), &err));
    assert_null(json_parse(S("\"\xff\""), &err));
}

static void test_nesting_over_64_levels_is_refused_whatever_strings_hold(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    char deep[200];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    json_t *json cleanup_json = json_parse(str_n(deep, 128), &err);
    assert_non_null(json);
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_null(json_parse(str_n(deep, 130), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    memset(deep, '[', 100);
    deep[0] = '"';
    deep[1] = '\\';
    deep[2] = '"';
    deep[99] = '"';
    json_t *text cleanup_json = json_parse(str_n(deep, 100), &err);
    assert_int_equal(json_text(text).n, 97);
}

static void test_written_text_is_read_back_equal(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *json cleanup_json = json_object();
    json_set_str(json, "z", S("a\"b\n"));
    json_set_str(json, "absent", STR_NONE);
    json_set(json, "a", json_integer(INT64_MIN));
    assert_true(
        str_is(json_dump_str(&arena, json), "{\"z\":\"a\\\"b\\n\",\"a\":-9223372036854775808}"));
    assert_true(
        str_is(json_dump_sorted(&arena, json), "{\"a\":-9223372036854775808,\"z\":\"a\\\"b\\n\"}"));
    json_t *back cleanup_json = json_parse(json_dump_pretty(&arena, json), &err);
    assert_true(json_equal(json, back));
}

static void test_bytes_that_are_no_characters_are_replaced_in_json(void **state) {
    (void)state;
    json_t *value cleanup_json = json_from_str(S("a\xffz"));
    assert_true(str_is(json_text(value), "a\xEF\xBF\xBDz"));
}

static void test_utf8_is_strict(void **state) {
    (void)state;
    assert_true(utf8_valid(S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    assert_int_equal(utf8_length(S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")), 4);
    assert_false(utf8_valid(S("\xC0\x80")));
    assert_false(utf8_valid(S("\xED\xA0\x80")));
    assert_false(utf8_valid(S("\xF4\x90\x80\x80")));
    assert_false(utf8_valid(S("\xE2\x82")));
}

static void test_utf8_encodes_what_it_decodes(void **state) {
    (void)state;
    static const uint32_t points[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        char out[4];
        uint32_t back = 1;
        size_t n = utf8_encode(points[i], out);
        assert_int_equal(utf8_decode(str_n(out, n), &back), n);
        assert_int_equal(back, points[i]);
    }
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_read_by_their_type_only),
        cmocka_unit_test(test_last_of_two_equal_keys_counts),
        cmocka_unit_test(test_error_names_line_and_column),
        cmocka_unit_test(test_nesting_over_64_levels_is_refused_whatever_strings_hold),
        cmocka_unit_test(test_written_text_is_read_back_equal),
        cmocka_unit_test(test_bytes_that_are_no_characters_are_replaced_in_json),
        cmocka_unit_test(test_utf8_is_strict),
        cmocka_unit_test(test_utf8_encodes_what_it_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
