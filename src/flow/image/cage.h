/*
 * A program of somebody else that reads bytes for which nobody vouches (skopeo, umoci), run where
 * it can do no harm: own user, mount, pid, ipc and uts namespaces, no network unless it is asked
 * for, a root that holds the host's programs read-only and one folder that it may write, an id
 * range that nobody else has, seccomp, no privilege on the host. Files that it makes in the folder
 * belong to whom it says (uid 0..65535), and it can reach nothing else.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/http/egress.h"

#include <stdint.h>

struct cage {
    const char *const *argv;   /* argv[0]: a program of the host */
    const char *dir;           /* is /work inside, and its working folder */
    const char *source;        /* is /source inside, read-only; or NULL */
    struct str hosts;          /* lines for its /etc/hosts; absent = the host's file */
    bool network;              /* the host's network, else none at all */
    const struct egress *door; /* with network: https to public addresses and these only (door.h);
                                * NULL = all of it */
    int64_t bytes_max;         /* that /work may grow to; then it is killed: ERR_LIMIT */
    int timeout_ms;            /* then it is killed: ERR_UNAVAILABLE */
    size_t output_max;         /* of its standard output */
    bool (*cancelled)(void *); /* asked a few times a second: ERR_CANCELLED; or NULL */
    void *ud;
};

/* Runs it to its end. *ret_out (may be NULL): its standard output, arena-owned. A program that
 * fails is an error with the last thing that it said. Root only, and a process with one thread. */
int cage_run(struct arena *a, const struct cage *c, struct str *ret_out, struct err *err) MUST_USE;
