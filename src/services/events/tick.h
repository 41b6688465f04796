/*
 * Scheduled rules at work: one durable job for each enabled one waits for its next time. Whatever
 * is due fires in the transaction that says when the next time is, so no time is told twice; times
 * that passed while the server was away are told once, as the one that is due.
 */
#pragma once

#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/events/events_store.h"
#include "services/events/schedule.h"

#define EV_TICK "events.tick"

/* Inside the caller's transaction, after the rule has changed. */
int ev_tick_set(struct db *db, const struct ev_rule *rule, int64_t now_ms,
                struct err *err) MUST_USE;
int ev_tick_end(struct db *db, const struct ev_rule *rule, struct err *err) MUST_USE;

/* The job; its `ud` is a struct service_env. */
int ev_tick_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
