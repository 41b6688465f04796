/* What the watcher saw last of alarms; of sources: flow/source. */
#include "flow/record/record.h"

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
