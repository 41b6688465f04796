/*
 * Containers that are made before a build wants them: each is a supervisor of its own that has
 * prepared a container and waits, in DATA/pool/<random>, for the directory of a build. Each is used
 * once. Taking one moves its directory to the build's place, so a build's directory is still made
 * exclusively and holds everything that there is of it. What is made ahead is what builds of late
 * wanted: key of image, limits, mounts, authority.
 *
 * They end with serve, however that ends (their standard input does), and pool_new clears what is
 * left of those of an earlier one.
 */
#pragma once

#include "flow/plan/plan.h"
#include "platform/os/process.h"

struct pool;

struct spawner;

/* `spawner` makes supervisors; borrowed, as data_dir. */
struct pool *pool_new(struct spawner *spawner, const char *data_dir);
void pool_free(struct pool *p); /* ends them and waits for that; NULL ok */

/* 1: the directory `dir` is there now, with a container in it and a supervisor, *ret, that waits
 * for pool_go. 0: there is none for this plan. */
int pool_take(struct pool *p, const struct plan *plan, const char *dir, struct process *ret,
              int *ret_pipe, struct err *err) MUST_USE;

/* Tells the supervisor to begin; its plan lies in `dir`. Closes the pipe. False: it is dead. */
bool pool_go(int pipe, const char *dir);

/* Makes up to `most` ready ones for builds like this. Returns at once; what cannot be made is told
 * once on standard error. */
void pool_refill(struct pool *p, const struct plan *plan, int64_t most);

/* Whether builds of this plan can use the pool at all. */
bool pool_suits(const struct plan *plan);
