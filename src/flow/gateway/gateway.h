/*
 * A build's whole network. Its namespace has loopback only; the sockets made here inside it are all
 * that answers:
 *
 *   GATEWAY_ENDPOINT_ADDRESS :80   credentials of the project's role, and git's, at secret paths
 *                            :53   DNS (UDP and TCP): every name is GATEWAY_WORLD_ADDRESS
 *   GATEWAY_WORLD_ADDRESS    :443  by SNI; TLS is ended here for AWS's names and mirrored hosts
 *                            :80   by Host
 *
 * Where a connection goes is decided in gateway_route.c; a refusal is a complete answer (403) and a
 * line in the build's log, because clients hide bodies. It runs in threads of the supervisor.
 */
#pragma once

#include "flow/plan/events.h"
#include "flow/plan/plan.h"
#include "flow/command/log.h"
#include "flow/sandbox/container.h"

#define GATEWAY_ENDPOINT_ADDRESS "169.254.170.2"
#define GATEWAY_WORLD_ADDRESS "169.254.170.3"

struct gateway;

struct gateway_config {
    const struct plan *plan; /* must outlive the gateway, as all below */
    const struct clock *clock;
    struct build_log *log;
    struct build_events *events;
    struct str credentials_path; /* "/v2/credentials/<random>" */
    /* The answer of the credentials endpoint. Called from the gateway's threads. */
    int (*credentials)(void *ud, struct arena *a, struct str *ret_json, struct err *err);
    struct str git_path; /* "/v2/git/<random>", where git's credential helper asks */
    /* The answer to git's question ("protocol=https\nhost=...\n"); empty = none. From threads. */
    struct str (*git_credential)(void *ud, struct arena *a, struct str question);
    void *ud;
};

/* Makes the sockets in the container's network namespace. `data_dir` holds the authority. Nothing
 * of a build is needed for it: what comes waits until gateway_start. */
int gateway_open(struct sandbox *box, const char *data_dir, const struct clock *clock,
                 struct gateway **ret, struct err *err) MUST_USE;

/* Starts to serve them; once. */
int gateway_start(struct gateway *g, const struct gateway_config *config, struct err *err) MUST_USE;

/* Ends all connections and threads. NULL ok. Afterwards the container has no network. */
void gateway_stop(struct gateway *g);
