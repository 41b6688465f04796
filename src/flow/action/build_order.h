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

/* The parts of it that actions without a project share. */
int build_order_inputs(struct action_run *run, struct build_order *to, struct err *err) MUST_USE;
void build_order_outputs(struct action_run *run, struct build_order *to);

/* In one transaction: the build, and that it is this attempt's: its external id, link and log. The
 * same order makes no second build. */
typedef int (*build_maker)(const struct flow *f, struct arena *a, const struct build_order *order,
                           struct str *ret_uuid, struct err *err);
int build_order_launch(struct action_run *run, const struct build_order *order, build_maker make,
                       struct err *err) MUST_USE;
