/* What was deleted or written over is wiped from the store's files. See db.h. */
#include "runtime/db/internal.h"

static int run(struct db *db, const char *sql, struct err *err) {
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(db, err, sql);
}

int db_scrub(struct db *db, struct err *err) {
    pthread_mutex_lock(&db->lock);
    int result =
        run(db, "VACUUM", err) < 0 || run(db, "PRAGMA wal_checkpoint(TRUNCATE)", err) < 0 ? -1 : 0;
    pthread_mutex_unlock(&db->lock);
    return result < 0 ? err_wrap(err, "wipe what was deleted") : 0;
}
