/* Statements of store.h. */
#include "flow/build/store.h"

#define PROJECT_COLUMNS "account, region, name, body, created_ms, modified_ms"
#define BUILD_COLUMNS                                                                              \
    "uuid, account, region, project, number, token, initiator, status, phase, started_ms, "        \
    "ended_ms, phases, exported, artifacts, unmasked, log_group, log_stream, resolved_version, "   \
    "reason, body"

extern const char build_schema_sql[];
const struct db_schema build_schema = {"build", build_schema_sql};

int project_get(struct db *db, struct arena *a, struct str account, struct str region,
                struct str name, struct project_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " PROJECT_COLUMNS " FROM codebuild_projects WHERE account = ? AND "
                 "region = ? AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct project_row){db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2),
                                    db_str(&rows, a, 3), db_i64(&rows, 4),    db_i64(&rows, 5)};
    }
    return found;
}

int project_put(struct db *db, const struct project_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO codebuild_projects(" PROJECT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(account, region, name) DO UPDATE SET body = excluded.body, "
                  "modified_ms = excluded.modified_ms",
                  "ssssii", row->account, row->region, row->name, row->body, row->created_ms,
                  row->modified_ms);
}

int project_delete(struct db *db, struct str account, struct str region, struct str name,
                   struct err *err) {
    return db_run(db, err,
                  "DELETE FROM codebuild_projects WHERE account = ? AND region = ? AND name = ?",
                  "sss", account, region, name);
}

int project_list(struct db *db, struct arena *a, struct str account, struct str region,
                 enum project_order order, bool descending, int64_t offset, int64_t limit,
                 struct str_list *ret, struct err *err) {
    static const char *const queries[][2] = {
#define BY(column)                                                                                 \
    {"SELECT name FROM codebuild_projects WHERE account = ? AND region = ? ORDER BY " column       \
     ", name LIMIT ? OFFSET ?",                                                                    \
     "SELECT name FROM codebuild_projects WHERE account = ? AND region = ? ORDER BY " column       \
     " DESC, name DESC LIMIT ? OFFSET ?"}
        BY("name"),
        BY("created_ms"),
        BY("modified_ms"),
#undef BY
    };
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct str_list){arena_alloc(a, 0), 0};
    if (db_query(db, &rows, err, queries[order][descending], "ssii", account, region, limit,
                 offset) < 0) {
        return -1;
    }
    struct str_list list = {0};
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, &list) = db_str(&rows, a, 0);
    }
    *ret = list.n > 0 ? list : *ret;
    return more;
}

int build_number_next(struct db *db, struct str account, struct str region, struct str project,
                      int64_t *ret, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO codebuild_numbers(account, region, project, last) VALUES (?, ?, ?, 1) "
               "ON CONFLICT(account, region, project) DO UPDATE SET last = last + 1",
               "sss", account, region, project) < 0) {
        return -1;
    }
    return db_get_i64(db, ret, err,
                      "SELECT last FROM codebuild_numbers WHERE account = ? AND region = ? AND "
                      "project = ?",
                      "sss", account, region, project) < 0
               ? -1
               : 0;
}

int build_insert(struct db *db, const struct build_new *build, struct err *err) {
    const struct build_row *r = build->row;
    if (build->rights != NULL && build_rights_put(db, r->uuid, build->rights, err) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "INSERT INTO codebuild_builds(uuid, account, region, project, number, token, "
                  "token_digest, initiator, status, phase, started_ms, phases, log_group, "
                  "log_stream, resolved_version, body, plan) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ssssisssssissssss", r->uuid, r->account, r->region, r->project, r->number,
                  r->token, build->token_digest, r->initiator, r->status, r->current_phase,
                  r->started_ms, r->phases, r->log_group, r->log_stream, r->resolved_version,
                  r->body, build->plan);
}

int build_load(struct db *db, struct arena *a, struct str uuid, struct build_row *ret,
               struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " BUILD_COLUMNS " FROM codebuild_builds WHERE uuid = ?",
                 "s", uuid) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct build_row){
            .uuid = db_str(&rows, a, 0),
            .account = db_str(&rows, a, 1),
            .region = db_str(&rows, a, 2),
            .project = db_str(&rows, a, 3),
            .number = db_i64(&rows, 4),
            .token = db_str(&rows, a, 5),
            .initiator = db_str(&rows, a, 6),
            .status = db_str(&rows, a, 7),
            .current_phase = db_str(&rows, a, 8),
            .started_ms = db_i64(&rows, 9),
            .ended_ms = db_i64(&rows, 10),
            .phases = db_str(&rows, a, 11),
            .exported = db_str(&rows, a, 12),
            .artifacts = db_str(&rows, a, 13),
            .unmasked = db_str(&rows, a, 14),
            .log_group = db_str(&rows, a, 15),
            .log_stream = db_str(&rows, a, 16),
            .resolved_version = db_str(&rows, a, 17),
            .reason = db_str(&rows, a, 18),
            .body = db_str(&rows, a, 19),
        };
        ret->complete = ret->ended_ms > 0;
    }
    return found;
}

int build_by_token(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str project, struct str token, struct str *ret_uuid,
                   struct str *ret_digest, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT uuid, token_digest FROM codebuild_builds WHERE account = ? AND region = ? "
                 "AND project = ? AND token = ?",
                 "ssss", account, region, project, token) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret_uuid = db_str(&rows, a, 0);
        *ret_digest = db_str(&rows, a, 1);
    }
    return found;
}

int build_token_expire(struct db *db, struct str account, struct str region, struct str project,
                       struct str token, int64_t before_ms, struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_builds SET token = NULL WHERE account = ? AND region = ? AND "
                  "project = ? AND token = ? AND token_digest IS NOT NULL AND started_ms < ?",
                  "ssssi", account, region, project, token, before_ms);
}

int build_delete(struct db *db, struct str uuid, struct err *err) {
    return build_rights_delete(db, uuid, err) < 0
               ? -1
               : db_run(db, err, "DELETE FROM codebuild_builds WHERE uuid = ? AND ended_ms > 0",
                        "s", uuid);
}

int build_list(struct db *db, struct arena *a, struct str account, struct str region,
               struct str project, bool descending, int64_t after, int64_t limit,
               struct str_list *ret, int64_t *ret_last, struct err *err) {
    static const char *const queries[2][2] = {
        {"SELECT project || ':' || uuid, seq FROM codebuild_builds WHERE account = ? AND "
         "region = ? AND (? OR project = ?) AND seq > ? ORDER BY seq LIMIT ?",
         "SELECT project || ':' || uuid, seq FROM codebuild_builds WHERE account = ? AND "
         "region = ? AND (? OR project = ?) AND seq < ? ORDER BY seq DESC LIMIT ?"},
        {"SELECT project || ':' || uuid, number FROM codebuild_builds WHERE account = ? AND "
         "region = ? AND (? OR project = ?) AND number > ? ORDER BY number LIMIT ?",
         "SELECT project || ':' || uuid, number FROM codebuild_builds WHERE account = ? AND "
         "region = ? AND (? OR project = ?) AND number < ? ORDER BY number DESC LIMIT ?"},
    };
    struct db_rows rows cleanup_rows = {0};
    struct str_list list = {0};
    int64_t all = project.p == NULL;
    int64_t from = after == 0 && descending ? INT64_MAX : after;
    *ret = (struct str_list){arena_alloc(a, 0), 0};
    *ret_last = 0;
    if (db_query(db, &rows, err, queries[!all][descending], "ssisii", account, region, all,
                 all ? S("") : project, from, limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, &list) = db_str(&rows, a, 0);
        *ret_last = db_i64(&rows, 1);
    }
    *ret = list.n > 0 ? list : *ret;
    return more;
}

int build_count_running(struct db *db, struct str account, struct str region, struct str project,
                        int64_t *ret, struct err *err) {
    return db_get_i64(db, ret, err,
                      "SELECT count(*) FROM codebuild_builds WHERE ended_ms = 0 AND account = ? "
                      "AND region = ? AND project = ?",
                      "sss", account, region, project) < 0
               ? -1
               : 0;
}

int build_running(struct db *db, struct arena *a, struct str boot, struct str_list *ret_here,
                  struct str_list *ret_lost, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret_here = *ret_lost = (struct str_list){0};
    if (db_query(db, &rows, err,
                 "SELECT uuid, ifnull(boot, ?) = ? FROM codebuild_builds WHERE ended_ms = 0 AND "
                 "spawned = 1 ORDER BY seq",
                 "ss", boot, boot) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, db_i64(&rows, 1) ? ret_here : ret_lost) = db_str(&rows, a, 0);
    }
    return more;
}

int build_get_plan(struct db *db, struct arena *a, struct str uuid, struct str *ret,
                   struct err *err) {
    return db_get_str(db, a, ret, err, "SELECT plan FROM codebuild_builds WHERE uuid = ?", "s",
                      uuid);
}

int build_set_spawned(struct db *db, struct str uuid, struct str boot, struct err *err) {
    return db_run(db, err, "UPDATE codebuild_builds SET spawned = 1, boot = ? WHERE uuid = ?", "ss",
                  boot, uuid);
}

int build_get_boot(struct db *db, struct arena *a, struct str uuid, struct str *ret,
                   struct err *err) {
    *ret = STR_NONE;
    return db_get_str(db, a, ret, err,
                      "SELECT boot FROM codebuild_builds WHERE uuid = ? AND boot IS NOT NULL", "s",
                      uuid);
}

int build_set_body(struct db *db, const struct build_row *row, struct err *err) {
    return db_run(db, err, "UPDATE codebuild_builds SET body = ? WHERE uuid = ?", "ss", row->body,
                  row->uuid);
}

int project_cache_generation(struct db *db, struct str account, struct str region, struct str name,
                             int64_t *ret, struct err *err) {
    *ret = 0;
    int found = db_get_i64(db, ret, err,
                           "SELECT generation FROM codebuild_caches WHERE account = ? AND "
                           "region = ? AND project = ?",
                           "sss", account, region, name);
    return found < 0 ? -1 : 0;
}

int project_cache_invalidate(struct db *db, struct str account, struct str region, struct str name,
                             struct err *err) {
    return db_run(db, err,
                  "INSERT INTO codebuild_caches(account, region, project, generation) "
                  "VALUES(?, ?, ?, 1) ON CONFLICT(account, region, project) "
                  "DO UPDATE SET generation = generation + 1",
                  "sss", account, region, name);
}

int build_set_stop(struct db *db, struct str uuid, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_builds SET stop_ms = ? WHERE uuid = ? AND stop_ms = 0 AND "
                  "ended_ms = 0",
                  "is", now_ms, uuid);
}

int build_get_stop(struct db *db, struct str uuid, struct err *err) {
    int64_t stop_ms = 0;
    int found = db_get_i64(db, &stop_ms, err, "SELECT stop_ms FROM codebuild_builds WHERE uuid = ?",
                           "s", uuid);
    return found < 0 ? -1 : stop_ms > 0;
}

int build_get_offsets(struct db *db, struct str uuid, struct build_offsets *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT events_offset, log_offset FROM codebuild_builds WHERE uuid = ?", "s",
                 uuid) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    *ret = found > 0 ? (struct build_offsets){db_i64(&rows, 0), db_i64(&rows, 1)}
                     : (struct build_offsets){0};
    return found < 0 ? -1 : 0;
}

int build_update(struct db *db, const struct build_row *row, const struct build_offsets *offsets,
                 struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_builds SET status = ?, phase = ?, ended_ms = ?, phases = ?, "
                  "exported = ?, artifacts = ?, unmasked = ?, resolved_version = ?, reason = ?, "
                  "events_offset = ?, log_offset = ? WHERE uuid = ?",
                  "ssissssssiis", row->status, row->current_phase, row->ended_ms, row->phases,
                  row->exported, row->artifacts, row->unmasked, row->resolved_version, row->reason,
                  offsets->events, offsets->log, row->uuid);
}
