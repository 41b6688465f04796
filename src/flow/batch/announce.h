/* What a git host is told of a batch as a whole (batchReportMode REPORT_AGGREGATED_BATCH, where the
 * project says nothing else): that it runs, when its first build knows the commit, and its end. */
#pragma once

#include "flow/batch/batch.h"
#include "flow/batch/store.h"
#include "flow/build/order.h"

/* BUILD_STATUS_JOB's key for the end of a batch: "<uuid of its first build>/batch.<attempt>". */
#define BATCH_STATUS_WORD "batch."

/* True: the host is told of the batch; its builds then keep quiet. `p`: its effective project. */
bool batch_is_announced(const struct codebuild_project *p);

/* Adds the job, in the transaction of the batch's end, where the host is to be told. */
int batch_announce_end(const struct flow *f, struct arena *a, const struct batch_row *row,
                       const struct batch_state *state, struct err *err) MUST_USE;
