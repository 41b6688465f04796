/* What parse.c (conditions, paths, projections) and parse_update.c share. */
#pragma once

#include "services/dynamodb/expr.h"
#include "services/dynamodb/lex.h"

struct ddb_parser {
    struct arena *arena;
    const char *what; /* "ConditionExpression" */
    struct str text;
    struct ddb_names *names;
    size_t at;              /* behind `token` */
    struct ddb_token last;  /* the one before `token` */
    struct ddb_token token; /* the one to be read next */
    int depth;
    int operators;
    struct err *err;
};

/* Checks the size and reads the first token. */
int ddb_parser_begin(struct ddb_parser *p, struct arena *a, const char *what, struct str text,
                     struct ddb_names *names, struct err *err) MUST_USE;
void ddb_parser_next(struct ddb_parser *p);
bool ddb_parser_is(const struct ddb_parser *p, const char *sign_or_keyword);
/* Goes on if the token is this one; else a syntax error. */
int ddb_parser_expect(struct ddb_parser *p, const char *sign_or_keyword) MUST_USE;
int ddb_parser_syntax(struct ddb_parser *p); /* -1: syntax error at the token */
int ddb_parser_fail(struct ddb_parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* -1: "Invalid <what>: ..." */
/* Every nesting construct enters and leaves. */
int ddb_parser_enter(struct ddb_parser *p) MUST_USE;
void ddb_parser_leave(struct ddb_parser *p);

int ddb_parse_path(struct ddb_parser *p, struct ddb_path *ret) MUST_USE;
/* Path, value or size(). NULL = failed. */
struct ddb_node *ddb_parse_operand(struct ddb_parser *p);
struct ddb_node *ddb_node_new(struct ddb_parser *p, enum ddb_op op);
void ddb_node_add(struct ddb_parser *p, struct ddb_node *node, struct ddb_node *arg);
int ddb_parser_operator(struct ddb_parser *p) MUST_USE; /* counts one, -1 above the limit */
/* -1 if a literal operand is of a type that the function or operator does not take. */
int ddb_parser_types(struct ddb_parser *p, const char *function, const struct ddb_node *operand,
                     unsigned allowed) MUST_USE;
#define DDB_TYPES(type) (1u << (type))
bool ddb_path_overlaps(const struct ddb_path *x, const struct ddb_path *y);
