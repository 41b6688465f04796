/* Implementation of notifications_store.h. */
#include "services/notifications/notifications_store.h"

extern const char notifications_schema_sql[];
const struct db_schema notifications_schema = {"notifications", notifications_schema_sql};

#define RULE                                                                                       \
    "seq, arn, account, region, name, resource, detail_type, status, event_types, created_by, "    \
    "token, created_ms, modified_ms"

static int read_rule(struct db_rows *rows, struct arena *a, struct note_rule *ret,
                     struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct note_rule){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .account = db_str(rows, a, 2),
            .region = db_str(rows, a, 3),
            .name = db_str(rows, a, 4),
            .resource = db_str(rows, a, 5),
            .detail_type = db_str(rows, a, 6),
            .status = db_str(rows, a, 7),
            .event_types = db_str(rows, a, 8),
            .created_by = db_str(rows, a, 9),
            .token = db_str(rows, a, 10),
            .created_ms = db_i64(rows, 11),
            .modified_ms = db_i64(rows, 12),
        };
    }
    return more;
}

int note_rule_find(struct db *db, struct arena *a, struct str arn, struct note_rule *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " RULE " FROM notification_rule WHERE arn = ?", "s", arn) <
        0) {
        return -1;
    }
    return read_rule(&rows, a, ret, err);
}

int note_rule_find_name(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct note_rule *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " RULE " FROM notification_rule WHERE account = ? AND region = ? AND "
                 "name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_rule(&rows, a, ret, err);
}

int note_rule_insert(struct db *db, const struct note_rule *r, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO notification_rule(arn, account, region, name, resource, "
                  "detail_type, status, event_types, created_by, token, created_ms, modified_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssssssssii", r->arn, r->account, r->region, r->name, r->resource,
                  r->detail_type, r->status, r->event_types, r->created_by, r->token, r->created_ms,
                  r->modified_ms);
}

int note_rule_update(struct db *db, const struct note_rule *r, struct err *err) {
    return db_run(db, err,
                  "UPDATE notification_rule SET name = ?, detail_type = ?, status = ?, "
                  "event_types = ?, modified_ms = ? WHERE seq = ?",
                  "ssssii", r->name, r->detail_type, r->status, r->event_types, r->modified_ms,
                  r->seq);
}

int note_rule_remove(struct db *db, int64_t seq, struct err *err) {
    return db_run(db, err, "DELETE FROM notification_rule WHERE seq = ?", "i", seq);
}

int note_rule_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct note_rules *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " RULE " FROM notification_rule WHERE account = ? AND region = ? "
                 "ORDER BY seq",
                 "ss", account, region) < 0) {
        return -1;
    }
    struct note_rule row;
    int more;
    *ret = (struct note_rules){NULL, 0};
    while ((more = read_rule(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int note_rule_count(struct db *db, struct str resource, int64_t *ret, struct err *err) {
    return db_get_i64(db, ret, err, "SELECT count(*) FROM notification_rule WHERE resource = ?",
                      "s", resource) < 0
               ? -1
               : 0;
}

/* ---- targets ---- */

int note_target_put(struct db *db, const struct note_target *t, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO notification_target(rule, address, type, status) VALUES (?, ?, ?, ?) "
        "ON CONFLICT(rule, address) DO NOTHING",
        "isss", t->rule, t->address, t->type, t->status);
}

int note_target_remove(struct db *db, int64_t rule, struct str address, struct err *err) {
    return db_run(db, err, "DELETE FROM notification_target WHERE rule = ? AND address = ?", "is",
                  rule, address);
}

int note_target_clear(struct db *db, int64_t rule, struct err *err) {
    return db_run(db, err, "DELETE FROM notification_target WHERE rule = ?", "i", rule);
}

static int read_targets(struct db_rows *rows, struct arena *a, struct note_targets *ret,
                        struct err *err) {
    int more;
    *ret = (struct note_targets){NULL, 0};
    while ((more = db_next(rows, err)) > 0) {
        *arena_push(a, ret) = (struct note_target){db_i64(rows, 0), db_str(rows, a, 1),
                                                   db_str(rows, a, 2), db_str(rows, a, 3)};
    }
    return more;
}

int note_target_list(struct db *db, struct arena *a, int64_t rule, struct note_targets *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT rule, address, type, status FROM notification_target WHERE rule = ? "
                 "ORDER BY address",
                 "i", rule) < 0) {
        return -1;
    }
    return read_targets(&rows, a, ret, err);
}

int note_target_all(struct db *db, struct arena *a, struct str account, struct str region,
                    struct note_targets *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT min(t.rule), t.address, t.type, min(t.status) FROM notification_target t "
                 "JOIN notification_rule r ON r.seq = t.rule WHERE r.account = ? AND r.region = ? "
                 "GROUP BY t.address, t.type ORDER BY t.address",
                 "ss", account, region) < 0) {
        return -1;
    }
    return read_targets(&rows, a, ret, err);
}

int note_target_set_status(struct db *db, int64_t rule, struct str address, struct str status,
                           struct err *err) {
    return db_run(db, err,
                  "UPDATE notification_target SET status = ? WHERE rule = ? AND address = ?", "sis",
                  status, rule, address);
}
