/*
 * The gate that every call of an embedded service goes through, whether it came over HTTP or from
 * inside: who is it (keys and sessions), may they (policies), has it been answered already
 * (journal), then the handler, in one transaction. The front door decodes and encodes around it;
 * `gate_embedded` is the same for aws_call in process.
 */
#pragma once

#include "aws/call/call.h"
#include "aws/shape/shape.h"
#include "runtime/db/db.h"
#include "runtime/http/http.h"

struct gate;

struct gate_call;

/* What a policy decision needs to know of a resource. */
struct gate_resource {
    struct str arn;      /* in: as the request names it, or "*"; a hook may make it the real one */
    struct str account;  /* whose it is; the ARN's, else the call's; a hook may know better */
    struct str policy;   /* its own policy (bucket, topic, key, trust policy), or absent */
    bool policy_decides; /* without its policy's leave, identity policies do not count (keys) */
};

/* One service as the gate serves it. `handlers` stands parallel to shape->ops. */
struct gate_service {
    const struct shape_service *shape;
    const shape_handler *handlers;
    /* Fills what a resource of this service has; NULL: they have no policies. Runs inside the
     * call's transaction. `action` is the right that is asked for. */
    int (*resource)(const struct gate_call *c, struct db *db, struct str action,
                    struct gate_resource *r, struct err *err);
};

struct gate_config {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const char *data_dir;
    struct str region;          /* where unspecific keys live: "eu-west-2" */
    struct str any_key_account; /* --accept-any-key: unknown keys are its root; or absent */
    const struct gate_service *services; /* copied */
    size_t n_services;
};

int gate_new(const struct gate_config *config, struct gate **ret, struct err *err) MUST_USE;
void gate_free(struct gate *g); /* NULL ok */

/* For targets of calls in process (aws_target.embedded); lives as long as the gate. */
const struct aws_embedded *gate_embedded(struct gate *g);

/* A key as authentication needs it. Everything is owned by the arena it was asked with. */
struct gate_key {
    struct str secret_key;
    struct str session_token; /* must come with the request; absent for long-lived keys */
    int64_t expires_ms; /* 0 = never; an expired key is still found, so that it can be named */
    struct aws_principal principal;
};

/* 1 found, 0 no such key (the caller answers InvalidClientTokenId), -1 error. Opens its own
 * transaction. With any_key_account every key is found, with an absent secret: do not verify. */
int gate_find_key(struct gate *g, struct arena *a, struct str access_key, struct gate_key *ret,
                  struct err *err) MUST_USE;

/* An answer as bytes, as the journal keeps it. */
struct gate_answer {
    int status;
    struct http_headers headers;
    struct str body;
};

/* One call. What stands under "result", and the time, are filled by gate_invoke. */
struct gate_call {
    struct arena *arena;
    const struct gate_service *service;
    const struct shape_op *op;
    const struct aws_principal *principal;
    struct str
        account; /* whose resources are meant: the principal's, unless a resource says else */
    struct str region;
    struct str request_id;
    struct str source;               /* in process: "console"; absent = ourselves */
    const struct http_request *http; /* NULL in process */
    struct aws_body body;            /* AWS_BODY_NONE when there is none */
    const void *in;
    void *out; /* zeroed */

    /* Journal: absent id = none. `answer` turns a success into bytes inside the transaction; they
     * are stored with the write. Not called, and nothing stored, when the call wrote nothing. */
    struct str journal_id;
    int (*answer)(void *ud, const struct gate_call *c, struct gate_answer *ret, struct err *err);
    void *ud;

    int64_t now_ms; /* one time for the whole call; set by gate_invoke */

    /* result */
    struct aws_body reply_body;
    int reply_status;         /* 0: the op's own */
    const void *error_detail; /* members of a modelled error, or NULL */
    struct str audit_note;    /* what the handler adds for the audit, or absent */
};

/* Authorizes, runs the handler in a transaction of its own (a savepoint when one is open), commits.
 * -1: rolled back, err says why (err->api set for every modelled refusal). An operation that has no
 * handler fails with the service's own unknown-operation error. */
int gate_invoke(struct gate *g, struct gate_call *c, struct err *err) MUST_USE;

/* Authorizes only: may the principal call this operation with this input? Opens its own
 * transaction; refuses as gate_invoke does. */
int gate_check(struct gate *g, struct gate_call *c, struct err *err) MUST_USE;

/* The service whose shape has this name; NULL if it is not served. */
const struct gate_service *gate_service_named(const struct gate *g, struct str name);
const struct gate_service *gate_services(const struct gate *g, size_t *ret_n);

/* The last refusals, newest first: what was asked, what would have allowed it. Opens its own
 * transaction. `account` absent: of all. */
struct gate_denial {
    struct str account, principal, action, resource;
    struct str reason;  /* as told to the caller */
    struct str missing; /* the missing statement, or the one that denied, as JSON */
    struct str hint;    /* what came nearest, or absent */
    int64_t count, first_ms, last_ms;
};
struct gate_denial_list {
    struct gate_denial *v;
    size_t n;
};
int gate_denials(struct db *db, struct arena *a, struct str account, int64_t limit,
                 struct gate_denial_list *ret, struct err *err) MUST_USE;

/* The audit's row of a call whose work is done behind its transaction (call_after): the gate writes
 * none, the handler does, with audit_add, in the transaction of that work. Arena-owned. */
struct audit_act;
const struct audit_act *gate_act(const struct call *c, const void *in, struct str resource);

extern const struct db_schema gate_schema;

/* Journal of a build's writes. find: 1 = answered before, *ret is that answer; 0 = not; -1 error.
 * Both open their own transaction. */
int gate_journal_find(struct gate *g, struct arena *a, struct str id, struct gate_answer *ret,
                      struct err *err) MUST_USE;
int gate_journal_drop(struct gate *g, struct str id, struct err *err) MUST_USE;
