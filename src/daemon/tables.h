/*
 * What this program is made of, as tables: the store's schemas and the services that are served.
 * The embedded services bring theirs (services/services.def); those of flow and front are named
 * here.
 */
#pragma once

#include "runtime/queue/queue.h"
#include "services/gate/gate.h"

/* Owned by the arena. */
const struct db_schema *tables_schemas(struct arena *a, size_t *ret_n);
const struct gate_service *tables_services(struct arena *a, size_t *ret_n);
