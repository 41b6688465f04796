/* Checks of conditions, and their rules. */
#include "flow/record/record.h"

#define CONDITION_COLUMNS                                                                          \
    "id, pipeline, execution, stage, attempt, kind, number, status, summary, started_ms, "         \
    "updated_ms"

static void read_condition(struct db_rows *rows, struct arena *a, struct condition_row *ret) {
    *ret = (struct condition_row){
        .id = db_str(rows, a, 0),
        .pipeline = db_i64(rows, 1),
        .execution = db_str(rows, a, 2),
        .stage = db_str(rows, a, 3),
        .attempt = (int)db_i64(rows, 4),
        .kind = db_str(rows, a, 5),
        .number = db_i64(rows, 6),
        .status = db_str(rows, a, 7),
        .summary = db_str(rows, a, 8),
        .started_ms = db_i64(rows, 9),
        .updated_ms = db_i64(rows, 10),
    };
}

int record_condition_put(struct db *db, const struct condition_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO condition_executions(id, pipeline, execution, stage, attempt, kind, "
                  "number, status, summary, started_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, "
                  "(SELECT coalesce(max(number), 0) + 1 FROM condition_executions WHERE pipeline = "
                  "?2), ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET status = excluded.status, "
                  "summary = coalesce(excluded.summary, summary), updated_ms = excluded.updated_ms",
                  "sississsii", row->id, row->pipeline, row->execution, row->stage,
                  (int64_t)row->attempt, row->kind, row->status, row->summary, row->started_ms,
                  row->updated_ms);
}

int record_condition_summary(struct db *db, struct str id, struct str summary, int64_t now_ms,
                             struct err *err) {
    return db_run(db, err,
                  "UPDATE condition_executions SET summary = ?, updated_ms = ? WHERE id = ?", "sis",
                  summary, now_ms, id);
}

int record_condition_get(struct db *db, struct arena *a, struct str id, struct condition_row *ret,
                         struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " CONDITION_COLUMNS " FROM condition_executions WHERE id = ?", "s",
                 id) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_condition(&rows, a, ret);
    }
    return found;
}

int record_condition_list(struct db *db, struct arena *a, struct str execution, struct str stage,
                          struct condition_row_list *ret, struct err *err) {
    *ret = (struct condition_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " CONDITION_COLUMNS " FROM condition_executions WHERE execution = ? AND "
                 "stage = ? ORDER BY number",
                 "ss", execution, stage) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        read_condition(&rows, a, arena_push(a, ret));
    }
    return more;
}

int record_condition_failed_at(struct db *db, struct arena *a, struct str execution,
                               struct str stage, int64_t at_ms, struct str *ret, struct err *err) {
    return db_get_str(
        db, a, ret, err,
        "SELECT summary FROM condition_executions WHERE execution = ? AND stage = ? AND "
        "updated_ms = ? AND status IN ('Failed', 'Errored') AND kind <> 'ON_FAILURE'",
        "ssi", execution, stage, at_ms);
}

/* ---- rules ---- */

#define RULE_COLUMNS                                                                               \
    "id, condition, pipeline, execution, stage, rule, number, status, summary, error_code, "       \
    "error_message, external_id, external_url, configuration, started_ms, updated_ms"

static void read_rule(struct db_rows *rows, struct arena *a, struct rule_row *ret) {
    *ret = (struct rule_row){
        .id = db_str(rows, a, 0),
        .condition = db_str(rows, a, 1),
        .pipeline = db_i64(rows, 2),
        .execution = db_str(rows, a, 3),
        .stage = db_str(rows, a, 4),
        .rule = db_str(rows, a, 5),
        .number = db_i64(rows, 6),
        .status = db_str(rows, a, 7),
        .summary = db_str(rows, a, 8),
        .error_code = db_str(rows, a, 9),
        .error_message = db_str(rows, a, 10),
        .external_id = db_str(rows, a, 11),
        .external_url = db_str(rows, a, 12),
        .configuration = db_str(rows, a, 13),
        .started_ms = db_i64(rows, 14),
        .updated_ms = db_i64(rows, 15),
    };
}

static int read_rules(struct db_rows *rows, struct arena *a, struct rule_row_list *ret,
                      struct err *err) {
    *ret = (struct rule_row_list){0};
    int more = 0;
    while ((more = db_next(rows, err)) > 0) {
        read_rule(rows, a, arena_push(a, ret));
    }
    return more;
}

int record_rule_put(struct db *db, const struct rule_row *row, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO rule_executions(" RULE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, (SELECT "
        "coalesce(max(number), 0) + 1 FROM rule_executions WHERE pipeline = ?3), ?, ?, ?, ?, ?, ?, "
        "?, ?, ?) ON CONFLICT(id) DO UPDATE SET status = excluded.status, summary = "
        "coalesce(excluded.summary, summary), error_code = coalesce(excluded.error_code, "
        "error_code), error_message = coalesce(excluded.error_message, error_message), external_id "
        "= coalesce(excluded.external_id, external_id), external_url = "
        "coalesce(excluded.external_url, external_url), configuration = "
        "coalesce(excluded.configuration, configuration), updated_ms = excluded.updated_ms",
        "ssissssssssssii", row->id, row->condition, row->pipeline, row->execution, row->stage,
        row->rule, row->status, row->summary, row->error_code, row->error_message, row->external_id,
        row->external_url, row->configuration, row->started_ms, row->updated_ms);
}

int record_rules_abandon(struct db *db, struct str condition, int64_t now_ms, struct err *err) {
    return db_run(
        db, err,
        "UPDATE rule_executions SET status = 'Abandoned', updated_ms = ? WHERE condition = "
        "? AND status = 'InProgress'",
        "is", now_ms, condition);
}

int record_rule_list(struct db *db, struct arena *a, struct str condition,
                     struct rule_row_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " RULE_COLUMNS " FROM rule_executions WHERE condition = ? ORDER BY "
                    "number",
                    "s", condition) < 0
               ? -1
               : read_rules(&rows, a, ret, err);
}

int record_rule_by_external(struct db *db, struct arena *a, struct str external_id,
                            struct rule_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " RULE_COLUMNS " FROM rule_executions WHERE external_id = ?", "s",
                 external_id) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_rule(&rows, a, ret);
    }
    return found;
}

int record_rule_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                     int64_t before, int limit, struct rule_row_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int64_t top = before > 0 ? before : INT64_MAX;
    return db_query(db, &rows, err,
                    "SELECT " RULE_COLUMNS " FROM rule_executions WHERE pipeline = ?1 AND (?2 IS "
                    "NULL OR execution = ?2) AND number < ?3 ORDER BY number DESC LIMIT ?4",
                    "isii", pipeline, execution, top, (int64_t)limit) < 0
               ? -1
               : read_rules(&rows, a, ret, err);
}
