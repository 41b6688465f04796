/* Pipelines, their versions and events. */
#include "flow/record/record.h"

extern const char record_schema_sql[];
const struct db_schema record_schema = {"record", record_schema_sql};

#define PIPELINE_COLUMNS                                                                           \
    "id, account, region, name, version, definition, state, created_ms, updated_ms"

static void read_row(struct db_rows *rows, struct arena *a, struct pipeline_row *ret) {
    *ret = (struct pipeline_row){
        .id = db_i64(rows, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .version = (int)db_i64(rows, 4),
        .definition = db_str(rows, a, 5),
        .state = db_str(rows, a, 6),
        .created_ms = db_i64(rows, 7),
        .updated_ms = db_i64(rows, 8),
    };
}

static int read_one(struct db_rows *rows, struct arena *a, struct pipeline_row *ret,
                    struct err *err) {
    int found = db_next(rows, err);
    if (found > 0) {
        read_row(rows, a, ret);
    }
    return found;
}

static int read_all(struct db_rows *rows, struct arena *a, struct pipeline_row_list *ret,
                    struct err *err) {
    int more = 0;
    while ((more = db_next(rows, err)) > 0) {
        read_row(rows, a, arena_push(a, ret));
    }
    return more;
}

int record_pipeline_add(struct db *db, struct pipeline_row *row, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO pipelines(account, region, name, version, definition, state, "
               "created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               "sssissii", row->account, row->region, row->name, (int64_t)row->version,
               row->definition, row->state, row->created_ms, row->updated_ms) < 0) {
        return -1;
    }
    row->id = db_last_rowid(db);
    return db_run(db, err, "INSERT INTO pipeline_versions VALUES (?, ?, ?, ?)", "iisi", row->id,
                  (int64_t)row->version, row->definition, row->created_ms);
}

int record_pipeline_get(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct pipeline_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " PIPELINE_COLUMNS " FROM pipelines WHERE account = ? AND region = ? AND "
                 "name = ? AND deleted_ms IS NULL",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_pipeline_by_id(struct db *db, struct arena *a, int64_t id, struct pipeline_row *ret,
                          struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " PIPELINE_COLUMNS " FROM pipelines WHERE id = ? AND deleted_ms IS NULL",
                 "i", id) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_pipeline_kept(struct db *db, struct arena *a, int64_t id, struct pipeline_row *ret,
                         struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " PIPELINE_COLUMNS " FROM pipelines WHERE id = ?", "i",
                 id) < 0) {
        return -1;
    }
    return read_one(&rows, a, ret, err);
}

int record_pipeline_is_there(struct db *db, int64_t id, struct err *err) {
    int64_t one = 0;
    return db_get_i64(db, &one, err, "SELECT 1 FROM pipelines WHERE id = ? AND deleted_ms IS NULL",
                      "i", id);
}

int record_pipeline_list(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str after, int limit, struct pipeline_row_list *ret,
                         struct err *err) {
    *ret = (struct pipeline_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " PIPELINE_COLUMNS " FROM pipelines WHERE account = ? AND region = ? AND "
                 "name > ? AND deleted_ms IS NULL ORDER BY name LIMIT ?",
                 "sssi", account, region, after.p ? after : S(""), (int64_t)limit) < 0) {
        return -1;
    }
    return read_all(&rows, a, ret, err);
}

int record_pipeline_count(struct db *db, struct str account, struct str region, int64_t *ret,
                          struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(
            db, &rows, err,
            "SELECT COUNT(*) FROM pipelines WHERE account = ? AND region = ? AND deleted_ms IS "
            "NULL",
            "ss", account, region) < 0 ||
        db_next(&rows, err) <= 0) {
        return -1;
    }
    *ret = db_i64(&rows, 0);
    return 0;
}

int record_pipeline_all(struct db *db, struct arena *a, struct pipeline_row_list *ret,
                        struct err *err) {
    *ret = (struct pipeline_row_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " PIPELINE_COLUMNS " FROM pipelines WHERE deleted_ms IS NULL ORDER BY id",
                 "") < 0) {
        return -1;
    }
    return read_all(&rows, a, ret, err);
}

int record_pipeline_define(struct db *db, int64_t id, int version, struct str definition,
                           int64_t now_ms, struct err *err) {
    if (db_run(db, err,
               "UPDATE pipelines SET version = ?, definition = ?, updated_ms = ? WHERE id = ?",
               "isii", (int64_t)version, definition, now_ms, id) < 0) {
        return -1;
    }
    return db_run(db, err, "INSERT INTO pipeline_versions VALUES (?, ?, ?, ?)", "iisi", id,
                  (int64_t)version, definition, now_ms);
}

int record_pipeline_state(struct db *db, int64_t id, struct str state, struct err *err) {
    return db_run(db, err, "UPDATE pipelines SET state = ? WHERE id = ?", "si", state, id);
}

int record_pipeline_delete(struct db *db, int64_t id, int64_t now_ms, struct err *err) {
    /* later than every namesake's end, however the clock went */
    return db_run(
        db, err,
        "UPDATE pipelines AS p SET deleted_ms = max(?, coalesce((SELECT max(deleted_ms) + 1 "
        "FROM pipelines o WHERE o.account = p.account AND o.region = p.region AND o.name = "
        "p.name), 0)) WHERE id = ?",
        "ii", now_ms, id);
}

int record_version_get(struct db *db, struct arena *a, int64_t pipeline, int version,
                       struct str *ret_definition, struct err *err) {
    return db_get_str(db, a, ret_definition, err,
                      "SELECT definition FROM pipeline_versions WHERE pipeline = ? AND version = ?",
                      "ii", pipeline, (int64_t)version);
}

int record_event_add(struct db *db, int64_t pipeline, int64_t now_ms, struct str event,
                     struct err *err) {
    return db_run(db, err, "INSERT INTO pipeline_events(pipeline, at_ms, event) VALUES (?, ?, ?)",
                  "iis", pipeline, now_ms, event);
}

int record_transition_put(struct db *db, int64_t pipeline, struct str stage, const char *direction,
                          struct str reason, struct str by, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO stage_transitions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
                  "SET reason = excluded.reason, changed_by = excluded.changed_by, changed_ms = "
                  "excluded.changed_ms",
                  "iszssi", pipeline, stage, direction, reason.p ? reason : S(""), by, now_ms);
}

int record_transition_get(struct db *db, struct arena *a, int64_t pipeline, struct str stage,
                          const char *direction, struct str *ret_reason, struct str *ret_by,
                          int64_t *ret_ms, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT reason, changed_by, changed_ms FROM stage_transitions WHERE pipeline = ? "
                 "AND stage = ? AND direction = ?",
                 "isz", pipeline, stage, direction) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret_reason = db_str(&rows, a, 0);
        *ret_by = db_str(&rows, a, 1);
        *ret_ms = db_i64(&rows, 2);
    }
    return found;
}

int record_tag_get(struct db *db, struct arena *a, int64_t pipeline, struct str key,
                   struct str *ret, struct err *err) {
    return db_get_str(db, a, ret, err,
                      "SELECT value FROM pipeline_tags WHERE pipeline = ? AND key = ?", "is",
                      pipeline, key);
}

int record_tag_put(struct db *db, int64_t pipeline, struct str key, struct str value,
                   struct err *err) {
    return db_run(db, err,
                  "INSERT INTO pipeline_tags VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = "
                  "excluded.value",
                  "iss", pipeline, key, value.p ? value : S(""));
}

int record_tag_drop(struct db *db, int64_t pipeline, struct str key, struct err *err) {
    return db_run(db, err, "DELETE FROM pipeline_tags WHERE pipeline = ? AND key = ?", "is",
                  pipeline, key);
}

int record_tag_list(struct db *db, struct arena *a, int64_t pipeline, struct str_map *ret,
                    struct err *err) {
    *ret = (struct str_map){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT key, value FROM pipeline_tags WHERE pipeline = ? ORDER BY key", "i",
                 pipeline) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more;
}
