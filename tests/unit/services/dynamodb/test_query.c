/* Query and Scan, over tables and indexes, page by page. */
#include "ddb_fixture.h"

THUNK(delete_item)
THUNK(query)
THUNK(scan)
THUNK(update_table)

static void fill(void) {
    static const char *const numbers[] = {"10", "9", "-1", "2.5", "100"};
    make_table("tab", "n", true);
    for (size_t i = 0; i < 5; i++) {
        char json[160];
        snprintf(json, sizeof(json),
                 "{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"%s\"},\"g\":{\"S\":\"%s\"}}", numbers[i],
                 i % 2 == 0 ? "even" : "odd");
        ok(put("tab", json, NULL));
    }
    ok(put("tab", "{\"id\":{\"S\":\"b\"},\"n\":{\"N\":\"1\"}}", NULL));
}

/* The n attributes of all pages of a query. */
static const char *queried(struct dynamodb_query_input in, const char *values) {
    static char text[256];
    size_t n = 0;
    struct dynamodb_query_output out;
    in.table_name = S("tab");
    in.expression_attribute_values = item(values);
    do {
        ok(RUN(query, &in, &out));
        for (size_t i = 0; i < out.items.n; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, STR_FMT " ",
                                  STR_ARG(text_of(&out.items.v[i], "n")));
        }
        in.exclusive_start_key = out.last_evaluated_key;
    } while (out.last_evaluated_key.v != NULL && n < 200);
    text[n > 0 ? n - 1 : 0] = '\0';
    return text;
}

static void test_queries_walk_the_range_key_as_numbers(void **state) {
    (void)state;
    fill();
    struct dynamodb_query_input in = {.key_condition_expression = S("id = :a")};
    assert_string_equal(queried(in, "{\":a\":{\"S\":\"a\"}}"), "-1 2.5 9 10 100");
    in.has_scan_index_forward = true;
    assert_string_equal(queried(in, "{\":a\":{\"S\":\"a\"}}"), "100 10 9 2.5 -1");
    in.has_limit = true;
    in.limit = 2;
    assert_string_equal(queried(in, "{\":a\":{\"S\":\"a\"}}"), "100 10 9 2.5 -1");
    in.scan_index_forward = true;
    assert_string_equal(queried(in, "{\":a\":{\"S\":\"a\"}}"), "-1 2.5 9 10 100");
    struct dynamodb_query_input between = {.key_condition_expression =
                                               S("id = :a AND n BETWEEN :x AND :y")};
    const char *values = "{\":a\":{\"S\":\"a\"},\":x\":{\"N\":\"2.5\"},\":y\":{\"N\":\"10\"}}";
    assert_string_equal(queried(between, values), "2.5 9 10");
    struct dynamodb_query_input above = {.key_condition_expression = S("n > :x AND id = :a")};
    assert_string_equal(queried(above, "{\":a\":{\"S\":\"a\"},\":x\":{\"N\":\"9\"}}"), "10 100");
    struct dynamodb_query_input filtered = {.key_condition_expression = S("id = :a"),
                                            .filter_expression = S("g = :g"),
                                            .has_limit = true,
                                            .limit = 1};
    assert_string_equal(queried(filtered, "{\":a\":{\"S\":\"a\"},\":g\":{\"S\":\"odd\"}}"),
                        "2.5 9");
}

static void test_legacy_queries_work(void **state) {
    (void)state;
    fill();
    struct dynamodb_attribute_value a = {.s = S("a")};
    struct dynamodb_attribute_value nine = {.n = S("9")};
    struct dynamodb_attribute_value odd = {.s = S("odd")};
    struct dynamodb_condition_map_entry keys[] = {
        {S("id"), {.comparison_operator = S("EQ"), .attribute_value_list = {&a, 1}}},
        {S("n"), {.comparison_operator = S("LE"), .attribute_value_list = {&nine, 1}}}};
    struct dynamodb_condition_map_entry filter = {
        S("g"), {.comparison_operator = S("NE"), .attribute_value_list = {&odd, 1}}};
    struct str fields[] = {S("n")};
    struct dynamodb_query_input in = {.table_name = S("tab"),
                                      .key_conditions = {keys, 2},
                                      .query_filter = {&filter, 1},
                                      .attributes_to_get = {fields, 1}};
    struct dynamodb_query_output out;
    ok(RUN(query, &in, &out));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.items.v[0].n, 1);
    assert_str(text_of(&out.items.v[0], "n"), "-1");
    in.filter_expression = S("attribute_exists(g)");
    refused(RUN(query, &in, &out), "ValidationException", "Can not use both");
}

static void test_indexes_follow_their_items(void **state) {
    (void)state;
    fill();
    struct dynamodb_query_input in = {.index_name = S("by-g"),
                                      .key_condition_expression = S("g = :g")};
    assert_string_equal(queried(in, "{\":g\":{\"S\":\"even\"}}"), "-1 10 100");
    in.has_limit = true;
    in.limit = 1;
    assert_string_equal(queried(in, "{\":g\":{\"S\":\"even\"}}"), "-1 10 100");
    in.has_scan_index_forward = true;
    assert_string_equal(queried(in, "{\":g\":{\"S\":\"even\"}}"), "100 10 -1");
    ok(put("tab", "{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"10\"},\"g\":{\"S\":\"odd\"}}", NULL));
    assert_string_equal(queried(in, "{\":g\":{\"S\":\"even\"}}"), "100 -1");
    struct dynamodb_delete_item_input del = {
        .table_name = S("tab"), .key = item("{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"100\"}}")};
    struct dynamodb_delete_item_output deleted;
    ok(RUN(delete_item, &del, &deleted));
    assert_string_equal(queried(in, "{\":g\":{\"S\":\"even\"}}"), "-1");
    refused(put("tab", "{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"},\"g\":{\"N\":\"7\"}}", NULL),
            "ValidationException", "Type mismatch for Index Key g");
}

static void test_a_new_index_is_filled(void **state) {
    (void)state;
    make_table("tab", "n", false);
    ok(put("tab", "{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"3\"},\"g\":{\"S\":\"x\"}}", NULL));
    struct dynamodb_attribute_definition definition = {S("g"), S("S")};
    struct dynamodb_key_schema_element key = {S("g"), S("HASH")};
    struct dynamodb_projection projection = {.projection_type = S("KEYS_ONLY")};
    struct dynamodb_create_global_secondary_index_action create = {
        .index_name = S("new"), .key_schema = {&key, 1}, .projection = &projection};
    struct dynamodb_global_secondary_index_update update = {.create = &create};
    struct dynamodb_update_table_input in = {.table_name = S("tab"),
                                             .attribute_definitions = {&definition, 1},
                                             .global_secondary_index_updates = {&update, 1}};
    struct dynamodb_update_table_output out;
    ok(RUN(update_table, &in, &out));
    struct dynamodb_query_input query = {.index_name = S("new"),
                                         .key_condition_expression = S("g = :g")};
    assert_string_equal(queried(query, "{\":g\":{\"S\":\"x\"}}"), "3");
}

static void test_wrong_queries_are_refused_in_the_words_of_aws(void **state) {
    (void)state;
    fill();
    struct dynamodb_query_input in = {
        .table_name = S("tab"), .expression_attribute_values = item("{\":a\":{\"S\":\"a\"}}")};
    struct dynamodb_query_output out;
    in.key_condition_expression = S("g = :a");
    refused(RUN(query, &in, &out), "ValidationException",
            "Query condition missed key schema element: id");
    in.key_condition_expression = S("id = :a AND id = :a");
    refused(RUN(query, &in, &out), "ValidationException", "only contain one condition per key");
    in.key_condition_expression = S("id > :a");
    refused(RUN(query, &in, &out), "ValidationException", "Query key condition not supported");
    in.key_condition_expression = S("id = :a OR id = :a");
    refused(RUN(query, &in, &out), "ValidationException", "Invalid operator used");
    in.key_condition_expression = S("id = :a AND n = :a");
    refused(RUN(query, &in, &out), "ValidationException", "does not match schema type");
    in.key_condition_expression = S("id = :a");
    in.filter_expression = S("attribute_exists(n)");
    refused(RUN(query, &in, &out), "ValidationException", "Primary key attribute: n");
    in.filter_expression = STR_NONE;
    in.index_name = S("none");
    refused(RUN(query, &in, &out), "ValidationException",
            "does not have the specified index: none");
    in.key_condition_expression = STR_NONE;
    refused(RUN(query, &in, &out), "ValidationException", "must be specified in the request");
}

static void test_scans_count_page_and_split(void **state) {
    (void)state;
    fill();
    struct dynamodb_scan_input in = {.table_name = S("tab"), .select = S("COUNT")};
    struct dynamodb_scan_output out;
    ok(RUN(scan, &in, &out));
    assert_int_equal(out.count, 6);
    assert_null(out.items.v);
    in.select = STR_NONE;
    in.has_limit = true;
    in.limit = 4;
    size_t seen = 0;
    do {
        ok(RUN(scan, &in, &out));
        seen += out.items.n;
        in.exclusive_start_key = out.last_evaluated_key;
    } while (out.last_evaluated_key.v != NULL && seen < 20);
    assert_int_equal(seen, 6);
    seen = 0;
    for (int i = 0; i < 3; i++) {
        struct dynamodb_scan_input part = {.table_name = S("tab"),
                                           .has_segment = true,
                                           .segment = i,
                                           .has_total_segments = true,
                                           .total_segments = 3};
        ok(RUN(scan, &part, &out));
        seen += out.items.n;
    }
    assert_int_equal(seen, 6);
    struct dynamodb_scan_input whole = {.table_name = S("tab"), .index_name = S("by-g")};
    ok(RUN(scan, &whole, &out));
    assert_int_equal(out.items.n, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_queries_walk_the_range_key_as_numbers),
        CASE(test_legacy_queries_work),
        CASE(test_indexes_follow_their_items),
        CASE(test_a_new_index_is_filled),
        CASE(test_wrong_queries_are_refused_in_the_words_of_aws),
        CASE(test_scans_count_page_and_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
