/* What every part of the flow is given: the store, time, the accounts, and where files lie. */
#pragma once

#include "aws/call/world.h"
#include "base/clock.h"
#include "runtime/db/db.h"

struct flow_events; /* flow/record/emit.h */

struct flow {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const struct aws_world *world;
    const char *data_dir;
    struct str url; /* of the console, for links: "http://127.0.0.1:4566" */

    /* URL and state of a connection: set by the daemon from the connections service. Returns 1 with
     * the URL that git fetches, 0 when the account has no such connection (those of others are
     * nobody else's to use), -1 when it is not AVAILABLE. */
    int (*connection)(void *ud, struct arena *a, struct str account, struct str connection_arn,
                      struct str full_repository_id, struct str *ret_url, struct err *err);
    void *connection_ud;

    /* Ends the sessions that were issued to a build, chained ones too; in the caller's transaction.
     * NULL: there are none. */
    int (*revoke)(void *ud, struct db *db, struct str build, struct err *err);
    void *revoke_ud;

    const struct flow_events *events; /* EventBridge; NULL: nobody listens */

    /* What people look at changed: a pipeline's state, a build's phases. After the commit, on any
     * thread. NULL: nobody looks. */
    void (*changed)(void *ud);
    void *changed_ud;
};

/* Says so once the caller's transaction has committed. */
static inline void flow_changed(const struct flow *f) {
    if (f->changed != NULL) {
        db_on_commit(f->db, f->changed, f->changed_ud);
    }
}
