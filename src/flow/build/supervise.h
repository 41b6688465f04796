/*
 * The supervisor of one build: a process of its own, in its own session, that owns the container.
 * It needs serve only over DATA/serve.sock, and waits for it when it is away. Everything that it
 * has done is in its directory: events.jsonl, log, exit.json. Then it clears its container away,
 * when its standard input has ended.
 */
#pragma once

#include "base/err.h"

struct supervise_options {
    int tee_fd; /* the log also goes here; -1 = nowhere */
};

/* Runs the build whose plan lies in `dir` to its end. 0: there is an exit.json, whatever it says.
 * ERR_CONFLICT: another supervisor has this build. */
int supervise(const char *dir, const struct supervise_options *options, struct err *err) MUST_USE;

/* One of the pool (pool.h): makes a container for the plan in `dir`, says so with a byte on
 * standard output, and waits for a line on standard input with the directory of the build, which is
 * where `dir` has gone. End of file instead: clears away and ends. */
int supervise_ahead(const char *dir, struct err *err) MUST_USE;
