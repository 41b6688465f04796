/*
 * A few threads that look at sources and alarms, so that none waits for a host that does not
 * answer: of one host only so many run at once, and what is for other hosts goes first. First come,
 * first served otherwise.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct pool;

int pool_start(size_t threads, size_t per_host, struct pool **ret, struct err *err) MUST_USE;

/* Runs fn(ud) on one of the threads. `host` names what it may have to wait for, and is copied. */
void pool_add(struct pool *p, struct str host, void (*fn)(void *ud), void *ud);

/* Waits for what runs; what has not begun never does. NULL ok. */
void pool_stop(struct pool *p);
