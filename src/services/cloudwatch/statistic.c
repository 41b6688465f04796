/* Statistics, and the operation that asks for them: GetMetricStatistics. */
#include "services/cloudwatch/statistic.h"

#include "services/cloudwatch/cloudwatch.h"

#include <math.h>

enum { MOST_DATAPOINTS = 1440 };

bool stat_parse(struct str name, struct stat *ret) {
    static const char *const plain[] = {
        [STAT_COUNT] = "SampleCount", [STAT_AVERAGE] = "Average", [STAT_SUM] = "Sum",
        [STAT_MIN] = "Minimum",       [STAT_MAX] = "Maximum",
    };
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (str_is(name, plain[i])) {
            *ret = (struct stat){.kind = (enum stat_kind)i};
            return true;
        }
    }
    size_t letters = str_starts(name, S("tm")) ? 2 : str_starts(name, S("p")) ? 1 : 0;
    double percent = 0;
    struct str number = str_sub(name, letters, name.n);
    if (letters == 0 || number.n == 0 || number.n > 16 || number.p[0] < '0' || number.p[0] > '9' ||
        !str_to_double(number, &percent) || percent < 0 || percent > 100) {
        return false;
    }
    *ret = (struct stat){letters == 2 ? STAT_TRIMMED : STAT_PERCENTILE, percent};
    return true;
}

/* Between the two nearest ranks. */
static double percentile(const struct cw_sample_list *samples, double percent) {
    double total = 0;
    for (size_t i = 0; i < samples->n; i++) {
        total += samples->v[i].n;
    }
    double rank = percent / 100 * (total - 1);
    double before = 0;
    for (size_t i = 0; i < samples->n; i++) {
        double last = before + samples->v[i].n - 1; /* rank of this value's last sample */
        if (rank <= last || i + 1 == samples->n) {
            return samples->v[i].value;
        }
        if (rank < last + 1) {
            double part = rank - last;
            return samples->v[i].value + part * (samples->v[i + 1].value - samples->v[i].value);
        }
        before += samples->v[i].n;
    }
    return NAN;
}

static double trimmed_mean(const struct cw_sample_list *samples, double percent) {
    double most = percentile(samples, percent);
    double sum = 0;
    double n = 0;
    for (size_t i = 0; i < samples->n && samples->v[i].value <= most; i++) {
        sum += samples->v[i].value * samples->v[i].n;
        n += samples->v[i].n;
    }
    return n > 0 ? sum / n : NAN;
}

double stat_of(const struct stat *s, const struct cw_bucket *b,
               const struct cw_sample_list *samples) {
    switch (s->kind) {
    case STAT_COUNT:
        return b->n;
    case STAT_AVERAGE:
        return b->sum / b->n;
    case STAT_SUM:
        return b->sum;
    case STAT_MIN:
        return b->min;
    case STAT_MAX:
        return b->max;
    case STAT_PERCENTILE:
    case STAT_TRIMMED:
        break;
    }
    double n = 0;
    for (size_t i = 0; i < samples->n; i++) {
        n += samples->v[i].n;
    }
    if (n + 0.5 < b->n && b->min < b->max) {
        return NAN; /* statistic sets among them: the distribution is not known */
    }
    if (samples->n == 0) {
        return b->min;
    }
    return s->kind == STAT_PERCENTILE ? percentile(samples, s->percent)
                                      : trimmed_mean(samples, s->percent);
}

int stat_series(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
                const struct stat *s, int64_t start_ms, int64_t end_ms, int64_t period_ms,
                struct stat_series *ret, struct err *err) {
    struct cw_bucket_list buckets;
    size_t n = end_ms > start_ms ? (size_t)((end_ms - start_ms + period_ms - 1) / period_ms) : 0;
    *ret = (struct stat_series){.start_ms = start_ms, .period_ms = period_ms, .n = n};
    ret->v = arena_new_n(a, double, n + 1);
    ret->counts = arena_new_n(a, double, n + 1);
    for (size_t i = 0; i < n; i++) {
        ret->v[i] = NAN;
    }
    if (cw_buckets(db, a, key, unit, false, start_ms, end_ms, period_ms, &buckets, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < buckets.n; i++) {
        struct cw_bucket *b = &buckets.v[i];
        struct cw_sample_list samples = {0};
        if (stat_needs_samples(s) &&
            cw_samples(db, a, key, unit, b->at_ms, b->at_ms + period_ms, &samples, err) < 0) {
            return -1;
        }
        size_t at = (size_t)((b->at_ms - start_ms) / period_ms);
        ret->v[at] = stat_of(s, b, &samples);
        ret->counts[at] = b->n;
    }
    return 0;
}

bool cw_period_ok(int64_t period_s) {
    return period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 || period_s == 30 ||
           (period_s > 0 && period_s % 60 == 0);
}

static int check(const struct cloudwatch_get_metric_statistics_input *in, struct err *err) {
    if (!cw_period_ok(in->period)) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60");
    }
    if (in->start_time >= in->end_time) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The parameter StartTime must be less than the parameter EndTime.");
    }
    if (in->statistics.n == 0 && in->extended_statistics.n == 0) {
        return err_api(err, &cloudwatch_MissingRequiredParameterException,
                       "The parameter Statistics or ExtendedStatistics is required.");
    }
    int64_t datapoints = (in->end_time - in->start_time) / 1000 / in->period;
    if (datapoints > MOST_DATAPOINTS) {
        return err_api(err, &cloudwatch_InvalidParameterCombinationException,
                       "You have requested up to %lld datapoints, which exceeds the limit of "
                       "%d. You may reduce the datapoints requested by increasing Period, or "
                       "decreasing the time range.",
                       (long long)datapoints, MOST_DATAPOINTS);
    }
    for (size_t i = 0; i < in->extended_statistics.n; i++) {
        struct stat s;
        if (!stat_parse(in->extended_statistics.v[i], &s) || !stat_needs_samples(&s)) {
            return err_api(err, &cloudwatch_InvalidParameterValueException,
                           "The value " STR_FMT " for parameter ExtendedStatistics is not "
                           "supported.",
                           STR_ARG(in->extended_statistics.v[i]));
        }
    }
    return 0;
}

static int fill(struct call *c, const struct cloudwatch_get_metric_statistics_input *in,
                const struct cw_key *key, const struct cw_bucket *b,
                struct cloudwatch_datapoint *ret, struct err *err) {
    *ret = (struct cloudwatch_datapoint){
        .timestamp = b->at_ms, .has_timestamp = true, .unit = b->unit};
    for (size_t i = 0; i < in->statistics.n; i++) {
        struct stat s;
        if (!stat_parse(in->statistics.v[i], &s)) {
            continue;
        }
        struct {
            double *value;
            bool *has;
        } const place[] = {
            [STAT_COUNT] = {&ret->sample_count, &ret->has_sample_count},
            [STAT_AVERAGE] = {&ret->average, &ret->has_average},
            [STAT_SUM] = {&ret->sum, &ret->has_sum},
            [STAT_MIN] = {&ret->minimum, &ret->has_minimum},
            [STAT_MAX] = {&ret->maximum, &ret->has_maximum},
        };
        *place[s.kind].value = stat_of(&s, b, &(struct cw_sample_list){0});
        *place[s.kind].has = true;
    }
    for (size_t i = 0; i < in->extended_statistics.n; i++) {
        struct stat s;
        struct cw_sample_list samples;
        int64_t end_ms = b->at_ms + (int64_t)in->period * 1000;
        if (!stat_parse(in->extended_statistics.v[i], &s) ||
            cw_samples(c->db, c->arena, key, b->unit, b->at_ms, end_ms, &samples, err) < 0) {
            return -1;
        }
        double value = stat_of(&s, b, &samples);
        if (!isnan(value)) {
            struct cloudwatch_double_map_entry *e = arena_push(c->arena, &ret->extended_statistics);
            e->key = in->extended_statistics.v[i];
            e->value = value;
        }
    }
    return 0;
}

int cloudwatch_get_metric_statistics(struct call *c,
                                     const struct cloudwatch_get_metric_statistics_input *in,
                                     struct cloudwatch_get_metric_statistics_output *out,
                                     struct err *err) {
    if (check(in, err) < 0) {
        return -1;
    }
    struct cw_key key = cw_key_of(c, in->namespace, in->metric_name, &in->dimensions);
    struct cw_bucket_list buckets;
    int64_t step = in->period < 60 ? (int64_t)in->period * 1000 : 60000;
    int64_t start = in->start_time / step * step;
    if (cw_buckets(c->db, c->arena, &key, in->unit, true, start, in->end_time,
                   (int64_t)in->period * 1000, &buckets, err) < 0) {
        return -1;
    }
    out->label = in->metric_name;
    out->datapoints.v = arena_new_n(c->arena, struct cloudwatch_datapoint, buckets.n + 1);
    for (size_t i = 0; i < buckets.n; i++) {
        if (fill(c, in, &key, &buckets.v[i], &out->datapoints.v[out->datapoints.n], err) < 0) {
            return -1;
        }
        out->datapoints.n++;
    }
    return 0;
}
