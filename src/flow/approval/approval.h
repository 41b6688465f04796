/*
 * Approvals that are bound to what was shown, and who may give them.
 *
 * The basis of an approval is everything that decides what a release does: the pipeline's version,
 * the revisions, the artifacts' digests (a saved Terraform plan is one of them), the variables, and
 * lineage and serial of each Terraform state that an action named in an exported variable TF_STATE
 * ("s3://bucket/key"). Its digest is what an approver approves; when any part has moved since, the
 * approval is refused, and the refusal says what moved. An approval without a digest
 * (PutApprovalResult) is CodePipeline's own.
 *
 * Four eyes: a pipeline with the tag FOUR_EYES_TAG = "required" takes an approval only from
 * somebody who neither started the release nor wrote its commits. People are known by their
 * principal's ARN; a commit's author is the principal whose name is the author's e-mail address or
 * its local part.
 */
#pragma once

#include "flow/execution/apply.h"

#define FOUR_EYES_TAG "trunkline:four-eyes"

extern const struct db_schema approval_schema;

struct approval_basis {
    struct str digest;    /* SHA-256 in hex */
    struct str_map parts; /* "commit of Trunk" -> "4c1f..." in a fixed order */
};

/* Outside any transaction: it asks S3 for states. Keeps what it returns, so that an answer to it
 * can be judged later. */
int approval_show(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                  struct str execution, struct approval_basis *ret, struct err *err) MUST_USE;

struct approval_answer {
    struct str execution; /* the token must be of it; absent: whosever token it is */
    struct str stage;
    struct str action;
    struct str token;
    bool approved;
    struct str summary;          /* may be empty */
    struct str by;               /* the approver's ARN */
    const struct audit_act *act; /* for the audit, with the answer; NULL: the caller sees to it */
};

struct approval_moved {
    struct str name;
    struct str shown; /* absent: was not there */
    struct str now;   /* absent: is not there any more */
};

struct approval_moved_list {
    struct approval_moved *v;
    size_t n;
};

/* Answers if the basis still has that digest. Outside any transaction. 1: answered; 0: the basis
 * has moved, *ret_moved says how (empty: that digest was never shown); -1: refused or failed. */
int approval_answer_shown(const struct flow *f, struct arena *a,
                          const struct pipeline_row *pipeline, const struct approval_answer *answer,
                          struct str digest, struct approval_moved_list *ret_moved,
                          enum engine_refusal *ret_refusal, struct err *err) MUST_USE;

/* Answers whatever the basis is; in the caller's transaction. ERR_DENIED: four eyes. */
int approval_answer(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    const struct approval_answer *answer, enum engine_refusal *ret_refusal,
                    struct err *err) MUST_USE;

/* approval_basis.c: the parts; `states` are those that approval_states found. */
int approval_states(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    struct str execution, struct str_map *ret, struct err *err) MUST_USE;
int approval_basis_of(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                      struct str execution, const struct str_map *states,
                      struct approval_basis *ret, struct err *err) MUST_USE;
/* approval_person.c: ERR_DENIED says why `by` may not approve. In the caller's transaction. */
int approval_person(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                    const struct execution_row *execution, struct str by, struct err *err) MUST_USE;
