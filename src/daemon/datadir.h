/*
 * A data directory: who serves it (a lock), its accounts and their keys, its configuration.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

/* Before anything is written: a directory that cannot be what was meant is refused. Somebody else's
 * (ERR_DENIED); one that has keys but no store (ERR_CONFLICT: a first start would make new accounts
 * over the old ones' keys); and, where the operator has named it, one that is not there and lies in
 * nothing (ERR_NOT_FOUND: its disk may not be mounted). */
int datadir_check(const char *dir, bool named, struct err *err) MUST_USE;

/* Makes the directory (0700) and takes its lock; ERR_CONFLICT names the process that holds it. The
 * descriptor keeps the lock until it is closed. */
int datadir_lock(const char *dir, struct err *err) MUST_USE;

/* On an empty store: the four accounts with a root key each, and keys.json (0600). */
int datadir_accounts(struct db *db, const char *dir, const struct rng *rng,
                     const struct clock *clock, struct str region, struct err *err) MUST_USE;

/* DIR/trunkline.yml; everything has a default, a missing file is no error. Unknown keys and wrong
 * types are errors that name file, line and column. */
struct datadir_config {
    struct str_list notify; /* CIDRs that messages may go to beside public addresses */
};
int datadir_config_read(struct arena *a, const char *dir, struct datadir_config *ret,
                        struct err *err) MUST_USE;
