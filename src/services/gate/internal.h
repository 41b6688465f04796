/* Shared by the files of services/gate only. */
#pragma once

#include "services/gate/gate.h"
#include "services/iam/policy.h"

#include <stdatomic.h>

struct gate_cache;

struct gate {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const char *data_dir; /* NULL: none */
    struct str region;
    struct str any_key_account;
    struct gate_service *services;
    size_t n_services;
    struct aws_embedded embedded;
    struct gate_cache *cache;
    struct arena arena; /* of what lies above */
};

/* A principal's own policies, parsed, or one policy. They live until the transaction ends. */
struct gate_policies {
    const struct policy **v;
    size_t n;
    bool bounded;                  /* has a permissions boundary: */
    const struct policy *boundary; /* NULL when it is gone or does not parse: allows nothing */
};

/* Parsed policies in memory; used inside transactions only, whose lock guards them. */
struct gate_cache *gate_cache_new(void);
void gate_cache_free(struct gate_cache *c); /* NULL ok */
/* Inline and attached policies of a role or user; none when it does not exist any more. */
int gate_cache_identity(struct gate *g, struct arena *a, const struct aws_principal *p,
                        struct gate_policies *ret, struct err *err) MUST_USE;
/* NULL when the text does not parse: then it allows nothing, and the caller denies. */
const struct policy *gate_cache_policy(struct gate *g, struct str text, enum policy_use use);

/* Condition keys of a call; `ud` of policy_request.value is this. */
struct gate_context {
    struct gate *g;
    const struct gate_call *c;
    const struct gate_resource *resource;
    int64_t now_ms;
    struct str action; /* the right in question */
};
bool gate_context_value(void *ud, struct str key, struct str_list *ret);

/* context_dynamodb.c: condition keys about items. False: the call has none. */
bool gate_enclosing_operation(const struct gate_context *x, struct arena *a, struct str_list *ret);
bool gate_item_attributes(const struct gate_context *x, struct arena *a, struct str_list *ret);
bool gate_leading_keys(const struct gate_context *x, struct arena *a, struct str_list *ret);

/* context_object.c */
/* Of an object that a PutObject makes; larger than any where the key is taken, and for calls that
 * do not say how much comes (parts, copies). AWS has no such key. */
bool gate_new_object_bytes(const struct gate_context *x, struct arena *a, struct str_list *ret);

struct gate_refusal {
    struct str action, resource, reason, missing, hint;
};
/* 0: may; ret->action and ret->resource are the first that was asked for. -1: refused (*ret says
 * what, err->api is the service's access denied error) or failed (ret->reason is absent). Inside
 * the call's transaction. */
int gate_authorize(struct gate *g, const struct gate_call *c, struct gate_refusal *ret,
                   struct err *err) MUST_USE;

/* Opens its own transaction; failing to note it is no failure of the call. */
void gate_denial_note(struct gate *g, const struct gate_call *c, const struct gate_refusal *r);

/* audit.c: by which way a call came. */
struct str gate_source(const struct gate_call *c);
/* The row of a call that has changed something (`wrote`), in its transaction; what is a
 * row and what is not is said there. */
int gate_audit(struct gate *g, const struct gate_call *c, const struct gate_refusal *need,
               bool wrote, struct err *err) MUST_USE;
/* Of a refusal that has been noted `count` times, in the transaction of the note. */
int gate_audit_refusal(struct gate *g, const struct gate_call *c, const struct gate_refusal *r,
                       int64_t count, struct err *err) MUST_USE;

int gate_journal_store(struct gate *g, const struct gate_call *c, struct err *err) MUST_USE;

/* The service's own error for an operation that is not built, and for a refusal. */
int gate_unknown_operation(const struct gate_call *c, struct err *err);
int gate_access_denied(const struct gate_call *c, struct str message, struct err *err);
