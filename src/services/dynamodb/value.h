/*
 * Attribute values and items, apart from any request: what the expressions work on and what the
 * table stores. Numbers are kept as normalised text; sets keep their order of insertion.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum ddb_type {
    DDB_S,
    DDB_N,
    DDB_B,
    DDB_SS,
    DDB_NS,
    DDB_BS,
    DDB_M,
    DDB_L,
    DDB_NULL,
    DDB_BOOL,
};

struct ddb_value;

struct ddb_attr {
    struct str name;
    struct ddb_value *value;
};

struct ddb_map {
    struct ddb_attr *v;
    size_t n;
};

struct ddb_list {
    struct ddb_value **v;
    size_t n;
};

struct ddb_value {
    enum ddb_type type;
    bool boolean;         /* BOOL */
    struct str text;      /* S, N (normalised), B (raw bytes) */
    struct ddb_list list; /* L; SS, NS, BS: members as S, N, B */
    struct ddb_map map;   /* M */
};

enum {
    DDB_DEPTH_MAX = 32,        /* levels of nesting in a value */
    DDB_ITEM_MAX = 400 * 1024, /* bytes of an item */
    DDB_HASH_KEY_MAX = 2048,
    DDB_RANGE_KEY_MAX = 1024,
};

const char *ddb_type_name(enum ddb_type type); /* "S", "NS" ... */
const char *ddb_type_word(enum ddb_type type); /* "STRING", "NUMBER_SET" ..., as errors say */
/* False if it is none. */
bool ddb_type_parse(struct str name, enum ddb_type *ret);

struct ddb_value *ddb_value_new(struct arena *a, enum ddb_type type, struct str text);

/* Attribute of a map; NULL if it is not there. */
struct ddb_value *ddb_map_get(const struct ddb_map *map, struct str name);
/* Sets or replaces. The map must be of arena `a` and unshared. */
void ddb_map_set(struct arena *a, struct ddb_map *map, struct str name, struct ddb_value *value);
void ddb_map_remove(struct ddb_map *map, struct str name);

bool ddb_value_eq(const struct ddb_value *x, const struct ddb_value *y);
/* Order of two S, N or B of the same type. False if they have none. */
bool ddb_value_cmp(const struct ddb_value *x, const struct ddb_value *y, int *ret);
/* True if a set holds the element. */
bool ddb_set_has(const struct ddb_list *set, const struct ddb_value *element);
/* Adds the members of `other` that are not there, or removes those that are. */
void ddb_set_merge(struct arena *a, struct ddb_list *set, const struct ddb_list *other,
                   bool remove);

/* Deep copy: what an update may change. */
struct ddb_map ddb_map_copy(struct arena *a, const struct ddb_map *map);
struct ddb_value *ddb_value_copy(struct arena *a, const struct ddb_value *value);

/* Bytes as DynamoDB counts them: names, values, 3 for a collection and 1 for each element. */
size_t ddb_map_size(const struct ddb_map *map);
size_t ddb_value_size(const struct ddb_value *value);

/* What is checked when a value comes in: depth, numbers (normalised in place), sets without
 * duplicates and not empty. ERR_INVALID with AWS's sentence. */
int ddb_value_check(struct arena *a, struct ddb_value *value, struct err *err) MUST_USE;

/* Key bytes whose memcmp order is the order of S, N or B values of one type. */
struct str ddb_value_key(struct arena *a, const struct ddb_value *value);

/* Typed JSON text, the stored form: {"id":{"S":"x"},"n":{"N":"1.50"}}; B is base64. */
struct str ddb_map_write(struct arena *a, const struct ddb_map *map);
int ddb_map_read(struct arena *a, struct str text, struct ddb_map *ret, struct err *err) MUST_USE;
