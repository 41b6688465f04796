/*
 * DynamoDB's expressions: one tokenizer and one recursive descent parser for conditions, filters,
 * key conditions, updates and projections; evaluation over a ddb_map. Parsing and evaluation are
 * pure; errors are ERR_INVALID with the sentence of AWS, without the "Invalid X: " that the caller
 * names by `what`.
 */
#pragma once

#include "services/dynamodb/value.h"

enum {
    DDB_EXPR_MAX = 4096, /* bytes of one expression */
    DDB_EXPR_DEPTH = 64, /* nested parentheses, functions, NOTs */
    DDB_EXPR_OPERATORS = 300,
    DDB_PATH_MAX = 32, /* elements of a document path */
};

/* The #names and :values of one request. Shared by all its expressions, so that what none of them
 * uses can be refused at the end. */
struct ddb_names {
    struct str_map names;  /* "#n" -> "name" */
    struct ddb_map values; /* ":v" -> value */
    bool *name_used;       /* parallel; allocated by ddb_names_init */
    bool *value_used;
};
void ddb_names_init(struct arena *a, struct ddb_names *names);
/* ERR_INVALID if something given was not used by any expression parsed so far. */
int ddb_names_check(const struct ddb_names *names, struct err *err) MUST_USE;

/* a.b[3].c */
struct ddb_step {
    struct str name; /* absent: index counts */
    size_t index;
};
struct ddb_path {
    struct ddb_step *v;
    size_t n;
};

enum ddb_op {
    DDB_OP_PATH,
    DDB_OP_VALUE,
    DDB_OP_SIZE,
    DDB_OP_EQ,
    DDB_OP_NE,
    DDB_OP_LT,
    DDB_OP_LE,
    DDB_OP_GT,
    DDB_OP_GE,
    DDB_OP_BETWEEN,
    DDB_OP_IN,
    DDB_OP_AND,
    DDB_OP_OR,
    DDB_OP_NOT,
    DDB_OP_EXISTS,
    DDB_OP_NOT_EXISTS,
    DDB_OP_TYPE,
    DDB_OP_BEGINS,
    DDB_OP_CONTAINS,
    DDB_OP_IF_NOT_EXISTS,
    DDB_OP_LIST_APPEND,
    DDB_OP_PLUS,
    DDB_OP_MINUS,
};

struct ddb_node {
    enum ddb_op op;
    struct ddb_path path;    /* PATH */
    struct ddb_value *value; /* VALUE */
    struct {
        struct ddb_node **v;
        size_t n;
    } args;
};

enum ddb_clause { DDB_SET, DDB_REMOVE, DDB_ADD, DDB_DELETE };

struct ddb_action {
    enum ddb_clause clause;
    struct ddb_path path;
    struct ddb_node *operand; /* NULL for REMOVE */
};

struct ddb_update {
    struct ddb_action *v;
    size_t n;
};

struct ddb_projection {
    struct ddb_path *v;
    size_t n;
};

/* `what` is the parameter's name: "ConditionExpression", "FilterExpression" ... */
int ddb_parse_condition(struct arena *a, const char *what, struct str text, struct ddb_names *names,
                        struct ddb_node **ret, struct err *err) MUST_USE;
int ddb_parse_update(struct arena *a, struct str text, struct ddb_names *names,
                     struct ddb_update *ret, struct err *err) MUST_USE;
int ddb_parse_projection(struct arena *a, struct str text, struct ddb_names *names,
                         struct ddb_projection *ret, struct err *err) MUST_USE;

/* "a.b[3]", for messages: "[a, b, [3]]". */
struct str ddb_path_text(struct arena *a, const struct ddb_path *path);
struct ddb_value *ddb_path_get(const struct ddb_map *item, const struct ddb_path *path);
bool ddb_reserved_word(struct str word); /* any case */

/* Is the condition true of the item (an empty map when there is none)? Missing attributes and types
 * that do not compare make it false. */
bool ddb_condition_holds(struct arena *a, const struct ddb_node *node, const struct ddb_map *item);
/* Calls `visit` for each top-level attribute name that the condition refers to. */
bool ddb_condition_uses(const struct ddb_node *node, struct str attribute);

/* Applies an update to *item (own copy, arena `a`). Operands see the item as it was before. */
int ddb_update_apply(struct arena *a, const struct ddb_update *update, struct ddb_map *item,
                     struct err *err) MUST_USE;

/* The parts of the item that the projection names. */
struct ddb_map ddb_project(struct arena *a, const struct ddb_projection *p,
                           const struct ddb_map *item);
