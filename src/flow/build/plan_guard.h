/*
 * Plan stages: an action whose environment has PLAN=true may look at everything and change nothing.
 * Its build's session policy denies AWS calls that write, but for what a plan itself writes: items
 * of a lock table (those that name no attributes but a lock's), *.tflock, which it may delete as
 * well, the empty state of a new workspace, objects of the artifact buckets. Sessions
 * that the build opens from there inherit the denials in embedded accounts (services/sts:
 * statements whose Sid begins with PLAN_GUARD_SID); in real ones they are AWS's, and not held back.
 * Inside of the container Terraform refuses to apply, and says why.
 */
#pragma once

#include "flow/build/order.h"

#define PLAN_GUARD_SID "PlanStage"

/* PLAN=true among the order's variables, or, where those do not say, the project's. */
bool plan_guard_wanted(const struct codebuild_project *project, const struct build_order *order);

/* At most 2,048 characters, which is what STS takes. */
struct str plan_guard_policy(struct arena *a, const struct build_order *order);
