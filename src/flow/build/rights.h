/*
 * Whose rights a build has beside its service role: who assumes that role for it, through which
 * other role, and under which session policy. Absent: codebuild.amazonaws.com assumes it, and
 * nothing limits it. Rights can be taken away while the build still runs; they never come back.
 * Everything in the caller's transaction.
 */
#pragma once

#include "flow/record/flow.h"

struct build_rights {
    struct str service; /* "codepipeline.amazonaws.com", or absent = CodeBuild's */
    struct str via;     /* ARN of a role that the service assumes, and that assumes the build's */
    struct str policy;  /* JSON of a session policy, or absent */
    bool revoked;       /* it gets no credentials any more */
};

/* Nothing is written when nothing differs from the usual. */
int build_rights_put(struct db *db, struct str uuid, const struct build_rights *rights,
                     struct err *err) MUST_USE;
int build_rights_get(struct db *db, struct arena *a, struct str uuid, struct build_rights *ret,
                     struct err *err) MUST_USE;
int build_rights_delete(struct db *db, struct str uuid, struct err *err) MUST_USE;

/* From this commit on no credentials of the build are good for anything: those that it holds end
 * (flow's `revoke`), and it gets no others. */
int build_revoke(const struct flow *f, struct str uuid, struct err *err) MUST_USE;
