/* Implementation of services/kms/kms_store.h. */
#include "services/kms/kms_store.h"

#include "services/core/seal.h"
#include "services/core/tags.h"

extern const char kms_schema_sql[];
const struct db_schema kms_schema = {"kms", kms_schema_sql};

#define KEY                                                                                        \
    "SELECT id, account, region, description, manager, state, policy, created_ms, deletion_ms, "   \
    "rotation_days, rotated_ms FROM kms_key "

static void read_key(struct db_rows *rows, struct arena *a, struct kms_key_row *ret) {
    *ret = (struct kms_key_row){
        .id = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .description = db_str(rows, a, 3),
        .manager = db_str(rows, a, 4),
        .state = db_str(rows, a, 5),
        .policy = db_str(rows, a, 6),
        .created_ms = db_i64(rows, 7),
        .deletion_ms = db_i64(rows, 8),
        .rotation_days = db_i64(rows, 9),
        .rotated_ms = db_i64(rows, 10),
    };
}

struct str kms_key_arn(struct arena *a, const struct kms_key_row *k) {
    return str_printf(a, "arn:aws:kms:" STR_FMT ":" STR_FMT ":key/" STR_FMT, STR_ARG(k->region),
                      STR_ARG(k->account), STR_ARG(k->id));
}

int kms_key_find(struct db *db, struct arena *a, struct str id, struct kms_key_row *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, KEY "WHERE id = ?", "s", id) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_key(&rows, a, ret);
    }
    return found;
}

int kms_key_insert(struct db *db, const struct kms_key_row *k, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO kms_key(id, account, region, description, manager, state, policy, "
                  "created_ms, deletion_ms, rotation_days, rotated_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "sssssssiiii", k->id, k->account, k->region, k->description, k->manager, k->state,
                  k->policy, k->created_ms, k->deletion_ms, k->rotation_days, k->rotated_ms);
}

int kms_key_update(struct db *db, const struct kms_key_row *k, struct err *err) {
    return db_run(db, err,
                  "UPDATE kms_key SET description = ?, state = ?, policy = ?, deletion_ms = ?, "
                  "rotation_days = ?, rotated_ms = ? WHERE id = ?",
                  "sssiiis", k->description, k->state, k->policy, k->deletion_ms, k->rotation_days,
                  k->rotated_ms, k->id);
}

int kms_key_remove(struct db *db, struct arena *a, const struct kms_key_row *k, struct err *err) {
    return tags_drop(db, kms_key_arn(a, k), err) < 0
               ? -1
               : db_run(db, err, "DELETE FROM kms_key WHERE id = ?", "s", k->id);
}

int kms_key_list(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str after, int64_t limit, struct kms_key_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        KEY "WHERE account = ? AND region = ? AND id > ? ORDER BY id LIMIT ?",
                        "sssi", account, region, after.p ? after : S(""), limit);
    *ret = (struct kms_key_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_key(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

static struct str material_context(struct arena *a, struct str key, int64_t version) {
    return str_printf(a, "kms/" STR_FMT "/%lld", STR_ARG(key), (long long)version);
}

int kms_material_add(struct db *db, struct arena *a, const struct rng *rng, struct str key,
                     struct err *err) {
    int64_t last = 0;
    char bytes[KMS_MATERIAL_BYTES];
    if (db_get_i64(db, &last, err, "SELECT max(version) FROM kms_material WHERE key = ?", "s",
                   key) < 0) {
        return -1;
    }
    rng->fill(rng->ud, bytes, sizeof(bytes));
    struct str sealed =
        seal_make(a, rng, material_context(a, key, last + 1), str_n(bytes, sizeof(bytes)));
    explicit_bzero(bytes, sizeof(bytes));
    return db_run(db, err, "INSERT INTO kms_material(key, version, bytes) VALUES (?, ?, ?)", "sib",
                  key, last + 1, sealed);
}

int kms_material_get(struct db *db, struct arena *a, struct str key, int64_t version,
                     struct str *ret, int64_t *ret_version, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT version, bytes FROM kms_material WHERE key = ? AND (? = 0 OR version = ?) "
                 "ORDER BY version DESC LIMIT 1",
                 "sii", key, version, version) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found <= 0) {
        return found;
    }
    *ret_version = db_i64(&rows, 0);
    return seal_open(a, material_context(a, key, *ret_version), db_str(&rows, a, 1), ret, err) < 0
               ? -1
               : 1;
}

#define ALIAS "SELECT account, region, name, key, created_ms, updated_ms FROM kms_alias "

static void read_alias(struct db_rows *rows, struct arena *a, struct kms_alias_row *ret) {
    *ret = (struct kms_alias_row){
        db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
        db_str(rows, a, 3), db_i64(rows, 4),    db_i64(rows, 5),
    };
}

int kms_alias_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct kms_alias_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, ALIAS "WHERE account = ? AND region = ? AND name = ?", "sss",
                 account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_alias(&rows, a, ret);
    }
    return found;
}

int kms_alias_put(struct db *db, const struct kms_alias_row *alias, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO kms_alias(account, region, name, key, created_ms, updated_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(account, region, name) DO UPDATE SET "
                  "key = excluded.key, updated_ms = excluded.updated_ms",
                  "ssssii", alias->account, alias->region, alias->name, alias->key,
                  alias->created_ms, alias->updated_ms);
}

int kms_alias_remove(struct db *db, const struct kms_alias_row *alias, struct err *err) {
    return db_run(db, err, "DELETE FROM kms_alias WHERE account = ? AND region = ? AND name = ?",
                  "sss", alias->account, alias->region, alias->name);
}

int kms_alias_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str key, struct str after, int64_t limit, struct kms_alias_rows *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        ALIAS "WHERE account = ? AND region = ? AND name > ? "
                              "AND (? IS NULL OR key = ?) ORDER BY name LIMIT ?",
                        "sssssi", account, region, after.p ? after : S(""), key, key, limit);
    *ret = (struct kms_alias_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_alias(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}
