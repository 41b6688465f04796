/* A worker's job as the API's calls see it, shared by jobs.c (of the account) and third_party.c. */
#pragma once

#include "flow/worker/jobs.h"
#include "front/api/codepipeline/codepipeline.h"

/* A job of the caller's account, or JobNotFoundException. */
int job_find(struct call *c, struct str id, struct worker_job *ret, struct err *err) MUST_USE;

/* Takes it: InvalidNonceException unless the nonce is that of the last delivery, and nobody has
 * acknowledged it. */
int job_acknowledge(struct call *c, struct worker_job *job, struct str nonce,
                    struct err *err) MUST_USE;

/* Its data with secrets opened and, while it is not over, credentials for its artifacts. */
int job_data(struct call *c, const struct worker_job *job, struct codepipeline_job_data **ret,
             struct err *err) MUST_USE;

/* The job ends as failed, and with it its action: its role gives no keys any more. */
int job_fail(struct call *c, const struct worker_job *job, const struct err *why,
             struct err *err) MUST_USE;

/* Random digits. */
struct str job_nonce(struct call *c);

/* How a worker answers. */
struct job_answer {
    const struct codepipeline_current_revision *revision;
    struct str continuation;
    const struct codepipeline_execution_details *details;
    const struct str_map *variables;                   /* or NULL */
    const struct codepipeline_failure_details *failed; /* NULL: a success */
};
/* InvalidJobStateException unless it is InProgress. */
int job_answer(struct call *c, const struct worker_job *job, const struct job_answer *answer,
               struct err *err) MUST_USE;
