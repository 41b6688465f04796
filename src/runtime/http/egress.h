/*
 * Where the server itself may connect to on behalf of a user (webhooks, SNS subscriptions). Public
 * addresses always; loopback, private, link-local and other special ones only if listed by the
 * operator (serve --allow-notify-to CIDR). The address is judged when the connection is made, so
 * that no name can point elsewhere between check and use.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct egress_net {
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits;                  /* of 128 */
};

struct egress {
    struct egress_net *v;
    size_t n;
};

/* "10.0.0.0/8", "127.0.0.1", "fd00::/8". ERR_INVALID names the text. The list grows in `a`. */
int egress_allow(struct arena *a, struct egress *e, struct str cidr, struct err *err) MUST_USE;

/* Whether an address ("10.1.2.3", "::1") lies in one of the listed networks; false for a text that
 * is no address. */
bool egress_lists(const struct egress *e, struct str address);

/* `ud` is a struct egress: fits http_call.may_connect. */
bool egress_may_connect(void *ud, const struct sockaddr *address);
