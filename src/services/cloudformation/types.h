/*
 * Resource types: what CloudFormation can make, by which calls. A type says which properties it
 * knows and what is done with them; when and in which order is the run's business (run.c).
 */
#pragma once

#include "aws/call/call.h"
#include "aws/shape/shape.h"
#include "platform/text/json.h"

/* One call for one resource. The calls of a type run in the transaction that records their result:
 * whatever fails leaves nothing. */
struct cf_call {
    struct arena *arena;
    const struct aws_target *target; /* acts as the stack's caller or role */
    const struct rng *rng;
    struct str account, region;
    struct str stack_name, stack_id, logical_id;
    const json_t *props; /* evaluated; of the new state (create, update) or the last (remove) */
    const json_t *old;   /* update: the last properties */
    struct str physical; /* create fills it: what Ref gives. update, remove: it is given */
    json_t *attrs;       /* an object; create and update fill what Fn::GetAtt gives */
};

struct cf_type {
    const char *name;              /* "AWS::Logs::LogGroup" */
    const char *const *properties; /* known ones; others are refused; NULL at the end */
    const char *const *required;
    const char *const *fixed;      /* a change of these needs a new physical resource */
    const char *const *attributes; /* what Fn::GetAtt may ask for */
    const char *named_iam;         /* property that needs CAPABILITY_NAMED_IAM, or NULL */
    bool iam;                      /* needs CAPABILITY_IAM */
    bool tags;                     /* "Tags" is a list of Key and Value: the stack's are added */
    int (*create)(struct cf_call *c, struct err *err);
    int (*update)(struct cf_call *c, struct err *err); /* NULL: every change replaces */
    int (*remove)(struct cf_call *c, struct err *err); /* gone already: 0 */
};

/* NULL when there is no such type. */
const struct cf_type *cf_type_find(struct str name);
bool cf_list_has(const char *const *list, struct str name);

/* Helpers of types. */

/* The property, or "STACK-LOGICALID-12CHARACTERS". `lower`: as bucket names are. At most `max`. */
struct str cf_name(struct cf_call *c, const char *property, size_t max, bool lower);
/* Calls an operation with an input written as JSON: member names in any case, numbers and booleans
 * also as text, as in templates. Takes `input` over. *ret_out (may be NULL) is the op's output. */
int cf_invoke(struct cf_call *c, const struct shape_op *op, json_t *input, const void **ret_out,
              struct err *err) MUST_USE;
/* A new object with those of the properties that are named (NULL at the end) and there; or all but
 * those. */
json_t *cf_pick(const json_t *props, const char *const *names);
json_t *cf_omit(const json_t *props, const char *const *names);
/* A policy as text: documents may be objects or text. Absent when the property is not there. */
struct str cf_document(struct cf_call *c, const json_t *props, const char *property);
struct str cf_text(struct cf_call *c, const json_t *props, const char *property); /* or absent */
bool cf_same(const struct cf_call *c, const char *property); /* equal before and after */
bool cf_true(const json_t *props, const char *property);
void cf_attr(struct cf_call *c, const char *name, struct str value);
/* "arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE" */
struct str cf_arn(struct cf_call *c, const char *service, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
json_t *cf_tags_json(const struct str_map *tags, bool as_list); /* [{"Key","Value"}] or {"k":"v"} */
json_t *cf_list_json(const struct str_list *list);
/* Tags as a map, from a list of Key and Value or from an object. */
struct str_map cf_tags(struct cf_call *c, const json_t *props);
/* Keys that were there before and are not any more. */
struct str_list cf_tags_gone(struct cf_call *c);
/* Clears a failure that says "it is not there": true when it was one. */
bool cf_gone(struct err *err, const struct aws_error *not_found);
