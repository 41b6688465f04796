/*
 * YAML 1.1 as a tree (over libyaml), for people's files: every node knows its line and column, and
 * scalars keep their text, because `0.20`, `yes` and `012` in a variable mean those characters.
 * What is bounded: size, depth, and the number of nodes that aliases would expand to. Aliases share
 * nodes, so a tree is never larger than its text; recursion is an error. Merge keys are resolved.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdarg.h>

enum {
    YAML_MAX_BYTES = 1024 * 1024,
    YAML_MAX_DEPTH = 200,
    YAML_MAX_NODES = 100 * 1000, /* with every alias written out */
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_pair;

struct yaml_node {
    enum yaml_kind kind;
    struct str text;         /* SCALAR: its characters, unquoted, unfolded, unescaped */
    bool plain;              /* SCALAR: it was not quoted and not a block */
    bool literal;            /* SCALAR: a '|' block, whose lines are those of the file */
    struct str tag;          /* explicit tag such as "tag:yaml.org,2002:str", or absent */
    unsigned line, column;   /* where it begins, from 1 */
    struct yaml_node **item; /* SEQUENCE */
    struct yaml_pair *pair;  /* MAPPING, in order, each key once */
    size_t n;                /* items or pairs */
    size_t weight;           /* nodes in this tree with every alias written out */
};

struct yaml_pair {
    struct yaml_node *key; /* always a scalar */
    struct yaml_node *value;
};

struct yaml_note {
    unsigned line, column;
    struct str text;
};

struct yaml_doc {
    struct yaml_node *root; /* NULL: the text holds no document */
    struct {
        struct yaml_note *v;
        size_t n;
    } warnings;             /* duplicate keys (the last one counts), further documents */
    struct yaml_note error; /* after a failure: where and what, without the file's name */
};

/* Everything in *ret is owned by `a`. ERR_INVALID with "FILE:LINE:COLUMN: what" when it is not
 * YAML, ERR_LIMIT with the same form when it is larger than the bounds. */
int yaml_parse(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
               struct err *err) MUST_USE;

/* The same for languages with tags of their own: "!Ref" stays in node->tag instead of being
 * refused. */
int yaml_parse_tagged(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
                      struct err *err) MUST_USE;

/* yaml_parse for files of ours: one that holds no document is ERR_INVALID too, and so is whatever
 * yaml_parse warns of (a key given twice). */
int yaml_parse_strict(struct arena *a, const char *file, struct str text, struct yaml_doc *ret,
                      struct err *err) MUST_USE;

/* What is wrong at a node: ERR_INVALID "FILE:LINE:COLUMN: what". Returns -1. */
int yaml_fail(struct err *err, const char *file, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int yaml_vfail(struct err *err, const char *file, const struct yaml_node *at, const char *fmt,
               va_list args) __attribute__((format(printf, 4, 0)));

/* Value of a key of a mapping; NULL if there is none, or if `map` is NULL or no mapping. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* A plain, empty, "~" or "null" scalar; NULL counts as null too. */
bool yaml_is_null(const struct yaml_node *node);

/* yes/no, true/false, on/off in any of YAML 1.1's spellings. False if it is none of these. */
bool yaml_bool(const struct yaml_node *node, bool *ret);

const char *yaml_kind_name(enum yaml_kind kind); /* "a list", for messages */
