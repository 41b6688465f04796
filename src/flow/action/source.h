/* What the source providers share: an artifact into the store, and what was taken into the rows. */
#pragma once

#include "flow/action/action.h"
#include "flow/source/store.h"

enum {
    SOURCE_MAX_GIT_BYTES = 1 << 30, /* CodePipeline: 1 GB for repositories */
};
#define SOURCE_MAX_S3_BYTES ((int64_t)7 << 30) /* 7 GB for objects */

struct source_taken {
    struct source_revision what; /* `action` and `artifact` are filled in by source_end */
    struct action_artifact artifact;
    struct str ref;      /* what the watcher compares: "refs/heads/main", "s3://bucket/key" */
    struct str ref_head; /* where it was; absent: a revision that was asked for */
    struct str summary;
    struct str output_variables; /* JSON object */
};

/* The revision that this execution is to take: 1, 0 none, -1. Takes its own transaction. */
int source_pinned(struct action_run *run, const char *type, struct str *ret,
                  struct err *err) MUST_USE;

/* The bytes of `fd` from `offset` on become the artifact, in the pipeline's role. */
int source_put(struct action_run *run, int fd, int64_t offset, int64_t size,
               struct action_artifact *artifact, struct err *err) MUST_USE;

/* Revision, artifact and what the watcher is to have seen: one transaction, and the action's end.
 */
int source_end(struct action_run *run, struct source_taken *taken, struct action_end *ret,
               struct err *err) MUST_USE;

/* Whether the action's role may use the connection (under either name of its service), or read the
 * CodeCommit repository of its account. ERR_DENIED names what is missing. (source_rights.c) */
int source_may_connect(struct action_run *run, const struct aws_target *target, struct str arn,
                       struct err *err) MUST_USE;
int source_may_read(struct action_run *run, const struct aws_target *target, struct str repository,
                    struct err *err) MUST_USE;
