/* One look at one source: what is there, beside what was seen. Any difference goes to
 * flow/trigger. For the watcher's thread; outside any transaction. */
#pragma once

#include "flow/trigger/trigger.h"

/* References of a repository. The first look, and one after other references are wanted than
 * before, notes those that were never seen; they start nothing. */
int look_at_git(const struct trigger_source *s, struct str url, struct err *err) MUST_USE;

/* The newest version of an S3 source's object, asked in the pipeline's (or the action's) role. */
int look_at_object(const struct trigger_source *s, struct err *err) MUST_USE;
