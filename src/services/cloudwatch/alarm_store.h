/* Rows of alarms and their history, inside the caller's transaction. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "gen/cloudwatch.h"
#include "runtime/db/db.h"

#include <stdint.h>

struct cw_key;

struct cw_alarm_row {
    struct str arn, account, region, name;
    struct cloudwatch_metric_alarm config; /* what was put; no state in it */
    int64_t config_ms;
    bool actions_enabled;
    struct str state, reason, reason_data;
    int64_t state_ms, transition_ms;
};
struct cw_alarm_rows {
    struct cw_alarm_row *v;
    size_t n;
};

/* find: 1 found, 0 none, -1. */
int cw_alarm_find(struct db *db, struct arena *a, struct str arn, struct cw_alarm_row *ret,
                  struct err *err) MUST_USE;
/* Inserts or replaces; the metrics that concern it are `keys`. */
int cw_alarm_put(struct db *db, const struct cw_alarm_row *row, const struct cw_key *keys,
                 size_t n_keys, struct err *err) MUST_USE;
int cw_alarm_set_state(struct db *db, const struct cw_alarm_row *row, struct err *err) MUST_USE;
int cw_alarm_set_actions(struct db *db, struct str arn, bool enabled, struct err *err) MUST_USE;
int cw_alarm_remove(struct db *db, struct str arn, struct err *err) MUST_USE;

/* By name, above `after`; absent filters take all. */
struct cw_alarm_filter {
    struct str account, region, prefix, state, after;
    int64_t limit;
};
int cw_alarm_list(struct db *db, struct arena *a, const struct cw_alarm_filter *filter,
                  struct cw_alarm_rows *ret, struct err *err) MUST_USE;
/* Those that a metric concerns; and all of them, for the tick. */
int cw_alarm_of_metric(struct db *db, struct arena *a, const struct cw_key *key,
                       struct cw_alarm_rows *ret, struct err *err) MUST_USE;
int cw_alarm_all(struct db *db, struct arena *a, struct cw_alarm_rows *ret,
                 struct err *err) MUST_USE;

struct cw_history_row {
    int64_t seq;
    struct str account, region, alarm;
    int64_t at_ms;
    struct str type, summary, data;
};
struct cw_history_rows {
    struct cw_history_row *v;
    size_t n;
};
int cw_history_add(struct db *db, const struct cw_history_row *row, struct err *err) MUST_USE;
struct cw_history_filter {
    struct str account, region, alarm, type;
    int64_t start_ms, end_ms; /* end 0 = open */
    bool ascending;
    int64_t after; /* seq of the last one shown, 0 = from the beginning */
    int64_t limit;
};
int cw_history_list(struct db *db, struct arena *a, const struct cw_history_filter *filter,
                    struct cw_history_rows *ret, struct err *err) MUST_USE;

/* The config as JSON, with the names of DescribeAlarms. */
struct str cw_alarm_json(struct arena *a, const struct cloudwatch_metric_alarm *config);
const struct shape *cw_alarm_shape(void);
