/* What a FULL notification says beside the event: additionalAttributes. */
#pragma once

#include "aws/call/call.h"
#include "platform/text/json.h"

/* Asks the pipeline, as `target` acts. What cannot be learnt is left out: the message matters more.
 * The reference is the caller's. */
json_t *additional_attributes(const struct aws_target *target, struct arena *a,
                              const json_t *event);
