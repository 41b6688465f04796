/*
 * The watcher: one thread that knows which sources of pipelines are due (branches, tags, objects),
 * and the alarms that their gates name, and a few that look at them, so that a host that does not
 * answer holds up its own sources only. Local repositories tell by inotify; remote ones are asked,
 * seldom after an error. What was seen last is in the store, so nothing is missed or started twice
 * over a restart.
 */
#pragma once

#include "flow/record/flow.h"

struct watch;

int watch_start(const struct flow *f, struct watch **ret, struct err *err) MUST_USE;
void watch_stop(struct watch *w); /* NULL ok */

/* Looks at everything again at once (a pipeline was made or changed). Any thread. */
void watch_poke(struct watch *w);
