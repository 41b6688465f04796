/*
 * A notice as EventBridge's event: pipeline, stage and action state changes with every member of
 * their detail that CodePipeline documents. Times and states are those of the notice, whatever has
 * happened since.
 */
#pragma once

#include "flow/record/flow.h"
#include "platform/text/json.h"

/* `notice` is the notify job's payload, `seq` the notice's number. Inside the caller's transaction.
 * Costs one query where nobody listens. */
int state_change_emit(const struct flow *f, struct arena *a, const json_t *notice, int64_t seq,
                      struct err *err) MUST_USE;
