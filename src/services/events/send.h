/* One attempt to reach a target. All fail with ERR_UNAVAILABLE when trying again may help. */
#pragma once

#include "platform/text/json.h"
#include "services/events/events.h"

struct ev_sending {
    struct service_env *env;
    struct arena *arena;
    const json_t *job;          /* as deliver.c wrote it */
    struct str rule;            /* ARN */
    struct str account, region; /* of the rule */
    struct events_target target;
    struct aws_arn arn; /* of the target */
    struct str input;
    int64_t at_ms; /* when the event came in */
};

/* Those inside of a transaction. */
int ev_send_sns(struct ev_sending *s, struct err *err) MUST_USE;
int ev_send_logs(struct ev_sending *s, struct err *err) MUST_USE;
int ev_send_pipeline(struct ev_sending *s, struct err *err) MUST_USE;
int ev_send_build(struct ev_sending *s, struct err *err) MUST_USE;
int ev_send_bus(struct ev_sending *s, struct err *err) MUST_USE;

/* Outside of any: it talks to others. */
int ev_send_http(struct ev_sending *s, struct err *err) MUST_USE;

/* May EventBridge act as the target's role? Inside of a transaction. */
int ev_send_check_role(struct ev_sending *s, struct err *err) MUST_USE;
