/* Tables, items, conditions, batches and transactions. */
#include "ddb_fixture.h"

THUNK(batch_get_item)
THUNK(batch_write_item)
THUNK(delete_item)
THUNK(delete_table)
THUNK(describe_continuous_backups)
THUNK(describe_table)
THUNK(describe_time_to_live)
THUNK(list_tables)
THUNK(list_tags_of_resource)
THUNK(transact_get_items)
THUNK(transact_write_items)
THUNK(update_item)
THUNK(update_time_to_live)

static void test_a_lock_is_taken_once_and_found_by_who_lost(void **state) {
    (void)state;
    make_table("lock", NULL, false);
    ok(put("lock", "{\"id\":{\"S\":\"b/state\"},\"Info\":{\"S\":\"me\"}}",
           "attribute_not_exists(id)"));
    struct dynamodb_put_item_input in = {
        .table_name = S("lock"),
        .item = item("{\"id\":{\"S\":\"b/state\"},\"Info\":{\"S\":\"other\"}}"),
        .condition_expression = S("attribute_not_exists(id)"),
        .return_values_on_condition_check_failure = S("ALL_OLD")};
    struct dynamodb_put_item_output out;
    refused(RUN(put_item, &in, &out), "ConditionalCheckFailedException",
            "The conditional request failed");
    const struct dynamodb_conditional_check_failed_exception *detail = last.error_detail;
    assert_str(text_of(&detail->item, "Info"), "me");
    struct dynamodb_attribute_value_map there = get("lock", "{\"id\":{\"S\":\"b/state\"}}");
    assert_str(text_of(&there, "Info"), "me");
    struct dynamodb_delete_item_input del = {.table_name = S("lock"),
                                             .key = item("{\"id\":{\"S\":\"b/state\"}}"),
                                             .return_values = S("ALL_OLD")};
    struct dynamodb_delete_item_output deleted;
    ok(RUN(delete_item, &del, &deleted));
    assert_str(text_of(&deleted.attributes, "Info"), "me");
    there = get("lock", "{\"id\":{\"S\":\"b/state\"}}");
    assert_null(there.v);
}

static void test_tables_have_a_life_and_exact_errors(void **state) {
    (void)state;
    make_table("t-one", "n", true);
    struct dynamodb_describe_table_input in = {.table_name = S("t-one")};
    struct dynamodb_describe_table_output out;
    ok(RUN(describe_table, &in, &out));
    assert_str(out.table->table_status, "ACTIVE");
    assert_str(out.table->table_arn, "arn:aws:dynamodb:eu-west-2:111111111111:table/t-one");
    assert_str(out.table->billing_mode_summary->billing_mode, "PAY_PER_REQUEST");
    assert_int_equal(out.table->attribute_definitions.n, 3);
    assert_int_equal(out.table->global_secondary_indexes.n, 1);
    struct dynamodb_list_tags_of_resource_input tags_in = {.resource_arn = out.table->table_arn};
    struct dynamodb_list_tags_of_resource_output tags;
    ok(RUN(list_tags_of_resource, &tags_in, &tags));
    assert_int_equal(tags.tags.n, 1);
    ok(put("t-one", "{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}", NULL));
    in.table_name = out.table->table_arn;
    ok(RUN(describe_table, &in, &out));
    assert_int_equal(out.table->item_count, 1);
    struct dynamodb_delete_table_input del = {.table_name = S("t-one")};
    struct dynamodb_delete_table_output deleted;
    ok(RUN(delete_table, &del, &deleted));
    assert_str(deleted.table_description->table_status, "DELETING");
    refused(RUN(describe_table, &in, &out), "ResourceNotFoundException",
            "Requested resource not found: Table: t-one not found");
    refused(put("t-one", "{\"id\":{\"S\":\"a\"}}", NULL), "ResourceNotFoundException",
            "Requested resource not found");
}

static void test_wrong_tables_are_refused(void **state) {
    (void)state;
    struct dynamodb_attribute_definition definitions[] = {{S("id"), S("S")}, {S("x"), S("S")}};
    struct dynamodb_key_schema_element keys[] = {{S("id"), S("HASH")}};
    struct dynamodb_create_table_input in = {.table_name = S("tab"),
                                             .attribute_definitions = {definitions, 2},
                                             .key_schema = {keys, 1},
                                             .billing_mode = S("PAY_PER_REQUEST")};
    struct dynamodb_create_table_output out;
    refused(RUN(create_table, &in, &out), "ValidationException", "does not exactly match");
    in.attribute_definitions.n = 1;
    in.billing_mode = STR_NONE;
    refused(RUN(create_table, &in, &out), "ValidationException", "must both be specified");
    in.billing_mode = S("PAY_PER_REQUEST");
    in.table_name = S("bad name");
    refused(RUN(create_table, &in, &out), "ValidationException", "regular expression pattern");
    in.table_name = S("tab");
    keys[0].key_type = S("RANGE");
    refused(RUN(create_table, &in, &out), "ValidationException", "not a HASH key type");
    keys[0].key_type = S("HASH");
    ok(RUN(create_table, &in, &out));
    refused(RUN(create_table, &in, &out), "ResourceInUseException", "Table already exists: tab");
}

static void test_keys_are_checked_against_the_table(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    refused(put("tab", "{\"x\":{\"S\":\"a\"}}", NULL), "ValidationException",
            "Missing the key id in the item");
    refused(put("tab", "{\"id\":{\"N\":\"1\"}}", NULL), "ValidationException",
            "Type mismatch for key id expected: S actual: N");
    refused(put("tab", "{\"id\":{\"S\":\"\"}}", NULL), "ValidationException",
            "cannot contain an empty string value. Key: id");
    struct dynamodb_get_item_input in = {.table_name = S("tab"),
                                         .key = item("{\"id\":{\"S\":\"a\"},\"b\":{\"S\":\"c\"}}")};
    struct dynamodb_get_item_output out;
    refused(RUN(get_item, &in, &out), "ValidationException",
            "The provided key element does not match the schema");
    char *big = arena_alloc(&arena, 420 * 1024);
    memset(big, 'x', 410 * 1024);
    struct dynamodb_attribute_value_map_entry entries[] = {
        {S("id"), {.s = S("a")}}, {S("big"), {.s = str_n(big, 410 * 1024)}}};
    struct dynamodb_put_item_input put_in = {.table_name = S("tab"), .item = {entries, 2}};
    struct dynamodb_put_item_output put_out;
    refused(RUN(put_item, &put_in, &put_out), "ValidationException",
            "Item size has exceeded the maximum allowed size");
    entries[1].value = (struct dynamodb_attribute_value){0};
    refused(RUN(put_item, &put_in, &put_out), "ValidationException",
            "Supplied AttributeValue is empty");
    entries[1].value = (struct dynamodb_attribute_value){.s = S("a"), .n = S("1")};
    refused(RUN(put_item, &put_in, &put_out), "ValidationException", "more than one datatypes");
}

static void test_updates_return_what_is_asked(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct str_pair names[] = {{S("#c"), S("count")}};
    struct dynamodb_update_item_input in = {
        .table_name = S("tab"),
        .key = item("{\"id\":{\"S\":\"a\"}}"),
        .update_expression = S("ADD #c :one SET who = :w"),
        .expression_attribute_names = {names, 1},
        .expression_attribute_values = item("{\":one\":{\"N\":\"1\"},\":w\":{\"S\":\"me\"}}"),
        .return_values = S("UPDATED_NEW")};
    struct dynamodb_update_item_output out;
    ok(RUN(update_item, &in, &out));
    assert_int_equal(out.attributes.n, 2);
    assert_str(text_of(&out.attributes, "count"), "1");
    in.return_values = S("ALL_NEW");
    ok(RUN(update_item, &in, &out));
    assert_int_equal(out.attributes.n, 3);
    assert_str(text_of(&out.attributes, "count"), "2");
    in.return_values = S("UPDATED_OLD");
    ok(RUN(update_item, &in, &out));
    assert_str(text_of(&out.attributes, "count"), "2");
    in.update_expression = S("ADD #c :one SET id = :w");
    refused(RUN(update_item, &in, &out), "ValidationException",
            "Cannot update attribute id. This attribute is part of the key");
    in.update_expression = S("ADD #c :one");
    refused(RUN(update_item, &in, &out), "ValidationException",
            "ExpressionAttributeValues unused in expressions: keys: {:w}");
}

static void test_legacy_updates_and_expectations_work(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct dynamodb_attribute_value one = {.n = S("1")};
    struct dynamodb_attribute_value me = {.s = S("me")};
    struct dynamodb_attribute_value_update_map_entry changes[] = {
        {S("count"), {.value = &one, .action = S("ADD")}},
        {S("who"), {.value = &me}},
        {S("gone"), {.action = S("DELETE")}}};
    struct dynamodb_update_item_input in = {.table_name = S("tab"),
                                            .key = item("{\"id\":{\"S\":\"a\"}}"),
                                            .attribute_updates = {changes, 3},
                                            .return_values = S("ALL_NEW")};
    struct dynamodb_update_item_output out;
    ok(RUN(update_item, &in, &out));
    ok(RUN(update_item, &in, &out));
    assert_str(text_of(&out.attributes, "count"), "2");
    assert_str(text_of(&out.attributes, "who"), "me");
    struct dynamodb_expected_attribute_value_map_entry expected[] = {
        {S("id"), {.has_exists = true, .exists = false}}};
    struct dynamodb_put_item_input put_in = {
        .table_name = S("tab"), .item = item("{\"id\":{\"S\":\"a\"}}"), .expected = {expected, 1}};
    struct dynamodb_put_item_output put_out;
    refused(RUN(put_item, &put_in, &put_out), "ConditionalCheckFailedException", "failed");
    expected[0] = (struct dynamodb_expected_attribute_value_map_entry){
        S("count"), {.comparison_operator = S("GE"), .attribute_value_list = {&one, 1}}};
    ok(RUN(put_item, &put_in, &put_out));
    put_in.condition_expression = S("attribute_exists(id)");
    refused(RUN(put_item, &put_in, &put_out), "ValidationException",
            "Non-expression parameters: {Expected}");
    changes[0].value.action = S("DELETE");
    refused(RUN(update_item, &in, &out), "ValidationException", "not supported for the type N");
}

static void test_batches_write_and_read(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct dynamodb_put_request puts[2] = {{item("{\"id\":{\"S\":\"a\"}}")},
                                           {item("{\"id\":{\"S\":\"b\"}}")}};
    struct dynamodb_write_request requests[] = {{.put_request = &puts[0]},
                                                {.put_request = &puts[1]}};
    struct dynamodb_write_request_list_map_entry tables = {S("tab"), {requests, 2}};
    struct dynamodb_batch_write_item_input in = {.request_items = {&tables, 1}};
    struct dynamodb_batch_write_item_output out;
    ok(RUN(batch_write_item, &in, &out));
    assert_int_equal(out.unprocessed_items.n, 0);
    puts[1] = puts[0];
    refused(RUN(batch_write_item, &in, &out), "ValidationException", "contains duplicates");
    struct dynamodb_attribute_value_map keys[] = {item("{\"id\":{\"S\":\"a\"}}"),
                                                  item("{\"id\":{\"S\":\"none\"}}"),
                                                  item("{\"id\":{\"S\":\"b\"}}")};
    struct dynamodb_keys_and_attributes_map_entry wanted = {S("tab"), {.keys = {keys, 3}}};
    struct dynamodb_batch_get_item_input get_in = {.request_items = {&wanted, 1}};
    struct dynamodb_batch_get_item_output got;
    ok(RUN(batch_get_item, &get_in, &got));
    assert_int_equal(got.responses.v[0].value.n, 2);
}

static void test_transactions_happen_whole_or_not_at_all(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    ok(put("tab", "{\"id\":{\"S\":\"there\"},\"v\":{\"S\":\"old\"}}", NULL));
    struct dynamodb_put one = {.table_name = S("tab"), .item = item("{\"id\":{\"S\":\"new\"}}")};
    struct dynamodb_put two = {.table_name = S("tab"),
                               .item = item("{\"id\":{\"S\":\"there\"}}"),
                               .condition_expression = S("attribute_not_exists(id)"),
                               .return_values_on_condition_check_failure = S("ALL_OLD")};
    struct dynamodb_transact_write_item items[] = {{.put = &one}, {.put = &two}};
    struct dynamodb_transact_write_items_input in = {.transact_items = {items, 2}};
    struct dynamodb_transact_write_items_output out;
    refused(RUN(transact_write_items, &in, &out), "TransactionCanceledException",
            "specific reasons [None, ConditionalCheckFailed]");
    const struct dynamodb_transaction_canceled_exception *detail = last.error_detail;
    assert_int_equal(detail->cancellation_reasons.n, 2);
    assert_str(text_of(&detail->cancellation_reasons.v[1].item, "v"), "old");
    assert_null(get("tab", "{\"id\":{\"S\":\"new\"}}").v);
    two.condition_expression = STR_NONE;
    ok(RUN(transact_write_items, &in, &out));
    assert_non_null(get("tab", "{\"id\":{\"S\":\"new\"}}").v);
    struct dynamodb_get gets[] = {
        {.table_name = S("tab"), .key = item("{\"id\":{\"S\":\"new\"}}")},
        {.table_name = S("tab"), .key = item("{\"id\":{\"S\":\"gone\"}}")}};
    struct dynamodb_transact_get_item get_items[] = {{&gets[0]}, {&gets[1]}};
    struct dynamodb_transact_get_items_input get_in = {.transact_items = {get_items, 2}};
    struct dynamodb_transact_get_items_output got;
    ok(RUN(transact_get_items, &get_in, &got));
    assert_int_equal(got.responses.n, 2);
    assert_non_null(got.responses.v[0].item.v);
    assert_null(got.responses.v[1].item.v);
    two.item = one.item;
    refused(RUN(transact_write_items, &in, &out), "ValidationException",
            "cannot include multiple operations on one item");
}

static void test_a_transaction_sent_twice_happens_once(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct dynamodb_update add = {.table_name = S("tab"),
                                  .key = item("{\"id\":{\"S\":\"a\"}}"),
                                  .update_expression = S("ADD n :one"),
                                  .expression_attribute_values = item("{\":one\":{\"N\":\"1\"}}")};
    struct dynamodb_transact_write_item items[] = {{.update = &add}};
    struct dynamodb_transact_write_items_input in = {.transact_items = {items, 1},
                                                     .client_request_token = S("token-1")};
    struct dynamodb_transact_write_items_output out;
    ok(RUN(transact_write_items, &in, &out));
    ok(RUN(transact_write_items, &in, &out));
    struct dynamodb_attribute_value_map there = get("tab", "{\"id\":{\"S\":\"a\"}}");
    assert_str(text_of(&there, "n"), "1");
    add.key = item("{\"id\":{\"S\":\"b\"}}");
    refused(RUN(transact_write_items, &in, &out), "IdempotentParameterMismatchException", "Token");
    in.client_request_token = S("token-2");
    ok(RUN(transact_write_items, &in, &out));
}

static void test_what_terraform_reads_is_there(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct dynamodb_describe_continuous_backups_input backups_in = {.table_name = S("tab")};
    struct dynamodb_describe_continuous_backups_output backups;
    ok(RUN(describe_continuous_backups, &backups_in, &backups));
    assert_str(backups.continuous_backups_description->continuous_backups_status, "ENABLED");
    struct dynamodb_describe_time_to_live_input ttl_in = {.table_name = S("tab")};
    struct dynamodb_describe_time_to_live_output ttl;
    ok(RUN(describe_time_to_live, &ttl_in, &ttl));
    assert_str(ttl.time_to_live_description->time_to_live_status, "DISABLED");
    struct dynamodb_time_to_live_specification spec = {
        .enabled = true, .has_enabled = true, .attribute_name = S("until")};
    struct dynamodb_update_time_to_live_input set = {.table_name = S("tab"),
                                                     .time_to_live_specification = &spec};
    struct dynamodb_update_time_to_live_output set_out;
    ok(RUN(update_time_to_live, &set, &set_out));
    refused(RUN(update_time_to_live, &set, &set_out), "ValidationException", "already enabled");
    ok(RUN(describe_time_to_live, &ttl_in, &ttl));
    assert_str(ttl.time_to_live_description->attribute_name, "until");
}

static void test_tables_are_listed_in_pages(void **state) {
    (void)state;
    make_table("aaa", NULL, false);
    make_table("bbb", NULL, false);
    make_table("ccc", NULL, false);
    struct dynamodb_list_tables_input in = {.has_limit = true, .limit = 2};
    struct dynamodb_list_tables_output out;
    ok(RUN(list_tables, &in, &out));
    assert_int_equal(out.table_names.n, 2);
    in.exclusive_start_table_name = out.last_evaluated_table_name;
    ok(RUN(list_tables, &in, &out));
    assert_int_equal(out.table_names.n, 1);
    assert_null(out.last_evaluated_table_name.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_lock_is_taken_once_and_found_by_who_lost),
        CASE(test_tables_have_a_life_and_exact_errors),
        CASE(test_wrong_tables_are_refused),
        CASE(test_keys_are_checked_against_the_table),
        CASE(test_updates_return_what_is_asked),
        CASE(test_legacy_updates_and_expectations_work),
        CASE(test_batches_write_and_read),
        CASE(test_transactions_happen_whole_or_not_at_all),
        CASE(test_a_transaction_sent_twice_happens_once),
        CASE(test_what_terraform_reads_is_there),
        CASE(test_tables_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
