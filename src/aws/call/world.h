/*
 * Where roles are assumed. The engine and builds act as roles, never as the program itself: they
 * ask the world for a target that acts as a role, in whatever account it lives (embedded, another
 * endpoint, AWS). The daemon makes the one world of a process.
 */
#pragma once

#include "aws/call/call.h"

/* Keys for somebody outside who works for us: a role's rights, narrowed. */
struct aws_issue {
    struct str service; /* that assumes the role: "codepipeline.amazonaws.com" */
    struct str role_arn;
    struct str session_name;
    struct str policy; /* session policy, or absent */
    struct str tag;    /* what they are ended by; 36 characters */
};

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

    /* Is it a known account that only the network leads to? Whoever holds the store asks nothing of
     * such a one. NULL in tests: none is. */
    bool (*is_far)(void *ud, struct arena *a, struct str account);

    /* Credentials that leave the process. They end by their hour, or by end_issued: inside the
     * caller's transaction, all that were issued under the tag; those of accounts that are not
     * embedded live on until their hour. NULL in tests: nobody is outside. */
    int (*issue)(void *ud, struct arena *a, const struct aws_issue *what,
                 struct aws_credentials *ret, struct err *err);
    int (*end_issued)(void *ud, struct str tag, struct err *err);
};

static inline int aws_issue(const struct aws_world *w, struct arena *a,
                            const struct aws_issue *what, struct aws_credentials *ret,
                            struct err *err) {
    return w->issue(w->ud, a, what, ret, err);
}

static inline bool aws_is_far(const struct aws_world *w, struct arena *a, struct str account) {
    return w->is_far != NULL && w->is_far(w->ud, a, account);
}

static inline int aws_end_issued(const struct aws_world *w, struct str tag, struct err *err) {
    return w->end_issued != NULL ? w->end_issued(w->ud, tag, err) : 0;
}

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
