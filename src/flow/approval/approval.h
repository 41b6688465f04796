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
 * Four eyes: a pipeline with the tag FOUR_EYES_TAG takes an approval only from somebody who had no
 * hand in the release: who neither started it, nor retried, overrode or put back anything in it,
 * nor edited the pipeline while it ran, nor wrote a commit of it. Its starter and the authors of
 * its commits differ, too. People are compared by person.h. Authors of commits are e-mail
 * addresses: those that a user's tag FOUR_EYES_EMAIL_TAG names are the user's, and those whose
 * whole or local part is somebody's name. Of commits those count that the release and the
 * unfinished ones before it took.
 */
#pragma once

#include "flow/approval/person.h"
#include "flow/execution/apply.h"

#define FOUR_EYES_TAG "trunkline:four-eyes"
#define FOUR_EYES_REQUIRED "required"
/* The same, where sessions' names are set by role trust policies or by the identity provider. */
#define FOUR_EYES_BY_SESSION_NAME "required-by-session-name"
/* Of an IAM user: e-mail addresses, with blanks between. */
#define FOUR_EYES_EMAIL_TAG "trunkline:email"

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
    struct person who;           /* the approver; all absent: what the ARN says */
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

/* four_eyes.c: ERR_DENIED says why this person may not approve, and who else may not. In the
 * caller's transaction. */
int approval_four_eyes(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                       const struct execution_row *execution, const struct person *who,
                       struct err *err) MUST_USE;

/* hands.c: who had a hand in it. `what` goes on with the person's name: "retried stage Production".
 * All in the caller's transaction. */
#define APPROVAL_STARTED "started this release"

struct approval_hand {
    struct str what;
    struct person person;
};

struct approval_hand_list {
    struct approval_hand *v;
    size_t n;
};

/* `execution` absent: the pipeline itself. */
int approval_hand_note(const struct flow *f, struct arena *a, int64_t pipeline,
                       struct str execution, struct str what, const struct person *person,
                       struct err *err) MUST_USE;
/* In the execution, and in the pipeline since the execution began. */
int approval_hand_list(const struct flow *f, struct arena *a, const struct execution_row *execution,
                       struct approval_hand_list *ret, struct err *err) MUST_USE;
