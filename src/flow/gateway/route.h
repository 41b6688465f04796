/*
 * Where a build's connection goes, by the name that it asks for. Pure but for a look at the mirror.
 */
#pragma once

#include "flow/plan/plan.h"

#include <sys/socket.h>

enum route_verdict {
    ROUTE_AWS,    /* the embedded account answers */
    ROUTE_MIRROR, /* TLS is ended here: what the mirror holds is answered from there */
    ROUTE_PASS,   /* passed through untouched */
    ROUTE_REFUSE, /* a complete answer that says no */
};

const char *route_verdict_name(enum route_verdict verdict);

/* The registry of that name in trunkline.yml, or NULL. */
const struct plan_registry *route_registry(const struct plan *plan, struct str host);

enum route_verdict route_of(const struct plan *plan, struct str host);

/* amazonaws.com, api.aws, and what is below them. */
bool route_is_aws(struct str host);

/* A host name that can be looked up: letters, digits, '-', '.', '_'; at most 253. */
bool route_good_host(struct str host);

/* Finds the server's name in the first bytes of a TLS connection: 1 found, 0 more bytes are needed,
 * -1 not TLS, or without a name. *ret points into the bytes. */
int route_sni(struct str bytes, struct str *ret);

/* Would a connection there leave this machine and its network? IPv4 or IPv6 in binary form. */
bool route_public_address(const unsigned char *address, size_t n);

/* Is this an address of this machine itself, public or not? The kernel says so: what it would send
 * there comes from the same address. */
bool route_own_address(const struct sockaddr *address, socklen_t n);
