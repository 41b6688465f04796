/*
 * The watcher: one thread that looks at the sources of all pipelines (branches, tags, objects), and
 * at the alarms that their gates name. Local repositories tell by inotify; remote ones are asked,
 * seldom at first after an error. What was seen last is in the store, so nothing is missed or
 * started twice over a restart.
 */
#pragma once

#include "flow/record/flow.h"

struct watch;

int watch_start(const struct flow *f, struct watch **ret, struct err *err) MUST_USE;
void watch_stop(struct watch *w); /* NULL ok */

/* Looks at everything again at once (a pipeline was made or changed). Any thread. */
void watch_poke(struct watch *w);

/* One look at all branches that are due at `mono_ms`; for the thread and for tests. Returns when to
 * look again (monotonic). */
int64_t watch_branches(struct watch *w, int64_t mono_ms);

/* One look at all alarms of gates; a change to ALARM notifies. */
void watch_alarms(const struct flow *f);
