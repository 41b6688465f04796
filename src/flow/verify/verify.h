/*
 * An independent look at the store: do the promises hold of what is written there? Reads the event
 * table, the rows and what was told, and trusts no state of the engine; for I7 alone the engine
 * folds the events once more. Nothing is changed.
 *
 *   I1  each side effect maps to one recorded attempt
 *   I2  an attempt starts after the one before has ended
 *   I3  at most one execution is in a stage (SUPERSEDED, QUEUED)
 *   I4  nothing starts after a stop, a failure or a rejection, or without the stage; nobody leaves
 *       a stage, or ends, while an action of his runs
 *   I5  a token is answered once, and by whom is recorded
 *   I6  what was answered is there: each accepted event has its rows, and each row its event
 *   I7  the state is the fold of the events, and the rows are what it says
 *   I8  the audit chain verifies (runtime/audit says what that proves)
 */
#pragma once

#include "runtime/audit/audit.h"
#include "runtime/db/db.h"

struct finding {
    int invariant;        /* 1..8 */
    struct str pipeline;  /* name; absent: the audit */
    struct str execution; /* absent: of the pipeline as a whole */
    struct str text;      /* one sentence */
};

struct finding_list {
    struct finding *v;
    size_t n;
};

struct verified {
    struct finding_list findings; /* at most VERIFY_MAX_FINDINGS; then the looking ends */
    int64_t pipelines;
    int64_t executions;
    int64_t events;
    int64_t attempts;
    int64_t told;
    int64_t audited; /* rows of the audit chain */
};

enum { VERIFY_MAX_FINDINGS = 1000 };

/* Inside the caller's transaction. `pipeline` (id; 0: every one, deleted ones too) and `execution`
 * (id; absent: all) say what is looked at: of an execution its whole pipeline is read, and findings
 * about other executions are left out. ERR_NOT_FOUND: there is no such execution. All strings live
 * in `a`. */
int verify_store(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                 struct verified *ret, struct err *err) MUST_USE;

/* I8, added to what verify_store has found. Inside the caller's transaction, which began after the
 * evidence was read. */
int verify_audit(struct db *db, struct arena *a, const struct audit_evidence *evidence,
                 struct verified *io, struct err *err) MUST_USE;
