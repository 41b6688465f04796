/*
 * The front door: one port for everything. A request is told apart by its target header, its
 * signature's scope, its host or its Action; verified; decoded by its operation's descriptor;
 * passed through the gate; and answered in its own protocol. Paths that are not AWS's (console,
 * hooks, internal ones) go to the routes that the daemon registers.
 */
#pragma once

#include "runtime/http/http.h"
#include "services/gate/gate.h"

struct door;

struct door_route {
    const char *prefix; /* of the path, up to a '/' or the end: "/console" */
    bool local_only;    /* only over our own unix socket; elsewhere 404 */
    void (*handle)(void *ud, struct http_request *req, struct http_response *resp);
    void *ud;
};

struct door_config {
    struct gate *gate;
    const struct clock *clock;
    const struct rng *rng;
    const char *data_dir;
    struct str region;               /* of requests that do not say one */
    const struct door_route *routes; /* copied; first match wins */
    size_t n_routes;
};

struct door *door_new(const struct door_config *config);
void door_free(struct door *d); /* after the server has stopped; NULL ok */

struct http_handler door_handler(struct door *d);

/* Members that requests had and our tables have not; 0 for every client that we support. */
size_t door_unknown_members(const struct door *d);
