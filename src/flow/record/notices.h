/*
 * Notices: what was told of pipelines, stages and actions, for EventBridge's rules, notification
 * rules and whoever lists them. They are written with what they tell of, and kept.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

struct notice_row {
    int64_t seq;
    int64_t at_ms;
    struct str kind; /* Pipeline Stage Action */
    struct str execution;
    struct str stage, action; /* absent where the kind has none */
    struct str state;         /* STARTED SUCCEEDED ... as EventBridge's events have it */
    struct str detail;        /* why, or absent */
};

struct notice_row_list {
    struct notice_row *v;
    size_t n;
};

/* Inside the caller's transaction, all of them. */
int record_notice_add(struct db *db, int64_t pipeline, int64_t now_ms, const char *kind,
                      struct str execution, struct str stage, struct str action, const char *state,
                      struct str detail, struct err *err) MUST_USE;

int record_notice_time(struct db *db, int64_t seq, int64_t *ret_ms, struct err *err) MUST_USE;
/* Of a pipeline (or of one execution of it, if present), newest first, seq < before if > 0. */
int record_notice_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                       int64_t before, int limit, struct notice_row_list *ret,
                       struct err *err) MUST_USE;
