/* Implementation of history.h. */
#include "flow/execution/history.h"

#include "flow/execution/engine.h"

static int strangest(struct db *db, int64_t *ret_least, int64_t *ret_most, struct err *err) {
    *ret_least = 0;
    *ret_most = 0;
    return db_get_i64(db, ret_least, err, "SELECT min(kind) FROM pipeline_events", "") < 0 ||
                   db_get_i64(db, ret_most, err, "SELECT max(kind) FROM pipeline_events", "") < 0
               ? -1
               : 0;
}

int execution_history_known(struct db *db, struct err *err) {
    int64_t least = 0;
    int64_t most = 0;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int read = strangest(db, &least, &most, err);
    db_glance(db);
    if (read < 0) {
        return -1;
    }
    if (least < 0 || most > EVENT_NEWEST) {
        return err_set(
            err, ERR_INTERNAL,
            "the history of a pipeline has an event of kind %lld, which this version does "
            "not know: start the version that wrote it, or a newer one",
            (long long)(least < 0 ? least : most));
    }
    return 0;
}
