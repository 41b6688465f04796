/* One look at one source: what is there, beside what was seen. Any difference goes to
 * flow/trigger. For threads of the watcher, one a source; outside any transaction. */
#pragma once

#include "flow/trigger/trigger.h"

/* References of a repository. The first look, and one after other references are wanted than
 * before, notes those that were never seen; they start nothing. `cancel` is NULL, or a descriptor
 * that ends it when it becomes readable: ERR_CANCELLED. */
int look_at_git(const struct trigger_source *s, struct str url, const int *cancel,
                struct err *err) MUST_USE;

/* The newest version of an S3 source's object, asked in the pipeline's (or the action's) role. */
int look_at_object(const struct trigger_source *s, struct err *err) MUST_USE;

/* The alarms that the pipeline's gates name; a change to ALARM notifies. */
void look_at_alarms(const struct flow *f, struct arena *a, const struct pipeline_row *row,
                    const struct definition *d);

/* Whether its gates name any, and in whose account the first of them is. */
bool look_for_alarms(const struct definition *d, struct str *ret_account);
