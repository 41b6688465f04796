/*
 * The second layer: the real doors (flow/execution/apply.h) over a real store, with a clock that
 * jumps, a server that dies between any two transactions, jobs that run twice or only after a
 * restart, and fake builds. What is seen is read from the rows.
 */
#pragma once

#include "sim.h"

#include "flow/execution/apply.h"
#include "flow/verify/verify.h"

enum { STORE_JOBS = 4096 };

/* The outside world: it outlives the server, and notes what was asked of it. */
struct store_effect {
    char key[40]; /* id of the attempt or check */
    char kind;    /* 'a'ction begun, 'k'illed, 'c'heck begun */
};

struct store_layer {
    struct sim_world *w;
    struct db *db;
    struct clock_fake time;
    struct clock clock;
    struct rng rng;
    struct flow flow;
    uint64_t random; /* of the layer's own doings */
    int64_t pipeline;
    int version;
    int effects_n;
    struct store_effect effects[STORE_JOBS];
    uint64_t crashes;
    const char *name; /* of the pipeline */
    int64_t calls;    /* events whose commit was not lost */
};

/* Fills w->seen from the rows, and w->runs, w->checks with what is new there. False: w->wrong. */
bool store_see(struct store_layer *l);
/* Every attempt, kill and check that the rows know is asked of the world, or its job is there. */
bool store_owes_nothing(struct store_layer *l);
/* Some of the jobs that wait are done. */
bool store_run_jobs(struct store_layer *l);
/* store_audit.c: the chain of a store, in its folder; a row of an event, in its transaction; and:
 * all of them are there, and the chain verifies. */
bool store_audit_begin(struct db *db, const char *folder, struct err *err);
int store_audit_tell(struct store_layer *l, const struct engine_event *event,
                     struct err *err) MUST_USE;
int store_audit_verify(struct store_layer *l, const struct audit_evidence *evidence,
                       struct verified *io, struct err *err) MUST_USE;
bool store_begun(const struct store_layer *l, char kind, struct str key);
