/* Answers that wait for work which other threads commit. Nothing here holds the store's lock while
 * it waits. */
#include "aws/call/call.h"

#include "runtime/db/db.h"

void call_linger(struct db *db, const struct call_linger *l) {
    if (l->settled == NULL || db_busy(db)) {
        return;
    }
    int64_t end_ms = clock_mono_ms(&clock_system) + l->max_ms;
    while (true) {
        struct err err = ERR_INIT;
        uint64_t seen = db_commits(db);
        if (db_begin(db, &err) < 0) {
            return;
        }
        int settled = l->settled(db, l->ud, &err);
        db_rollback(db);
        int64_t left_ms = end_ms - clock_mono_ms(&clock_system);
        if (settled != 0 || left_ms <= 0) {
            return;
        }
        db_wait_commit(db, seen, (int)left_ms);
    }
}
