/*
 * How pipelines and builds reach EventBridge: PutEvents in process, as the AWS service that speaks.
 * The emitter outlives the flow that it is given to.
 */
#pragma once

#include "daemon/world.h"
#include "flow/record/emit.h"

struct emitter {
    struct flow_events events; /* for flow.events */
    struct db *db;
    struct world *world;
};

void emitter_init(struct emitter *e, struct db *db, struct world *world);
