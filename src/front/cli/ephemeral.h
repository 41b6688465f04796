/*
 * A server of our own for the length of one command: a temporary data directory, `trunkline serve`
 * on a free port of loopback, and nothing left of either afterwards. It ends when we do, however we
 * end; the directory stays only where we are killed.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/os/process.h"

struct ephemeral {
    const char *dir; /* its data directory; NULL = none */
    struct process server;
};
#define EPHEMERAL_NONE ((struct ephemeral){NULL, PROCESS_NONE})

/* Makes the directory. What `from`, another data directory (may be NULL), holds for builds comes
 * along: its mirror by links, its trunkline.yml as a copy. */
int ephemeral_prepare(struct arena *a, const char *from, struct ephemeral *ret,
                      struct err *err) MUST_USE;

/* Starts the server and waits until it answers. An error carries its last words. */
int ephemeral_start(struct arena *a, struct ephemeral *e, struct err *err) MUST_USE;

/* Ends the server, removes the directory. Once is enough; again does nothing. */
void ephemeral_end(struct ephemeral *e);
#define cleanup_ephemeral __attribute__((cleanup(ephemeral_end)))
