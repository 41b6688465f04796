/*
 * Who looks at the console. `trunkline console` asks for a link for a principal; visiting it once,
 * in time, signs the browser in. Links and sessions are kept as digests only.
 */
#pragma once

#include "aws/call/call.h"
#include "runtime/db/db.h"

extern const struct db_schema console_schema;

enum {
    CONSOLE_LINK_MS = 5 * 60 * 1000,
    CONSOLE_SESSION_MS = 12 * 60 * 60 * 1000,
};

struct console_session {
    struct aws_principal principal;
    struct str csrf; /* goes into every form, must come back with it */
    struct str id;   /* digest of the cookie */
};

/* A link's secret for the principal. In the caller's transaction. */
int console_link_make(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                      const struct aws_principal *principal, struct str *ret_secret,
                      struct err *err) MUST_USE;

/* Uses a link: 1 and a new session's cookie, 0 when there is no such link (any more), -1 error. */
int console_link_use(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                     struct str secret, struct str *ret_cookie, struct err *err) MUST_USE;

/* 1 found, 0 not signed in (any more), -1 error. In the caller's transaction. */
int console_session_find(struct db *db, struct arena *a, int64_t now_ms, struct str cookie,
                         struct console_session *ret, struct err *err) MUST_USE;
int console_session_end(struct db *db, struct str id, struct err *err) MUST_USE;
