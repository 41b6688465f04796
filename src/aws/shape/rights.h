/*
 * Which actions on which resources a call needs, worked out from its operation's descriptor and its
 * input (struct shape_right). Whether the caller has them is decided by services/iam.
 */
#pragma once

#include "aws/shape/shape.h"
#include "base/arena.h"

struct shape_need {
    struct str action;   /* "ssm:PutParameter" */
    struct str resource; /* an ARN, which may hold '*', or "*" */
};

struct shape_need_list {
    struct shape_need *v;
    size_t n;
};

/* All of them are needed. Empty only where AWS lets everyone call (sts:GetCallerIdentity); an
 * operation without a resource of its own needs its action on "*". `in` is the op's generated input struct; account and region are the call's. */
struct shape_need_list shape_needs(struct arena *a, const struct shape_op *op, const void *in,
                                   struct str account, struct str region);
