/*
 * Delivery to targets, as durable jobs: tried again with a growing pause until the target took it,
 * until its RetryPolicy says no more (24 hours and 185 retries unless it says else), or until no
 * further attempt can help; then our log says so. What is answered in process is delivered in the
 * transaction that ends the job, exactly once; over HTTP at least once.
 */
#pragma once

#include "platform/text/json.h"
#include "runtime/queue/queue.h"
#include "services/events/events.h"
#include "services/events/route.h"

#define EV_DELIVER "events.deliver"

struct ev_delivery {
    const struct ev_event *event;
    const struct ev_rule *rule;
    const struct events_target *target;
    struct str input;   /* what it is sent */
    struct str failure; /* or why nothing can be sent */
    struct str whole;   /* the event itself, for targets that want it */
    int64_t now_ms;
};

/* Adds the job inside the caller's transaction. */
int ev_deliver_add(struct db *db, struct arena *a, const struct ev_delivery *d,
                   struct err *err) MUST_USE;
/* Buses, API destinations and notification rules need the event, whatever their input is. */
bool ev_target_wants_event(const struct events_target *t);

/* Pause before retry number `retry` (from 1): a second, doubling to eight minutes. */
int64_t ev_retry_pause(int retry);

int ev_deliver_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;

/* The kinds of jobs of this service; `env` outlives the queue. */
enum { EVENTS_KINDS = 5 };
void events_queue_kinds(struct service_env *env, struct queue_kind ret[EVENTS_KINDS]);
