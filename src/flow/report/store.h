/*
 * Rows of report groups, reports and what they hold. One function per statement, all inside the
 * caller's transaction. Reports are forgotten thirty days after they were made (AWS's term).
 */
#pragma once

#include "flow/report/report.h"
#include "runtime/db/db.h"

extern const struct db_schema report_schema;

enum { REPORT_KEPT_DAYS = 30 };

struct report_group_row {
    struct str account;
    struct str region;
    struct str name;
    struct str type; /* TEST, CODE_COVERAGE */
    struct str body; /* {"reportGroup": ...} */
    int64_t created_ms;
    int64_t modified_ms;
};

/* 1 found, 0 not. */
int report_group_get(struct db *db, struct arena *a, struct str account, struct str region,
                     struct str name, struct report_group_row *ret, struct err *err) MUST_USE;
/* Inserts or replaces. */
int report_group_put(struct db *db, const struct report_group_row *row, struct err *err) MUST_USE;
int report_group_delete(struct db *db, struct str account, struct str region, struct str name,
                        struct err *err) MUST_USE;

enum report_group_order { GROUPS_BY_NAME, GROUPS_BY_CREATED, GROUPS_BY_MODIFIED };
/* Names, `limit` at most, from the offset on. */
int report_group_list(struct db *db, struct arena *a, struct str account, struct str region,
                      enum report_group_order order, bool descending, int64_t offset, int64_t limit,
                      struct str_list *ret, struct err *err) MUST_USE;

/* A report without what it holds. */
struct report_row {
    int64_t seq;
    struct str uuid;
    struct str account;
    struct str region;
    struct str group; /* name */
    struct str type;
    struct str build; /* uuid */
    struct str build_arn;
    struct str status; /* GENERATING SUCCEEDED FAILED INCOMPLETE */
    int64_t created_ms;
    int64_t expired_ms;
    struct str export;
    bool truncated;
    int64_t counts[CASE_STATUSES];
    int64_t duration_ns;
    struct report_source total; /* of coverage; no path */
};

/* Inserts, and deletes some that have expired. */
int report_insert(struct db *db, const struct report_row *row, struct err *err) MUST_USE;
/* 1 found and not expired, 0 not. */
int report_get(struct db *db, struct arena *a, struct str uuid, int64_t now_ms,
               struct report_row *ret, struct err *err) MUST_USE;
/* Status and totals. */
int report_end(struct db *db, const struct report_row *row, struct err *err) MUST_USE;
int report_delete(struct db *db, struct str uuid, struct err *err) MUST_USE;

/* Which reports: those of a group, or of the whole account (absent); of one status, or any. */
struct report_query {
    struct str account;
    struct str region;
    struct str group;
    struct str status;
    bool descending; /* newest first */
    int64_t after;   /* seq to go on from; 0 = from the beginning */
    int64_t limit;
    int64_t now_ms;
};
struct report_list {
    struct report_row *v;
    size_t n;
};
int report_list(struct db *db, struct arena *a, const struct report_query *query,
                struct report_list *ret, struct err *err) MUST_USE;
/* Those of a build, oldest first. */
int report_list_of_build(struct db *db, struct arena *a, struct str build, struct report_list *ret,
                         struct err *err) MUST_USE;

/* "arn:aws:codebuild:R:A:report/GROUP:UUID" and "...:report-group/GROUP". */
struct str report_arn(struct arena *a, const struct report_row *row);
struct str report_group_arn(struct arena *a, struct str account, struct str region,
                            struct str name);

/* ---- what reports hold (items.c) ---- */

/* Appends behind what is there; ERR_LIMIT when a report would hold more than it may. */
int report_add_cases(struct db *db, struct str report, const struct report_case *v, size_t n,
                     struct err *err) MUST_USE;
int report_add_sources(struct db *db, struct str report, const struct report_source *v, size_t n,
                       struct err *err) MUST_USE;

struct report_case_list {
    struct report_case *v;
    size_t n;
    int64_t last; /* number of the last one, to go on from */
};
/* Cases behind number `after`; of a status and with a keyword in name or prefix, unless absent. */
int report_cases(struct db *db, struct arena *a, struct str report, struct str status,
                 struct str keyword, int64_t after, int64_t limit, struct report_case_list *ret,
                 struct err *err) MUST_USE;

struct report_source_row {
    struct report_source source;
    int64_t n;
};
struct report_source_list {
    struct report_source_row *v;
    size_t n;
};
struct report_source_query {
    struct str report;
    bool by_percent; /* else by path */
    bool descending;
    double min, max; /* percent of lines, both included */
    int64_t offset, limit;
};
int report_sources(struct db *db, struct arena *a, const struct report_source_query *query,
                   struct report_source_list *ret, struct err *err) MUST_USE;

/* Percent with two digits behind the point; 0 of nothing. */
double report_percent(int64_t covered, int64_t missed);
