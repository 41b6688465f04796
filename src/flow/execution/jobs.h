/*
 * The jobs that effects become. The daemon registers execution_jobs() with the queue.
 */
#pragma once

#include "flow/record/flow.h"
#include "runtime/queue/queue.h"

/* Kinds of jobs of the flow; the array lives as long as `f`, which must outlive the queue. */
const struct queue_kind *execution_jobs(struct flow *f, size_t *ret_n);

/* A build that an action started has ended; in the transaction that records the build's end.
 * `external_id` is "project:uuid". Nothing happens when no action waits for it. */
struct build_outcome {
    bool ok;
    struct str status;           /* SUCCEEDED FAILED STOPPED TIMED_OUT FAULT */
    struct str message;          /* of the phase that failed, or absent */
    struct str output_variables; /* JSON object of exported variables */
    struct str outputs;          /* JSON array of {name,bucket,key,sha256} */
};
int execution_build_ended(const struct flow *f, struct arena *a, struct str external_id,
                          const struct build_outcome *outcome, struct err *err) MUST_USE;
