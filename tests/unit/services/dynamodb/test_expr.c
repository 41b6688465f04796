/* Expressions: what they mean, and what AWS says of wrong ones. Items are written as typed JSON. */
#include "../../cmocka_.h"

#include "services/dynamodb/expr.h"

static struct arena arena;

static struct ddb_map item_of(const char *json) {
    struct ddb_map map;
    struct err err = ERR_INIT;
    if (ddb_map_read(&arena, str_c(json), &map, &err) < 0) {
        fail_msg("%s: %s", json, err.msg);
    }
    return map;
}

static const char item_text[] =
    "{\"id\":{\"S\":\"k1\"},\"n\":{\"N\":\"5\"},\"name_\":{\"S\":\"caf\\u00e9\"},"
    "\"tags\":{\"SS\":[\"a\",\"b\"]},\"elems\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},"
    "{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"nested\":{\"M\":{\"deep\":{\"BOOL\":true}}}}},"
    "\"no\":{\"NULL\":true},\"b\":{\"B\":\"AAE=\"}}";

static const char value_text[] =
    "{\":five\":{\"N\":\"5\"},\":six\":{\"N\":\"6\"},\":a\":{\"S\":\"a\"},\":k\":{\"S\":\"k\"},"
    "\":k1\":{\"S\":\"k1\"},\":type\":{\"S\":\"SS\"},\":yes\":{\"BOOL\":true},"
    "\":set\":{\"SS\":[\"b\",\"a\"]},\":zero\":{\"N\":\"0\"},\":four\":{\"N\":\"4\"},"
    "\":more\":{\"L\":[{\"S\":\"new\"}]},\":sub\":{\"SS\":[\"a\"]},\":both\":{\"SS\":[\"a\",\"c\"]}"
    "}";

static struct ddb_names names_of(void) {
    static struct str_pair pairs[] = {{S_INIT("#n"), S_INIT("n")},
                                      {S_INIT("#size"), S_INIT("size")}};
    struct ddb_names names = {.names = {pairs, 2}, .values = item_of(value_text)};
    ddb_names_init(&arena, &names);
    return names;
}

static bool holds(const char *expression) {
    struct ddb_names names = names_of();
    struct ddb_map item = item_of(item_text);
    struct ddb_node *node = NULL;
    struct err err = ERR_INIT;
    if (ddb_parse_condition(&arena, "ConditionExpression", str_c(expression), &names, &node, &err) <
        0) {
        fail_msg("%s: %s", expression, err.msg);
    }
    return ddb_condition_holds(&arena, node, &item);
}

static void assert_true_of(const char *expression) {
    if (!holds(expression)) {
        fail_msg("should hold: %s", expression);
    }
}

static void assert_false_of(const char *expression) {
    if (holds(expression)) {
        fail_msg("should not hold: %s", expression);
    }
}

static void test_comparisons_compare_numbers_as_numbers_and_types_apart(void **state) {
    (void)state;
    assert_true_of("n = :five");
    assert_true_of("#n < :six");
    assert_false_of("n = :a");
    assert_true_of("n <> :a");
    assert_true_of("lost <> :a");
    assert_false_of("lost = :a");
    assert_false_of("lost < :six");
    assert_true_of("n BETWEEN :four AND :six");
    assert_true_of("n IN (:a, :five)");
    assert_false_of("n IN (:a, :six)");
    assert_true_of("tags = :set");
    assert_true_of("m.nested.deep = :yes");
    assert_true_of("elems[0] < elems[2].x");
    assert_false_of("elems[9] = :five");
}

static void test_functions_answer_as_documented(void **state) {
    (void)state;
    assert_true_of("attribute_exists(id) AND attribute_not_exists(gone)");
    assert_true_of("attribute_exists(m.nested)");
    assert_true_of("begins_with(id, :k)");
    assert_false_of("begins_with(n, :k)");
    assert_true_of("contains(tags, :a)");
    assert_true_of("contains(id, :k)");
    assert_false_of("contains(elems, :a)");
    assert_true_of("attribute_type(tags, :type)");
    assert_true_of("size(name_) < :five");
    assert_true_of("size(name_) = :four");
    assert_false_of("size(n) > :zero");
}

static void test_not_binds_tighter_than_and_and_and_tighter_than_or(void **state) {
    (void)state;
    assert_true_of("n = :six AND n = :five OR n = :five");
    assert_false_of("n = :six AND (n = :five OR n = :five)");
    assert_true_of("NOT n = :six AND n = :five");
    assert_true_of("not (n = :six) and NOT NOT n = :five");
}

static void assert_condition_refused(const char *expression, const char *reason) {
    struct ddb_names names = names_of();
    struct ddb_node *node = NULL;
    struct err err = ERR_INIT;
    if (ddb_parse_condition(&arena, "ConditionExpression", str_c(expression), &names, &node,
                            &err) == 0) {
        fail_msg("accepted: %s", expression);
    }
    assert_int_equal(err.kind, ERR_INVALID);
    if (strstr(err.msg, reason) == NULL) {
        fail_msg("%s: '%s' lacks '%s'", expression, err.msg, reason);
    }
}

static void test_wrong_conditions_are_refused_in_the_words_of_aws(void **state) {
    (void)state;
    assert_condition_refused("n = = :five", "Invalid ConditionExpression: Syntax error; token: "
                                            "\"=\", near: \"= = :five\"");
    assert_condition_refused("n = ", "token: \"<EOF>\"");
    assert_condition_refused("  ", "The expression can not be empty;");
    assert_condition_refused("n = :five)", "token: \")\"");
    assert_condition_refused("(n = :five", "token: \"<EOF>\"");
    assert_condition_refused("n = :gone", "attribute value: :gone");
    assert_condition_refused("#gone = :five", "attribute name: #gone");
    assert_condition_refused("size = :five", "reserved keyword: size");
    assert_condition_refused("begins_with(id, :five)", "function: begins_with, operand type: N");
    assert_condition_refused("attribute_exists(:five)", "requires a document path");
    assert_condition_refused("attribute_exists(id, id)", "number of operands: 2");
    assert_condition_refused("attribute_type(id, :k)", "Invalid attribute type name");
    assert_condition_refused("n BETWEEN :six AND :four", "upper bound to be greater");
    assert_condition_refused("n < :set", "function: <, operand type: SS");
    assert_condition_refused("n ; :five", "token: \";\"");
}

static void test_nesting_is_bounded(void **state) {
    (void)state;
    char text[400];
    memset(text, '(', 200);
    strcpy(text + 200, "n = :five");
    assert_condition_refused(text, "nested too deeply");
}

static void test_given_names_and_values_must_be_used(void **state) {
    (void)state;
    struct ddb_names names = names_of();
    struct ddb_node *node = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(
        ddb_parse_condition(&arena, "FilterExpression", S("#n = :five"), &names, &node, &err), 0);
    assert_int_equal(ddb_names_check(&names, &err), -1);
    assert_non_null(
        strstr(err.msg, "ExpressionAttributeNames unused in expressions: keys: {#size}"));
}

static const char *updated(const char *expression, const char *from) {
    struct ddb_names names = names_of();
    struct ddb_map item = item_of(from);
    struct ddb_update update;
    struct err err = ERR_INIT;
    if (ddb_parse_update(&arena, str_c(expression), &names, &update, &err) < 0 ||
        ddb_update_apply(&arena, &update, &item, &err) < 0) {
        return str_dup(&arena, str_c(err.msg)).p;
    }
    return ddb_map_write(&arena, &item).p;
}

static void test_updates_change_what_they_name(void **state) {
    (void)state;
    assert_string_equal(updated("SET n = n + :five", "{\"n\":{\"N\":\"5\"}}"),
                        "{\"n\":{\"N\":\"10\"}}");
    assert_string_equal(updated("SET n = if_not_exists(n, :zero) - :five", "{}"),
                        "{\"n\":{\"N\":\"-5\"}}");
    assert_string_equal(updated("SET l = list_append(if_not_exists(l, :more), :more)", "{}"),
                        "{\"l\":{\"L\":[{\"S\":\"new\"},{\"S\":\"new\"}]}}");
    assert_string_equal(updated("REMOVE a, b.c", "{\"a\":{\"S\":\"x\"},\"b\":{\"M\":{\"c\":"
                                                 "{\"S\":\"y\"},\"d\":{\"S\":\"z\"}}}}"),
                        "{\"b\":{\"M\":{\"d\":{\"S\":\"z\"}}}}");
    assert_string_equal(updated("ADD n :five, s :sub", "{\"s\":{\"SS\":[\"b\"]}}"),
                        "{\"s\":{\"SS\":[\"b\",\"a\"]},\"n\":{\"N\":\"5\"}}");
    assert_string_equal(updated("DELETE s :both", "{\"s\":{\"SS\":[\"a\",\"b\"]}}"),
                        "{\"s\":{\"SS\":[\"b\"]}}");
    assert_string_equal(updated("DELETE s :sub", "{\"s\":{\"SS\":[\"a\"]}}"), "{}");
}

static void test_operands_see_the_item_as_it_was(void **state) {
    (void)state;
    assert_string_equal(updated("SET a = b, b = a", "{\"a\":{\"S\":\"1\"},\"b\":{\"S\":\"2\"}}"),
                        "{\"a\":{\"S\":\"2\"},\"b\":{\"S\":\"1\"}}");
    assert_string_equal(updated("SET l[9] = :a REMOVE l[0], l[1]",
                                "{\"l\":{\"L\":[{\"N\":\"0\"},{\"N\":\"1\"},{\"N\":\"2\"}]}}"),
                        "{\"l\":{\"L\":[{\"N\":\"2\"},{\"S\":\"a\"}]}}");
}

static void assert_update_refused(const char *expression, const char *from, const char *reason) {
    const char *answer = updated(expression, from);
    if (strstr(answer, reason) == NULL) {
        fail_msg("%s: '%s' lacks '%s'", expression, answer, reason);
    }
}

static void test_wrong_updates_are_refused_in_the_words_of_aws(void **state) {
    (void)state;
    assert_update_refused("SET a = :a, a = :k", "{}",
                          "Two document paths overlap with each other; must remove or rewrite one "
                          "of these paths; path one: [a], path two: [a]");
    assert_update_refused("SET a.b = :a REMOVE a", "{}", "path one: [a, b], path two: [a]");
    assert_update_refused("SET a = :a SET b = :a", "{}",
                          "The \"SET\" section can only be used once");
    assert_update_refused("SET x.y = :a", "{}", "invalid for update");
    assert_update_refused("SET a = lost", "{}", "does not exist in the item");
    assert_update_refused("SET a = n + :five", "{\"n\":{\"S\":\"x\"}}", "incorrect data type");
    assert_update_refused("SET a = :a + :five", "{}", "operator or function: +, operand type: S");
    assert_update_refused("ADD a :a", "{}",
                          "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND");
    assert_update_refused("PUT a :a", "{}", "Syntax error; token: \"PUT\"");
    assert_update_refused("SET a :a", "{}", "Syntax error; token: \":a\", near: \"a :a\"");
    assert_update_refused("SET a = size(b)", "{}", "not allowed in an update expression");
}

static void test_projections_keep_structure_and_close_lists_up(void **state) {
    (void)state;
    struct ddb_names names = names_of();
    struct ddb_projection p;
    struct err err = ERR_INIT;
    struct ddb_map item = item_of(item_text);
    assert_int_equal(ddb_parse_projection(&arena,
                                          S("elems[2].x, elems[0], #n, m.nested.gone, tags"),
                                          &names, &p, &err),
                     0);
    struct ddb_map out = ddb_project(&arena, &p, &item);
    assert_string_equal(ddb_map_write(&arena, &out).p,
                        "{\"n\":{\"N\":\"5\"},\"tags\":{\"SS\":[\"a\",\"b\"]},\"elems\":{\"L\":"
                        "[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}");
    assert_int_equal(ddb_parse_projection(&arena, S("m, m.nested"), &names, &p, &err), -1);
    assert_non_null(strstr(err.msg, "overlap"));
}

static void test_an_item_comes_back_from_its_text_unchanged(void **state) {
    (void)state;
    struct ddb_map item = item_of(item_text);
    struct str text = ddb_map_write(&arena, &item);
    struct ddb_map again = item_of(text.p);
    assert_int_equal(again.n, item.n);
    for (size_t i = 0; i < item.n; i++) {
        assert_true(ddb_value_eq(item.v[i].value, ddb_map_get(&again, item.v[i].name)));
    }
    assert_int_equal(ddb_map_get(&item, S("b"))->text.n, 2);
}

static void test_values_from_outside_are_checked(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct ddb_map map = item_of("{\"a\":{\"SS\":[\"x\",\"x\"]},\"b\":{\"NS\":[\"1\",\"1.0\"]},"
                                 "\"c\":{\"SS\":[]},\"d\":{\"N\":\"1.50\"},\"e\":{\"N\":\"x\"}}");
    assert_int_equal(ddb_value_check(&arena, map.v[0].value, &err), -1);
    assert_non_null(strstr(err.msg, "Input collection [x, x] contains duplicates."));
    assert_int_equal(ddb_value_check(&arena, map.v[1].value, &err), -1);
    assert_int_equal(ddb_value_check(&arena, map.v[2].value, &err), -1);
    assert_non_null(strstr(err.msg, "An string set  may not be empty"));
    assert_int_equal(ddb_value_check(&arena, map.v[3].value, &err), 0);
    assert_true(str_is(map.v[3].value->text, "1.5"));
    assert_int_equal(ddb_value_check(&arena, map.v[4].value, &err), -1);
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparisons_compare_numbers_as_numbers_and_types_apart),
        cmocka_unit_test(test_functions_answer_as_documented),
        cmocka_unit_test(test_not_binds_tighter_than_and_and_and_tighter_than_or),
        cmocka_unit_test(test_wrong_conditions_are_refused_in_the_words_of_aws),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_given_names_and_values_must_be_used),
        cmocka_unit_test(test_updates_change_what_they_name),
        cmocka_unit_test(test_operands_see_the_item_as_it_was),
        cmocka_unit_test(test_wrong_updates_are_refused_in_the_words_of_aws),
        cmocka_unit_test(test_projections_keep_structure_and_close_lists_up),
        cmocka_unit_test(test_an_item_comes_back_from_its_text_unchanged),
        cmocka_unit_test(test_values_from_outside_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
