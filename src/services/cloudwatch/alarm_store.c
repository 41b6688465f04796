/* Implementation of services/cloudwatch/alarm_store.h. */
#include "services/cloudwatch/alarm_store.h"

#include "services/cloudwatch/metric_store.h"
#include "services/core/value.h"

#define ALARM                                                                                      \
    "a.arn, a.account, a.region, a.name, a.config, a.config_ms, a.actions_enabled, a.state, "      \
    "a.reason, a.reason_data, a.state_ms, a.transition_ms"

const struct shape *cw_alarm_shape(void) {
    return shape_find_member(cloudwatch_op_describe_alarms.out, S("MetricAlarms"))->shape->item;
}

struct str cw_alarm_json(struct arena *a, const struct cloudwatch_metric_alarm *config) {
    json_t *json cleanup_json = value_to_json(cw_alarm_shape(), config);
    return json_dump_str(a, json);
}

static int read_alarm(struct db_rows *rows, struct arena *a, struct cw_alarm_row *ret,
                      struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *ret = (struct cw_alarm_row){
        .arn = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .config_ms = db_i64(rows, 5),
        .actions_enabled = db_i64(rows, 6) != 0,
        .state = db_str(rows, a, 7),
        .reason = db_str(rows, a, 8),
        .reason_data = db_str(rows, a, 9),
        .state_ms = db_i64(rows, 10),
        .transition_ms = db_i64(rows, 11),
    };
    json_t *config cleanup_json = json_parse(db_str(rows, a, 4), err);
    if (config == NULL || value_from_json(a, cw_alarm_shape(), config, 0, &ret->config, err) < 0) {
        return err_wrap(err, "alarm " STR_FMT, STR_ARG(ret->arn));
    }
    return 1;
}

static int read_alarms(struct db_rows *rows, struct arena *a, struct cw_alarm_rows *ret,
                       struct err *err) {
    *ret = (struct cw_alarm_rows){0};
    struct cw_alarm_row row;
    int more;
    while ((more = read_alarm(rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int cw_alarm_find(struct db *db, struct arena *a, struct str arn, struct cw_alarm_row *ret,
                  struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " ALARM " FROM cw_alarm a WHERE a.arn = ?", "s", arn) <
        0) {
        return -1;
    }
    return read_alarm(&rows, a, ret, err);
}

int cw_alarm_put(struct db *db, const struct cw_alarm_row *row, const struct cw_key *keys,
                 size_t n_keys, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str config = cw_alarm_json(&a, &row->config);
    int result = db_run(
        db, err,
        "INSERT INTO cw_alarm(arn, account, region, name, config, config_ms, actions_enabled, "
        "state, reason, reason_data, state_ms, transition_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(arn) DO UPDATE SET "
        "config = excluded.config, config_ms = excluded.config_ms, "
        "actions_enabled = excluded.actions_enabled",
        "sssssiisssii", row->arn, row->account, row->region, row->name, config, row->config_ms,
        (int64_t)row->actions_enabled, row->state, row->reason, row->reason_data, row->state_ms,
        row->transition_ms);
    arena_done(&a);
    if (result < 0 ||
        db_run(db, err, "DELETE FROM cw_alarm_metric WHERE alarm = ?", "s", row->arn) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n_keys; i++) {
        if (db_run(db, err,
                   "INSERT OR IGNORE INTO cw_alarm_metric(alarm, account, region, namespace, "
                   "name, dimensions) VALUES (?, ?, ?, ?, ?, ?)",
                   "ssssss", row->arn, keys[i].account, keys[i].region, keys[i].namespace_,
                   keys[i].name, keys[i].dimensions) < 0) {
            return -1;
        }
    }
    return 0;
}

int cw_alarm_set_state(struct db *db, const struct cw_alarm_row *row, struct err *err) {
    return db_run(db, err,
                  "UPDATE cw_alarm SET state = ?, reason = ?, reason_data = ?, state_ms = ?, "
                  "transition_ms = ? WHERE arn = ?",
                  "sssiis", row->state, row->reason, row->reason_data, row->state_ms,
                  row->transition_ms, row->arn);
}

int cw_alarm_set_actions(struct db *db, struct str arn, bool enabled, struct err *err) {
    return db_run(db, err, "UPDATE cw_alarm SET actions_enabled = ? WHERE arn = ?", "is",
                  (int64_t)enabled, arn);
}

int cw_alarm_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM cw_alarm WHERE arn = ?", "s", arn);
}

int cw_alarm_list(struct db *db, struct arena *a, const struct cw_alarm_filter *filter,
                  struct cw_alarm_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ALARM " FROM cw_alarm a WHERE a.account = ? AND a.region = ? AND "
                 "a.name > ? AND substr(a.name, 1, length(?4)) = ?4 AND "
                 "a.state = coalesce(?, a.state) ORDER BY a.name LIMIT ?",
                 "sssssi", filter->account, filter->region,
                 filter->after.p != NULL ? filter->after : S(""),
                 filter->prefix.p != NULL ? filter->prefix : S(""), filter->state,
                 filter->limit) < 0) {
        return -1;
    }
    return read_alarms(&rows, a, ret, err);
}

int cw_alarm_of_metric(struct db *db, struct arena *a, const struct cw_key *key,
                       struct cw_alarm_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ALARM " FROM cw_alarm a JOIN cw_alarm_metric m ON m.alarm = a.arn "
                 "WHERE m.account = ? AND m.region = ? AND m.namespace = ? AND m.name = ? AND "
                 "m.dimensions = ?",
                 "sssss", key->account, key->region, key->namespace_, key->name,
                 key->dimensions) < 0) {
        return -1;
    }
    return read_alarms(&rows, a, ret, err);
}

int cw_alarm_all(struct db *db, struct arena *a, struct cw_alarm_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " ALARM " FROM cw_alarm a ORDER BY a.arn", "") < 0) {
        return -1;
    }
    return read_alarms(&rows, a, ret, err);
}

int cw_history_add(struct db *db, const struct cw_history_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO cw_history(account, region, alarm, at_ms, type, summary, data) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "sssisss", row->account, row->region, row->alarm, row->at_ms, row->type,
                  row->summary, row->data);
}

int cw_history_list(struct db *db, struct arena *a, const struct cw_history_filter *filter,
                    struct cw_history_rows *ret, struct err *err) {
    static const char select[] =
        "SELECT seq, account, region, alarm, at_ms, type, summary, data FROM cw_history "
        "WHERE account = ? AND region = ? AND alarm = coalesce(?, alarm) AND "
        "type = coalesce(?, type) AND at_ms >= ? AND at_ms <= ? AND ";
    const char *sql =
        filter->ascending ? "seq > ? ORDER BY seq LIMIT ?" : "seq < ? ORDER BY seq DESC LIMIT ?";
    int64_t after = filter->after != 0 || filter->ascending ? filter->after : INT64_MAX;
    struct str text = str_printf(a, "%s%s", select, sql);
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, str_z(a, text), "ssssiiii", filter->account, filter->region,
                 filter->alarm, filter->type, filter->start_ms,
                 filter->end_ms != 0 ? filter->end_ms : INT64_MAX, after, filter->limit) < 0) {
        return -1;
    }
    *ret = (struct cw_history_rows){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct cw_history_row){
            db_i64(&rows, 0), db_str(&rows, a, 1), db_str(&rows, a, 2), db_str(&rows, a, 3),
            db_i64(&rows, 4), db_str(&rows, a, 5), db_str(&rows, a, 6), db_str(&rows, a, 7)};
    }
    return more;
}
