/*
 * `trunkline serve`: opens the data directory, puts everything together, answers until it is told
 * to end. Start is recovery: there is no other start path.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct serve_options {
    const char *data_dir;
    bool data_dir_named;          /* by --data or $TRUNKLINE_DATA */
    const char *host;             /* "127.0.0.1" */
    uint16_t port;                /* 0 = any free one */
    const char *any_key_account;  /* name or id, or NULL; loopback only */
    const char *const *notify_to; /* CIDRs beside those of trunkline.yml; NULL-terminated or NULL */
    bool die_with_parent;         /* `run`: end when the parent does */
};

/* Prints "trunkline: ready URL" when it answers; returns after SIGTERM or SIGINT. */
int serve_run(const struct serve_options *options, struct err *err) MUST_USE;
