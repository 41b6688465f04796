/* Jobs of batches; their keys are "BATCH/ATTEMPT" or "BATCH/BUILD". */
#pragma once

#define BATCH_JOB_CONTINUE "batch.continue"
#define BATCH_JOB_START "batch.start"
#define BATCH_JOB_COMBINE "batch.combine"
#define BATCH_JOB_STOP "batch.stop"
#define BATCH_JOB_TIMEOUT "batch.timeout"
