/* DynamoDB's handlers over a store in memory: tables, items, conditions, queries, transactions. */
#include "../../cmocka_.h"

#include "gen/dynamodb.h"
#include "services/core/core.h"
#include "services/dynamodb/ddb_store.h"

#include <stdio.h>

static struct arena arena;
static struct db *db;
static struct err err;
static struct call last;

static int run(const struct shape_op *op, shape_handler handler, const void *in, void *out) {
    err = ERR_INIT;
    last = (struct call){.arena = &arena,
                         .db = db,
                         .clock = &clock_system,
                         .rng = &rng_system,
                         .now_ms = 1795485120000,
                         .account = S("111111111111"),
                         .region = S("eu-west-2"),
                         .op = op,
                         .body = AWS_BODY_NONE,
                         .reply_body = AWS_BODY_NONE};
    memset(out, 0, op->out->size);
    assert_int_equal(db_begin(db, &err), 0);
    int result = handler(&last, in, out, &err);
    if (result == 0) {
        result = db_commit(db, &err);
    } else {
        db_rollback(db);
    }
    return result;
}

#define THUNK(op)                                                                                  \
    static int thunk_##op(struct call *c, const void *in, void *out, struct err *e) {              \
        return dynamodb_##op(c, in, out, e);                                                       \
    }
#define RUN(op, in, out) run(&dynamodb_op_##op, thunk_##op, in, out)

THUNK(create_table)
THUNK(describe_table)
THUNK(delete_table)
THUNK(update_table)
THUNK(list_tables)
THUNK(put_item)
THUNK(get_item)
THUNK(update_item)
THUNK(delete_item)
THUNK(query)
THUNK(scan)
THUNK(batch_get_item)
THUNK(batch_write_item)
THUNK(transact_write_items)
THUNK(transact_get_items)
THUNK(list_tags_of_resource)
THUNK(update_time_to_live)
THUNK(describe_time_to_live)
THUNK(describe_continuous_backups)

static void ok(int result) {
    if (result < 0) {
        fail_msg("%s: %s", err.api != NULL ? err.api->code : "?", err.msg);
    }
}

static void refused(int result, const char *code, const char *words) {
    assert_int_equal(result, -1);
    if (err.api == NULL) {
        fail_msg("no modelled error: %s", err.msg);
    }
    assert_string_equal(err.api->code, code);
    if (strstr(err.msg, words) == NULL) {
        fail_msg("'%s' lacks '%s'", err.msg, words);
    }
}

/* Items and values as typed JSON. */
static struct dynamodb_attribute_value to_value(const struct ddb_value *v);

static struct dynamodb_attribute_value_map to_map(const struct ddb_map *map) {
    struct dynamodb_attribute_value_map out = {
        arena_new_n(&arena, struct dynamodb_attribute_value_map_entry, map->n), map->n};
    for (size_t i = 0; i < map->n; i++) {
        out.v[i].key = map->v[i].name;
        out.v[i].value = to_value(map->v[i].value);
    }
    return out;
}

static struct dynamodb_attribute_value to_value(const struct ddb_value *v) {
    struct dynamodb_attribute_value out = {0};
    if (v->type == DDB_S) {
        out.s = v->text;
    } else if (v->type == DDB_N) {
        out.n = v->text;
    } else if (v->type == DDB_M) {
        out.m = to_map(&v->map);
    } else if (v->type == DDB_SS) {
        out.ss = (struct str_list){arena_new_n(&arena, struct str, v->list.n), v->list.n};
        for (size_t i = 0; i < v->list.n; i++) {
            out.ss.v[i] = v->list.v[i]->text;
        }
    } else {
        fail_msg("test values are S, N, M or SS");
    }
    return out;
}

static struct dynamodb_attribute_value_map item(const char *json) {
    struct ddb_map map;
    if (ddb_map_read(&arena, str_c(json), &map, &err) < 0) {
        fail_msg("%s: %s", json, err.msg);
    }
    return to_map(&map);
}

static struct str text_of(const struct dynamodb_attribute_value_map *map, const char *name) {
    for (size_t i = 0; i < map->n; i++) {
        if (str_is(map->v[i].key, name)) {
            return map->v[i].value.s.p != NULL ? map->v[i].value.s : map->v[i].value.n;
        }
    }
    return STR_NONE;
}

static void assert_str(struct str have, const char *want) {
    if (!str_is(have, want)) {
        fail_msg("have '" STR_FMT "', want '%s'", STR_ARG(have), want);
    }
}

static void make_table(const char *name, const char *range, bool indexed) {
    struct dynamodb_attribute_definition definitions[] = {
        {S("id"), S("S")}, {S("n"), S("N")}, {S("g"), S("S")}};
    struct dynamodb_key_schema_element keys[] = {{S("id"), S("HASH")}, {S("n"), S("RANGE")}};
    struct dynamodb_key_schema_element index_keys[] = {{S("g"), S("HASH")}, {S("n"), S("RANGE")}};
    struct dynamodb_projection projection = {.projection_type = S("ALL")};
    struct dynamodb_global_secondary_index index = {
        .index_name = S("by-g"), .key_schema = {index_keys, 2}, .projection = &projection};
    struct dynamodb_tag tag = {S("k"), S("v")};
    struct dynamodb_create_table_input in = {
        .table_name = str_c(name),
        .attribute_definitions = {definitions, range == NULL ? 1 : indexed ? 3 : 2},
        .key_schema = {keys, range != NULL ? 2 : 1},
        .global_secondary_indexes = {&index, indexed ? 1 : 0},
        .billing_mode = S("PAY_PER_REQUEST"),
        .tags = {&tag, 1}};
    struct dynamodb_create_table_output out;
    ok(RUN(create_table, &in, &out));
    assert_str(out.table_description->table_status, "CREATING");
}

static int put(const char *table, const char *json, const char *condition) {
    struct dynamodb_put_item_input in = {
        .table_name = str_c(table),
        .item = item(json),
        .condition_expression = condition != NULL ? str_c(condition) : STR_NONE};
    struct dynamodb_put_item_output out;
    return RUN(put_item, &in, &out);
}

static struct dynamodb_attribute_value_map get(const char *table, const char *key) {
    struct dynamodb_get_item_input in = {.table_name = str_c(table), .key = item(key)};
    struct dynamodb_get_item_output out;
    ok(RUN(get_item, &in, &out));
    return out.item;
}

static int setup(void **state) {
    (void)state;
    const struct db_schema schemas[] = {core_schema, dynamodb_schema};
    assert_int_equal(db_open("", schemas, 2, &db, &err), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    db_close(db);
    arena_done(&arena);
    return 0;
}

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
    struct dynamodb_get_item_input in = {
        .table_name = S("tab"), .key = item("{\"id\":{\"S\":\"a\"},\"b\":{\"S\":\"c\"}}")};
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

static void test_legacy_parameters_are_refused_by_name(void **state) {
    (void)state;
    make_table("tab", NULL, false);
    struct dynamodb_expected_attribute_value_map_entry expected = {.key = S("id")};
    struct dynamodb_put_item_input in = {.table_name = S("tab"),
                                         .item = item("{\"id\":{\"S\":\"a\"}}"),
                                         .expected = {&expected, 1}};
    struct dynamodb_put_item_output out;
    refused(RUN(put_item, &in, &out), "ValidationException", "Expected");
}

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
    struct dynamodb_query_input between = {
        .key_condition_expression = S("id = :a AND n BETWEEN :x AND :y")};
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
    struct dynamodb_query_input in = {.table_name = S("tab"),
                                      .expression_attribute_values = item("{\":a\":{\"S\":\"a\"}}")};
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
    refused(RUN(query, &in, &out), "ValidationException", "does not have the specified index: none");
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
    struct dynamodb_attribute_value_map keys[] = {
        item("{\"id\":{\"S\":\"a\"}}"), item("{\"id\":{\"S\":\"none\"}}"),
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

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_lock_is_taken_once_and_found_by_who_lost),
        CASE(test_tables_have_a_life_and_exact_errors),
        CASE(test_wrong_tables_are_refused),
        CASE(test_keys_are_checked_against_the_table),
        CASE(test_updates_return_what_is_asked),
        CASE(test_legacy_parameters_are_refused_by_name),
        CASE(test_queries_walk_the_range_key_as_numbers),
        CASE(test_indexes_follow_their_items),
        CASE(test_a_new_index_is_filled),
        CASE(test_wrong_queries_are_refused_in_the_words_of_aws),
        CASE(test_scans_count_page_and_split),
        CASE(test_batches_write_and_read),
        CASE(test_transactions_happen_whole_or_not_at_all),
        CASE(test_a_transaction_sent_twice_happens_once),
        CASE(test_what_terraform_reads_is_there),
        CASE(test_tables_are_listed_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
