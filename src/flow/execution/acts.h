/*
 * What the engine does by itself, told to the audit in the transaction of the step: releases that a
 * change starts, automatic rollbacks and retries. What people ask for by a call is told by the
 * gate that the call goes through.
 */
#pragma once

#include "flow/execution/project.h"

/* An execution that nobody's call has started; for the types of such calls nothing is told. */
int acts_started(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                 const struct execution_row *execution, struct err *err) MUST_USE;

/* An effect of a step: does it say that the engine went back, or tried again, by itself? */
int acts_of_effect(struct applying *t, const struct engine_event *event,
                   const struct engine_effect *e) MUST_USE;
