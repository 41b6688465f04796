/*
 * Which attempts are at work on a thread of this process at this moment. Whoever ends an attempt
 * asks first, so that no thread goes on deploying for an action that is over: it tells the thread
 * to stop and comes back when it has. After a crash nothing is at work: threads die with it.
 */
#pragma once

#include "base/str.h"

struct action_running {
    struct str id; /* owned by whoever entered */
    bool stop;     /* somebody wants it to end */
    struct action_running *next;
};

/* `self` is the caller's, and stays where it is until it has left. */
void action_enter(struct action_running *self, struct str id);
void action_leave(struct action_running *self);
#define cleanup_running __attribute__((cleanup(action_leave)))

/* Tells it to stop: true while it is at work, false when it is not. */
bool action_stop(struct str id);

/* For long work between two steps: was it told to stop? False for an id that has not entered. */
bool action_stopping(struct str id);
