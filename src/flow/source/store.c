/* Statements of store.h. */
#include "flow/source/store.h"

extern const char source_schema_sql[];
const struct db_schema source_schema = {"source", source_schema_sql};

/* ---- pins ---- */

int source_pins_put(struct db *db, struct str execution, const struct source_pins *pins,
                    struct err *err) {
    for (size_t i = 0; i < pins->n; i++) {
        const struct source_pin *pin = &pins->v[i];
        if (db_run(db, err, "INSERT OR REPLACE INTO source_pins VALUES (?, ?, ?, ?)", "ssss",
                   execution, pin->action, pin->type, pin->value) < 0) {
            return -1;
        }
    }
    return 0;
}

int source_pin_get(struct db *db, struct arena *a, struct str execution, struct str action,
                   const char *type, struct str *ret_value, struct err *err) {
    return db_get_str(
        db, a, ret_value, err,
        "SELECT value FROM source_pins WHERE execution = ? AND action = ? AND type = ?", "ssz",
        execution, action, type);
}

/* ---- revisions ---- */

int source_revision_put(struct db *db, struct arena *a, int64_t pipeline, struct str execution,
                        const struct source_revision *revision, struct err *err) {
    return db_run(db, err,
                  "INSERT OR REPLACE INTO source_revisions(execution, action, pipeline, id, "
                  "revision, clone) VALUES (?, ?, ?, ?, ?, ?)",
                  "ssisss", execution, revision->revision.action, pipeline,
                  revision->revision.commit, revision_to_json(a, &revision->revision),
                  revision->clone);
}

/* Columns: revision, clone. */
static int next(struct db_rows *rows, struct arena *a, struct source_revision *ret,
                struct err *err) {
    int more = db_next(rows, err);
    if (more <= 0) {
        return more;
    }
    ret->clone = db_str(rows, a, 1);
    return revision_from_json(a, db_str(rows, a, 0), &ret->revision)
               ? 1
               : err_set(err, ERR_INTERNAL, "a stored revision is damaged");
}

int source_revision_list(struct db *db, struct arena *a, struct str execution,
                         struct source_revision_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct source_revision one;
    int more = 0;
    *ret = (struct source_revision_list){0};
    if (db_query(db, &rows, err,
                 "SELECT revision, clone FROM source_revisions WHERE execution = ? ORDER BY action",
                 "s", execution) < 0) {
        return -1;
    }
    while ((more = next(&rows, a, &one, err)) > 0) {
        *arena_push(a, ret) = one;
    }
    return more;
}

int source_revision_of(struct db *db, struct arena *a, struct str execution, struct str artifact,
                       struct source_revision *ret, struct err *err) {
    struct source_revision_list list;
    if (source_revision_list(db, a, execution, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (str_eq(list.v[i].revision.artifact, artifact)) {
            *ret = list.v[i];
            return 1;
        }
    }
    return 0;
}

int source_revision_copy(struct db *db, struct str from, struct str to, struct err *err) {
    return db_run(db, err,
                  "INSERT OR REPLACE INTO source_revisions(execution, action, pipeline, id, "
                  "revision, clone) SELECT ?, action, pipeline, id, revision, clone FROM "
                  "source_revisions WHERE execution = ?",
                  "ss", to, from);
}

int source_revision_known(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                          struct str id, struct str *ret_execution, struct err *err) {
    return db_get_str(
        db, a, ret_execution, err,
        "SELECT e.id FROM pipeline_executions e WHERE e.pipeline = ?1 AND (EXISTS ("
        "SELECT 1 FROM source_revisions r WHERE r.pipeline = ?1 AND r.action = ?2 AND "
        "r.id = ?3 AND r.execution = e.id) OR EXISTS (SELECT 1 FROM source_pins p "
        "WHERE p.execution = e.id AND p.action = ?2 AND p.value = ?3)) "
        "ORDER BY e.number DESC LIMIT 1",
        "iss", pipeline, action, id);
}

int source_revision_newest(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                           struct source_revision *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    return db_query(db, &rows, err,
                    "SELECT r.revision, r.clone FROM pipeline_executions e JOIN source_revisions r "
                    "ON r.execution = e.id AND r.action = ?2 WHERE e.pipeline = ?1 "
                    "ORDER BY e.number DESC LIMIT 1",
                    "is", pipeline, action) < 0
               ? -1
               : next(&rows, a, ret, err);
}

/* ---- what the watcher saw ---- */

int source_seen_get(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                    struct str ref, struct str *ret_head, struct err *err) {
    return db_get_str(db, a, ret_head, err,
                      "SELECT head FROM source_seen WHERE pipeline = ? AND action = ? AND ref = ?",
                      "iss", pipeline, action, ref);
}

int source_seen_put(struct db *db, int64_t pipeline, struct str action, struct str ref,
                    struct str head, int64_t now_ms, struct err *err) {
    return db_run(db, err, "INSERT OR REPLACE INTO source_seen VALUES (?, ?, ?, ?, ?)", "isssi",
                  pipeline, action, ref, head, now_ms);
}

int source_seen_begin(struct db *db, int64_t pipeline, struct str action, struct str ref,
                      struct str head, int64_t now_ms, struct err *err) {
    return db_run(db, err, "INSERT OR IGNORE INTO source_seen VALUES (?, ?, ?, ?, ?)", "isssi",
                  pipeline, action, ref, head, now_ms);
}

int source_seen_drop(struct db *db, int64_t pipeline, struct str action, struct str ref,
                     struct err *err) {
    return db_run(db, err, "DELETE FROM source_seen WHERE pipeline = ? AND action = ? AND ref = ?",
                  "iss", pipeline, action, ref);
}

int source_seen_list(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                     struct str_map *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = 0;
    *ret = (struct str_map){0};
    if (db_query(db, &rows, err,
                 "SELECT ref, head FROM source_seen WHERE pipeline = ? AND action = ? ORDER BY ref",
                 "is", pipeline, action) < 0) {
        return -1;
    }
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more;
}

int source_trouble_put(struct db *db, struct arena *a, int64_t pipeline, struct str action,
                       struct str error, int64_t now_ms, struct err *err) {
    struct str before = STR_NONE;
    if (db_get_str(db, a, &before, err,
                   "SELECT error FROM source_troubles WHERE pipeline = ? AND action = ?", "is",
                   pipeline, action) < 0) {
        return -1;
    }
    if (str_eq(before, error)) {
        return 0;
    }
    int written =
        error.n == 0
            ? db_run(db, err, "DELETE FROM source_troubles WHERE pipeline = ? AND action = ?", "is",
                     pipeline, action)
            : db_run(db, err, "INSERT OR REPLACE INTO source_troubles VALUES (?, ?, ?, ?)", "issi",
                     pipeline, action, error, now_ms);
    return written < 0 ? -1 : 1;
}
