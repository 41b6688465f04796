/* Rows of roles, users and keys. */
#include "services/iam/iam_store.h"

#include "aws/call/call.h"
#include "services/core/ident.h"
#include "services/core/seal.h"

#include <stdatomic.h>

extern const char iam_schema_sql[];
const struct db_schema iam_schema = {"iam", iam_schema_sql};

static atomic_uint_fast64_t changes = 1;

uint64_t iam_changes(void) {
    return atomic_load(&changes);
}

void iam_changed(void) {
    atomic_fetch_add(&changes, 1);
}

struct str iam_arn(struct arena *a, const char *kind, struct str account, struct str path,
                   struct str name) {
    return str_printf(a, "arn:aws:iam::" STR_FMT ":%s" STR_FMT STR_FMT, STR_ARG(account), kind,
                      STR_ARG(path), STR_ARG(name));
}

#define ROLE                                                                                       \
    "SELECT account, name, path, id, trust, description, max_session, boundary, created_ms, "      \
    "used_ms, used_region FROM iam_role "

static void read_role(struct db_rows *rows, struct arena *a, struct iam_role_row *ret) {
    *ret = (struct iam_role_row){
        .account = db_str(rows, a, 0),
        .name = db_str(rows, a, 1),
        .path = db_str(rows, a, 2),
        .id = db_str(rows, a, 3),
        .trust = db_str(rows, a, 4),
        .description = db_str(rows, a, 5),
        .max_session = db_i64(rows, 6),
        .boundary = db_str(rows, a, 7),
        .created_ms = db_i64(rows, 8),
        .used_ms = db_i64(rows, 9),
        .used_region = db_str(rows, a, 10),
    };
}

int iam_role_find(struct db *db, struct arena *a, struct str account, struct str name,
                  struct iam_role_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, ROLE "WHERE account = ? AND name = ?", "ss", account, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_role(&rows, a, ret);
    }
    return found;
}

int iam_role_by_arn(struct db *db, struct arena *a, struct str arn, struct iam_role_row *ret,
                    struct err *err) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts) || !str_is(parts.service, "iam") ||
        !str_starts(parts.resource, S("role/"))) {
        return 0;
    }
    size_t slash = str_rfind_c(parts.resource, '/');
    int found = iam_role_find(db, a, parts.account,
                              str_sub(parts.resource, slash + 1, parts.resource.n), ret, err);
    if (found > 0 && !str_eq(iam_arn(a, "role", ret->account, ret->path, ret->name), arn)) {
        return 0;
    }
    return found;
}

int iam_role_insert(struct db *db, const struct iam_role_row *r, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_role(account, name, path, id, trust, description, max_session, "
                  "boundary, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssssisi", r->account, r->name, r->path, r->id, r->trust, r->description,
                  r->max_session, r->boundary, r->created_ms);
}

int iam_role_update(struct db *db, const struct iam_role_row *r, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "UPDATE iam_role SET trust = ?, description = ?, max_session = ?, boundary = ? "
                  "WHERE account = ? AND name = ?",
                  "ssisss", r->trust, r->description, r->max_session, r->boundary, r->account,
                  r->name);
}

int iam_role_used(struct db *db, const struct iam_role_row *r, int64_t now_ms, struct str region,
                  struct err *err) {
    return db_run(db, err,
                  "UPDATE iam_role SET used_ms = ?, used_region = ? WHERE account = ? AND name = ?",
                  "isss", now_ms, region, r->account, r->name);
}

int iam_role_delete(struct db *db, const struct iam_role_row *r, struct err *err) {
    iam_changed();
    return db_run(db, err, "DELETE FROM iam_role WHERE account = ? AND name = ?", "ss", r->account,
                  r->name);
}

int iam_role_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                  struct str after, int64_t limit, struct iam_role_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct str prefix = path_prefix.p ? path_prefix : S("/");
    int more =
        db_query(db, &rows, err,
                 ROLE "WHERE account = ? AND name > ? AND substr(path, 1, ?) = ? "
                      "ORDER BY name LIMIT ?",
                 "ssisi", account, after.p ? after : S(""), (int64_t)prefix.n, prefix, limit);
    *ret = (struct iam_role_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_role(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

#define USER "SELECT account, name, path, id, boundary, created_ms FROM iam_user "

static void read_user(struct db_rows *rows, struct arena *a, struct iam_user_row *ret) {
    *ret = (struct iam_user_row){
        .account = db_str(rows, a, 0),
        .name = db_str(rows, a, 1),
        .path = db_str(rows, a, 2),
        .id = db_str(rows, a, 3),
        .boundary = db_str(rows, a, 4),
        .created_ms = db_i64(rows, 5),
    };
}

int iam_user_find(struct db *db, struct arena *a, struct str account, struct str name,
                  struct iam_user_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, USER "WHERE account = ? AND name = ?", "ss", account, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_user(&rows, a, ret);
    }
    return found;
}

int iam_user_insert(struct db *db, const struct iam_user_row *u, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_user(account, name, path, id, boundary, created_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?)",
                  "sssssi", u->account, u->name, u->path, u->id, u->boundary, u->created_ms);
}

int iam_user_delete(struct db *db, const struct iam_user_row *u, struct err *err) {
    iam_changed();
    return db_run(db, err, "DELETE FROM iam_user WHERE account = ? AND name = ?", "ss", u->account,
                  u->name);
}

int iam_user_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                  struct str after, int64_t limit, struct iam_user_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct str prefix = path_prefix.p ? path_prefix : S("/");
    int more =
        db_query(db, &rows, err,
                 USER "WHERE account = ? AND name > ? AND substr(path, 1, ?) = ? "
                      "ORDER BY name LIMIT ?",
                 "ssisi", account, after.p ? after : S(""), (int64_t)prefix.n, prefix, limit);
    *ret = (struct iam_user_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_user(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

#define KEY "SELECT key, account, user, active, created_ms, secret FROM iam_key "

static void read_key(struct db_rows *rows, struct arena *a, struct iam_key_row *ret) {
    *ret = (struct iam_key_row){
        .key = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .user = db_str(rows, a, 2),
        .active = db_i64(rows, 3) != 0,
        .created_ms = db_i64(rows, 4),
    };
}

static struct str key_context(struct arena *a, struct str key) {
    return str_printf(a, "iam/key/" STR_FMT, STR_ARG(key));
}

int iam_key_find(struct db *db, struct arena *a, struct str key, struct iam_key_row *ret,
                 struct str *ret_secret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, KEY "WHERE key = ?", "s", key) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_key(&rows, a, ret);
        if (ret_secret != NULL &&
            seal_open(a, key_context(a, key), db_str(&rows, a, 5), ret_secret, err) < 0) {
            return -1;
        }
    }
    return found;
}

int iam_key_insert(struct db *db, struct arena *a, const struct rng *rng,
                   const struct iam_key_row *k, struct str secret, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_key(key, account, user, secret, active, created_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?)",
                  "sssbii", k->key, k->account, k->user,
                  seal_make(a, rng, key_context(a, k->key), secret), (int64_t)k->active,
                  k->created_ms);
}

int iam_key_set_active(struct db *db, struct str key, bool active, struct err *err) {
    iam_changed();
    return db_run(db, err, "UPDATE iam_key SET active = ? WHERE key = ?", "is", (int64_t)active,
                  key);
}

int iam_key_delete(struct db *db, struct str key, struct err *err) {
    iam_changed();
    return db_run(db, err, "DELETE FROM iam_key WHERE key = ?", "s", key);
}

int iam_key_list(struct db *db, struct arena *a, struct str account, struct str user,
                 struct iam_key_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(db, &rows, err, KEY "WHERE account = ? AND user IS ? ORDER BY created_ms, key",
                 "ss", account, user);
    *ret = (struct iam_key_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_key(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

int iam_make_administrator(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                           struct str account, struct str name, struct str *ret_key,
                           struct str *ret_secret, struct err *err) {
    struct iam_user_row user = {0};
    struct iam_owner owner = {"user", account, name};
    int found = iam_user_find(db, a, account, name, &user, err);
    if (found == 0) {
        user = (struct iam_user_row){.account = account,
                                     .name = name,
                                     .path = S("/"),
                                     .id = ident_make(rng, a, "AIDA", 17),
                                     .created_ms = now_ms};
        found = iam_user_insert(db, &user, err);
    }
    if (found < 0 ||
        iam_attach(db, &owner, S("arn:aws:iam::aws:policy/AdministratorAccess"), err) < 0) {
        return -1;
    }
    struct iam_key_row key = {
        .key = ident_make(rng, a, "AKIA", 16),
        .account = account,
        .user = name,
        .active = true,
        .created_ms = now_ms,
    };
    *ret_key = key.key;
    *ret_secret = ident_secret(rng, a);
    return iam_key_insert(db, a, rng, &key, *ret_secret, err);
}
