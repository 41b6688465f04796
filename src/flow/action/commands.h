/* Commands of an action or a rule: what of it is decided by the roles that it acts as. */
#pragma once

#include "flow/action/action.h"
#include "flow/build/loose.h"

/* The role that the commands act as: `own` (an action's or a rule's roleArn), or the pipeline's.
 * CodePipeline assumes the pipeline's role, and that one assumes `own`. */
void commands_roles(struct str pipeline_role, struct str own, struct loose_build *loose,
                    struct build_order *order);

/* ERR_UNSUPPORTED: an environment that is not Linux. */
int commands_check(struct str environment_type, struct err *err) MUST_USE;
