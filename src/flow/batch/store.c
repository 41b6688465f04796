/* Statements of store.h. */
#include "flow/batch/store.h"

#define COLUMNS                                                                                    \
    "seq, uuid, account, region, project, number, token, token_digest, status, created_ms, "       \
    "settings, body, state, resolved_version, pipeline"

extern const char batch_schema_sql[];
const struct db_schema batch_schema = {"batch", batch_schema_sql};

int batch_insert(struct db *db, const struct batch_row *r, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO codebuild_batches(uuid, account, region, project, number, token, "
        "token_digest, status, created_ms, settings, body, state, pipeline) VALUES (?, ?, "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ssssisssissss", r->uuid, r->account, r->region, r->project, r->number, r->token,
        r->token_digest, r->status, r->created_ms, r->settings, r->body, r->state, r->pipeline);
}

static int take(struct db_rows *rows, struct arena *a, struct batch_row *ret, struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        *ret = (struct batch_row){
            .seq = db_i64(rows, 0),
            .uuid = db_str(rows, a, 1),
            .account = db_str(rows, a, 2),
            .region = db_str(rows, a, 3),
            .project = db_str(rows, a, 4),
            .number = db_i64(rows, 5),
            .token = db_str(rows, a, 6),
            .token_digest = db_str(rows, a, 7),
            .status = db_str(rows, a, 8),
            .created_ms = db_i64(rows, 9),
            .settings = db_str(rows, a, 10),
            .body = db_str(rows, a, 11),
            .state = db_str(rows, a, 12),
            .resolved_version = db_str(rows, a, 13),
            .pipeline = db_str(rows, a, 14),
        };
    }
    return found;
}

int batch_load(struct db *db, struct arena *a, struct str uuid, struct batch_row *ret,
               struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err, "SELECT " COLUMNS " FROM codebuild_batches WHERE uuid = ?", "s",
                    uuid) < 0
               ? -1
               : take(&rows, a, ret, err);
}

int batch_by_token(struct db *db, struct arena *a, const struct batch_row *like,
                   struct batch_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " COLUMNS " FROM codebuild_batches WHERE account = ? AND region = ? "
                    "AND project = ? AND token = ?",
                    "ssss", like->account, like->region, like->project, like->token) < 0
               ? -1
               : take(&rows, a, ret, err);
}

int batch_token_expire(struct db *db, const struct batch_row *like, int64_t before_ms,
                       struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_batches SET token = NULL WHERE account = ? AND region = ? AND "
                  "project = ? AND token = ? AND created_ms < ?",
                  "ssssi", like->account, like->region, like->project, like->token, before_ms);
}

int batch_update(struct db *db, const struct batch_row *r, struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_batches SET status = ?, state = ?, resolved_version = ? WHERE "
                  "uuid = ?",
                  "ssss", r->status, r->state, r->resolved_version, r->uuid);
}

int batch_delete(struct db *db, struct str uuid, struct err *err) {
    return db_run(db, err, "DELETE FROM codebuild_batch_builds WHERE batch = ?", "s", uuid) < 0 ||
                   db_run(db, err, "DELETE FROM codebuild_batch_retries WHERE batch = ?", "s",
                          uuid) < 0 ||
                   db_run(db, err, "DELETE FROM codebuild_batches WHERE uuid = ?", "s", uuid) < 0
               ? -1
               : 0;
}

int batch_number_next(struct db *db, struct str account, struct str region, struct str project,
                      int64_t *ret, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO codebuild_batch_numbers(account, region, project, last) VALUES (?, ?, "
               "?, 1) ON CONFLICT(account, region, project) DO UPDATE SET last = last + 1",
               "sss", account, region, project) < 0) {
        return -1;
    }
    return db_get_i64(db, ret, err,
                      "SELECT last FROM codebuild_batch_numbers WHERE account = ? AND region = ? "
                      "AND project = ?",
                      "sss", account, region, project) < 0
               ? -1
               : 0;
}

int batch_build_add(struct db *db, struct str build, struct str batch, struct err *err) {
    return db_run(db, err, "INSERT INTO codebuild_batch_builds(build, batch) VALUES (?, ?)", "ss",
                  build, batch);
}

int batch_of_build(struct db *db, struct arena *a, struct str build, struct str *ret,
                   struct err *err) {
    return db_get_str(db, a, ret, err, "SELECT batch FROM codebuild_batch_builds WHERE build = ?",
                      "s", build);
}

int batch_builds(struct db *db, struct arena *a, struct str batch, struct str_list *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct str_list){0};
    if (db_query(db, &rows, err,
                 "SELECT m.build FROM codebuild_batch_builds m JOIN codebuild_builds b ON b.uuid = "
                 "m.build WHERE m.batch = ? ORDER BY b.seq",
                 "s", batch) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

int batch_retry_known(struct db *db, struct arena *a, struct str batch, struct str token,
                      int64_t since_ms, struct str *ret_type, struct err *err) {
    return db_get_str(db, a, ret_type, err,
                      "SELECT type FROM codebuild_batch_retries WHERE batch = ? AND token = ? AND "
                      "at_ms >= ?",
                      "ssi", batch, token, since_ms);
}

int batch_retry_note(struct db *db, struct str batch, struct str token, struct str type,
                     int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO codebuild_batch_retries(batch, token, type, at_ms) VALUES (?, ?, ?, "
                  "?) ON CONFLICT(batch, token) DO UPDATE SET type = excluded.type, "
                  "at_ms = excluded.at_ms",
                  "sssi", batch, token, type, now_ms);
}

int batch_list(struct db *db, struct arena *a, const struct batch_query *q, struct str_list *ret,
               int64_t *ret_last, struct err *err) {
    static const char *const queries[2] = {
        "SELECT project || ':' || uuid, seq FROM codebuild_batches WHERE account = ? AND region = "
        "? "
        "AND (? OR project = ?) AND (? OR status = ?) AND seq > ? ORDER BY seq LIMIT ?",
        "SELECT project || ':' || uuid, seq FROM codebuild_batches WHERE account = ? AND region = "
        "? "
        "AND (? OR project = ?) AND (? OR status = ?) AND seq < ? ORDER BY seq DESC LIMIT ?",
    };
    struct db_rows rows cleanup_rows = {0};
    int64_t all = q->project.p == NULL;
    int64_t any = q->status.p == NULL;
    int64_t from = q->after == 0 && q->descending ? INT64_MAX : q->after;
    *ret = (struct str_list){0};
    *ret_last = q->after;
    if (db_query(db, &rows, err, queries[q->descending], "ssisisii", q->account, q->region, all,
                 all ? S("") : q->project, any, any ? S("") : q->status, from, q->limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
        *ret_last = db_i64(&rows, 1);
    }
    return more;
}
