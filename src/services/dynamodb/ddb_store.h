/*
 * DynamoDB's tables and items as rows. Everything runs inside the caller's transaction and knows
 * nothing of requests; items are ddb_maps, kept as typed JSON under keys that sort as their
 * attributes do, so that a Query is one index range.
 */
#pragma once

#include "runtime/db/db.h"
#include "services/dynamodb/value.h"

/* A key attribute; an absent name = there is none. */
struct ddb_key_part {
    struct str name;
    enum ddb_type type; /* S, N or B */
};

struct ddb_index {
    int64_t id;
    struct str name;
    bool local;
    struct ddb_key_part hash;
    struct ddb_key_part range;
    struct str projection;      /* "ALL", "KEYS_ONLY", "INCLUDE" */
    struct str_list attributes; /* of INCLUDE */
    int64_t read_units;
    int64_t write_units;
};

struct ddb_table {
    int64_t id;
    struct str account;
    struct str region;
    struct str name;
    struct str uuid;
    int64_t created_ms;
    struct ddb_key_part hash;
    struct ddb_key_part range;
    struct str billing;
    int64_t read_units;
    int64_t write_units;
    struct str storage_class;
    bool protected;
    struct str sse;    /* absent, "KMS" or a key's ARN */
    struct str stream; /* absent or a view type */
    struct str stream_label;
    struct str ttl_attribute;
    int64_t recovery_ms; /* 0 = off */
    int64_t items;       /* as it was read */
    int64_t bytes;
    struct {
        struct ddb_index *v;
        size_t n;
    } indexes;
};

/* Where an item lies. */
struct ddb_key {
    struct str hash;
    struct str range; /* "" where there is no range key */
};

/* A run over a table or an index, in key order. */
struct ddb_range {
    const struct ddb_table *table;
    const struct ddb_index *index; /* NULL = the table itself */
    bool whole;                    /* a scan: hash, low and high do not count */
    bool backward;                 /* never of a scan */
    struct str hash;
    struct str low;            /* range key from here on; absent = from the first */
    struct str high;           /* below this; absent = to the last */
    bool has_start;            /* go on behind this place */
    struct ddb_key start;      /* key in the table or the index */
    struct ddb_key start_item; /* index only: key of the item in the table */
};

extern const struct db_schema dynamodb_schema;

/* 1 found, 0 none, -1 error. */
int ddb_table_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct ddb_table *ret, struct err *err) MUST_USE;
int ddb_table_insert(struct db *db, struct ddb_table *t, struct err *err) MUST_USE; /* fills ids */
/* Everything but keys and indexes. */
int ddb_table_update(struct db *db, const struct ddb_table *t, struct err *err) MUST_USE;
int ddb_table_remove(struct db *db, const struct ddb_table *t, struct err *err) MUST_USE;
int ddb_table_names(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str after, int64_t limit, struct str_list *ret,
                    struct err *err) MUST_USE;
/* A new index is filled from the items that are there. */
int ddb_index_insert(struct db *db, const struct ddb_table *t, struct ddb_index *index,
                     struct err *err) MUST_USE;
int ddb_index_remove(struct db *db, const struct ddb_index *index, struct err *err) MUST_USE;
int ddb_index_update(struct db *db, const struct ddb_index *index, struct err *err) MUST_USE;

/* The key of an item under these key attributes. False if an attribute is not there or is of
 * another type. */
bool ddb_key_of(struct arena *a, const struct ddb_key_part *hash, const struct ddb_key_part *range,
                const struct ddb_map *item, struct ddb_key *ret);

int ddb_item_get(struct db *db, struct arena *a, const struct ddb_table *t,
                 const struct ddb_key *key, struct ddb_map *ret, struct err *err) MUST_USE;
/* `old` is what stands there (NULL = nothing), for the indexes. */
int ddb_item_put(struct db *db, struct arena *a, const struct ddb_table *t,
                 const struct ddb_key *key, const struct ddb_map *old, const struct ddb_map *item,
                 struct err *err) MUST_USE;
int ddb_item_delete(struct db *db, struct arena *a, const struct ddb_table *t,
                    const struct ddb_key *key, const struct ddb_map *old, struct err *err) MUST_USE;

/* Opens the run; rows are read by ddb_range_next (1 item, 0 end, -1 error). */
int ddb_range_open(struct db *db, const struct ddb_range *range, struct db_rows *ret,
                   struct err *err) MUST_USE;
int ddb_range_next(struct db_rows *rows, struct arena *a, struct ddb_map *ret,
                   struct err *err) MUST_USE;

/* A transaction's token: 1 it was used for the same request since `since_ms`, 0 it is new (and is
 * remembered from now on), ERR_CONFLICT used for another request, -1. Older ones are forgotten. */
int ddb_token_use(struct db *db, struct str account, struct str region, struct str token,
                  struct str digest, int64_t now_ms, int64_t since_ms, struct err *err) MUST_USE;

/* Key strings: the least above s, and the least above all that begin with s (absent = none). */
struct str ddb_key_after(struct arena *a, struct str s);
struct str ddb_key_after_prefix(struct arena *a, struct str s);
