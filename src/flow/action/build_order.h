/*
 * What a CodeBuild action asks for, read from its configuration: the project, its sources in their
 * order, the places of its outputs, variables, overrides. Facts: CodeBuild action reference.
 */
#pragma once

#include "flow/action/action.h"
#include "flow/build/build.h"

/* Where the project lives: the account of the role that the action acts as. */
int build_order_read(struct action_run *run, const struct aws_target *target,
                     struct build_order *ret, struct err *err) MUST_USE;

/* The same without what only a project's build has: account, region, token, sources, outputs. */
int build_order_common(struct action_run *run, const struct aws_target *target,
                       struct build_order *ret, struct err *err) MUST_USE;

/* In one transaction: the build that `make` makes, and that it is this attempt's: its external id,
 * link and log. The same order makes no second build. */
typedef int (*build_maker)(void *ud, struct action_run *run, struct str *ret_uuid, struct err *err);
int build_order_launch(struct action_run *run, build_maker make, void *ud,
                       struct err *err) MUST_USE;
