/* Implementation of services/ssm/ssm_store.h. */
#include "services/ssm/ssm_store.h"

extern const char ssm_schema_sql[];
const struct db_schema ssm_schema = {"ssm", ssm_schema_sql};

#define VERSION                                                                                    \
    "SELECT v.name, v.version, v.type, v.value, v.key_id, v.description, v.pattern, v.tier, "      \
    "v.data_type, v.policies, v.modified_ms, v.modified_by FROM ssm_version v "

static void read_row(struct db_rows *rows, struct arena *a, struct ssm_row *ret) {
    *ret = (struct ssm_row){
        .name = db_str(rows, a, 0),
        .version = db_i64(rows, 1),
        .type = db_str(rows, a, 2),
        .value = db_str(rows, a, 3),
        .key_id = db_str(rows, a, 4),
        .description = db_str(rows, a, 5),
        .pattern = db_str(rows, a, 6),
        .tier = db_str(rows, a, 7),
        .data_type = db_str(rows, a, 8),
        .policies = db_str(rows, a, 9),
        .modified_ms = db_i64(rows, 10),
        .modified_by = db_str(rows, a, 11),
    };
}

static int read_one(struct db_rows *rows, struct arena *a, struct ssm_row *ret, struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        read_row(rows, a, ret);
    }
    return found;
}

int ssm_find(struct db *db, struct arena *a, const struct ssm_name *n, int64_t version,
             struct ssm_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int failed =
        version == 0
            ? db_query(db, &rows, err,
                       VERSION "JOIN ssm_parameter p ON p.account = v.account AND "
                               "p.region = v.region AND p.name = v.name AND p.version = v.version "
                               "WHERE p.account = ? AND p.region = ? AND p.name = ?",
                       "sss", n->account, n->region, n->name)
            : db_query(db, &rows, err,
                       VERSION "WHERE v.account = ? AND v.region = ? AND v.name = ? "
                               "AND v.version = ?",
                       "sssi", n->account, n->region, n->name, version);
    return failed < 0 ? -1 : read_one(&rows, a, ret, err);
}

int ssm_find_label(struct db *db, struct arena *a, const struct ssm_name *n, struct str label,
                   struct ssm_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 VERSION "JOIN ssm_label l ON l.account = v.account AND l.region = v.region AND "
                         "l.name = v.name AND l.version = v.version "
                         "WHERE l.account = ? AND l.region = ? AND l.name = ? AND l.label = ?",
                 "ssss", n->account, n->region, n->name, label) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int ssm_insert(struct db *db, const struct ssm_name *n, const struct ssm_row *r, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO ssm_parameter(account, region, name, version) VALUES (?, ?, ?, ?) "
               "ON CONFLICT(account, region, name) DO UPDATE SET version = excluded.version",
               "sssi", n->account, n->region, n->name, r->version) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "INSERT INTO ssm_version(account, region, name, version, type, value, key_id, "
                  "description, pattern, tier, data_type, policies, modified_ms, modified_by) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "sssisbssssssis", n->account, n->region, n->name, r->version, r->type, r->value,
                  r->key_id, r->description, r->pattern, r->tier, r->data_type, r->policies,
                  r->modified_ms, r->modified_by);
}

int ssm_remove(struct db *db, const struct ssm_name *n, struct err *err) {
    static const char *const sql[] = {
        "DELETE FROM ssm_label WHERE account = ? AND region = ? AND name = ?",
        "DELETE FROM ssm_version WHERE account = ? AND region = ? AND name = ?",
        "DELETE FROM ssm_parameter WHERE account = ? AND region = ? AND name = ?",
    };
    for (size_t i = 0; i < sizeof(sql) / sizeof(*sql); i++) {
        if (db_run(db, err, sql[i], "sss", n->account, n->region, n->name) < 0) {
            return -1;
        }
    }
    return 0;
}

int ssm_remove_version(struct db *db, const struct ssm_name *n, int64_t version, struct err *err) {
    return db_run(db, err,
                  "DELETE FROM ssm_version WHERE account = ? AND region = ? AND name = ? "
                  "AND version = ?",
                  "sssi", n->account, n->region, n->name, version);
}

static int read_all(struct db_rows *rows, struct arena *a, struct ssm_rows *ret, int more,
                    struct err *err) {
    *ret = (struct ssm_rows){NULL, 0};
    while (more >= 0 && (more = db_next(rows, err)) > 0) {
        read_row(rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

int ssm_list(struct db *db, struct arena *a, struct str account, struct str region,
             struct str prefix, struct str after, int64_t limit, struct ssm_rows *ret,
             struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct str from = prefix.p ? prefix : S("");
    struct str above = after.p ? after : S("");
    /* U+10FFFF closes the range: no name holds it. */
    struct str to = str_concat(a, from, S("\xF4\x8F\xBF\xBF"));
    int more = db_query(db, &rows, err,
                        VERSION "JOIN ssm_parameter p ON p.account = v.account AND "
                                "p.region = v.region AND p.name = v.name AND p.version = v.version "
                                "WHERE p.account = ? AND p.region = ? AND p.name >= ? "
                                "AND p.name < ? AND p.name > ? ORDER BY p.name LIMIT ?",
                        "sssssi", account, region, from, to, above, limit);
    return read_all(&rows, a, ret, more, err);
}

int ssm_versions(struct db *db, struct arena *a, const struct ssm_name *n, int64_t after,
                 int64_t limit, struct ssm_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        VERSION "WHERE v.account = ? AND v.region = ? AND v.name = ? "
                                "AND v.version > ? ORDER BY v.version LIMIT ?",
                        "sssii", n->account, n->region, n->name, after, limit);
    return read_all(&rows, a, ret, more, err);
}

int ssm_count(struct db *db, const struct ssm_name *n, int64_t *ret_n, int64_t *ret_oldest,
              struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT count(*), min(version) FROM ssm_version WHERE account = ? AND region = ? "
                 "AND name = ?",
                 "sss", n->account, n->region, n->name) < 0 ||
        db_next(&rows, err) < 0) {
        return -1;
    }
    *ret_n = db_i64(&rows, 0);
    *ret_oldest = db_i64(&rows, 1);
    return 0;
}

int ssm_labels(struct db *db, struct arena *a, const struct ssm_name *n, int64_t version,
               struct str_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT label FROM ssm_label WHERE account = ? AND region = ? "
                        "AND name = ? AND version = ? ORDER BY label",
                        "sssi", n->account, n->region, n->name, version);
    *ret = (struct str_list){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    if (ret->v == NULL) {
        ret->v = arena_new(a, struct str);
    }
    return more < 0 ? -1 : 0;
}

int ssm_label_put(struct db *db, const struct ssm_name *n, struct str label, int64_t version,
                  struct err *err) {
    return db_run(db, err,
                  "INSERT INTO ssm_label(account, region, name, label, version) "
                  "VALUES (?, ?, ?, ?, ?) ON CONFLICT(account, region, name, label) DO UPDATE SET "
                  "version = excluded.version",
                  "ssssi", n->account, n->region, n->name, label, version);
}

int ssm_label_remove(struct db *db, const struct ssm_name *n, struct str label, int64_t version,
                     struct err *err) {
    if (db_run(db, err,
               "DELETE FROM ssm_label WHERE account = ? AND region = ? AND name = ? "
               "AND label = ? AND version = ?",
               "ssssi", n->account, n->region, n->name, label, version) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}
