/* DynamoDB's handlers over a store in memory; items and values are written as typed JSON. */
#pragma once

#include "../../cmocka_.h"

#include "gen/dynamodb.h"
#include "services/core/core.h"
#include "services/dynamodb/ddb_store.h"

#include <stdio.h>

static struct arena arena;
static struct db *db;
static struct err err;
static struct call last;

static inline int run(const struct shape_op *op, shape_handler handler, const void *in, void *out) {
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
THUNK(put_item)
THUNK(get_item)

static inline void ok(int result) {
    if (result < 0) {
        fail_msg("%s: %s", err.api != NULL ? err.api->code : "?", err.msg);
    }
}

static inline void refused(int result, const char *code, const char *words) {
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
static inline struct dynamodb_attribute_value to_value(const struct ddb_value *v);

static inline struct dynamodb_attribute_value_map to_map(const struct ddb_map *map) {
    struct dynamodb_attribute_value_map out = {
        arena_new_n(&arena, struct dynamodb_attribute_value_map_entry, map->n), map->n};
    for (size_t i = 0; i < map->n; i++) {
        out.v[i].key = map->v[i].name;
        out.v[i].value = to_value(map->v[i].value);
    }
    return out;
}

static inline struct dynamodb_attribute_value to_value(const struct ddb_value *v) {
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

static inline struct dynamodb_attribute_value_map item(const char *json) {
    struct ddb_map map;
    if (ddb_map_read(&arena, str_c(json), &map, &err) < 0) {
        fail_msg("%s: %s", json, err.msg);
    }
    return to_map(&map);
}

static inline struct str text_of(const struct dynamodb_attribute_value_map *map, const char *name) {
    for (size_t i = 0; i < map->n; i++) {
        if (str_is(map->v[i].key, name)) {
            return map->v[i].value.s.p != NULL ? map->v[i].value.s : map->v[i].value.n;
        }
    }
    return STR_NONE;
}

static inline void assert_str(struct str have, const char *want) {
    if (!str_is(have, want)) {
        fail_msg("have '" STR_FMT "', want '%s'", STR_ARG(have), want);
    }
}

static inline void make_table(const char *name, const char *range, bool indexed) {
    struct dynamodb_attribute_definition definitions[] = {
        {S("id"), S("S")}, {S("n"), S("N")}, {S("g"), S("S")}};
    struct dynamodb_key_schema_element keys[] = {{S("id"), S("HASH")}, {S("n"), S("RANGE")}};
    struct dynamodb_key_schema_element index_keys[] = {{S("g"), S("HASH")}, {S("n"), S("RANGE")}};
    struct dynamodb_projection projection = {.projection_type = S("ALL")};
    struct dynamodb_global_secondary_index index = {
        .index_name = S("by-g"), .key_schema = {index_keys, 2}, .projection = &projection};
    struct dynamodb_tag tag = {S("k"), S("v")};
    struct dynamodb_create_table_input in = {.table_name = str_c(name),
                                             .attribute_definitions = {definitions, range == NULL
                                                                                        ? 1
                                                                                    : indexed ? 3
                                                                                              : 2},
                                             .key_schema = {keys, range != NULL ? 2 : 1},
                                             .global_secondary_indexes = {&index, indexed ? 1 : 0},
                                             .billing_mode = S("PAY_PER_REQUEST"),
                                             .tags = {&tag, 1}};
    struct dynamodb_create_table_output out;
    ok(RUN(create_table, &in, &out));
    assert_str(out.table_description->table_status, "CREATING");
}

static inline int put(const char *table, const char *json, const char *condition) {
    struct dynamodb_put_item_input in = {.table_name = str_c(table),
                                         .item = item(json),
                                         .condition_expression =
                                             condition != NULL ? str_c(condition) : STR_NONE};
    struct dynamodb_put_item_output out;
    return RUN(put_item, &in, &out);
}

static inline struct dynamodb_attribute_value_map get(const char *table, const char *key) {
    struct dynamodb_get_item_input in = {.table_name = str_c(table), .key = item(key)};
    struct dynamodb_get_item_output out;
    ok(RUN(get_item, &in, &out));
    return out.item;
}

static inline int setup(void **state) {
    (void)state;
    const struct db_schema schemas[] = {core_schema, dynamodb_schema};
    assert_int_equal(db_open("", schemas, 2, &db, &err), 0);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    db_close(db);
    arena_done(&arena);
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
