/*
 * The builds that have a supervisor, and the thread that follows them: it takes in what they
 * record, passes stops on, and has what a supervisor that died has left removed. A build has ended
 * when its supervisor says so; that one then clears the container away, and is followed until it
 * has. Shared by builds.c and the files behind followed.h only.
 */
#pragma once

#include "flow/build/build.h"
#include "flow/build/ingest.h"
#include "flow/build/pool.h"
#include "flow/build/spawner.h"
#include "flow/build/sweeper.h"
#include "platform/os/process.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CLEARING_MAX = 128 }; /* ended builds whose containers are not gone yet */

struct running; /* one of them; following.c */

struct builds {
    struct builds_config config;
    pthread_mutex_t lock; /* guards `running`, what is new in it, and the counts */
    struct running *running;
    int running_n;            /* of them, those that have not ended */
    int starting_n;           /* places that are taken for builds that are not in the list yet */
    int clearing_n;           /* those that have */
    int wake_fd;              /* eventfd: there is something new */
    int arrivals_fd;          /* inotify of their directories: some exit.json may be there; or -1 */
    atomic_bool asked;        /* for something that the store knows: a stop */
    atomic_llong launched_ms; /* monotonic: the last one */
    int processors;
    atomic_bool stopping;
    bool watching;
    pthread_t thread;
    struct spawner *spawner;
    struct pool *pool;
    struct sweeper *sweeper;
};

/* DATA/builds/<uuid>; arena-owned. */
const char *builds_dir(const struct builds *b, struct arena *a, struct str uuid);

/* Places for further builds; 0 also while too many containers wait for their removal. Who starts
 * one takes a place, and leaves it when the build is in the list, or does not start. */
int builds_places(struct builds *b);
bool builds_take_place(struct builds *b);
void builds_leave_place(struct builds *b);

/* Takes a build into the list. `process`: its supervisor; PROCESS_NONE: found when it has written
 * its pid. `leash`: what to close for the container to be cleared away after the end; taken over;
 * or -1. */
void builds_follow(struct builds *b, struct str uuid, struct process process, int leash);

/* The same for one whose container was made ahead: if its supervisor dies before a command of the
 * build can have run, the build is started again. */
void builds_follow_spare(struct builds *b, struct str uuid, struct process process, int leash);

/* The sweeper has removed what was left of it. */
void builds_swept(void *builds, struct str uuid);

/* One that was spawned before the machine went down: only its end may be there. */
void builds_follow_lost(struct builds *b, struct str uuid);

/* The thread looks at what is new; or at all builds, and asks the store about them. */
void builds_wake(struct builds *b);
void builds_look(struct builds *b);

/* Ends the thread, forgets the list. The builds go on. */
void builds_unfollow(struct builds *b);
