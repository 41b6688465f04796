/* Rows of managed policies, inline policies and attachments; AWS's own policies. */
#include "services/iam/iam_store.h"

#define POLICY                                                                                     \
    "SELECT arn, account, name, path, id, description, default_version, last_version, "            \
    "created_ms, updated_ms FROM iam_policy "

static void read_policy(struct db_rows *rows, struct arena *a, struct iam_policy_row *ret) {
    *ret = (struct iam_policy_row){
        .arn = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .name = db_str(rows, a, 2),
        .path = db_str(rows, a, 3),
        .id = db_str(rows, a, 4),
        .description = db_str(rows, a, 5),
        .default_version = db_i64(rows, 6),
        .last_version = db_i64(rows, 7),
        .created_ms = db_i64(rows, 8),
        .updated_ms = db_i64(rows, 9),
    };
}

int iam_policy_find(struct db *db, struct arena *a, struct str arn, struct iam_policy_row *ret,
                    struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, POLICY "WHERE arn = ?", "s", arn) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_policy(&rows, a, ret);
    }
    return found;
}

int iam_policy_insert(struct db *db, const struct iam_policy_row *p, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_policy(arn, account, name, path, id, description, "
                  "default_version, last_version, created_ms, updated_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssssiiii", p->arn, p->account, p->name, p->path, p->id, p->description,
                  p->default_version, p->last_version, p->created_ms, p->updated_ms);
}

int iam_policy_update(struct db *db, const struct iam_policy_row *p, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "UPDATE iam_policy SET default_version = ?, last_version = ?, updated_ms = ? "
                  "WHERE arn = ?",
                  "iiis", p->default_version, p->last_version, p->updated_ms, p->arn);
}

int iam_policy_delete(struct db *db, struct str arn, struct err *err) {
    iam_changed();
    return db_run(db, err, "DELETE FROM iam_policy WHERE arn = ?", "s", arn);
}

int iam_policy_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                    struct str after, int64_t limit, struct iam_policy_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct str prefix = path_prefix.p ? path_prefix : S("/");
    int more =
        db_query(db, &rows, err,
                 POLICY "WHERE account = ? AND name > ? AND substr(path, 1, ?) = ? "
                        "ORDER BY name LIMIT ?",
                 "ssisi", account, after.p ? after : S(""), (int64_t)prefix.n, prefix, limit);
    *ret = (struct iam_policy_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_policy(&rows, a, arena_push(a, ret));
    }
    return more < 0 ? -1 : 0;
}

int iam_version_insert(struct db *db, struct str arn, const struct iam_version_row *v,
                       struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_policy_version(arn, version, document, created_ms) "
                  "VALUES (?, ?, ?, ?)",
                  "sisi", arn, v->version, v->document, v->created_ms);
}

int iam_version_delete(struct db *db, struct str arn, int64_t version, struct err *err) {
    iam_changed();
    return db_run(db, err, "DELETE FROM iam_policy_version WHERE arn = ? AND version = ?", "si",
                  arn, version);
}

int iam_version_list(struct db *db, struct arena *a, struct str arn, struct iam_version_rows *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT version, document, created_ms FROM iam_policy_version "
                        "WHERE arn = ? ORDER BY version DESC",
                        "s", arn);
    *ret = (struct iam_version_rows){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct iam_version_row){db_i64(&rows, 0), db_str(&rows, a, 1), db_i64(&rows, 2)};
    }
    return more < 0 ? -1 : 0;
}

int iam_policy_document(struct db *db, struct arena *a, struct str arn, struct str *ret,
                        struct err *err) {
    const struct iam_managed *managed = iam_managed_find(arn);
    if (managed != NULL) {
        *ret = str_c(managed->document);
        return 1;
    }
    return db_get_str(db, a, ret, err,
                      "SELECT document FROM iam_policy p JOIN iam_policy_version v "
                      "ON v.arn = p.arn AND v.version = p.default_version WHERE p.arn = ?",
                      "s", arn);
}

int iam_inline_put(struct db *db, const struct iam_owner *o, struct str name, struct str document,
                   struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_inline(account, owner_kind, owner, name, document) "
                  "VALUES (?, ?, ?, ?, ?) ON CONFLICT(account, owner_kind, owner, name) "
                  "DO UPDATE SET document = excluded.document",
                  "szsss", o->account, o->kind, o->name, name, document);
}

int iam_inline_get(struct db *db, struct arena *a, const struct iam_owner *o, struct str name,
                   struct str *ret, struct err *err) {
    return db_get_str(db, a, ret, err,
                      "SELECT document FROM iam_inline WHERE account = ? AND owner_kind = ? "
                      "AND owner = ? AND name = ?",
                      "szss", o->account, o->kind, o->name, name);
}

int iam_inline_delete(struct db *db, const struct iam_owner *o, struct str name, struct err *err) {
    iam_changed();
    if (db_run(db, err,
               "DELETE FROM iam_inline WHERE account = ? AND owner_kind = ? AND owner = ? "
               "AND name = ?",
               "szss", o->account, o->kind, o->name, name) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}

int iam_inline_list(struct db *db, struct arena *a, const struct iam_owner *o, struct str after,
                    int64_t limit, struct str_map *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT name, document FROM iam_inline WHERE account = ? "
                        "AND owner_kind = ? AND owner = ? AND name > ? ORDER BY name LIMIT ?",
                        "szssi", o->account, o->kind, o->name, after.p ? after : S(""), limit);
    *ret = (struct str_map){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more < 0 ? -1 : 0;
}

int iam_attach(struct db *db, const struct iam_owner *o, struct str arn, struct err *err) {
    iam_changed();
    return db_run(db, err,
                  "INSERT INTO iam_attached(account, owner_kind, owner, arn) VALUES (?, ?, ?, ?) "
                  "ON CONFLICT DO NOTHING",
                  "szss", o->account, o->kind, o->name, arn);
}

int iam_detach(struct db *db, const struct iam_owner *o, struct str arn, struct err *err) {
    iam_changed();
    if (db_run(db, err,
               "DELETE FROM iam_attached WHERE account = ? AND owner_kind = ? AND owner = ? "
               "AND arn = ?",
               "szss", o->account, o->kind, o->name, arn) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}

int iam_attached_list(struct db *db, struct arena *a, const struct iam_owner *o, struct str after,
                      int64_t limit, struct str_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT arn FROM iam_attached WHERE account = ? AND owner_kind = ? "
                        "AND owner = ? AND arn > ? ORDER BY arn LIMIT ?",
                        "szssi", o->account, o->kind, o->name, after.p ? after : S(""), limit);
    *ret = (struct str_list){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more < 0 ? -1 : 0;
}

int iam_attachments(struct db *db, struct str account, struct str arn, int64_t *ret,
                    struct err *err) {
    return db_get_i64(db, ret, err,
                      "SELECT count(*) FROM iam_attached WHERE account = ? AND arn = ?", "ss",
                      account, arn);
}

static const struct iam_managed managed[] = {
#define MANAGED(path, name, description, document) {path, name, description, document},
#include "services/iam/managed.def"
#undef MANAGED
};

const struct iam_managed *iam_managed_at(size_t i) {
    return i < sizeof(managed) / sizeof(*managed) ? &managed[i] : NULL;
}

const struct iam_managed *iam_managed_find(struct str arn) {
    struct str prefix = S("arn:aws:iam::aws:policy");
    if (!str_starts(arn, prefix)) {
        return NULL;
    }
    struct str rest = str_sub(arn, prefix.n, arn.n);
    for (size_t i = 0; i < sizeof(managed) / sizeof(*managed); i++) {
        struct str path = str_c(managed[i].path);
        if (str_starts(rest, path) && str_is(str_sub(rest, path.n, rest.n), managed[i].name)) {
            return &managed[i];
        }
    }
    return NULL;
}

int iam_entities(struct db *db, struct arena *a, struct str account, struct str policy_arn,
                 struct iam_entities *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err,
                        "SELECT x.owner_kind, coalesce(r.name, u.name), coalesce(r.id, u.id) "
                        "FROM iam_attached x "
                        "LEFT JOIN iam_role r ON x.owner_kind = 'role' AND r.account = x.account "
                        "AND r.name = x.owner "
                        "LEFT JOIN iam_user u ON x.owner_kind = 'user' AND u.account = x.account "
                        "AND u.name = x.owner "
                        "WHERE x.account = ? AND x.arn = ? ORDER BY x.owner_kind, x.owner",
                        "ss", account, policy_arn);
    *ret = (struct iam_entities){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct iam_entity){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2)};
    }
    return more < 0 ? -1 : 0;
}
