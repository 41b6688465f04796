/*
 * Connections: how an API destination is authorized. Their parameters lie in Secrets Manager, as on
 * AWS (events!connection/NAME/ID), where the service reads them again for each delivery.
 */
#pragma once

#include "platform/text/json.h"
#include "services/core/env.h"
#include "services/events/http_store.h"

#define EV_AUTHORIZE "events.authorize"

/* The service itself in the connection's account. */
struct aws_principal ev_connection_principal(const struct ev_connection *c);

/* The parameters as they were given: {"type": ..., "auth": AuthParameters}. Arena-owned text. */
int ev_connection_secret(const struct aws_embedded *embedded, struct arena *a,
                         const struct ev_connection *c, struct str *ret, struct err *err) MUST_USE;

/* The job that gets an OAuth connection its first token; `ud` is a struct service_env. */
struct queue_job;
int ev_authorize_run(void *ud, struct queue_job *job, struct err *err) MUST_USE;
