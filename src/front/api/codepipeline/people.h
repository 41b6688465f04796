/* Who calls, and what they had a hand in: what four eyes asks for later (flow/approval). */
#pragma once

#include "front/api/codepipeline/codepipeline.h"

#include "flow/approval/approval.h"

/* The caller. The strings are the call's. */
int codepipeline_person(struct call *c, struct person *ret, struct err *err) MUST_USE;

/* Notes that the caller had a hand in an execution; absent: in the pipeline. `what` goes on with
 * the person's name. */
int codepipeline_hand(struct call *c, int64_t pipeline, struct str execution, struct str what,
                      struct err *err) MUST_USE;
