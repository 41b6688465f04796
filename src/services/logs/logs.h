/* Shared by the files of services/logs; and the service's background work. */
#pragma once

#include "aws/call/call.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/logs/logs_store.h"

#include "gen/logs.h"

/* A group by name, or by an identifier that may be an ARN. ResourceNotFoundException. */
int logs_group(struct call *c, struct str name, struct str identifier, struct log_group *ret,
               struct err *err) MUST_USE;
int logs_stream(struct call *c, const struct log_group *g, struct str name, struct log_stream *ret,
                struct err *err) MUST_USE;
struct str logs_group_arn(struct arena *a, const struct log_group *g); /* without ":*" */

/* Metric filters of the group over new events: publishes to CloudWatch. */
int logs_apply_metric_filters(struct call *c, const struct log_group *g,
                              const struct logs_input_log_event_list *events,
                              struct err *err) MUST_USE;

/* Deletes what is past its group's retention. */
int logs_expire(struct service_env *env, struct err *err) MUST_USE;

/* Retention as a job that comes back every ten minutes, begun by the first retention policy. */
enum { LOGS_KINDS = 1 };
#define LOGS_EXPIRE "logs.expire"
void logs_queue_kinds(struct service_env *env, struct queue_kind ret[LOGS_KINDS]);
