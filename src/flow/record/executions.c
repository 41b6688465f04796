/* Executions and their stages. */
#include "flow/record/record.h"

#define EXECUTION_COLUMNS                                                                          \
    "id, pipeline, number, version, status, status_summary, trigger_type, trigger_detail, "        \
    "stop_reason, superseded_by, revision, source_commit, variables, request_token, mode, type, "  \
    "rollback_target, source_overrides, started_ms, updated_ms"

static void read_row(struct db_rows *rows, struct arena *a, struct execution_row *ret) {
    *ret = (struct execution_row){
        .id = db_str(rows, a, 0),
        .pipeline = db_i64(rows, 1),
        .number = db_i64(rows, 2),
        .version = (int)db_i64(rows, 3),
        .status = db_str(rows, a, 4),
        .status_summary = db_str(rows, a, 5),
        .trigger_type = db_str(rows, a, 6),
        .trigger_detail = db_str(rows, a, 7),
        .stop_reason = db_str(rows, a, 8),
        .superseded_by = db_str(rows, a, 9),
        .revision = db_str(rows, a, 10),
        .source_commit = db_str(rows, a, 11),
        .variables = db_str(rows, a, 12),
        .request_token = db_str(rows, a, 13),
        .mode = db_str(rows, a, 14),
        .type = db_str(rows, a, 15),
        .rollback_target = db_str(rows, a, 16),
        .source_overrides = db_str(rows, a, 17),
        .started_ms = db_i64(rows, 18),
        .updated_ms = db_i64(rows, 19),
    };
}

static int read_one(struct db_rows *rows, struct arena *a, struct execution_row *ret,
                    struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        read_row(rows, a, ret);
    }
    return found;
}

int record_execution_add(struct db *db, const struct execution_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO pipeline_executions(" EXECUTION_COLUMNS ") VALUES (?, ?, ?, ?, ?, "
                  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, 'STANDARD'), ?, ?, ?, ?)",
                  "siiissssssssssssssii", row->id, row->pipeline, row->number,
                  (int64_t)row->version, row->status, row->status_summary, row->trigger_type,
                  row->trigger_detail, row->stop_reason, row->superseded_by, row->revision,
                  row->source_commit, row->variables, row->request_token, row->mode, row->type,
                  row->rollback_target, row->source_overrides, row->started_ms, row->updated_ms);
}

int record_execution_get(struct db *db, struct arena *a, struct str id, struct execution_row *ret,
                         struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " EXECUTION_COLUMNS " FROM pipeline_executions WHERE id = ?", "s",
                 id) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_execution_by_token(struct db *db, struct arena *a, int64_t pipeline, struct str token,
                              struct str *ret_id, struct err *err) {
    return db_get_str(db, a, ret_id, err,
                      "SELECT id FROM pipeline_executions WHERE pipeline = ? AND request_token = ?",
                      "is", pipeline, token);
}

static int read_list(struct db_rows *rows, struct arena *a, struct execution_row_list *ret,
                     struct err *err) {
    int more = 0;
    *ret = (struct execution_row_list){0};
    while ((more = db_next(rows, err)) > 0) {
        read_row(rows, a, arena_push(a, ret));
    }
    return more;
}

int record_execution_list(struct db *db, struct arena *a, int64_t pipeline, int64_t before,
                          int limit, struct execution_row_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " EXECUTION_COLUMNS " FROM pipeline_executions WHERE pipeline = ? AND "
                    "number < ? ORDER BY number DESC LIMIT ?",
                    "iii", pipeline, before > 0 ? before : INT64_MAX, (int64_t)limit) < 0
               ? -1
               : read_list(&rows, a, ret, err);
}

int record_execution_list_succeeded(struct db *db, struct arena *a, int64_t pipeline,
                                    struct str stage, int64_t before, int limit,
                                    struct execution_row_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " EXECUTION_COLUMNS " FROM pipeline_executions AS e WHERE pipeline = ? "
                    "AND number < ? AND EXISTS(SELECT 1 FROM stage_executions s WHERE s.execution "
                    "= e.id AND s.stage = ? AND s.status = 'Succeeded') ORDER BY number DESC LIMIT "
                    "?",
                    "iisi", pipeline, before > 0 ? before : INT64_MAX, stage, (int64_t)limit) < 0
               ? -1
               : read_list(&rows, a, ret, err);
}

int record_execution_status(struct db *db, struct str id, const char *status, struct str summary,
                            struct str superseded_by, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "UPDATE pipeline_executions SET status = ?, status_summary = ?, superseded_by = "
                  "coalesce(?, superseded_by), updated_ms = ? WHERE id = ?",
                  "zssis", status, summary, superseded_by, now_ms, id);
}

int record_execution_revision(struct db *db, struct str id, struct str revision_json,
                              struct err *err) {
    return db_run(db, err, "UPDATE pipeline_executions SET revision = ? WHERE id = ?", "ss",
                  revision_json, id);
}

int record_execution_stop_reason(struct db *db, struct str id, struct str reason, struct err *err) {
    return db_run(db, err, "UPDATE pipeline_executions SET stop_reason = ? WHERE id = ?", "ss",
                  reason, id);
}

int record_last_success(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                        int64_t before, struct execution_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " EXECUTION_COLUMNS " FROM pipeline_executions e WHERE pipeline = ? AND "
                 "number < ? AND EXISTS (SELECT 1 FROM stage_executions s WHERE s.execution = e.id "
                 "AND s.stage = ? AND s.status = 'Succeeded') ORDER BY number DESC LIMIT 1",
                 "iis", pipeline, before > 0 ? before : INT64_MAX, stage) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_in_stage(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                    struct execution_row_list *ret, struct err *err) {
    *ret = (struct execution_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " EXECUTION_COLUMNS " FROM pipeline_executions e WHERE pipeline = ? AND "
                 "EXISTS (SELECT 1 FROM stage_executions s WHERE s.execution = e.id AND s.stage = "
                 "?) ORDER BY number DESC LIMIT 1",
                 "is", pipeline, stage) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        read_row(&rows, a, arena_push(a, ret));
    }
    return more;
}

int record_succeeded_in(struct db *db, struct str execution, struct str stage, bool *ret,
                        struct err *err) {
    int64_t n = 0;
    int found = db_get_i64(db, &n, err,
                           "SELECT status = 'Succeeded' FROM stage_executions WHERE execution = ? "
                           "AND stage = ? ORDER BY attempt DESC LIMIT 1",
                           "ss", execution, stage);
    *ret = found > 0 && n != 0;
    return found < 0 ? -1 : 0;
}

int record_stage_put(struct db *db, const struct stage_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO stage_executions(execution, stage, attempt, status, auto_retries, "
                  "manual_retries, retry_trigger, started_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, "
                  "?5, ?6, ?7, ?8, ?8) ON CONFLICT DO UPDATE SET status = excluded.status, "
                  "updated_ms = excluded.updated_ms",
                  "ssisiisi", row->execution, row->stage, (int64_t)row->attempt, row->status,
                  (int64_t)row->auto_retries, (int64_t)row->manual_retries, row->retry_trigger,
                  row->updated_ms);
}

int record_stage_newest(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                        struct str *ret_execution, struct err *err) {
    return db_get_str(db, a, ret_execution, err,
                      "SELECT e.id FROM (SELECT id, number FROM pipeline_executions WHERE pipeline "
                      "= ? AND mode <> 'PARALLEL' ORDER BY number DESC LIMIT 100) e WHERE EXISTS("
                      "SELECT 1 FROM stage_executions s WHERE s.execution = e.id AND s.stage = ?) "
                      "ORDER BY e.number DESC LIMIT 1",
                      "is", pipeline, stage);
}

int record_stage_list(struct db *db, struct arena *a, struct str execution,
                      struct stage_row_list *ret, struct err *err) {
    *ret = (struct stage_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT execution, stage, attempt, status, auto_retries, manual_retries, "
                 "retry_trigger, started_ms, updated_ms FROM stage_executions WHERE execution = ? "
                 "ORDER BY started_ms, attempt",
                 "s", execution) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct stage_row){
            .execution = db_str(&rows, a, 0),
            .stage = db_str(&rows, a, 1),
            .attempt = (int)db_i64(&rows, 2),
            .status = db_str(&rows, a, 3),
            .auto_retries = (int)db_i64(&rows, 4),
            .manual_retries = (int)db_i64(&rows, 5),
            .retry_trigger = db_str(&rows, a, 6),
            .started_ms = db_i64(&rows, 7),
            .updated_ms = db_i64(&rows, 8),
        };
    }
    return more;
}
