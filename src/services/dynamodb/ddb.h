/*
 * What DynamoDB's handlers share: values between the generated structs and ours, the expressions of
 * a request, one write in two steps. Private to this folder.
 */
#pragma once

#include "aws/call/call.h"
#include "gen/dynamodb.h"
#include "services/dynamodb/ddb_store.h"
#include "services/dynamodb/expr.h"

/* Turns our sentence (ERR_INVALID) into a ValidationException; other errors stay. Returns -1. */
int ddb_invalid(struct err *err);
int ddb_validation(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The table that a name or an ARN means. ResourceNotFoundException "Requested resource not found",
 * with the name behind it when `named`. */
int ddb_need_table(struct call *c, struct str name, bool named, struct ddb_table *ret,
                   struct err *err) MUST_USE;
struct str ddb_table_arn(struct call *c, const struct ddb_table *t);

/* Values: checked and normalised on the way in (ValidationException). */
int ddb_map_take(struct arena *a, const struct dynamodb_attribute_value_map *in,
                 struct ddb_map *ret, struct err *err) MUST_USE;
void ddb_map_give(struct arena *a, const struct ddb_map *map,
                  struct dynamodb_attribute_value_map *out);

/* The key of an item (`whole`) or of a Key parameter, which must hold the key and nothing else. */
int ddb_item_key(struct arena *a, const struct ddb_table *t, const struct ddb_map *map, bool whole,
                 struct ddb_key *ret, struct err *err) MUST_USE;

/* Names and values of a request, ready for the parsers. `expressions`: how many it has. */
int ddb_names_take(struct arena *a, const struct str_map *names,
                   const struct dynamodb_attribute_value_map *values, int expressions,
                   struct ddb_names *ret, struct err *err) MUST_USE;
/* Parameters from before expressions, as what an expression would have been parsed into (legacy.c).
 * *ret is NULL, or empty, where nothing was given. */
int ddb_legacy_expected(struct arena *a, const struct dynamodb_expected_attribute_value_map *in,
                        struct str joined_by, struct ddb_node **ret, struct err *err) MUST_USE;
int ddb_legacy_filter(struct arena *a, const struct dynamodb_condition_map *in,
                      struct str joined_by, struct ddb_node **ret, struct err *err) MUST_USE;
int ddb_legacy_updates(struct arena *a, const struct dynamodb_attribute_value_update_map *in,
                       struct ddb_update *ret, struct err *err) MUST_USE;
struct ddb_projection ddb_legacy_fields(struct arena *a, const struct str_list *names);
/* ValidationException when a request uses both worlds. */
int ddb_not_both(bool legacy, const char *legacy_name, bool expression, const char *expression_name,
                 struct err *err) MUST_USE;

enum ddb_write_kind { DDB_PUT_ITEM, DDB_UPDATE_ITEM, DDB_DELETE_ITEM, DDB_CHECK_ITEM };

struct ddb_write {
    enum ddb_write_kind kind;
    struct str table_name;
    const struct dynamodb_attribute_value_map *item; /* PUT: the item; else the key */
    struct str condition;
    struct str update;
    const struct str_map *names;
    const struct dynamodb_attribute_value_map *values;
    struct ddb_node *expected;        /* legacy condition, or NULL */
    const struct ddb_update *updates; /* legacy updates, or NULL */
};

struct ddb_written {
    struct ddb_table table;
    struct ddb_key key;
    bool existed;
    struct ddb_map old;       /* empty if it did not exist */
    struct ddb_map item;      /* what will stand there (not DELETE) */
    struct ddb_update update; /* UPDATE */
    bool failed;              /* the condition does not hold */
};

/* Parses, reads, evaluates the condition, computes what will stand there. Writes nothing. */
int ddb_write_prepare(struct call *c, const struct ddb_write *w, struct ddb_written *ret,
                      struct err *err) MUST_USE;
int ddb_write_apply(struct call *c, const struct ddb_write *w, const struct ddb_written *done,
                    struct err *err) MUST_USE;

/* Capacity that a request is told it used; NULL unless `wanted` is TOTAL or INDEXES. */
struct dynamodb_consumed_capacity *ddb_capacity(struct call *c, const struct ddb_table *t,
                                                struct str wanted, double units);
double ddb_read_units(size_t bytes, bool consistent);
double ddb_write_units(size_t bytes);
