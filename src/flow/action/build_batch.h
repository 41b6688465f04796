/* A CodeBuild action with BatchEnabled: a batch of builds, looked at until it is complete. */
#pragma once

#include "flow/action/action.h"
#include "flow/build/build.h"

int build_batch_begin(struct action_run *run, const struct build_order *order, bool combine,
                      struct err *err) MUST_USE;
int build_batch_look(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                     struct err *err) MUST_USE;

/* 1 it is a batch, 0 it is none. Takes the rights of its builds away and stops it; *ret_ended: all
 * of them are dead. In the caller's transaction. */
int build_batch_kill(struct action_run *run, struct str uuid, bool *ret_ended,
                     struct err *err) MUST_USE;
