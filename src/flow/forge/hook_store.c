/* Statements of hook_store.h. */
#include "flow/forge/hook_store.h"

#define WEBHOOK_COLUMNS "account, region, name, id, secret, body, triggered_ms, error"
#define HOOK_COLUMNS "connection, account, server, id, secret"

/* ---- webhooks of pipelines ---- */

static int next_webhook(struct db_rows *rows, struct arena *a, struct pipeline_webhook *ret,
                        struct err *err) {
    int more = db_next(rows, err);
    if (more > 0) {
        *ret = (struct pipeline_webhook){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                                         db_str(rows, a, 3), db_str(rows, a, 4), db_str(rows, a, 5),
                                         db_i64(rows, 6),    db_str(rows, a, 7)};
    }
    return more;
}

int pipeline_webhook_get(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str name, struct pipeline_webhook *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " WEBHOOK_COLUMNS " FROM pipeline_webhooks WHERE account = ? AND "
                    "region = ? AND name = ?",
                    "sss", account, region, name) < 0
               ? -1
               : next_webhook(&rows, a, ret, err);
}

int pipeline_webhook_by_id(struct db *db, struct arena *a, struct str id,
                           struct pipeline_webhook *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " WEBHOOK_COLUMNS " FROM pipeline_webhooks WHERE id = ?", "s", id) < 0
               ? -1
               : next_webhook(&rows, a, ret, err);
}

int pipeline_webhook_list(struct db *db, struct arena *a, struct str account, struct str region,
                          struct str after, int64_t limit, struct pipeline_webhook_list *ret,
                          struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct pipeline_webhook row;
    int more = 0;
    *ret = (struct pipeline_webhook_list){0};
    if (db_query(db, &rows, err,
                 "SELECT " WEBHOOK_COLUMNS " FROM pipeline_webhooks WHERE account = ? AND region = "
                 "? AND name > coalesce(?, '') ORDER BY name LIMIT ?",
                 "sssi", account, region, after, limit) < 0) {
        return -1;
    }
    while ((more = next_webhook(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int pipeline_webhook_count(struct db *db, struct str account, struct str region, int64_t *ret,
                           struct err *err) {
    return db_get_i64(db, ret, err,
                      "SELECT count(*) FROM pipeline_webhooks WHERE account = ? AND region = ?",
                      "ss", account, region) < 0
               ? -1
               : 0;
}

int pipeline_webhook_put(struct db *db, const struct pipeline_webhook *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO pipeline_webhooks(account, region, name, id, secret, body) VALUES "
                  "(?, ?, ?, ?, ?, ?) ON CONFLICT(account, region, name) DO UPDATE SET secret = "
                  "excluded.secret, body = excluded.body",
                  "ssssbs", row->account, row->region, row->name, row->id, row->secret, row->body);
}

int pipeline_webhook_delete(struct db *db, const struct pipeline_webhook *row, struct err *err) {
    return db_run(db, err, "DELETE FROM pipeline_webhook_tags WHERE webhook = ?", "s", row->id) < 0
               ? -1
               : db_run(db, err, "DELETE FROM pipeline_webhooks WHERE id = ?", "s", row->id);
}

int pipeline_webhook_note(struct db *db, struct str id, struct str error, int64_t now_ms,
                          struct err *err) {
    return db_run(db, err,
                  "UPDATE pipeline_webhooks SET error = ?1, triggered_ms = CASE WHEN ?1 IS NULL "
                  "THEN ?2 ELSE triggered_ms END WHERE id = ?3",
                  "sis", error, now_ms, id);
}

/* ---- their tags ---- */

int webhook_tag_put(struct db *db, struct str id, struct str key, struct str value,
                    struct err *err) {
    return db_run(db, err, "INSERT OR REPLACE INTO pipeline_webhook_tags VALUES (?, ?, ?)", "sss",
                  id, key, value);
}

int webhook_tag_drop(struct db *db, struct str id, struct str key, struct err *err) {
    return db_run(db, err, "DELETE FROM pipeline_webhook_tags WHERE webhook = ? AND key = ?", "ss",
                  id, key);
}

int webhook_tag_list(struct db *db, struct arena *a, struct str id, struct str_map *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = 0;
    *ret = (struct str_map){0};
    if (db_query(db, &rows, err,
                 "SELECT key, value FROM pipeline_webhook_tags WHERE webhook = ? ORDER BY key", "s",
                 id) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more;
}

/* ---- hooks of connections ---- */

static int next_hook(struct db_rows *rows, struct arena *a, struct connection_hook *ret,
                     struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        *ret = (struct connection_hook){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                                        db_str(rows, a, 3), db_str(rows, a, 4)};
    }
    return found;
}

int connection_hook_get(struct db *db, struct arena *a, struct str connection,
                        struct connection_hook *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " HOOK_COLUMNS " FROM connection_hooks WHERE connection = ?", "s",
                    connection) < 0
               ? -1
               : next_hook(&rows, a, ret, err);
}

int connection_hook_by_id(struct db *db, struct arena *a, struct str id,
                          struct connection_hook *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err, "SELECT " HOOK_COLUMNS " FROM connection_hooks WHERE id = ?",
                    "s", id) < 0
               ? -1
               : next_hook(&rows, a, ret, err);
}

int connection_hook_put(struct db *db, const struct connection_hook *row, struct err *err) {
    return db_run(
        db, err, "INSERT OR REPLACE INTO connection_hooks(" HOOK_COLUMNS ") VALUES (?, ?, ?, ?, ?)",
        "ssssb", row->connection, row->account, row->server, row->id, row->secret);
}
