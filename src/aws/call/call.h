/*
 * One way to call AWS. Whoever needs AWS (the engine, a build, CloudFormation, the command line)
 * fills a typed input struct and calls aws_call with a target; the target alone decides whether an
 * embedded account answers in process, or an endpoint over signed HTTP: our own server, another
 * emulator, or AWS itself.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

struct shape_op;
struct shape_service;
struct http_request;
struct db;

struct aws_credentials {
    struct str access_key;
    struct str secret_key;
    struct str session_token; /* absent for long-lived keys */
    int64_t expires_ms;       /* 0 = never */
};

enum aws_principal_kind {
    AWS_PRINCIPAL_ROOT,    /* arn:aws:iam::A:root, may do everything in its account */
    AWS_PRINCIPAL_USER,    /* arn:aws:iam::A:user/NAME */
    AWS_PRINCIPAL_ROLE,    /* an assumed role's session */
    AWS_PRINCIPAL_SERVICE, /* codepipeline.amazonaws.com: us, acting for a pipeline or project */
};

/* Who calls, after authentication. */
struct aws_principal {
    enum aws_principal_kind kind;
    struct str account;        /* 12 digits */
    struct str arn;            /* as GetCallerIdentity prints it */
    struct str user_id;        /* AROA...:session, AIDA..., or the account id */
    struct str role_arn;       /* ROLE: arn:aws:iam::A:role/NAME */
    struct str session_name;   /* ROLE */
    struct str session_policy; /* ROLE: JSON text or absent */
    struct str access_key;     /* the key that signed; absent in process */
    struct str service;        /* SERVICE: "codepipeline.amazonaws.com" */
    struct str source_identity;
    struct str origin;   /* ROLE: ARN of the user or root who opened the first session; or absent */
    struct str build_id; /* a build's own session: "project:uuid", else absent */
    struct str via;      /* service that passes a caller's call on: "ssm.eu-west-2.amazonaws.com" */
};

struct aws_embedded; /* how in-process calls are answered; the daemon registers it */

struct aws_target {
    struct str account;                    /* where the call goes: 12 digits */
    struct str region;                     /* "eu-west-2" */
    const struct aws_embedded *embedded;   /* not NULL: answered in process, as `principal` */
    const struct aws_principal *principal; /* in process only */
    struct str source;                     /* in process: "console"; absent = ourselves */
    struct str endpoint;                   /* else: URL; absent = AWS's own host for the service */
    struct str unix_path;                  /* set: connect to this socket; Host is AWS's own name */
    struct aws_credentials credentials;    /* signs remote calls */
    struct str ca_file;                    /* extra authority for `endpoint`, or absent */
    struct str request_id;                 /* journal id "build/sequence", or absent */
    int retries;                           /* remote: tries after the first; -1 = standard (2) */
    const struct clock *clock;             /* remote: time of signing; NULL = system */
};

struct s3_stage; /* services/s3/stage.h: a body that went straight into S3's own directory */

/* A body that is streamed instead of held in memory (S3, Lambda code). */
struct aws_body {
    int fd; /* -1 = none; else a readable file, owned by whoever made this struct */
    int64_t offset;
    int64_t size;
    struct s3_stage
        *stage; /* S3 over HTTP: the finished stage behind fd, with its digests; or NULL */
};
#define AWS_BODY_NONE ((struct aws_body){-1, 0, 0, NULL})

/* Calls `op`. in/out are the op's generated structs; everything in *out is owned by `a`. On failure
 * err->api is the modelled error where the service has it, err->api_code its wire code in any case.
 * Prefer the typed wrappers of gen/<service>.h. */
int aws_call(const struct aws_target *t, const struct shape_op *op, struct arena *a, const void *in,
             void *out, struct err *err) MUST_USE;

/* The same with streamed bodies. body_in may be NULL. *ret_body (may be NULL) gets a file that the
 * caller closes. */
int aws_call_stream(const struct aws_target *t, const struct shape_op *op, struct arena *a,
                    const void *in, const struct aws_body *body_in, void *out,
                    struct aws_body *ret_body, struct err *err) MUST_USE;

struct aws_embedded {
    int (*invoke)(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err);
    void *ud;
};

/* An answer that waits, after the commit and outside the store's lock, until what was started has
 * settled or max_ms have passed. Only calls that opened the outermost transaction wait. */
struct call_linger {
    /* 1 settled, 0 not yet, -1 cannot tell (the answer leaves). Called inside a transaction. */
    int (*settled)(struct db *db, void *ud, struct err *err);
    void *ud; /* owned by the call's arena */
    int max_ms;
};
void call_linger(struct db *db, const struct call_linger *l);

/* What a handler leaves for after the commit: slow reads that need no store (git). Runs on the
 * calling thread outside the store's lock, before the answer leaves, and may fill the output. */
struct call_after {
    void (*run)(void *ud); /* NULL: nothing */
    void *ud;              /* owned by the call's arena */
};

/*
 * The server's side: what a handler gets. Handlers run inside a transaction of `db` that the
 * dispatcher commits when they return 0 and rolls back when they return -1; they never commit.
 */
struct call {
    struct arena *arena;
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    int64_t now_ms;     /* one time for the whole call */
    struct str account; /* whose resources: 12 digits */
    struct str region;
    struct str request_id;
    const struct aws_principal *principal; /* who calls; already authorized for op and resources */
    const struct shape_service *service;
    const struct shape_op *op;
    const struct aws_embedded *embedded; /* to call other services as the same principal */
    const struct http_request *http;     /* NULL in process */
    struct aws_body body;                /* request body of streaming operations, staged */
    struct aws_body reply_body;          /* handler may set: sent as it is (fd is taken over) */
    int reply_status;                    /* handler may set: another 2xx/3xx/206 status */
    const void *error_detail;            /* handler may set when it fails with a modelled error
                                            that has members: that error's generated struct */
    struct call_linger linger;           /* handler may set: the answer waits for it */
    struct call_after after;             /* handler may set: done once its transaction is over */
    const char *data_dir;                /* files of services lie in data_dir/<service>/ */
    struct str audit_note;               /* handler may set: for the audit, behind the request */
    struct str source;                   /* "api", "cli", "console", "build" or "engine" */
};

/* Target for calls that a handler makes onward, in the same account and as the same principal. */
struct aws_target call_target(const struct call *c);

/* ARN parts: "arn:aws:ssm:eu-west-2:111111111111:parameter/x". False if it is not an ARN. */
struct aws_arn {
    struct str partition, service, region, account, resource;
};
bool aws_arn_parse(struct str arn, struct aws_arn *ret);
