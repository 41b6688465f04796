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

enum { POOL_MAX = 64 }; /* containers of all kinds together */

struct spawner;

/* `spawner` makes supervisors; borrowed, as data_dir. */
struct pool *pool_new(struct spawner *spawner, const char *data_dir);
void pool_free(struct pool *p); /* ends them and waits for that; NULL ok */

/* The kind of container that a build wants, which is the hash of all that one is made from. */
enum { POOL_KEY_MAX = 64 };
struct pool_key {
    char hex[POOL_KEY_MAX + 1]; /* "" = none of the pool's */
};
void pool_key_of(const struct plan *plan, struct pool_key *ret);

/* 1: the directory `dir` is there now, with a container in it and a supervisor, *ret, that waits
 * for pool_go. 0: there is none of this kind. */
int pool_take(struct pool *p, const struct pool_key *key, const char *dir, struct process *ret,
              int *ret_pipe, struct err *err) MUST_USE;

/* Tells the supervisor to begin; its plan lies in `dir`. The pipe stays the caller's. False: it is
 * dead. */
bool pool_go(int pipe, const char *dir);

/* Builds like this one come: `most` containers for them are to be ready. */
void pool_want(struct pool *p, const struct pool_key *key, const struct plan *plan, int64_t most);

/* Makes one of those that are wanted, when no other one is being made; clears away those that died.
 * Returns at once: true when there is more to do, a moment later. What cannot be made is told once
 * on standard error. Whoever calls decides when the machine has time for it. */
bool pool_tend(struct pool *p);

/* Whether builds of this plan can use the pool at all. */
bool pool_suits(const struct plan *plan);
