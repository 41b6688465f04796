/* Implementation of services/events/events_store.h. */
#include "services/events/events_store.h"

extern const char events_schema_sql[];
const struct db_schema events_schema = {"events", events_schema_sql};

#define BUS "seq, account, region, name, description, kms_key, policy, created_ms, modified_ms"
#define RULE                                                                                       \
    "seq, arn, account, region, bus, name, pattern, schedule, state, description, role, "          \
    "managed_by, created_by, anchor_ms"
#define PLACE "account = ? AND region = ? AND bus = ?"

/* An absent bound is the lowest one. */
#define FROM(prefix) ((prefix).p != NULL ? (prefix) : S(""))

static int read_bus(struct db_rows *rows, struct arena *a, struct ev_bus *ret, struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_bus){
            .seq = db_i64(rows, 0),
            .at = {db_str(rows, a, 1), db_str(rows, a, 2), db_str(rows, a, 3)},
            .description = db_str(rows, a, 4),
            .kms_key = db_str(rows, a, 5),
            .policy = db_str(rows, a, 6),
            .created_ms = db_i64(rows, 7),
            .modified_ms = db_i64(rows, 8),
        };
    }
    return more;
}

static int read_rule(struct db_rows *rows, struct arena *a, struct ev_rule *ret, struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_rule){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .at = {db_str(rows, a, 2), db_str(rows, a, 3), db_str(rows, a, 4)},
            .name = db_str(rows, a, 5),
            .pattern = db_str(rows, a, 6),
            .schedule = db_str(rows, a, 7),
            .state = db_str(rows, a, 8),
            .description = db_str(rows, a, 9),
            .role = db_str(rows, a, 10),
            .managed_by = db_str(rows, a, 11),
            .created_by = db_str(rows, a, 12),
            .anchor_ms = db_i64(rows, 13),
        };
    }
    return more;
}

static int read_target(struct db_rows *rows, struct arena *a, struct ev_target *ret,
                       struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_target){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2)};
    }
    return more;
}

static int read_rules(struct db_rows *rows, struct arena *a, struct ev_rules *ret,
                      struct err *err) {
    struct ev_rule row;
    int more;
    *ret = (struct ev_rules){NULL, 0};
    while ((more = read_rule(rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

/* ---- buses ---- */

int ev_bus_find(struct db *db, struct arena *a, const struct ev_place *at, struct ev_bus *ret,
                struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " BUS " FROM events_bus WHERE account = ? AND region = ? AND name = ?",
                 "sss", at->account, at->region, at->bus) < 0) {
        return -1;
    }
    return read_bus(&rows, a, ret, err);
}

int ev_bus_put(struct db *db, const struct ev_bus *b, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_bus(account, region, name, description, kms_key, policy, "
                  "created_ms, modified_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(account, region, name) DO UPDATE SET "
                  "description = excluded.description, kms_key = excluded.kms_key, "
                  "policy = excluded.policy, modified_ms = excluded.modified_ms",
                  "ssssssii", b->at.account, b->at.region, b->at.bus, b->description, b->kms_key,
                  b->policy, b->created_ms, b->modified_ms);
}

int ev_bus_remove(struct db *db, const struct ev_place *at, struct err *err) {
    return db_run(db, err, "DELETE FROM events_bus WHERE account = ? AND region = ? AND name = ?",
                  "sss", at->account, at->region, at->bus);
}

int ev_bus_list(struct db *db, struct arena *a, const struct ev_place *at, struct str prefix,
                struct str after, int64_t limit, struct ev_buses *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " BUS " FROM (SELECT " BUS " FROM events_bus "
                 "WHERE account = ? AND region = ? "
                 "UNION ALL SELECT 0, ?, ?, 'default', NULL, NULL, NULL, 0, 0 WHERE NOT EXISTS("
                 "SELECT 1 FROM events_bus WHERE account = ? AND region = ? AND name = 'default')) "
                 "WHERE name > ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?",
                 "sssssssssi", at->account, at->region, at->account, at->region, at->account,
                 at->region, FROM(after), FROM(prefix), FROM(prefix), limit) < 0) {
        return -1;
    }
    struct ev_bus row;
    int more;
    *ret = (struct ev_buses){NULL, 0};
    while ((more = read_bus(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

/* ---- rules ---- */

int ev_rule_find(struct db *db, struct arena *a, const struct ev_place *at, struct str name,
                 struct ev_rule *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " RULE " FROM events_rule WHERE " PLACE " AND name = ?",
                 "ssss", at->account, at->region, at->bus, name) < 0) {
        return -1;
    }
    return read_rule(&rows, a, ret, err);
}

int ev_rule_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_rule *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " RULE " FROM events_rule WHERE arn = ?", "s", arn) < 0) {
        return -1;
    }
    return read_rule(&rows, a, ret, err);
}

int ev_rule_insert(struct db *db, const struct ev_rule *r, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_rule(arn, account, region, bus, name, pattern, schedule, "
                  "state, description, role, managed_by, created_by, anchor_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssssssssssi", r->arn, r->at.account, r->at.region, r->at.bus, r->name,
                  r->pattern, r->schedule, r->state, r->description, r->role, r->managed_by,
                  r->created_by, r->anchor_ms);
}

int ev_rule_update(struct db *db, const struct ev_rule *r, struct err *err) {
    return db_run(db, err,
                  "UPDATE events_rule SET pattern = ?, schedule = ?, state = ?, description = ?, "
                  "role = ?, anchor_ms = ? WHERE seq = ?",
                  "sssssii", r->pattern, r->schedule, r->state, r->description, r->role,
                  r->anchor_ms, r->seq);
}

int ev_rule_remove(struct db *db, int64_t seq, struct err *err) {
    return db_run(db, err, "DELETE FROM events_rule WHERE seq = ?", "i", seq);
}

int ev_rule_list(struct db *db, struct arena *a, const struct ev_place *at, struct str prefix,
                 struct str after, int64_t limit, struct ev_rules *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " RULE " FROM events_rule WHERE " PLACE " AND name > ? AND "
                 "substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?",
                 "ssssssi", at->account, at->region, at->bus, FROM(after), FROM(prefix),
                 FROM(prefix), limit) < 0) {
        return -1;
    }
    return read_rules(&rows, a, ret, err);
}

int ev_rule_listening(struct db *db, struct arena *a, const struct ev_place *at,
                      struct ev_rules *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " RULE " FROM events_rule WHERE " PLACE
                 " AND pattern IS NOT NULL AND state <> 'DISABLED'",
                 "sss", at->account, at->region, at->bus) < 0) {
        return -1;
    }
    return read_rules(&rows, a, ret, err);
}

int ev_rule_any(struct db *db, struct err *err) {
    int64_t one = 0;
    return db_get_i64(db, &one, err,
                      "SELECT 1 FROM events_rule WHERE pattern IS NOT NULL AND state <> 'DISABLED' "
                      "UNION ALL SELECT 1 FROM events_archive LIMIT 1",
                      "");
}

int ev_rule_count(struct db *db, const struct ev_place *at, int64_t *ret, struct err *err) {
    return db_get_i64(db, ret, err,
                      "SELECT count(*) FROM events_rule WHERE " PLACE " AND managed_by IS NULL",
                      "sss", at->account, at->region, at->bus) < 0
               ? -1
               : 0;
}

int ev_rule_names_by_target(struct db *db, struct arena *a, const struct ev_place *at,
                            struct str arn, struct str after, int64_t limit, struct str_list *ret,
                            struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT DISTINCT r.name FROM events_target t JOIN events_rule r ON r.seq = t.rule "
                 "WHERE t.arn = ? AND r.account = ? AND r.region = ? AND r.bus = ? AND r.name > ? "
                 "ORDER BY r.name LIMIT ?",
                 "sssssi", arn, at->account, at->region, at->bus, FROM(after), limit) < 0) {
        return -1;
    }
    int more;
    *ret = (struct str_list){NULL, 0};
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

/* ---- targets ---- */

int ev_target_put(struct db *db, int64_t rule, const struct ev_target *t, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_target(rule, id, arn, body) VALUES (?, ?, ?, ?) "
                  "ON CONFLICT(rule, id) DO UPDATE SET arn = excluded.arn, body = excluded.body",
                  "isss", rule, t->id, t->arn, t->body);
}

int ev_target_find(struct db *db, struct arena *a, int64_t rule, struct str id,
                   struct ev_target *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT id, arn, body FROM events_target WHERE rule = ? AND id = ?", "is", rule,
                 id) < 0) {
        return -1;
    }
    return read_target(&rows, a, ret, err);
}

int ev_target_remove(struct db *db, int64_t rule, struct str id, struct err *err) {
    return db_run(db, err, "DELETE FROM events_target WHERE rule = ? AND id = ?", "is", rule, id);
}

int ev_target_list(struct db *db, struct arena *a, int64_t rule, struct str after, int64_t limit,
                   struct ev_targets *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT id, arn, body FROM events_target WHERE rule = ? AND id > ? ORDER BY id "
                 "LIMIT ?",
                 "isi", rule, FROM(after), limit) < 0) {
        return -1;
    }
    struct ev_target row;
    int more;
    *ret = (struct ev_targets){NULL, 0};
    while ((more = read_target(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int ev_target_count(struct db *db, int64_t rule, int64_t *ret, struct err *err) {
    return db_get_i64(db, ret, err, "SELECT count(*) FROM events_target WHERE rule = ?", "i",
                      rule) < 0
               ? -1
               : 0;
}
