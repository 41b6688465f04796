/* XML reading within limits, and escaping. */
#include "../../cmocka_.h"

#include "platform/text/xml.h"

#include <stdlib.h>

static struct arena arena;

static void test_tree_holds_names_text_attributes_and_order(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct xml_node *root;
    assert_int_equal(
        xml_parse(&arena,
                  S("<?xml version=\"1.0\"?><s:Tag xmlns:s='u' xsi:type=\"T\"><A>1 &amp; 2</A>"
                    "<B/><A><![CDATA[<x>]]></A>tail</s:Tag>"),
                  &root, &err),
        0);
    assert_true(str_is(root->name, "Tag"));
    assert_true(str_is(str_map_get(&root->attribute, S("xsi:type")), "T"));
    struct xml_node *a = xml_child(root, S("A"));
    assert_true(str_is(a->text, "1 & 2"));
    assert_true(str_is(xml_again(a)->text, "<x>"));
    assert_null(xml_again(xml_again(a)));
    assert_non_null(xml_child(root, S("B"))->text.p);
    assert_null(xml_child(root, S("C")));
    assert_true(str_is(root->text, "tail"));
}

static void test_document_types_and_their_entities_are_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct xml_node *root;
    assert_int_equal(
        xml_parse(&arena, S("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), &root, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.msg, "document type"));
}

static void test_error_names_line_and_column(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct xml_node *root;
    assert_int_equal(xml_parse(&arena, S("<a>\n  <b></a>"), &root, &err), -1);
    assert_non_null(strstr(err.msg, "line 2, column"));
    assert_int_equal(xml_parse(&arena, S(""), &root, &err), -1);
    assert_int_equal(xml_parse(&arena, S("<a>\xff</a>"), &root, &err), -1);
}

static void test_nesting_over_64_levels_is_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct xml_node *root;
    struct buf text cleanup_buf;
    buf_init(&text, 10000);
    for (int i = 0; i < 65; i++) {
        buf_add_z(&text, "<a>");
    }
    assert_int_equal(xml_parse(&arena, buf_str(&text), &root, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_what_is_escaped_is_read_back_equal(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct xml_node *root;
    struct buf text cleanup_buf;
    buf_init(&text, 1000);
    buf_add_z(&text, "<a>");
    xml_escape(&text, S("<&>\"'\r\n\t\xC3\xA9"));
    buf_add_z(&text, "</a>");
    assert_int_equal(xml_parse(&arena, buf_str(&text), &root, &err), 0);
    assert_true(str_is(root->text, "<&>\"'\r\n\t\xC3\xA9"));
    buf_clear(&text);
    xml_escape(&text, S("\x01\xff"));
    assert_true(str_is(buf_str(&text), "\xEF\xBF\xBD\xEF\xBF\xBD"));
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_holds_names_text_attributes_and_order),
        cmocka_unit_test(test_document_types_and_their_entities_are_refused),
        cmocka_unit_test(test_error_names_line_and_column),
        cmocka_unit_test(test_nesting_over_64_levels_is_refused),
        cmocka_unit_test(test_what_is_escaped_is_read_back_equal),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
