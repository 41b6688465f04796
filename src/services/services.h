/* The embedded services of this process, from services.def. */
#pragma once

#include "runtime/db/db.h"
#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/gate/gate.h"

/* For gate_config.services; the array is the arena's. */
const struct gate_service *services_served(struct arena *a, size_t *ret_n);

/* Every schema of services (gate, core and each service's), for db_open. */
const struct db_schema *services_schemas(struct arena *a, size_t *ret_n);

/* Kinds of jobs of all services, for queue_start. `env` outlives the queue. */
const struct queue_kind *services_jobs(struct arena *a, struct service_env *env, size_t *ret_n);

/* What services do once at start, after the store is open and before the queue runs. */
int services_start(struct service_env *env, struct err *err) MUST_USE;
