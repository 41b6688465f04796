/*
 * Descriptors of AWS operations and their types. tools/apigen writes const tables of these from
 * api/<service>.api; the walkers of aws/proto interpret them, so that no operation has code of its
 * own for decoding, checking or encoding. Descriptors say what AWS's models say; they hold no
 * behaviour and never change at run time.
 *
 * How a value lies in a generated struct (offset of shape_member, by kind of its shape):
 *   STR ENUM BLOB DOCUMENT    struct str                       absent: p == NULL
 *   BOOL                      bool      + bool has_<name>      absent: has_<name> == false
 *   INT LONG TIMESTAMP        int32_t / int64_t / int64_t (milliseconds since 1970) + has_<name>
 *   FLOAT DOUBLE              double    + has_<name>
 *   STRUCT                    pointer to the struct            absent: NULL
 *   LIST                      struct shape_list's layout       absent: v == NULL
 *   MAP                       struct shape_list's layout, v = entries {struct str key; T value;}
 *   BODY                      no field: call->body, call->reply_body or aws_call_stream
 * As element of a list or value of a map a STRUCT lies by value. BLOB is raw bytes, not base64;
 * DOCUMENT is JSON text.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct err;
struct shape_service;

enum shape_kind {
    SHAPE_STRUCT,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_STR,
    SHAPE_ENUM,
    SHAPE_BLOB,
    SHAPE_BOOL,
    SHAPE_INT,
    SHAPE_LONG,
    SHAPE_FLOAT,
    SHAPE_DOUBLE,
    SHAPE_TIMESTAMP,
    SHAPE_DOCUMENT,
    SHAPE_BODY,
};

/* DEFAULT: epoch seconds in JSON bodies, ISO 8601 in XML, forms and query strings, RFC 822 date in
 * headers. The others say so where a member deviates. */
enum shape_time { SHAPE_TIME_DEFAULT, SHAPE_TIME_ISO8601, SHAPE_TIME_RFC822, SHAPE_TIME_UNIX };

enum shape_place {
    SHAPE_IN_BODY,
    SHAPE_IN_HEADER,
    SHAPE_IN_HEADERS, /* map str str: `wire` is the prefix of the header names */
    SHAPE_IN_QUERY,
    SHAPE_IN_URI,
    SHAPE_IN_STATUS,
};

enum {
    SHAPE_MEMBER_REQUIRED = 1,
    SHAPE_MEMBER_PAYLOAD = 2,    /* is the whole body */
    SHAPE_MEMBER_ATTRIBUTE = 4,  /* XML attribute of its struct's element */
    SHAPE_MEMBER_TOKEN = 8,      /* idempotency token: clients fill it with a UUID when absent */
    SHAPE_MEMBER_SENSITIVE = 16, /* never into logs, audit or error messages */
};

#define SHAPE_NO_FIELD UINT32_MAX
#define SHAPE_NO_MIN INT64_MIN
#define SHAPE_NO_MAX INT64_MAX

struct shape_member {
    const char *name; /* as in AWS's model: JSON key and word of validation messages */
    const char *wire; /* element, header or query parameter name; mostly the same */
    const struct shape *shape;
    uint32_t offset;     /* of the value; SHAPE_NO_FIELD for BODY */
    uint32_t has_offset; /* of has_<name>; SHAPE_NO_FIELD where the value itself tells */
    uint8_t place;       /* enum shape_place */
    uint8_t flags;       /* SHAPE_MEMBER_* */
    const char *xmlns;   /* "prefix=uri" declared on the member's element (S3 Grantee) */
};

struct shape {
    const char *name;         /* STRUCT and ENUM: model's name; else NULL */
    uint8_t kind;             /* enum shape_kind */
    uint8_t time;             /* enum shape_time, TIMESTAMP */
    bool flat;                /* LIST, MAP: elements without a wrapper in XML and forms */
    bool unwrapped;           /* STRUCT: its only member's text is the root element's (S3) */
    uint32_t size;            /* of a value that lies by value (STRUCT: sizeof the struct) */
    uint32_t entry_size;      /* MAP: size of one entry */
    uint32_t value_offset;    /* MAP: of the value in an entry; the key lies at 0 */
    int64_t min, max;         /* STR BLOB: length; LIST MAP: elements; numbers: value */
    const char *pattern;      /* STR: regular expression that the whole value matches, or NULL */
    const struct shape *item; /* LIST: element; MAP: value */
    const struct shape *key;  /* MAP: STR or ENUM */
    const char *item_name;    /* LIST: element's name in XML ("member"); MAP: "value" */
    const char *key_name;     /* MAP: "key" */
    const char *xml_name;     /* STRUCT: root element where it is not the place's usual one */
    const struct shape_member *members;
    uint32_t n_members;        /* STRUCT: members; ENUM: values */
    const char *const *values; /* ENUM, in the model's order */
};

/* Layout of every generated list and map. */
struct shape_list {
    void *v;
    size_t n;
};

/* A modelled error. `code` goes into query and XML answers, `name` into JSON's __type; they differ
 * in few services only. */
struct aws_error {
    const char *name;
    const char *code;
    int http_status;
    const char *message_name;  /* "message" or "Message" */
    const struct shape *shape; /* struct of the further members, or NULL: see call->error_detail */
};

enum {
    SHAPE_OP_UNIMPLEMENTED = 1, /* answered with the service's own unknown-operation error */
    SHAPE_OP_READ = 2,          /* changes nothing: needs no journal */
    SHAPE_OP_NO_OUTPUT = 4,     /* the model has no output: empty body in JSON, no XxxResult */
    SHAPE_OP_CHECKSUM = 8,      /* request must carry a checksum header (S3) */
    SHAPE_OP_BODY_IN = 16,      /* request body is streamed */
    SHAPE_OP_BODY_OUT = 32,     /* answer body is streamed */
    SHAPE_OP_UNSIGNED = 64,     /* no signature needed */
};

/*
 * A right that the caller needs. A template is a resource behind "arn:aws:SVC:REGION:ACCOUNT:" (SVC
 * is the action's prefix, REGION empty for global services), or a whole ARN if it begins with
 * "arn:". In it {a.b} is an input member, {list*} or {list*.member} each element and {map*} each
 * key (one resource per element), {a|filter} a value that went through a filter (rights.c),
 * {@account} and {@region} the call's. A value that is an ARN stands for all before it too, and for
 * the rest as well unless another value follows. A template with an absent value asks for nothing;
 * a right without templates asks for "*"; when nothing is asked for, it is the first action on "*".
 */
struct shape_right {
    const char *action;           /* "ssm:PutParameter" */
    const char *const *resources; /* templates, NULL at the end; empty: "*" */
    const char *if_member;        /* path of an input member, or NULL */
    const char *unless_member;
};

struct shape_op {
    const char *name;
    const struct shape_service *service;
    uint16_t index;         /* in service->ops and in the handlers */
    uint16_t flags;         /* SHAPE_OP_* */
    uint16_t status;        /* HTTP status of success */
    const char *method;     /* "POST" but for REST */
    const char *uri;        /* "/" or a template: /{Bucket}/{Key+}?uploads */
    const struct shape *in; /* STRUCT, never NULL */
    const struct shape *out;
    const struct aws_error *const *errors; /* NULL at the end */
    const struct shape_right *rights;
    uint32_t n_rights;
};

enum shape_protocol {
    SHAPE_JSON_1_0,
    SHAPE_JSON_1_1,
    SHAPE_QUERY,
    SHAPE_REST_XML,
    SHAPE_REST_JSON,
    SHAPE_NO_PROTOCOL,
};

struct shape_service {
    const char *name;                  /* C prefix: "ssm", "codestar_connections" */
    const char *signing;               /* SigV4 service name */
    const char *prefix;                /* of IAM actions and ARNs; mostly the same */
    const char *host;                  /* endpoint prefix */
    bool global;                       /* one endpoint for all regions, ARNs without region */
    bool query_compatible;             /* JSON errors also carry x-amzn-query-error */
    bool no_nul;                       /* no string of a request may contain U+0000 */
    uint8_t protocol;                  /* enum shape_protocol: preferred by us as client */
    uint8_t protocol2;                 /* another one that clients use, or SHAPE_NO_PROTOCOL */
    const char *target;                /* X-Amz-Target prefix, or NULL */
    const char *version;               /* API version, query's Version */
    const char *xmlns;                 /* query, REST XML; else NULL */
    const struct shape_op *const *ops; /* sorted by name (byte order) */
    uint32_t n_ops;
    const struct aws_error *const *errors; /* sorted by name */
    uint32_t n_errors;
};

/* A handler behind its thunk; in and out are the op's generated structs. */
typedef int (*shape_handler)(struct call *c, const void *in, void *out, struct err *err);

/* Looks up by name; NULL if the service does not have it. */
const struct shape_op *shape_find_op(const struct shape_service *svc, struct str name);
const struct aws_error *shape_find_error(const struct shape_service *svc, struct str name_or_code);
const struct shape_member *shape_find_member(const struct shape *s, struct str name);

/* The member's value inside `base` (a generated struct), or NULL when it is absent. For STRUCT the
 * struct itself. */
const void *shape_get(const struct shape_member *m, const void *base);
