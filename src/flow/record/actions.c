/* Action executions, artifacts and revisions. */
#include "flow/record/record.h"

#include "platform/text/json.h"

#define ACTION_COLUMNS                                                                             \
    "id, pipeline, execution, stage, action, number, version, status, token, summary, "            \
    "error_code, error_message, external_id, external_url, log_stream, updated_by, "               \
    "configuration, inputs, outputs, output_variables, expires_ms, started_ms, updated_ms"

static void read_row(struct db_rows *rows, struct arena *a, struct action_row *ret) {
    *ret = (struct action_row){
        .id = db_str(rows, a, 0),
        .pipeline = db_i64(rows, 1),
        .execution = db_str(rows, a, 2),
        .stage = db_str(rows, a, 3),
        .action = db_str(rows, a, 4),
        .number = db_i64(rows, 5),
        .version = (int)db_i64(rows, 6),
        .status = db_str(rows, a, 7),
        .token = db_str(rows, a, 8),
        .summary = db_str(rows, a, 9),
        .error_code = db_str(rows, a, 10),
        .error_message = db_str(rows, a, 11),
        .external_id = db_str(rows, a, 12),
        .external_url = db_str(rows, a, 13),
        .log_stream = db_str(rows, a, 14),
        .updated_by = db_str(rows, a, 15),
        .configuration = db_str(rows, a, 16),
        .inputs = db_str(rows, a, 17),
        .outputs = db_str(rows, a, 18),
        .output_variables = db_str(rows, a, 19),
        .expires_ms = db_i64(rows, 20),
        .started_ms = db_i64(rows, 21),
        .updated_ms = db_i64(rows, 22),
    };
}

static int read_one(struct db_rows *rows, struct arena *a, struct action_row *ret,
                    struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        read_row(rows, a, ret);
    }
    return found;
}

static int read_all(struct db_rows *rows, struct arena *a, struct action_row_list *ret,
                    struct err *err) {
    int more = 0;
    while ((more = db_next(rows, err)) > 0) {
        read_row(rows, a, arena_push(a, ret));
    }
    return more;
}

int record_action_add(struct db *db, const struct action_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO action_executions(id, pipeline, execution, stage, action, number, "
                  "version, status, token, started_ms, updated_ms) VALUES (?, ?, ?, ?, ?, (SELECT "
                  "coalesce(max(number), 0) + 1 FROM action_executions WHERE pipeline = ?2), ?, ?, "
                  "?, ?, ?)",
                  "sisssissii", row->id, row->pipeline, row->execution, row->stage, row->action,
                  (int64_t)row->version, row->status, row->token, row->started_ms, row->updated_ms);
}

int record_action_get(struct db *db, struct arena *a, struct str id, struct action_row *ret,
                      struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " ACTION_COLUMNS " FROM action_executions WHERE id = ?",
                 "s", id) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_action_by_external(struct db *db, struct arena *a, struct str external_id,
                              struct action_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ACTION_COLUMNS " FROM action_executions WHERE external_id = ?", "s",
                 external_id) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_action_status(struct db *db, struct str id, const char *status, int64_t now_ms,
                         struct err *err) {
    return db_run(db, err, "UPDATE action_executions SET status = ?, updated_ms = ? WHERE id = ?",
                  "zis", status, now_ms, id);
}

int record_action_detail(struct db *db, const struct action_row *row, int64_t now_ms,
                         struct err *err) {
    return db_run(
        db, err,
        "UPDATE action_executions SET summary = coalesce(?, summary), error_code = coalesce(?, "
        "error_code), error_message = coalesce(?, error_message), external_id = coalesce(?, "
        "external_id), external_url = coalesce(?, external_url), log_stream = coalesce(?, "
        "log_stream), updated_by = coalesce(?, updated_by), configuration = coalesce(?, "
        "configuration), inputs = coalesce(?, inputs), outputs = coalesce(?, outputs), "
        "output_variables = coalesce(?, output_variables), expires_ms = coalesce(nullif(?, 0), "
        "expires_ms), updated_ms = ? WHERE id = ?",
        "sssssssssssiis", row->summary, row->error_code, row->error_message, row->external_id,
        row->external_url, row->log_stream, row->updated_by, row->configuration, row->inputs,
        row->outputs, row->output_variables, row->expires_ms, now_ms, row->id);
}

int record_action_list(struct db *db, struct arena *a, struct str execution,
                       struct action_row_list *ret, struct err *err) {
    *ret = (struct action_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ACTION_COLUMNS
                 " FROM action_executions WHERE execution = ? ORDER BY number",
                 "s", execution) < 0) {
        return -1;
    }
    return read_all(&rows, a, ret, err);
}

int record_action_page(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                       int64_t before, int limit, struct action_row_list *ret, struct err *err) {
    *ret = (struct action_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    int64_t top = before > 0 ? before : INT64_MAX;
    int failed =
        execution.p != NULL
            ? db_query(db, &rows, err,
                       "SELECT " ACTION_COLUMNS " FROM action_executions WHERE execution = ? AND "
                       "pipeline = ? AND number < ? ORDER BY number DESC LIMIT ?",
                       "siii", execution, pipeline, top, (int64_t)limit)
            : db_query(db, &rows, err,
                       "SELECT " ACTION_COLUMNS " FROM action_executions WHERE pipeline = ? AND "
                       "number < ? ORDER BY number DESC LIMIT ?",
                       "iii", pipeline, top, (int64_t)limit);
    return failed < 0 ? -1 : read_all(&rows, a, ret, err);
}

int record_action_of_token(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                           struct str action, struct str token, struct str *ret, struct err *err) {
    return db_get_str(
        db, a, ret, err,
        "SELECT execution FROM action_executions WHERE pipeline = ? AND stage = ? AND "
        "action = ? AND token = ? LIMIT 1",
        "isss", pipeline, stage, action, token);
}

int record_action_answered(struct db *db, int64_t pipeline, struct str stage, struct str action,
                           struct str token, bool *ret, struct err *err) {
    int64_t n = 0;
    int found = db_get_i64(db, &n, err,
                           "SELECT 1 FROM action_executions WHERE pipeline = ? AND stage = ? AND "
                           "action = ? AND token = ? AND updated_by IS NOT NULL LIMIT 1",
                           "isss", pipeline, stage, action, token);
    *ret = found > 0;
    return found < 0 ? -1 : 0;
}

int record_action_newest(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                         struct str action, struct action_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ACTION_COLUMNS " FROM action_executions WHERE pipeline = ? AND stage = "
                 "? AND action = ? ORDER BY number DESC LIMIT 1",
                 "iss", pipeline, stage, action) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_artifact_put(struct db *db, struct str execution, const struct artifact_row *row,
                        struct err *err) {
    return db_run(db, err,
                  "INSERT INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                  "action = excluded.action, bucket = excluded.bucket, key = excluded.key, sha256 "
                  "= excluded.sha256, revision = excluded.revision",
                  "sssssss", execution, row->name, row->action, row->bucket, row->key, row->sha256,
                  row->revision);
}

int record_artifacts_copy(struct db *db, struct str from, struct str to, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO artifacts SELECT ?2, name, action, bucket, key, sha256, revision FROM "
        "artifacts WHERE execution = ?1",
        "ss", from, to);
}

int record_artifact_list(struct db *db, struct arena *a, struct str execution,
                         struct artifact_row_list *ret, struct err *err) {
    *ret = (struct artifact_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(
            db, &rows, err,
            "SELECT name, action, bucket, key, sha256, revision FROM artifacts WHERE execution "
            "= ? ORDER BY name",
            "s", execution) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct artifact_row){
            .name = db_str(&rows, a, 0),
            .action = db_str(&rows, a, 1),
            .bucket = db_str(&rows, a, 2),
            .key = db_str(&rows, a, 3),
            .sha256 = db_str(&rows, a, 4),
            .revision = db_str(&rows, a, 5),
        };
    }
    return more;
}

int record_artifact_get(struct db *db, struct arena *a, struct str execution, struct str name,
                        struct artifact_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT name, action, bucket, key, sha256, revision FROM artifacts WHERE "
                 "execution = ? AND name = ?",
                 "ss", execution, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct artifact_row){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2),
                                     db_str(&rows, a, 3), db_str(&rows, a, 4), db_str(&rows, a, 5)};
    }
    return found;
}

struct str revision_to_json(struct arena *a, const struct revision *r) {
    json_t *o = json_object();
    json_set_str(o, "action", r->action);
    json_set_str(o, "artifact", r->artifact);
    json_set_str(o, "commit", r->commit);
    json_set_str(o, "branch", r->branch);
    json_set_str(o, "author", r->author);
    json_set_str(o, "email", r->email);
    json_set_str(o, "subject", r->subject);
    json_set_str(o, "message", r->message);
    json_set_str(o, "url", r->url);
    json_object_set_new(o, "atMs", json_integer(r->at_ms));
    struct str json = json_dump_str(a, o);
    json_decref(o);
    return json;
}

static struct str get(struct arena *a, const json_t *o, const char *key) {
    return str_dup(a, json_str(o, key));
}

bool revision_from_json(struct arena *a, struct str json, struct revision *ret) {
    json_t *o = json.p ? json_loadb(json.p, json.n, 0, NULL) : NULL;
    if (o == NULL) {
        return false;
    }
    *ret = (struct revision){
        .action = get(a, o, "action"),
        .artifact = get(a, o, "artifact"),
        .commit = get(a, o, "commit"),
        .branch = get(a, o, "branch"),
        .author = get(a, o, "author"),
        .email = get(a, o, "email"),
        .subject = get(a, o, "subject"),
        .message = get(a, o, "message"),
        .at_ms = json_int(o, "atMs"),
        .url = get(a, o, "url"),
    };
    json_decref(o);
    return true;
}
