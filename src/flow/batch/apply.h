/*
 * The only door to a batch: loads its state, steps, stores, and turns effects into jobs, all in the
 * caller's transaction. Jobs start builds as the batch's service role may, and time batches out;
 * ends of builds come from the hook of flow/build. Everything survives a crash: what is not done
 * is still a job, and a build's id is fixed before it exists.
 */
#pragma once

#include "flow/batch/batch.h"
#include "flow/batch/store.h"
#include "flow/build/order.h"

/* What StartBuildBatch gives. */
struct batch_order {
    struct str account;
    struct str region;
    const struct codebuild_project *project; /* effective: overrides and batch settings are in it */
    struct str initiator;
    struct str token; /* idempotency, or absent */
    struct str token_digest;
    const struct build_order *pipeline; /* an action's inputs and outputs, or NULL */
};

/* Inserts the row and the first job. In the caller's transaction. */
int batch_make(const struct flow *f, struct arena *a, const struct batch_order *order,
               struct str *ret_uuid, struct err *err) MUST_USE;

/* ERR_NOT_FOUND: no such batch; ERR_INVALID: the event does not fit. In the caller's transaction.
 */
int batch_apply(const struct flow *f, struct arena *a, struct str uuid, struct batch_event *event,
                struct err *err) MUST_USE;

/* For build_hooks.ended: nothing when the build is of no batch. */
int batch_build_ended(const struct flow *f, struct arena *a, const struct build_row *build,
                      struct err *err) MUST_USE;

/* Kinds of jobs, for queue_start. */
const struct queue_kind *batch_jobs(const struct flow *f, size_t *ret_n);

/* view.c: the API's view of a row. */
int batch_view(struct arena *a, const struct batch_row *row, struct codebuild_build_batch **ret,
               struct err *err) MUST_USE;
int batch_body_to_json(struct arena *a, const struct codebuild_build_batch *batch, struct str *ret,
                       struct err *err) MUST_USE;
struct str batch_arn(struct arena *a, struct str region, struct str account, struct str project,
                     struct str uuid);
