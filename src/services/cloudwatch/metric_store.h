/*
 * Metrics and their datapoints, inside the caller's transaction. Points are kept by the minute, or
 * by the second where the storage resolution says so; longer periods are summed up when they are
 * read.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "gen/cloudwatch.h"
#include "runtime/db/db.h"

#include <stdint.h>

enum { CW_KEEP_DAYS = 15 };

extern const struct db_schema cloudwatch_schema;

struct cw_key {
    struct str account, region, namespace_, name;
    struct str dimensions; /* canonical text of cw_dimensions */
};

/* Sorted by name as JSON, so that equal sets give equal text; and back. */
struct str cw_dimensions(struct arena *a, const struct cloudwatch_dimension_list *d);
struct cloudwatch_dimension_list cw_dimensions_list(struct arena *a, struct str text);

/* What one datum brings. */
struct cw_datum {
    int64_t at_ms;
    struct str unit;  /* "None" if absent */
    int resolution_s; /* 1 or 60 */
    double n, sum, min, max;
    const double *values; /* single values, or NULL */
    const double *counts; /* as many; NULL = once each */
    size_t n_values;
};
int cw_put(struct db *db, const struct cw_key *key, const struct cw_datum *datum,
           struct err *err) MUST_USE;

/* One period's statistics. n == 0: no datapoint. */
struct cw_bucket {
    int64_t at_ms; /* its beginning */
    struct str unit;
    double n, sum, min, max;
};
struct cw_bucket_list {
    struct cw_bucket *v;
    size_t n;
};

/* Buckets with data in [start_ms, end_ms), aligned at start_ms, oldest first. An absent unit takes
 * all of them: by_unit says whether each has buckets of its own or they are summed up. */
int cw_buckets(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
               bool by_unit, int64_t start_ms, int64_t end_ms, int64_t period_ms,
               struct cw_bucket_list *ret, struct err *err) MUST_USE;

/* Single values of [start_ms, end_ms) in order, for percentiles. */
struct cw_sample {
    double value, n;
};
struct cw_sample_list {
    struct cw_sample *v;
    size_t n;
};
int cw_samples(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
               int64_t start_ms, int64_t end_ms, struct cw_sample_list *ret,
               struct err *err) MUST_USE;

/* Metrics in order of id above `after`; absent filters take all. `since_ms`: with newer points. */
struct cw_metric_row {
    int64_t id;
    struct str namespace_, name, dimensions;
};
struct cw_metric_rows {
    struct cw_metric_row *v;
    size_t n;
};
int cw_metric_list(struct db *db, struct arena *a, const struct cw_key *filter, int64_t since_ms,
                   int64_t after, int64_t limit, struct cw_metric_rows *ret,
                   struct err *err) MUST_USE;

/* Drops points older than CW_KEEP_DAYS and metrics without any. */
int cw_expire(struct db *db, int64_t now_ms, struct err *err) MUST_USE;
