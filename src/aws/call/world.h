/*
 * Where roles are assumed. The engine and builds act as roles, never as the program itself: they ask
 * the world for a target that acts as a role, in whatever account it lives (embedded, another
 * endpoint, AWS). The daemon makes the one world of a process.
 */
#pragma once

#include "aws/call/call.h"

struct aws_world {
    const struct clock *clock;
    void *ud;

    /* A target that acts as `role_arn`, assumed by an AWS service on behalf of a pipeline or a
     * project ("codepipeline.amazonaws.com"). The role's trust policy decides. */
    int (*assume)(void *ud, struct arena *a, struct str service, struct str role_arn,
                  struct str session_name, struct aws_target *ret, struct err *err);

    /* A target that acts as `role_arn`, assumed by whoever `from` acts as (role chaining). */
    int (*assume_from)(void *ud, struct arena *a, const struct aws_target *from,
                       struct str role_arn, struct str session_name, struct aws_target *ret,
                       struct err *err);

    /* 0 if whoever `target` acts as may call `op` with this input; ERR_DENIED says in AWS's words
     * why not. For the few things that we do ourselves instead of calling AWS (starting a build for
     * a pipeline). On accounts that are not embedded AWS itself decides later: always 0. */
    int (*allowed)(void *ud, struct arena *a, const struct aws_target *target,
                   const struct shape_op *op, const void *in, struct err *err);
};

static inline int aws_assume(const struct aws_world *w, struct arena *a, struct str service,
                             struct str role_arn, struct str session_name, struct aws_target *ret,
                             struct err *err) {
    return w->assume(w->ud, a, service, role_arn, session_name, ret, err);
}

static inline int aws_assume_from(const struct aws_world *w, struct arena *a,
                                  const struct aws_target *from, struct str role_arn,
                                  struct str session_name, struct aws_target *ret,
                                  struct err *err) {
    return w->assume_from(w->ud, a, from, role_arn, session_name, ret, err);
}

static inline int aws_allowed(const struct aws_world *w, struct arena *a,
                              const struct aws_target *target, const struct shape_op *op,
                              const void *in, struct err *err) {
    return w->allowed(w->ud, a, target, op, in, err);
}
