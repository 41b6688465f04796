/* Statements of store.h about what reports hold: cases and source files. */
#include "flow/report/store.h"

double report_percent(int64_t covered, int64_t missed) {
    int64_t all = covered + missed;
    if (covered <= 0 || all <= 0) {
        return 0;
    }
    return (double)(int64_t)((double)covered * 10000.0 / (double)all + 0.5) / 100.0;
}

static int next_number(struct db *db, const char *sql, struct str report, int64_t *ret,
                       struct err *err) {
    *ret = 0;
    return db_get_i64(db, ret, err, sql, "s", report) < 0 ? -1 : 0;
}

int report_add_cases(struct db *db, struct str report, const struct report_case *v, size_t n,
                     struct err *err) {
    int64_t number = 0;
    if (next_number(db, "SELECT count(*) FROM codebuild_report_cases WHERE report = ?", report,
                    &number, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (++number > REPORT_MAX_CASES) {
            return err_set(err, ERR_LIMIT, "a report holds at most %d test cases",
                           REPORT_MAX_CASES);
        }
        if (db_run(db, err,
                   "INSERT INTO codebuild_report_cases(report, n, path, prefix, name, suite, "
                   "status, duration_ns, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "sisssssis", report, number, v[i].path.p ? v[i].path : S(""), v[i].prefix,
                   v[i].name, v[i].suite, str_c(case_status_name(v[i].status)), v[i].duration_ns,
                   v[i].message) < 0) {
            return -1;
        }
    }
    return 0;
}

int report_add_sources(struct db *db, struct str report, const struct report_source *v, size_t n,
                       struct err *err) {
    int64_t number = 0;
    if (next_number(db, "SELECT count(*) FROM codebuild_report_sources WHERE report = ?", report,
                    &number, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (++number > REPORT_MAX_SOURCES) {
            return err_set(err, ERR_LIMIT, "a report holds at most %d source files",
                           REPORT_MAX_SOURCES);
        }
        if (db_run(db, err,
                   "INSERT INTO codebuild_report_sources(report, n, path, lines_covered, "
                   "lines_missed, branches_covered, branches_missed, percent) VALUES (?, ?, ?, ?, "
                   "?, ?, ?, ?)",
                   "sisiiiid", report, number, v[i].path, v[i].lines_covered, v[i].lines_missed,
                   v[i].branches_covered, v[i].branches_missed,
                   report_percent(v[i].lines_covered, v[i].lines_missed)) < 0) {
            return -1;
        }
    }
    return 0;
}

static enum case_status status_of(struct str word) {
    for (size_t i = 0; i < CASE_STATUSES; i++) {
        if (str_is(word, case_status_name((enum case_status)i))) {
            return (enum case_status)i;
        }
    }
    return CASE_UNKNOWN;
}

int report_cases(struct db *db, struct arena *a, struct str report, struct str status,
                 struct str keyword, int64_t after, int64_t limit, struct report_case_list *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int64_t any = status.n == 0;
    int64_t all = keyword.n == 0;
    *ret = (struct report_case_list){.last = after};
    if (db_query(db, &rows, err,
                 "SELECT n, path, prefix, name, suite, status, duration_ns, message FROM "
                 "codebuild_report_cases WHERE report = ? AND n > ? AND (? OR status = ?) AND "
                 "(? OR instr(coalesce(name, ''), ?) > 0 OR instr(coalesce(prefix, ''), ?) > 0) "
                 "ORDER BY n LIMIT ?",
                 "siisissi", report, after, any, any ? S("") : status, all, all ? S("") : keyword,
                 all ? S("") : keyword, limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        ret->last = db_i64(&rows, 0);
        *arena_push(a, ret) = (struct report_case){
            .path = db_str(&rows, a, 1),
            .prefix = db_str(&rows, a, 2),
            .name = db_str(&rows, a, 3),
            .suite = db_str(&rows, a, 4),
            .status = status_of(db_str(&rows, a, 5)),
            .duration_ns = db_i64(&rows, 6),
            .message = db_str(&rows, a, 7),
        };
    }
    return more;
}

int report_sources(struct db *db, struct arena *a, const struct report_source_query *q,
                   struct report_source_list *ret, struct err *err) {
    static const char *const queries[2][2] = {
#define BY(order)                                                                                  \
    "SELECT n, path, lines_covered, lines_missed, branches_covered, branches_missed FROM "         \
    "codebuild_report_sources WHERE report = ? AND percent >= ? AND percent <= ? ORDER BY " order  \
    " LIMIT ? OFFSET ?"
        {BY("path, n"), BY("path DESC, n DESC")},
        {BY("percent, path, n"), BY("percent DESC, path DESC, n DESC")},
#undef BY
    };
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct report_source_list){0};
    if (db_query(db, &rows, err, queries[q->by_percent][q->descending], "sddii", q->report, q->min,
                 q->max, q->limit, q->offset) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct report_source_row){
            .n = db_i64(&rows, 0),
            .source = {db_str(&rows, a, 1), db_i64(&rows, 2), db_i64(&rows, 3), db_i64(&rows, 4),
                       db_i64(&rows, 5)},
        };
    }
    return more;
}
