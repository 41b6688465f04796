/* Statements of store.h. */
#include "flow/forge/store.h"

#define CREDENTIAL_COLUMNS "account, region, server, auth, username, token, resource, changed_ms"
#define WEBHOOK_COLUMNS "account, region, project, id, secret, body"
#define WEEK_MS ((int64_t)7 * 24 * 3600 * 1000)

extern const char forge_schema_sql[];
const struct db_schema forge_schema = {"forge", forge_schema_sql};

static int read_credential(struct db_rows *rows, struct arena *a, struct forge_credential *ret,
                           struct err *err) {
    int more = db_next(rows, err);
    if (more > 0) {
        *ret = (struct forge_credential){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                                         db_str(rows, a, 3), db_str(rows, a, 4), db_str(rows, a, 5),
                                         db_str(rows, a, 6), db_i64(rows, 7)};
    }
    return more;
}

int forge_credential_get(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str server, struct forge_credential *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " CREDENTIAL_COLUMNS " FROM forge_credentials WHERE account = ? AND "
                    "region = ? AND server = ?",
                    "sss", account, region, server) < 0
               ? -1
               : read_credential(&rows, a, ret, err);
}

int forge_credential_list(struct db *db, struct arena *a, struct str account, struct str region,
                          struct forge_credentials *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct forge_credentials){0};
    if (db_query(db, &rows, err,
                 "SELECT " CREDENTIAL_COLUMNS " FROM forge_credentials WHERE account = ? AND "
                 "region = ? ORDER BY server",
                 "ss", account, region) < 0) {
        return -1;
    }
    struct forge_credential row;
    int more = 0;
    while ((more = read_credential(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int forge_credential_put(struct db *db, const struct forge_credential *row, struct err *err) {
    return db_run(db, err,
                  "INSERT OR REPLACE INTO forge_credentials(" CREDENTIAL_COLUMNS ") VALUES (?, ?, "
                  "?, ?, ?, ?, ?, ?)",
                  "sssssbsi", row->account, row->region, row->server, row->auth, row->username,
                  row->token, row->resource, row->changed_ms);
}

int forge_credential_delete(struct db *db, struct str account, struct str region, struct str server,
                            struct err *err) {
    return db_run(db, err,
                  "DELETE FROM forge_credentials WHERE account = ? AND region = ? AND server = ?",
                  "sss", account, region, server);
}

static int read_webhook(struct db_rows *rows, struct arena *a, struct forge_webhook *ret,
                        struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        *ret = (struct forge_webhook){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                                      db_str(rows, a, 3), db_str(rows, a, 4), db_str(rows, a, 5)};
    }
    return found;
}

int forge_webhook_get(struct db *db, struct arena *a, struct str account, struct str region,
                      struct str project, struct forge_webhook *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT " WEBHOOK_COLUMNS " FROM forge_webhooks WHERE account = ? AND region = "
                    "? AND project = ?",
                    "sss", account, region, project) < 0
               ? -1
               : read_webhook(&rows, a, ret, err);
}

int forge_webhook_by_id(struct db *db, struct arena *a, struct str id, struct forge_webhook *ret,
                        struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err, "SELECT " WEBHOOK_COLUMNS " FROM forge_webhooks WHERE id = ?",
                    "s", id) < 0
               ? -1
               : read_webhook(&rows, a, ret, err);
}

int forge_webhook_put(struct db *db, const struct forge_webhook *row, struct err *err) {
    return db_run(db, err,
                  "INSERT OR REPLACE INTO forge_webhooks(" WEBHOOK_COLUMNS ") VALUES (?, ?, ?, ?, "
                  "?, ?)",
                  "ssssbs", row->account, row->region, row->project, row->id, row->secret,
                  row->body);
}

int forge_webhook_delete(struct db *db, struct str account, struct str region, struct str project,
                         struct err *err) {
    return db_run(db, err,
                  "DELETE FROM forge_webhooks WHERE account = ? AND region = ? AND project = ?",
                  "sss", account, region, project);
}

int forge_delivery_add(struct db *db, struct str webhook, struct str delivery, int64_t now_ms,
                       struct err *err) {
    if (db_run(db, err, "DELETE FROM forge_deliveries WHERE received_ms < ?", "i",
               now_ms - WEEK_MS) < 0 ||
        db_run(db, err,
               "INSERT OR IGNORE INTO forge_deliveries(webhook, delivery, received_ms) VALUES (?, "
               "?, ?)",
               "ssi", webhook, delivery, now_ms) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}

int forge_delivery_set_build(struct db *db, struct str webhook, struct str delivery,
                             struct str build, struct err *err) {
    return db_run(db, err,
                  "UPDATE forge_deliveries SET build = ? WHERE webhook = ? AND delivery = ?", "sss",
                  build, webhook, delivery);
}
