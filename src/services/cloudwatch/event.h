/* "CloudWatch Alarm State Change", told to EventBridge by a durable job. */
#pragma once

#include "runtime/queue/queue.h"
#include "services/cloudwatch/alarm_store.h"

#define CW_EVENT "cloudwatch.event"

/* A state that an alarm is or was in. */
struct cw_state {
    struct str value, reason, reason_data;
    int64_t since_ms;
};

/* The alarm is as it is now. Inside the caller's transaction, after the history's entry. */
int cw_event_add(struct db *db, struct arena *a, const struct cw_alarm_row *alarm,
                 const struct cw_state *before, struct err *err) MUST_USE;

/* The job; its `ud` is a struct service_env. */
int cw_event_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
