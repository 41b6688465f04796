/* Histories that other versions wrote. */
#pragma once

#include "runtime/db/db.h"

/* -1, ERR_INTERNAL: the store has an event of a kind that this version does not know, so that no
 * state could be the fold of its events. Asked at each start, before anything is written; opens its
 * own transaction. */
int execution_history_known(struct db *db, struct err *err) MUST_USE;
