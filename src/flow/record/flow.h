/* What every part of the flow is given: the store, time, the accounts, and where files lie. */
#pragma once

#include "aws/call/world.h"
#include "base/clock.h"
#include "runtime/db/db.h"

struct flow {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const struct aws_world *world;
    const char *data_dir;
    struct str url; /* of the console, for links: "http://127.0.0.1:4566" */

    /* URL and state of a connection: set by the daemon from the connections service. Returns 1 with
     * the URL that git fetches, 0 when there is no such connection, -1 when it is not AVAILABLE. */
    int (*connection)(void *ud, struct arena *a, struct str connection_arn,
                      struct str full_repository_id, struct str *ret_url, struct err *err);
    void *connection_ud;
};
