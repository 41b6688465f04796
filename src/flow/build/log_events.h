/*
 * A build's log as events for CloudWatch Logs: lines with the times that log.idx gives them. A
 * cursor stands at a byte of the log; whoever sends events keeps it, and goes on from it.
 */
#pragma once

#include "base/clock.h"
#include "gen/logs.h"

enum {
    LOG_EVENT_MAX = 200 * 1024, /* a longer line becomes several events; AWS takes 256 KiB */
    LOG_EVENTS_MAX = 5000,     /* in one call: AWS takes 10,000, and 1 MiB with 26 bytes for each */
    LOG_READ_MAX = 512 * 1024, /* bytes of log in one call */
};

struct log_cursor {
    int64_t offset;   /* in the log: everything before it has been taken */
    int64_t index_at; /* offset in log.idx of the next record */
    int64_t line_ms;  /* time of the bytes before next_at */
    int64_t next_at;  /* offset in the log where next_ms begins */
    int64_t next_ms;
};

/* Cuts up to LOG_EVENTS_MAX events from the front of *io_bytes, which begin at the cursor; both
 * move on. The messages point into the bytes. index_fd may be -1: then now counts. */
void log_events_take(struct arena *a, struct log_cursor *cursor, int index_fd,
                     const struct clock *clock, struct str *io_bytes,
                     struct logs_input_log_event_list *ret);

/* What of `bytes` is ready to be sent: whole lines, or all when `last` or when one line fills it.
 */
struct str log_events_ready(struct str bytes, bool last);
