/*
 * What the background work of services runs with: job handlers get it as their `ud`. The daemon (or
 * a test) fills one before the queue starts; it outlives the queue and does not change, but for
 * `endpoint`, which is known as soon as the server listens.
 */
#pragma once

#include "aws/call/call.h"
#include "runtime/db/db.h"
#include "runtime/http/egress.h"

struct service_env {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    const char *data_dir;                /* NULL in tests without files */
    const struct aws_embedded *embedded; /* calls onward: gate_embedded */
    struct str endpoint;                 /* "http://127.0.0.1:4566": in links that others visit */
    struct egress egress;                /* who may be sent messages */
};
