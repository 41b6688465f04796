/*
 * One build that is followed. Shared by following.c (the list), attend.c (one of them) and
 * watching.c (the thread) only. Entries are added by anybody, under the lock; what is in them is
 * the thread's, but where it says so.
 */
#pragma once

#include "flow/build/following.h"

enum {
    RUNNING_MAX = 256,
    ERRORS_TOLD = 3,
};

/* What a supervisor that died without clearing away has left. Its container is killed first, and
 * nobody is told of the end before that; its files are removed by the sweeper, which takes its
 * time. */
enum leftover {
    LEFT_UNSEEN,   /* nobody has looked */
    LEFT_DYING,    /* a container was killed and is not dead yet */
    LEFT_FILES,    /* nothing runs */
    LEFT_SWEEPING, /* the sweeper has them */
    LEFT_NOTHING,
};

struct running {
    struct ingest ingest;
    struct process process; /* of the supervisor; pid 0 = not known (any more) */
    struct process box;     /* LEFT_DYING: process 1 of its container */
    atomic_int left;        /* enum leftover; the sweeper says when it is done */
    bool child;             /* it is ours to reap */
    bool child_ended;       /* what we spawned has ended: if it wrote no pid, there is none */
    bool spare;             /* its container was made ahead: if it is lost, another one does */
    bool stop_sent;
    bool left_place;     /* it has ended, but for the row: the next one may begin */
    bool clearing;       /* it has ended, its container may be there */
    atomic_bool changed; /* its files have, or what is left of it */
    int watch;           /* inotify of its directory */
    int arrival;         /* its number in arrivals_fd, or -1 */
    int leash;           /* closed when it may clear its container away; -1 = it has been */
    int64_t since_ms;    /* monotonic: when it was taken over */
    int errors;          /* in a row */
    struct running *next;
};

/* following.c. The entries as they are now; only the thread removes any. */
size_t followed_list(struct builds *b, struct running *list[RUNNING_MAX]);
void followed_remove(struct builds *b, struct running *r);
/* Its supervisor says that it has ended: nothing of it runs, and whoever waits for its place has it
 * while the end is put into the row. */
void followed_leave_place(struct builds *b, struct running *r);
/* Its end is in the row. */
void followed_now_clearing(struct builds *b, struct running *r);
/* Containers of builds that had ended when an earlier serve, or their supervisor, was killed. */
void followed_find_leftovers(struct builds *b);

/* attend.c: what is new about it. `tick`: the store is asked as well. */
void followed_attend(struct builds *b, struct running *r, bool tick);

/* watching.c: the thread. */
void *followed_watch(void *builds);
