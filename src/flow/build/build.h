/*
 * Builds, as the rest of the program starts and follows them: rows in the store, one directory
 * DATA/builds/<uuid>/ and one supervisor process each. A build is started by a row and a queued
 * job in one transaction; the job makes the directory (exclusively: that is what makes starting it
 * twice impossible), writes its plan and spawns the supervisor. The watcher takes over what the
 * supervisor records, transaction by transaction, until the build has ended.
 */
#pragma once

#include "flow/build/rights.h"
#include "flow/plan/plan.h"
#include "flow/record/flow.h"
#include "runtime/queue/queue.h"

extern const struct db_schema build_schema;

/* A zip in S3 that a build starts from, or is to leave. */
struct build_artifact_location {
    struct str name; /* of the artifact in the pipeline */
    struct str bucket;
    struct str key;
    struct str sha256; /* inputs: hex, of what was stored there */
    struct str clone;  /* inputs: JSON of a CODEBUILD_CLONE_REF (flow/source), or absent */
    struct str id;     /* outputs: the buildspec's secondary artifact; absent = called as `name` */
};

struct build_artifact_locations {
    struct build_artifact_location *v;
    size_t n;
};

/* What an action of a pipeline asks for. Everything absent is the project's. */
struct build_order {
    struct str account;
    struct str region;
    struct str project;
    struct str token;                        /* the same token and project: the same build */
    struct str initiator;                    /* "codepipeline/NAME" */
    struct build_artifact_locations inputs;  /* the first is the primary one */
    struct build_artifact_locations outputs; /* one: the buildspec's artifacts; more: secondary */
    struct str resolved_version;             /* commit */
    struct str buildspec;
    struct env env; /* over the project's, name by name */
    struct str kms_key;
    struct str service_role; /* instead of the project's */
    struct build_rights rights;
};

/* Adds the variables of EnvironmentVariables, a JSON array of {name, value, type}; absent: none.
 * ERR_INVALID names the entry. */
int build_order_env(struct arena *a, struct str text, struct build_order *order,
                    struct err *err) MUST_USE;

/* In the caller's transaction. ERR_NOT_FOUND: no such project; ERR_INVALID: it cannot be built so.
 */
int build_start(const struct flow *f, struct arena *a, const struct build_order *order,
                struct str *ret_uuid, struct err *err) MUST_USE;

/* Asks a build to stop; it has ended when the `ended` hook says so. In the caller's transaction;
 * nothing happens when it has ended already. */
int build_stop(const struct flow *f, struct str uuid, struct err *err) MUST_USE;

struct build_row {
    struct str uuid;
    struct str account;
    struct str region;
    struct str project;
    int64_t number;
    struct str token; /* of the order, or absent */
    struct str initiator;
    struct str status; /* IN_PROGRESS SUCCEEDED FAILED FAULT STOPPED TIMED_OUT */
    struct str current_phase;
    bool complete;
    int64_t started_ms;
    int64_t ended_ms;     /* 0 = runs */
    struct str phases;    /* JSON array of {phaseType,phaseStatus,startTime,endTime,contexts};
                             milliseconds */
    struct str exported;  /* JSON array of {name,value} */
    struct str artifacts; /* JSON array of {id,name,bucket,key,location,sha256,md5,bytes}; id ""
                             = primary; name = the pipeline's artifact */
    struct str unmasked;  /* JSON array of {name,reason} */
    struct str log_group;
    struct str log_stream;
    struct str resolved_version;
    struct str reason; /* of the end, for people; absent while it runs */
    struct str body;   /* JSON of the effective project settings, in the API's words */
};

/* 1 found, 0 not. In the caller's transaction. */
int build_load(struct db *db, struct arena *a, struct str uuid, struct build_row *ret,
               struct err *err) MUST_USE;

/* The first phase that failed: its name and message; absent when none did. */
struct str build_failure_text(struct arena *a, const struct build_row *row);

/* Whoever must know that a build has ended. Called once per build, in the transaction that ends it;
 * -1 undoes that transaction and it is tried again. */
struct build_hooks {
    int (*ended)(void *ud, struct db *db, struct arena *a, const struct build_row *row,
                 struct err *err);
    void *ud;
};

/* The running side: jobs and watcher. One per serve. */
struct builds;
struct builds_config {
    const struct flow *flow;
    struct build_hooks hooks;
    const char *program; /* path of this executable, for `trunkline supervise DIR` */
    int parallel;        /* builds at the same time; 0 = as trunkline.yml says */
    /* Fills in how a plan's account is reached (aws, endpoint, ca_file) if it is a real one. NULL:
     * all accounts are embedded. */
    int (*account)(void *ud, struct arena *a, struct plan *plan, struct err *err);
    void *account_ud;
    /* A target that writes logs into an account, as the program itself. ERR_UNSUPPORTED: the
     * account is not embedded, and the log stays in the build's directory. */
    int (*log_target)(void *ud, struct arena *a, struct str account, struct str region,
                      struct aws_target *ret, struct err *err);
    void *log_ud;
    struct str_list notify; /* private networks that git servers may be in; not copied */
};
struct builds *builds_new(const struct builds_config *config); /* config is copied */
void builds_free(struct builds *b);                            /* stops the watcher; NULL ok */

/* Kind "build.start", for queue_start. */
struct queue_kind builds_queue_kind(struct builds *b);

/* Starts the watcher: first all builds that an earlier serve left running, then new ones. */
int builds_watch(struct builds *b, struct err *err) MUST_USE;
/* Look at this build now (its supervisor said so). */
void builds_poke(struct builds *b, struct str uuid);
