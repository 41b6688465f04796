/* What a stack leaves behind: its outputs as the action's variables and, where OutputFileName and
 * an output artifact ask for it, as a file. */
#pragma once

#include "flow/action/action.h"
#include "gen/cloudformation.h"

/* Fills ret->output_variables and ret->outputs. */
int stack_outputs(struct action_run *run, const struct aws_target *target,
                  const struct cloudformation_stack *stack, struct action_end *ret,
                  struct err *err) MUST_USE;
