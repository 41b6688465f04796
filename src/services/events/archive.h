/*
 * Archives and replays. An archive keeps what comes to its bus, in the transaction in which it
 * comes; a replay is a durable job that puts batches of it on the bus again, each batch and how far
 * it got in one transaction. What is replayed is not archived again.
 */
#pragma once

#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/events/route.h"

#define EV_REPLAY "events.replay"
#define EV_FORGET "events.forget"

/* Into every archive of its bus that wants it, inside the caller's transaction. */
int ev_archive_keep(struct db *db, struct arena *a, const struct ev_event *e,
                    struct err *err) MUST_USE;

int ev_replay_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
/* Events that are older than their archive keeps them; ends with the last archive that forgets. */
int ev_forget_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
