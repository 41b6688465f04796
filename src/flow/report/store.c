/* Statements of store.h about groups and reports. */
#include "flow/report/store.h"

#define GROUP_COLUMNS "account, region, name, type, body, created_ms, modified_ms"
#define REPORT_COLUMNS                                                                             \
    "seq, uuid, account, region, report_group, type, build, build_arn, status, created_ms, "       \
    "expired_ms, export, truncated, succeeded, failed, error, skipped, unknown, duration_ns, "     \
    "lines_covered, lines_missed, branches_covered, branches_missed"

extern const char report_schema_sql[];
const struct db_schema report_schema = {"report", report_schema_sql};

int report_group_get(struct db *db, struct arena *a, struct str account, struct str region,
                     struct str name, struct report_group_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " GROUP_COLUMNS " FROM codebuild_report_groups WHERE account = ? AND "
                 "region = ? AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = (struct report_group_row){
            db_str(&rows, a, 0), db_str(&rows, a, 1), db_str(&rows, a, 2), db_str(&rows, a, 3),
            db_str(&rows, a, 4), db_i64(&rows, 5),    db_i64(&rows, 6)};
    }
    return found;
}

int report_group_put(struct db *db, const struct report_group_row *row, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO codebuild_report_groups(" GROUP_COLUMNS ") VALUES (?, ?, ?, ?, ?, "
                  "?, ?) ON CONFLICT(account, region, name) DO UPDATE SET body = excluded.body, "
                  "modified_ms = excluded.modified_ms",
                  "sssssii", row->account, row->region, row->name, row->type, row->body,
                  row->created_ms, row->modified_ms);
}

int report_group_delete(struct db *db, struct str account, struct str region, struct str name,
                        struct err *err) {
    return db_run(db, err,
                  "DELETE FROM codebuild_report_groups WHERE account = ? AND region = ? AND "
                  "name = ?",
                  "sss", account, region, name);
}

int report_group_list(struct db *db, struct arena *a, struct str account, struct str region,
                      enum report_group_order order, bool descending, int64_t offset, int64_t limit,
                      struct str_list *ret, struct err *err) {
    static const char *const queries[][2] = {
#define BY(column)                                                                                 \
    {"SELECT name FROM codebuild_report_groups WHERE account = ? AND region = ? ORDER BY " column  \
     ", name LIMIT ? OFFSET ?",                                                                    \
     "SELECT name FROM codebuild_report_groups WHERE account = ? AND region = ? ORDER BY " column  \
     " DESC, name DESC LIMIT ? OFFSET ?"}
        BY("name"),
        BY("created_ms"),
        BY("modified_ms"),
#undef BY
    };
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct str_list){0};
    if (db_query(db, &rows, err, queries[order][descending], "ssii", account, region, limit,
                 offset) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

/* ---- reports ---- */

/* A few at a time: an insert never waits for a long one. */
static int forget_expired(struct db *db, int64_t now_ms, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str_list old = {0};
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(db, &rows, err,
                 "SELECT uuid FROM codebuild_reports WHERE expired_ms <= ? LIMIT 20", "i", now_ms);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(&a, &old) = db_str(&rows, &a, 0);
    }
    db_done(&rows);
    for (size_t i = 0; more == 0 && i < old.n; i++) {
        more = report_delete(db, old.v[i], err);
    }
    arena_done(&a);
    return more;
}

int report_insert(struct db *db, const struct report_row *r, struct err *err) {
    if (forget_expired(db, r->created_ms, err) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "INSERT INTO codebuild_reports(uuid, account, region, report_group, type, build, "
                  "build_arn, status, created_ms, expired_ms, export) VALUES (?, ?, ?, ?, ?, ?, ?, "
                  "?, ?, ?, ?)",
                  "ssssssssiis", r->uuid, r->account, r->region, r->group, r->type, r->build,
                  r->build_arn, r->status, r->created_ms, r->expired_ms, r->export);
}

static struct report_row row_of(struct db_rows *rows, struct arena *a) {
    return (struct report_row){
        .seq = db_i64(rows, 0),
        .uuid = db_str(rows, a, 1),
        .account = db_str(rows, a, 2),
        .region = db_str(rows, a, 3),
        .group = db_str(rows, a, 4),
        .type = db_str(rows, a, 5),
        .build = db_str(rows, a, 6),
        .build_arn = db_str(rows, a, 7),
        .status = db_str(rows, a, 8),
        .created_ms = db_i64(rows, 9),
        .expired_ms = db_i64(rows, 10),
        .export = db_str(rows, a, 11),
        .truncated = db_i64(rows, 12) != 0,
        .counts = {[CASE_SUCCEEDED] = db_i64(rows, 13),
                   [CASE_FAILED] = db_i64(rows, 14),
                   [CASE_ERROR] = db_i64(rows, 15),
                   [CASE_SKIPPED] = db_i64(rows, 16),
                   [CASE_UNKNOWN] = db_i64(rows, 17)},
        .duration_ns = db_i64(rows, 18),
        .total = {.lines_covered = db_i64(rows, 19),
                  .lines_missed = db_i64(rows, 20),
                  .branches_covered = db_i64(rows, 21),
                  .branches_missed = db_i64(rows, 22)},
    };
}

int report_get(struct db *db, struct arena *a, struct str uuid, int64_t now_ms,
               struct report_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " REPORT_COLUMNS " FROM codebuild_reports WHERE uuid = ? AND "
                 "expired_ms > ?",
                 "si", uuid, now_ms) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        *ret = row_of(&rows, a);
    }
    return found;
}

int report_end(struct db *db, const struct report_row *r, struct err *err) {
    return db_run(db, err,
                  "UPDATE codebuild_reports SET status = ?, truncated = ?, succeeded = ?, "
                  "failed = ?, error = ?, skipped = ?, unknown = ?, duration_ns = ?, "
                  "lines_covered = ?, lines_missed = ?, branches_covered = ?, "
                  "branches_missed = ? WHERE uuid = ?",
                  "siiiiiiiiiiis", r->status, (int64_t)r->truncated, r->counts[CASE_SUCCEEDED],
                  r->counts[CASE_FAILED], r->counts[CASE_ERROR], r->counts[CASE_SKIPPED],
                  r->counts[CASE_UNKNOWN], r->duration_ns, r->total.lines_covered,
                  r->total.lines_missed, r->total.branches_covered, r->total.branches_missed,
                  r->uuid);
}

int report_delete(struct db *db, struct str uuid, struct err *err) {
    return db_run(db, err, "DELETE FROM codebuild_report_cases WHERE report = ?", "s", uuid) < 0 ||
                   db_run(db, err, "DELETE FROM codebuild_report_sources WHERE report = ?", "s",
                          uuid) < 0 ||
                   db_run(db, err, "DELETE FROM codebuild_reports WHERE uuid = ?", "s", uuid) < 0
               ? -1
               : 0;
}

static int take_rows(struct db_rows *rows, struct arena *a, struct report_list *ret,
                     struct err *err) {
    int more = 0;
    *ret = (struct report_list){0};
    while ((more = db_next(rows, err)) > 0) {
        *arena_push(a, ret) = row_of(rows, a);
    }
    return more;
}

int report_list(struct db *db, struct arena *a, const struct report_query *q,
                struct report_list *ret, struct err *err) {
#define FROM "SELECT " REPORT_COLUMNS " FROM codebuild_reports WHERE account = ? AND region = ? "
#define REST "AND (? OR status = ?) AND expired_ms > ? "
    static const char *const queries[2][2] = {
        {FROM "AND (? OR report_group = ?) " REST "AND seq > ? ORDER BY seq LIMIT ?",
         FROM "AND (? OR report_group = ?) " REST "AND seq < ? ORDER BY seq DESC LIMIT ?"},
        {FROM "AND NOT ? AND report_group = ? " REST "AND seq > ? ORDER BY seq LIMIT ?",
         FROM "AND NOT ? AND report_group = ? " REST "AND seq < ? ORDER BY seq DESC LIMIT ?"},
    };
#undef FROM
#undef REST
    struct db_rows rows cleanup_rows = {0};
    int64_t all = q->group.p == NULL;
    int64_t any = q->status.p == NULL;
    int64_t from = q->after == 0 && q->descending ? INT64_MAX : q->after;
    if (db_query(db, &rows, err, queries[!all][q->descending], "ssisisiii", q->account, q->region,
                 all, all ? S("") : q->group, any, any ? S("") : q->status, q->now_ms, from,
                 q->limit) < 0) {
        return -1;
    }
    return take_rows(&rows, a, ret, err);
}

int report_list_of_build(struct db *db, struct arena *a, struct str build, struct report_list *ret,
                         struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " REPORT_COLUMNS " FROM codebuild_reports WHERE build = ? ORDER BY seq",
                 "s", build) < 0) {
        return -1;
    }
    return take_rows(&rows, a, ret, err);
}

static struct str arn(struct arena *a, struct str account, struct str region, const char *kind,
                      struct str rest) {
    return str_printf(a, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":%s/" STR_FMT, STR_ARG(region),
                      STR_ARG(account), kind, STR_ARG(rest));
}

struct str report_group_arn(struct arena *a, struct str account, struct str region,
                            struct str name) {
    return arn(a, account, region, "report-group", name);
}

struct str report_arn(struct arena *a, const struct report_row *row) {
    struct str id = str_printf(a, STR_FMT ":" STR_FMT, STR_ARG(row->group), STR_ARG(row->uuid));
    return arn(a, row->account, row->region, "report", id);
}
