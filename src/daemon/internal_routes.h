/*
 * What a build's supervisor asks of the server, over the server's own unix socket only:
 *   POST /_trunkline/builds/UUID/credentials   fresh credentials of the build's role; 404 once
 * ended POST /_trunkline/builds/UUID/poke          look at its records now POST /_trunkline/ack
 * forget the journal's answer of x-trunkline-request
 */
#pragma once

#include "daemon/release.h"
#include "daemon/world.h"
#include "runtime/http/http.h"

struct internal_routes;

/* Everything given must outlive it. */
struct internal_routes *internal_routes_new(struct db *db, struct gate *gate, struct world *world,
                                            struct release *release);
void internal_routes_free(struct internal_routes *r); /* NULL ok */

void internal_routes_handle(void *ud, struct http_request *req, struct http_response *resp);
