/*
 * Being told: a waiting approval, a failed stage, a gate that stays shut and an alarm each become
 * one message to the topic that the pipeline's tag "trunkline:notify" names, and a waiting approval
 * also to its action's NotificationArn. A message says stage, commit, author, why, the last lines
 * of the log, and a link; its attribute `kind` (approval, failed, alarm) is what subscriptions
 * filter by.
 */
#pragma once

#include "flow/record/flow.h"
#include "flow/stage/check.h"
#include "runtime/queue/queue.h"

#define NOTIFY_TAG "trunkline:notify"

/* The job of a notice (payload written by project.c): tells EventBridge, and adds JOB_TELL where
 * people are to be told, too. */
int notify_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
int notify_tell_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;

/* An alarm that a gate names went to ALARM: adds the job that tells it, inside the transaction that
 * notes the state. `stage` is where what it speaks of is deployed. */
int notify_alarm_add(const struct flow *f, struct arena *a, int64_t pipeline, struct str stage,
                     const struct alarm_state *alarm, struct err *err) MUST_USE;
int notify_alarm_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
