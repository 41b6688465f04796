/* Statistics by their names: Sum, Average, Minimum, Maximum, SampleCount, pNN, tmNN. */
#pragma once

#include "services/cloudwatch/metric_store.h"

enum stat_kind {
    STAT_COUNT,
    STAT_AVERAGE,
    STAT_SUM,
    STAT_MIN,
    STAT_MAX,
    STAT_PERCENTILE,
    STAT_TRIMMED
};

struct stat {
    enum stat_kind kind;
    double percent; /* of the last two */
};

/* False for what is no statistic, or none that we have. */
bool stat_parse(struct str name, struct stat *ret);
static inline bool stat_needs_samples(const struct stat *s) {
    return s->kind == STAT_PERCENTILE || s->kind == STAT_TRIMMED;
}

/* Of a bucket with n > 0. `samples` are its single values, for those that need them; without any
 * (statistic sets) NAN. */
double stat_of(const struct stat *s, const struct cw_bucket *b,
               const struct cw_sample_list *samples);

/* One value for each period of [start_ms, end_ms), NAN where there is no datapoint. */
struct stat_series {
    int64_t start_ms, period_ms;
    double *v;
    double *counts; /* samples behind each; 0 = none */
    size_t n;
};
int stat_series(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
                const struct stat *s, int64_t start_ms, int64_t end_ms, int64_t period_ms,
                struct stat_series *ret, struct err *err) MUST_USE;
