/* YAML as a tree: what people write, and what an attacker would. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "platform/text/yaml.h"

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

static struct yaml_doc parse(const char *text) {
    struct yaml_doc doc;
    struct err err = ERR_INIT;
    int result = yaml_parse(&arena, "x.yml", str_c(text), &doc, &err);
    if (result < 0) {
        fail_msg("%s", err.msg);
    }
    return doc;
}

static struct err parse_fails(struct str text) {
    struct yaml_doc doc;
    struct err err = ERR_INIT;
    assert_int_equal(yaml_parse(&arena, "x.yml", text, &doc, &err), -1);
    return err;
}

static void test_scalars_keep_their_text_and_nodes_know_their_place(void **state) {
    (void)state;
    struct yaml_doc doc = parse("version: 0.20\nenv:\n  a: yes\n  b: \"012\"\n  c:\n");
    assert_true(str_is(yaml_get(doc.root, "version")->text, "0.20"));
    struct yaml_node *env = yaml_get(doc.root, "env");
    assert_int_equal(yaml_get(env, "b")->line, 4);
    assert_int_equal(yaml_get(env, "b")->column, 6);
    assert_false(yaml_get(env, "b")->plain);
    assert_true(yaml_is_null(yaml_get(env, "c")));
    bool yes = false;
    assert_true(yaml_bool(yaml_get(env, "a"), &yes) && yes);
    assert_false(yaml_bool(yaml_get(env, "b"), &yes));
    assert_null(yaml_get(env, "d"));
}

static void test_last_of_two_equal_keys_counts_and_is_named(void **state) {
    (void)state;
    struct yaml_doc doc = parse("a: 1\nb: 2\na: 3\n");
    assert_true(str_is(yaml_get(doc.root, "a")->text, "3"));
    assert_int_equal(doc.root->n, 2);
    assert_int_equal(doc.warnings.n, 1);
    assert_int_equal(doc.warnings.v[0].line, 3);
    assert_true(
        str_is(doc.warnings.v[0].text, "key 'a' is there already (line 1); this one counts"));
}

static void test_merge_keys_fill_in_what_is_not_there(void **state) {
    (void)state;
    struct yaml_doc doc =
        parse("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 9\n");
    struct yaml_node *z = yaml_get(doc.root, "z");
    assert_int_equal(z->n, 3);
    assert_true(str_is(yaml_get(z, "a")->text, "9"));
    assert_true(str_is(yaml_get(z, "b")->text, "2"));
    assert_true(str_is(yaml_get(z, "c")->text, "4"));
}

static void test_errors_name_file_line_and_column(void **state) {
    (void)state;
    struct err err = parse_fails(S("a: [1, 2\nb: 3\n"));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.msg, "x.yml:2:2: did not find expected ',' or ']': a '[' that is not "
                                 "closed, or a ',' that is missing");
    err = parse_fails(S("a:\n  b: 1\n   c: 2\n"));
    assert_string_equal(err.msg,
                        "x.yml:3:5: mapping values are not allowed in this context: the line is "
                        "indented deeper than the keys around it, or a text with ': ' in it needs "
                        "quotes");
    err = parse_fails(S("a:\n    b: 1\n  c: 2\n"));
    assert_non_null(strstr(err.msg, "is not indented as the keys around it"));
    err = parse_fails(S("a:\n\t- b\n"));
    assert_string_equal(err.msg,
                        "x.yml:2:1: found a tab, YAML indents with blanks only: replace it");
    err = parse_fails(S("a: *nobody\n"));
    assert_string_equal(err.msg, "x.yml:1:4: alias '*nobody' names no anchor");
    err = parse_fails(S("? [a]\n: b\n"));
    assert_string_equal(err.msg, "x.yml:1:3: a key must be plain text");
    err = parse_fails(S("a: !!python/object/apply:os.system [id]\n"));
    assert_non_null(strstr(err.msg, "x.yml:1:4: tag 'tag:yaml.org,2002:python/object"));
    err = parse_fails(S("a: &a [*a]\n"));
    assert_string_equal(err.msg, "x.yml:1:8: alias stands inside the node that it names");
    err = parse_fails(S("a: \xff\xfe\n"));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void assert_tab(const char *text, const char *place) {
    struct err err = parse_fails(str_c(text));
    assert_int_equal(strncmp(err.msg, place, strlen(place)), 0);
    assert_non_null(strstr(err.msg, "tab"));
}

static void test_tabs_outside_of_quotes_blocks_and_comments_are_refused(void **state) {
    (void)state;
    assert_tab("a: b\t\n", "x.yml:1:5: ");
    assert_tab("a: b # fine\t\nc:\td\n", "x.yml:2:3: ");
    assert_tab("- echo a\tb\n", "x.yml:1:9: ");
    assert_tab("a: \"\xc3\xa9\t\"\t# x\n", "x.yml:1:8: ");
    assert_tab("a: [b,\tc]\n", "x.yml:1:7: ");
    assert_tab("a: |\t\n  b\n", "x.yml:1:5: ");
    assert_tab("a: |\n  b\tc\n\nd: e\tf\n", "x.yml:4:5: ");
    struct yaml_doc doc = parse("\xef\xbb\xbf# a\tcomment\r\na: \"b\tc\" #\t\r\n"
                                "d: 'e\tf'\r\ng: |\r\n  h\ti\r\n");
    assert_true(str_is(yaml_get(doc.root, "a")->text, "b\tc"));
    assert_true(str_is(yaml_get(doc.root, "d")->text, "e\tf"));
    assert_true(str_is(yaml_get(doc.root, "g")->text, "h\ti\n"));
}

static void test_tags_fit_what_follows_or_are_refused(void **state) {
    (void)state;
    struct yaml_doc doc = parse("a: !!str 012\nb: !!int 0x1F\nc: !!binary aGk=\n"
                                "d: !!float 1e3\ne: !!bool yes\nf: !!seq [x]\ng: ! h\n");
    assert_true(str_is(yaml_get(doc.root, "a")->text, "012"));
    assert_true(str_is(yaml_get(doc.root, "b")->text, "0x1F"));
    static const char *const bad[] = {"a: !!int b\n",      "a: !!int 08\n",  "a: !!binary abcde\n",
                                      "a: !!binary abc\n", "a: !!bool 1\n",  "a: !!seq b\n",
                                      "a: !!map [b]\n",    "a: !!str [b]\n", "a: !!float x\n",
                                      "a: !mine b\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = parse_fails(str_c(bad[i]));
        assert_int_equal(strncmp(err.msg, "x.yml:1:4: tag '", 16), 0);
    }
}

static void test_a_second_document_is_told_and_must_be_yaml(void **state) {
    (void)state;
    struct yaml_doc doc = parse("a: b\n---\nc: d\n---\ne: f\n");
    assert_int_equal(doc.warnings.n, 1);
    assert_int_equal(doc.warnings.v[0].line, 2);
    assert_non_null(yaml_get(doc.root, "a"));
    assert_null(yaml_get(doc.root, "c"));
    struct err err = parse_fails(S("a: b\n---\nc: [d\n"));
    assert_int_equal(strncmp(err.msg, "x.yml:", 6), 0);
}

static void test_alias_bomb_is_refused(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 10000);
    buf_add_z(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++) {
            buf_printf(&text, "%s*a%d", k ? ", " : "", i - 1);
        }
        buf_add_z(&text, "]\n");
    }
    struct err err = parse_fails(buf_str(&text));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_non_null(strstr(err.msg, "more than 100000 nodes"));
}

static void test_depth_size_and_many_keys_are_bounded(void **state) {
    (void)state;
    struct buf text cleanup_buf;
    buf_init(&text, 2 * YAML_MAX_BYTES);
    for (int i = 0; i < 20000; i++) {
        buf_add_c(&text, '[');
    }
    assert_int_equal(parse_fails(buf_str(&text)).kind, ERR_LIMIT);
    buf_clear(&text);
    for (int i = 0; i < 60000; i++) {
        buf_printf(&text, "k%d: v\n", i);
    }
    assert_int_equal(parse_fails(buf_str(&text)).kind, ERR_LIMIT);
    buf_clear(&text);
    while (text.n <= YAML_MAX_BYTES) {
        buf_add_z(&text, "# a comment\n");
    }
    assert_string_equal(parse_fails(buf_str(&text)).msg, "x.yml:1:1: larger than 1 MiB");
}

static void test_byte_order_mark_and_carriage_returns_do_no_harm(void **state) {
    (void)state;
    struct yaml_doc doc = parse("\xef\xbb\xbf"
                                "a: 1\r\nb: |\r\n  x\r\n  y\r\n");
    assert_true(str_is(yaml_get(doc.root, "a")->text, "1"));
    assert_true(str_is(yaml_get(doc.root, "b")->text, "x\ny\n"));
    assert_null(parse("").root);
    assert_int_equal(parse("a: 1\n---\nb: 2\n").warnings.n, 1);
}

static void test_errors_of_our_own_files_name_their_place(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct yaml_doc doc;
    assert_int_equal(yaml_parse_strict(&a, "f.yml", S("a:\n  b: 7\n"), &doc, &err), 0);
    const struct yaml_node *at = yaml_get(yaml_get(doc.root, "a"), "b");
    assert_int_equal(yaml_fail(&err, "f.yml", at, "%s is %d", "b", 7), -1);
    assert_string_equal(err.msg, "f.yml:2:6: b is 7");
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(yaml_parse_strict(&a, "f.yml", S("# nothing\n"), &doc, &err), -1);
    assert_string_equal(err.msg, "f.yml:1:1: the file is empty");
    assert_int_equal(yaml_parse_strict(&a, "f.yml", S("a: 1\nb: 2\na: 3\n"), &doc, &err), -1);
    assert_non_null(strstr(err.msg, "f.yml:3:1: "));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_of_our_own_files_name_their_place),
        cmocka_unit_test(test_scalars_keep_their_text_and_nodes_know_their_place),
        cmocka_unit_test(test_last_of_two_equal_keys_counts_and_is_named),
        cmocka_unit_test(test_merge_keys_fill_in_what_is_not_there),
        cmocka_unit_test(test_errors_name_file_line_and_column),
        cmocka_unit_test(test_tabs_outside_of_quotes_blocks_and_comments_are_refused),
        cmocka_unit_test(test_tags_fit_what_follows_or_are_refused),
        cmocka_unit_test(test_a_second_document_is_told_and_must_be_yaml),
        cmocka_unit_test(test_alias_bomb_is_refused),
        cmocka_unit_test(test_depth_size_and_many_keys_are_bounded),
        cmocka_unit_test(test_byte_order_mark_and_carriage_returns_do_no_harm),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
