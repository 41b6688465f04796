/*
 * apigen: what an .api file says, as read by read.c and printed by emit_*.c. A build-time program:
 * it runs once per file, never frees, and stops at the first mistake with FILE:LINE.
 */
#pragma once

#include "aws/shape/shape.h"

#include <stdarg.h>
#include <stdio.h>

struct def;

/* A growing list of pointers. */
struct vec {
    void **v;
    size_t n;
};

/* A type as used somewhere; equal types are one object (see type_intern). */
struct type {
    enum shape_kind kind;
    enum shape_time time;
    bool flat;
    bool has_min, has_max;
    long long min, max;
    const char *pattern;     /* STR: as AWS's model says it, or NULL */
    struct type *item, *key; /* LIST: item; MAP: key and item */
    struct def *def;         /* STRUCT, ENUM: found by read_resolve */
    const char *def_name;
    const char *item_name, *key_name; /* in XML, NULL = usual */
    const char *canonical;            /* text that equal types share */
    int line;                         /* first use, for messages */
    size_t index;                     /* in shapes[] */
};

struct member {
    const char *name, *wire, *field; /* field: C name */
    struct type *type;
    enum shape_place place;
    unsigned flags; /* SHAPE_MEMBER_* */
    const char *xmlns;
    int line;
};

enum def_kind { DEF_STRUCT, DEF_ENUM, DEF_ERROR };

struct def {
    enum def_kind kind;
    const char *name, *snake;
    struct vec members; /* struct member */
    struct vec values;  /* char, ENUM */
    const char *xml_name;
    bool unwrapped;
    bool used;
    int status; /* ERROR */
    const char *code, *message_name;
    struct type *type; /* of a struct: as it lies by value */
    int line;
};

struct right {
    const char *action;
    struct vec templates; /* char */
    const char *if_member, *unless_member;
    int line;
};

struct op {
    const char *name, *snake;
    const char *in_name, *out_name; /* NULL: the model has none */
    struct def *in, *out;
    struct vec errors; /* first char *, after read_resolve struct def */
    struct vec rights; /* struct right */
    const char *method, *uri;
    int status;
    unsigned flags; /* SHAPE_OP_* */
    bool no_right;  /* "iam -" */
    int line;
};

struct service {
    const char *file; /* as given, for messages */
    const char *base; /* last part of it */
    const char *name;
    int protocol, protocol2; /* enum shape_protocol, -1 = not said */
    const char *target, *version, *xmlns, *signing, *prefix, *host;
    bool global, query_compatible, no_nul, patterns;
    bool called;      /* by us, and served nowhere here: not in the list of what is served */
    struct vec ops;   /* struct op, sorted by name */
    struct vec defs;  /* struct def in the order of the file */
    struct vec types; /* struct type */
};

/* text.c */
void *zalloc(size_t size);
char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vec_push(struct vec *v, void *item);
void vec_sort(struct vec *v, int (*compare)(const void *, const void *));
char *snake_case(const char *name);       /* ChecksumCRC32C -> checksum_crc32c */
const char *field_name(const char *name); /* snake_case, with '_' behind C's own words */
void fail(const struct service *s, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* type.c */
struct type *type_parse(struct service *s, int line, const char **words, size_t *pos);
struct type *type_intern(struct service *s, struct type *t);
const char *type_c(const struct service *s, const struct type *t); /* "struct ssm_tag_list" */
const char *type_tag(const struct service *s,
                     const struct type *t); /* list, map: the struct's tag */
bool type_is_text(const struct type *t);    /* lies as struct str */
bool type_has_flag(const struct type *t);   /* has a has_<name> beside it */

/* read.c, check.c */
struct service *read_api(const char *path);
void check_service(struct service *s); /* finds names, checks templates and leftovers */

/* emit_h.c, emit_c.c, coverage.c */
void emit_header(const struct service *s, FILE *out);
void emit_tables(const struct service *s, FILE *out);
void emit_serve(const struct service *s, FILE *out);
void emit_coverage(struct service *const *services, size_t n, FILE *out);
