/*
 * Delivery of messages to http and https endpoints, as durable jobs: the retries of the topic's or
 * subscription's delivery policy, then the message is given up and named in our log.
 */
#pragma once

#include "platform/text/json.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/sns/message.h"

#define SNS_DELIVER "sns.deliver"
#define SNS_EXPIRE "sns.expire"

/* Adds the job inside the caller's transaction. */
int sns_deliver_add(struct db *db, struct arena *a, const struct sns_message *m,
                    struct err *err) MUST_USE;

/* How often and when a failed delivery is tried again. */
struct sns_retries {
    int64_t total;
    int64_t no_delay, min_delay, max_delay; /* retries of these phases; the rest backs off */
    int64_t min_s, max_s;
    struct str function; /* "linear", "arithmetic", "geometric", "exponential" */
};

/* Of the subscription's DeliveryPolicy, else of the topic's, else SNS's default (3, 20 s apart).
 * Both are JSON text or absent. */
struct sns_retries sns_retries_of(struct arena *a, struct str topic_policy,
                                  struct str subscription_policy);
/* Pause before retry number `retry` (from 1) in milliseconds; -1 when there is none any more. */
int64_t sns_retry_pause(const struct sns_retries *r, int retry);

/* The kinds of jobs of this service; `env` outlives the queue. */
enum { SNS_KINDS = 2 };
void sns_queue_kinds(struct service_env *env, struct queue_kind ret[SNS_KINDS]);
