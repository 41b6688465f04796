/* Temporary credentials. Everything runs inside the caller's transaction. */
#pragma once

#include "aws/call/call.h"
#include "runtime/db/db.h"

extern const struct db_schema sts_schema;

struct sts_session {
    struct aws_credentials credentials;
    struct aws_principal principal; /* access_key is filled */
    struct str tags;                /* JSON object or absent */
    struct str transitive;          /* JSON list or absent */
    int64_t issued_ms;
};

/* Makes keys and token, stores them sealed, fills s->credentials but for expires_ms, which the
 * caller sets. Also deletes sessions that expired a day ago. */
int sts_session_issue(struct db *db, struct arena *a, const struct rng *rng, struct sts_session *s,
                      struct err *err) MUST_USE;

/* 1 found (also when expired), 0 none, -1 error. */
int sts_session_find(struct db *db, struct arena *a, struct str key, struct sts_session *ret,
                     struct err *err) MUST_USE;

/* Whether a session of this ARN was issued before the newest one, within a day. */
int sts_session_repeats(struct db *db, struct str arn, bool *ret, struct err *err) MUST_USE;

/* Ends every session that was issued to this build, chained ones too. */
int sts_session_end_build(struct db *db, struct str build_id, struct err *err) MUST_USE;
