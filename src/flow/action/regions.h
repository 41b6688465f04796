/*
 * Inputs of actions in another region: CodePipeline copies an artifact from the store that it was
 * made in to the store of the region that the action works in, as the pipeline's role. The copy's
 * name comes of the attempt that made the artifact, so that one copy serves all actions there.
 */
#pragma once

#include "flow/action/action.h"

/* Copies what lies elsewhere, and notes in the attempt's record where its inputs are now; from here
 * on action_input gives the copies. Nothing happens where all is in one store. An input that no
 * action made is no error here. */
int action_bring_inputs(struct action_run *run, struct err *err) MUST_USE;
