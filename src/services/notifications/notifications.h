/* Shared by the files of this folder, and the job that the daemon starts. */
#pragma once

#include "gen/codestar_notifications.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/notifications/notifications_store.h"

enum { NOTE_TARGETS_MAX = 10, NOTE_RULES_OF_RESOURCE_MAX = 10, NOTE_RULES_MAX = 1000 };

#define NOTE_SERVICE "codestar-notifications.amazonaws.com"

int note_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Fails with ResourceNotFoundException. */
int note_need(struct call *c, struct str arn, struct note_rule *ret, struct err *err) MUST_USE;
/* SNS topics; others are refused. */
int note_add_target(struct call *c, const struct note_rule *rule,
                    const struct codestar_notifications_target *t, struct err *err) MUST_USE;

/* The service itself, acting for a rule in the rule's account. */
struct aws_principal note_principal(const struct note_rule *rule);

/* The kinds of jobs of this service; `env` outlives the queue. */
enum { NOTIFICATIONS_KINDS = 1 };
void notifications_queue_kinds(struct service_env *env, struct queue_kind ret[NOTIFICATIONS_KINDS]);
