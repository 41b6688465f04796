/* Rows of jobs; jobs.h. */
#include "flow/worker/jobs.h"

#include "platform/text/json.h"

#define COLUMNS                                                                                    \
    "number, id, account, region, type, action, status, nonce, client_id, client_token, query, "   \
    "data, role_arn, policy, continuation, result, IFNULL(percent, -1), changed_ms"

static void read_row(struct db_rows *rows, struct arena *a, struct worker_job *ret) {
    *ret = (struct worker_job){
        .number = db_i64(rows, 0),
        .id = db_str(rows, a, 1),
        .account = db_str(rows, a, 2),
        .region = db_str(rows, a, 3),
        .type = db_str(rows, a, 4),
        .action = db_str(rows, a, 5),
        .status = db_str(rows, a, 6),
        .nonce = db_str(rows, a, 7),
        .client_id = db_str(rows, a, 8),
        .client_token = db_str(rows, a, 9),
        .query = db_str(rows, a, 10),
        .data = db_str(rows, a, 11),
        .role_arn = db_str(rows, a, 12),
        .policy = db_str(rows, a, 13),
        .continuation = db_str(rows, a, 14),
        .result = db_str(rows, a, 15),
        .percent = (int)db_i64(rows, 16),
        .changed_ms = db_i64(rows, 17),
    };
}

int worker_job_add(struct db *db, const struct worker_job *job, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO worker_jobs(id, account, region, type, action, status, client_id, "
                  "client_token, query, data, role_arn, policy, offered_ms, created_ms, "
                  "changed_ms) VALUES (?, ?, ?, ?, ?, 'Queued', ?, ?, ?, ?, ?, ?, 0, ?, ?)",
                  "sssssssssssii", job->id, job->account, job->region, job->type, job->action,
                  job->client_id, job->client_token, job->query, job->data, job->role_arn,
                  job->policy, now_ms, now_ms);
}

static int one(struct db *db, struct arena *a, const char *sql, struct str key,
               struct worker_job *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, sql, "s", key) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_row(&rows, a, ret);
    }
    return found;
}

int worker_job_get(struct db *db, struct arena *a, struct str id, struct worker_job *ret,
                   struct err *err) {
    return one(db, a, "SELECT " COLUMNS " FROM worker_jobs WHERE id = ?", id, ret, err);
}

int worker_job_of_action(struct db *db, struct arena *a, struct str action, struct worker_job *ret,
                         struct err *err) {
    return one(db, a,
               "SELECT " COLUMNS " FROM worker_jobs WHERE action = ? ORDER BY number DESC LIMIT 1",
               action, ret, err);
}

int worker_job_waiting(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str type, struct str query, int64_t now_ms, int limit,
                       struct worker_job_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct worker_job_list){0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM worker_jobs WHERE account = ? AND region = ? AND type = "
                 "? AND status IN ('Queued', 'Dispatched') AND offered_ms <= ? AND (? IS NULL OR "
                 "query = ?) ORDER BY number LIMIT ?",
                 "sssissi", account, region, type, now_ms - WORKER_OFFER_MS, query, query,
                 (int64_t)limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        read_row(&rows, a, arena_push(a, ret));
    }
    return more;
}

int worker_job_offer(struct db *db, struct str id, struct str nonce, int64_t now_ms,
                     struct err *err) {
    return db_run(db, err,
                  "UPDATE worker_jobs SET status = 'Dispatched', nonce = ?, offered_ms = ?, "
                  "changed_ms = ? WHERE id = ?",
                  "siis", nonce, now_ms, now_ms, id);
}

int worker_job_status(struct db *db, struct str id, const char *status, int64_t now_ms,
                      struct err *err) {
    return db_run(db, err,
                  "UPDATE worker_jobs SET status = ?, nonce = NULL, changed_ms = ? WHERE id = ?",
                  "zis", status, now_ms, id);
}

int worker_job_end(struct db *db, struct str id, const char *status, struct str continuation,
                   struct str result, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "UPDATE worker_jobs SET status = ?, continuation = ?, result = ?, changed_ms = ? "
                  "WHERE id = ?",
                  "zssis", status, continuation, result, now_ms, id);
}

int worker_jobs_close(struct db *db, struct str action, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "UPDATE worker_jobs SET status = 'TimedOut', nonce = NULL, changed_ms = ? WHERE "
                  "action = ? AND status IN ('Queued', 'Dispatched', 'InProgress')",
                  "is", now_ms, action);
}

int worker_job_percent(struct db *db, struct str id, int percent, struct err *err) {
    return db_run(db, err, "UPDATE worker_jobs SET percent = ? WHERE id = ?", "is",
                  (int64_t)percent, id);
}

/* ---- results ---- */

struct str worker_result_json(struct arena *a, const struct worker_result *r) {
    json_t *o cleanup_json = json_object();
    json_set(o, "ok", json_boolean(r->ok));
    json_set_str(o, "failure", r->failure);
    json_set_str(o, "message", r->message);
    json_set_str(o, "summary", r->summary);
    json_set_str(o, "externalId", r->external_id);
    json_set_str(o, "outputVariables", r->output_variables);
    json_set_str(o, "revision", r->revision);
    return json_dump_str(a, o);
}

static struct str text(struct arena *a, const json_t *o, const char *key) {
    struct str value = json_str(o, key);
    return value.n > 0 ? str_dup(a, value) : STR_NONE;
}

bool worker_result_read(struct arena *a, struct str json, struct worker_result *ret) {
    struct err ignored = ERR_INIT;
    json_t *o cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    *ret = (struct worker_result){
        .ok = json_is_true(json_object_get(o, "ok")),
        .failure = text(a, o, "failure"),
        .message = text(a, o, "message"),
        .summary = text(a, o, "summary"),
        .external_id = text(a, o, "externalId"),
        .output_variables = text(a, o, "outputVariables"),
        .revision = text(a, o, "revision"),
    };
    return o != NULL;
}
