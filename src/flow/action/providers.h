/* The providers' functions; called through providers.def only. */
#pragma once

#include "flow/action/action.h"

int action_source_git_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                            struct err *err) MUST_USE;
int action_source_s3_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                           struct err *err) MUST_USE;
int action_build_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                       struct err *err) MUST_USE;
int action_build_kill(struct action_run *run, struct err *err) MUST_USE;
int action_custom_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                        struct err *err) MUST_USE;
int action_custom_kill(struct action_run *run, struct err *err) MUST_USE;
int action_deploy_s3_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                           struct err *err) MUST_USE;
int action_cloudformation_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                                struct err *err) MUST_USE;
int action_cloudformation_kill(struct action_run *run, struct err *err) MUST_USE;
int action_commands_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                          struct err *err) MUST_USE;
int action_pipeline_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                          struct err *err) MUST_USE;
int action_pipeline_kill(struct action_run *run, struct err *err) MUST_USE;
int action_lambda_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                        struct err *err) MUST_USE;
int action_step_functions_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                                struct err *err) MUST_USE;
int action_step_functions_kill(struct action_run *run, struct err *err) MUST_USE;
