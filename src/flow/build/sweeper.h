/*
 * Removes what supervisors that were killed have left, one folder after the other, in a thread of
 * its own that gets a processor and the disk when nobody else wants them: what a build has written
 * may take long to remove, and other builds' ends wait for nobody. What it has not come to when
 * serve ends, the next serve finds.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct sweeper;

struct sweeper_config {
    /* Removes; sandbox_sweep. A failure is told on standard error. */
    int (*sweep)(const char *dir, struct err *err);
    /* That was all there, removed or not; from the thread, which holds no lock then. */
    void (*swept)(void *ud, struct str uuid);
    void *ud;
};

struct sweeper *sweeper_new(const struct sweeper_config *config);

/* Returns at once. Texts are copied. Nobody bounds the list but who adds: a folder once. */
void sweeper_add(struct sweeper *s, const char *dir, struct str uuid);

/* Ends when the folder at work is done; `swept` is not called for the others. NULL ok. */
void sweeper_free(struct sweeper *s);
