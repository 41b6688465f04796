/* Implementation of services/secretsmanager/sm_store.h. */
#include "services/secretsmanager/sm_store.h"

extern const char secretsmanager_schema_sql[];
const struct db_schema secretsmanager_schema = {"secretsmanager", secretsmanager_schema_sql};

#define SECRET                                                                                     \
    "SELECT arn, account, region, name, description, kms_key, policy, created_ms, changed_ms, "    \
    "accessed_ms, deleted_ms, purge_ms FROM sm_secret "

static void read_secret(struct db_rows *rows, struct arena *a, struct sm_secret *ret) {
    *ret = (struct sm_secret){
        .arn = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .description = db_str(rows, a, 4),
        .kms_key = db_str(rows, a, 5),
        .policy = db_str(rows, a, 6),
        .created_ms = db_i64(rows, 7),
        .changed_ms = db_i64(rows, 8),
        .accessed_ms = db_i64(rows, 9),
        .deleted_ms = db_i64(rows, 10),
        .purge_ms = db_i64(rows, 11),
    };
}

static int read_one(struct db_rows *rows, struct arena *a, struct sm_secret *ret, struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        read_secret(rows, a, ret);
    }
    return found;
}

int sm_find_arn(struct db *db, struct arena *a, struct str arn, struct sm_secret *ret,
                struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err, SECRET "WHERE arn = ?", "s", arn) < 0
               ? -1
               : read_one(&rows, a, ret, err);
}

int sm_find_name(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str name, struct sm_secret *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err, SECRET "WHERE account = ? AND region = ? AND name = ?", "sss",
                    account, region, name) < 0
               ? -1
               : read_one(&rows, a, ret, err);
}

int sm_list(struct db *db, struct arena *a, struct str account, struct str region,
            struct sm_secrets *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct sm_secrets){NULL, 0};
    int more = db_query(db, &rows, err, SECRET "WHERE account = ? AND region = ? ORDER BY name",
                        "ss", account, region);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_secret(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

int sm_put(struct db *db, const struct sm_secret *s, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO sm_secret(arn, account, region, name, description, kms_key, policy, "
                  "created_ms, changed_ms, accessed_ms, deleted_ms, purge_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(arn) DO UPDATE SET "
                  "description = excluded.description, kms_key = excluded.kms_key, "
                  "policy = excluded.policy, changed_ms = excluded.changed_ms, "
                  "accessed_ms = excluded.accessed_ms, deleted_ms = excluded.deleted_ms, "
                  "purge_ms = excluded.purge_ms",
                  "sssssssiiiii", s->arn, s->account, s->region, s->name, s->description,
                  s->kms_key, s->policy, s->created_ms, s->changed_ms, s->accessed_ms,
                  s->deleted_ms, s->purge_ms);
}

int sm_remove(struct db *db, struct str arn, struct err *err) {
    static const char *const sql[] = {
        "DELETE FROM sm_stage WHERE arn = ?",
        "DELETE FROM sm_version WHERE arn = ?",
        "DELETE FROM sm_secret WHERE arn = ?",
    };
    for (size_t i = 0; i < sizeof(sql) / sizeof(*sql); i++) {
        if (db_run(db, err, sql[i], "s", arn) < 0) {
            return -1;
        }
    }
    return 0;
}

static void read_version(struct db_rows *rows, struct arena *a, struct sm_version *ret) {
    *ret = (struct sm_version){
        .seq = db_i64(rows, 0),
        .id = db_str(rows, a, 1),
        .is_binary = db_i64(rows, 2) != 0,
        .digest = db_str(rows, a, 3),
        .kms_key = db_str(rows, a, 4),
        .created_ms = db_i64(rows, 5),
        .accessed_ms = db_i64(rows, 6),
        .sealed = db_str(rows, a, 7),
    };
}

int sm_version_find(struct db *db, struct arena *a, struct str arn, struct str id,
                    struct sm_version *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT seq, id, is_binary, digest, kms_key, created_ms, accessed_ms, sealed "
                 "FROM sm_version WHERE arn = ? AND id = ?",
                 "ss", arn, id) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_version(&rows, a, ret);
    }
    return found;
}

int sm_version_add(struct db *db, struct str arn, const struct sm_version *v, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO sm_version(arn, id, sealed, is_binary, digest, kms_key, created_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "ssbibsi", arn, v->id, v->sealed, (int64_t)v->is_binary, v->digest, v->kms_key,
                  v->created_ms);
}

int sm_version_reseal(struct db *db, struct str arn, const struct sm_version *v, struct err *err) {
    return db_run(db, err, "UPDATE sm_version SET sealed = ?, kms_key = ? WHERE arn = ? AND id = ?",
                  "bsss", v->sealed, v->kms_key, arn, v->id);
}

int sm_version_list(struct db *db, struct arena *a, struct str arn, bool deprecated, int64_t before,
                    int64_t limit, struct sm_versions *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct sm_versions){NULL, 0};
    int more = db_query(db, &rows, err,
                        "SELECT seq, id, is_binary, digest, kms_key, created_ms, accessed_ms, NULL "
                        "FROM sm_version v WHERE arn = ? AND seq < ? AND (? OR EXISTS (SELECT 1 "
                        "FROM sm_stage s WHERE s.arn = v.arn AND s.version = v.id)) "
                        "ORDER BY seq DESC LIMIT ?",
                        "siii", arn, before == 0 ? INT64_MAX : before, (int64_t)deprecated, limit);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_version(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

int sm_version_trim(struct db *db, struct str arn, int64_t keep, int64_t before_ms,
                    struct err *err) {
    return db_run(db, err,
                  "DELETE FROM sm_version WHERE arn = ? AND created_ms < ? AND id NOT IN "
                  "(SELECT version FROM sm_stage WHERE arn = ?) AND seq NOT IN "
                  "(SELECT seq FROM sm_version WHERE arn = ? ORDER BY seq DESC LIMIT ?)",
                  "sissi", arn, before_ms, arn, arn, keep);
}

int sm_accessed(struct db *db, struct str arn, struct str id, int64_t day_ms, struct err *err) {
    if (db_run(db, err, "UPDATE sm_secret SET accessed_ms = ? WHERE arn = ? AND accessed_ms < ?",
               "isi", day_ms, arn, day_ms) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "UPDATE sm_version SET accessed_ms = ? WHERE arn = ? AND id = ? AND "
                  "accessed_ms < ?",
                  "issi", day_ms, arn, id, day_ms);
}

int sm_stage_list(struct db *db, struct arena *a, struct str arn, struct sm_stages *ret,
                  struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct sm_stages list = {NULL, 0};
    int more =
        db_query(db, &rows, err, "SELECT stage, version FROM sm_stage WHERE arn = ? ORDER BY stage",
                 "s", arn);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, &list) = (struct sm_stage){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    *ret = list;
    ret->v = ret->v ? ret->v : arena_new(a, struct sm_stage);
    return more < 0 ? -1 : 0;
}

int sm_stage_put(struct db *db, struct str arn, struct str stage, struct str version,
                 struct err *err) {
    return db_run(db, err,
                  "INSERT INTO sm_stage(arn, stage, version) VALUES (?, ?, ?) "
                  "ON CONFLICT(arn, stage) DO UPDATE SET version = excluded.version",
                  "sss", arn, stage, version);
}

int sm_stage_remove(struct db *db, struct str arn, struct str stage, struct err *err) {
    return db_run(db, err, "DELETE FROM sm_stage WHERE arn = ? AND stage = ?", "ss", arn, stage);
}
