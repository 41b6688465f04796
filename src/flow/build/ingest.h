/*
 * Takes over what a supervisor has recorded: events into the build's row, log lines into CloudWatch
 * Logs, step by step, each with its offset in one transaction. So nothing is lost or doubled,
 * whenever serve dies.
 */
#pragma once

#include "flow/build/log_events.h"
#include "flow/build/store.h"

struct ingest {
    const struct flow *flow;
    const struct builds_config *config;
    struct str uuid;              /* owned by whoever made this */
    bool loaded;                  /* what follows is known */
    struct build_offsets offsets; /* as in the row */
    bool stream_made;             /* log group and stream are there */
    struct log_cursor cursor;     /* in the log's index of times */
};

/* One step. `dead`: the supervisor was gone before this call. *ret_more: there may be more at once;
 * *ret_ended: the build has ended and its row says so. */
int ingest_step(struct ingest *in, bool dead, bool *ret_more, bool *ret_ended,
                struct err *err) MUST_USE;

/* Ends a build that has no supervisor: in a transaction of its own. */
int ingest_end(struct ingest *in, const char *status, const char *reason, struct err *err) MUST_USE;
