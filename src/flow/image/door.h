/*
 * The way out of a cage that may reach a stranger's registry and nothing else: a network namespace
 * with loopback only, and in it one socket that answers `CONNECT HOST:PORT`, as an HTTPS proxy. The
 * process behind it stands in the host's network; it looks a name up once and connects to the
 * address that it has judged, so neither a name that changes its meaning, nor a redirect, nor the
 * address of a token server that the registry names leads to this machine or its network.
 */
#pragma once

#include "platform/os/process.h"
#include "runtime/http/egress.h"

struct door {
    int netns;              /* for setns */
    int port;               /* of 127.0.0.1 inside */
    struct process process; /* answers; dies with us */
};

#define DOOR_NONE ((struct door){.netns = -1, .process = PROCESS_NONE})

/* `allowed`: networks of this machine that may be reached all the same. Root only, and a process
 * with one thread. */
int door_open(const struct egress *allowed, struct door *ret, struct err *err) MUST_USE;

void door_close(struct door *d); /* ends all connections; for cleanup_door */
#define cleanup_door __attribute__((cleanup(door_close)))
