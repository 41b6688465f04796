/* What the watcher saw last: heads of branches, states of alarms. */
#include "flow/record/record.h"

int record_watched_get(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                       struct str branch, struct str *ret_head, struct err *err) {
    return db_get_str(db, a, ret_head, err,
                      "SELECT head FROM watched WHERE pipeline = ? AND action = ? AND branch = ?",
                      "iss", pipeline, action, branch);
}

int record_watched_put(struct db *db, int64_t pipeline, struct str action, struct str branch,
                       struct str head, int64_t now_ms, struct str error, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO watched VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET branch = "
        "excluded.branch, head = excluded.head, seen_ms = excluded.seen_ms, error = "
        "excluded.error",
        "isssis", pipeline, action, branch, head, now_ms, error);
}

int record_watched_begin(struct db *db, int64_t pipeline, struct str action, struct str branch,
                         struct str head, int64_t now_ms, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO watched VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE SET branch "
        "= excluded.branch, head = excluded.head, seen_ms = excluded.seen_ms "
        "WHERE watched.branch <> excluded.branch",
        "isssi", pipeline, action, branch, head, now_ms);
}

int record_watched_error(struct db *db, int64_t pipeline, struct str action, struct str error,
                         struct err *err) {
    return db_run(
        db, err,
        "UPDATE watched SET error = ? WHERE pipeline = ? AND action = ? AND error IS NOT ?", "siss",
        error, pipeline, action, error);
}

int record_alarm_get(struct db *db, struct arena *a, int64_t pipeline, struct str account,
                     struct str alarm, struct str *ret_state, struct err *err) {
    return db_get_str(
        db, a, ret_state, err,
        "SELECT state FROM alarm_watch WHERE pipeline = ? AND account = ? AND alarm = ?", "iss",
        pipeline, account, alarm);
}

int record_alarm_put(struct db *db, int64_t pipeline, struct str account, struct str alarm,
                     struct str state, struct str reason, int64_t now_ms, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO alarm_watch VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state "
        "= excluded.state, reason = excluded.reason, changed_ms = excluded.changed_ms",
        "issssi", pipeline, account, alarm, state, reason, now_ms);
}
