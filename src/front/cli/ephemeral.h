/*
 * A server of our own for the length of one command: a temporary data directory, `trunkline serve`
 * on a free port of loopback, and nothing left of either afterwards. It ends when we do, however we
 * end, and so do builds that watch the lock. Where we are killed the directory stays: whoever comes
 * next removes it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/os/process.h"

struct ephemeral {
    const char *dir; /* its data directory; NULL = none */
    int lock;        /* of a file in it: as long as we live it is locked */
    struct process server;
};
#define EPHEMERAL_NONE ((struct ephemeral){NULL, -1, PROCESS_NONE})

/* Makes the directory. What `from`, another data directory (may be NULL), holds for builds comes
 * along: its mirror by links, its trunkline.yml as a copy. */
int ephemeral_prepare(struct arena *a, const char *from, struct ephemeral *ret,
                      struct err *err) MUST_USE;

/* The file that is locked as long as we live. */
const char *ephemeral_lock(struct arena *a, const struct ephemeral *e);

/* Starts the server and waits until it answers. An error carries its last words. */
int ephemeral_start(struct arena *a, struct ephemeral *e, struct err *err) MUST_USE;

/* Ends the server, removes the directory. Once is enough; again does nothing. */
void ephemeral_end(struct ephemeral *e);
#define cleanup_ephemeral __attribute__((cleanup(ephemeral_end)))
