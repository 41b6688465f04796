/* PutMetricData and ListMetrics. */
#include "services/cloudwatch/cloudwatch.h"
#include "services/core/page.h"

#include <math.h>

enum { MOST_DATA = 1000, MOST_VALUES = 150, LIST_PAGE = 500 };

static const int64_t OLDEST_MS = (int64_t)14 * 24 * 3600 * 1000;
static const int64_t NEWEST_MS = (int64_t)2 * 3600 * 1000;
static const int64_t ACTIVE_MS = (int64_t)3 * 3600 * 1000;

struct cw_key cw_key_of(const struct call *c, struct str namespace, struct str name,
                        const struct cloudwatch_dimension_list *dimensions) {
    return (struct cw_key){c->account, c->region, namespace, name,
                           cw_dimensions(c->arena, dimensions)};
}

static int check_number(double value, size_t i, const char *what, struct err *err) {
    if (isnan(value) || isinf(value) || fabs(value) > 2.35e108) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The value for parameter MetricData.member.%zu.%s is not a number that "
                       "CloudWatch takes.",
                       i + 1, what);
    }
    return 0;
}

/* Exactly one of Value, Values and StatisticValues. */
static int read_values(struct call *c, const struct cloudwatch_metric_datum *in, size_t i,
                       struct cw_datum *ret, struct err *err) {
    int forms = (in->has_value ? 1 : 0) + (in->values.n > 0 ? 1 : 0) +
                (in->statistic_values != NULL ? 1 : 0);
    if (forms != 1) {
        return err_api(err, &cloudwatch_InvalidParameterCombinationException,
                       "The parameters MetricData.member.%zu.Value, Values and StatisticValues are "
                       "mutually exclusive and you have specified %d of them.",
                       i + 1, forms);
    }
    if (in->statistic_values != NULL) {
        const struct cloudwatch_statistic_set *set = in->statistic_values;
        if (check_number(set->sum, i, "StatisticValues.Sum", err) < 0 ||
            check_number(set->minimum, i, "StatisticValues.Minimum", err) < 0 ||
            check_number(set->maximum, i, "StatisticValues.Maximum", err) < 0 ||
            check_number(set->sample_count, i, "StatisticValues.SampleCount", err) < 0) {
            return -1;
        }
        if (set->sample_count <= 0 || set->minimum > set->maximum) {
            return err_api(err, &cloudwatch_InvalidParameterValueException,
                           "The parameter MetricData.member.%zu.StatisticValues has a SampleCount "
                           "of zero or a Minimum above its Maximum.",
                           i + 1);
        }
        ret->n = set->sample_count;
        ret->sum = set->sum;
        ret->min = set->minimum;
        ret->max = set->maximum;
        return 0;
    }
    const double *values = in->has_value ? &in->value : in->values.v;
    size_t n = in->has_value ? 1 : in->values.n;
    if (n > MOST_VALUES || (in->counts.v != NULL && in->counts.n != n)) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The parameter MetricData.member.%zu.Values has more than %d entries, or "
                       "another number of them than Counts.",
                       i + 1, MOST_VALUES);
    }
    double *copy = arena_memdup(c->arena, values, n * sizeof(*values));
    for (size_t j = 0; j < n; j++) {
        double count = in->counts.v != NULL ? in->counts.v[j] : 1;
        if (check_number(copy[j], i, "Value", err) < 0 || count <= 0 ||
            check_number(count, i, "Counts", err) < 0) {
            return err->kind != ERR_NONE
                       ? -1
                       : err_api(err, &cloudwatch_InvalidParameterValueException,
                                 "MetricData.member.%zu.Counts holds a count below one.", i + 1);
        }
        ret->min = j == 0 || copy[j] < ret->min ? copy[j] : ret->min;
        ret->max = j == 0 || copy[j] > ret->max ? copy[j] : ret->max;
        ret->sum += copy[j] * count;
        ret->n += count;
    }
    ret->values = copy;
    ret->counts = in->counts.v;
    ret->n_values = n;
    return 0;
}

static int check_datum(struct call *c, const struct cloudwatch_metric_datum *in, size_t i,
                       struct err *err) {
    if (in->has_timestamp &&
        (in->timestamp < c->now_ms - OLDEST_MS || in->timestamp > c->now_ms + NEWEST_MS)) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The parameter MetricData.member.%zu.Timestamp must specify a time %s",
                       i + 1,
                       in->timestamp < c->now_ms ? "within the past two weeks."
                                                 : "no more than two hours in the future.");
    }
    if (in->has_storage_resolution && in->storage_resolution != 1 && in->storage_resolution != 60) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The parameter MetricData.member.%zu.StorageResolution must be 1 or 60.",
                       i + 1);
    }
    for (size_t j = 0; j < in->dimensions.n; j++) {
        for (size_t k = 0; k < j; k++) {
            if (str_eq(in->dimensions.v[j].name, in->dimensions.v[k].name)) {
                return err_api(err, &cloudwatch_InvalidParameterValueException,
                               "The dimension " STR_FMT " is given twice in MetricData.member.%zu.",
                               STR_ARG(in->dimensions.v[j].name), i + 1);
            }
        }
    }
    return 0;
}

int cloudwatch_put_metric_data(struct call *c, const struct cloudwatch_put_metric_data_input *in,
                               struct cloudwatch_put_metric_data_output *out, struct err *err) {
    (void)out;
    if (in->entity_metric_data.n > 0) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "EntityMetricData is not available here; use MetricData.");
    }
    if (in->metric_data.n == 0) {
        return err_api(err, &cloudwatch_MissingRequiredParameterException,
                       "The parameter MetricData is required.");
    }
    if (in->metric_data.n > MOST_DATA) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "The collection MetricData must not have a size greater than %d.",
                       MOST_DATA);
    }
    struct {
        struct cw_key *v;
        size_t n;
    } touched = {0};
    for (size_t i = 0; i < in->metric_data.n; i++) {
        const struct cloudwatch_metric_datum *d = &in->metric_data.v[i];
        struct cw_datum datum = {
            .at_ms = d->has_timestamp ? d->timestamp : c->now_ms,
            .unit = d->unit.p != NULL ? d->unit : S("None"),
            .resolution_s = d->has_storage_resolution && d->storage_resolution == 1 ? 1 : 60,
        };
        if (check_datum(c, d, i, err) < 0 || read_values(c, d, i, &datum, err) < 0) {
            return -1;
        }
        struct cw_key key = cw_key_of(c, in->namespace, d->metric_name, &d->dimensions);
        if (cw_put(c->db, &key, &datum, err) < 0) {
            return -1;
        }
        bool known = false;
        for (size_t j = 0; j < touched.n && !known; j++) {
            known = str_eq(touched.v[j].name, key.name) &&
                    str_eq(touched.v[j].dimensions, key.dimensions);
        }
        if (!known) {
            *arena_push(c->arena, &touched) = key;
        }
    }
    for (size_t i = 0; i < touched.n; i++) {
        if (cw_evaluate_for(c->db, c->arena, &touched.v[i], c->now_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Every filter names a dimension that the metric has, with that value if it gives one. */
static bool matches(const struct cloudwatch_dimension_list *have,
                    const struct cloudwatch_dimension_filter_list *want) {
    for (size_t i = 0; i < want->n; i++) {
        bool found = false;
        for (size_t j = 0; j < have->n && !found; j++) {
            found = str_eq(have->v[j].name, want->v[i].name) &&
                    (want->v[i].value.p == NULL || str_eq(have->v[j].value, want->v[i].value));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

int cloudwatch_list_metrics(struct call *c, const struct cloudwatch_list_metrics_input *in,
                            struct cloudwatch_list_metrics_output *out, struct err *err) {
    int64_t after = 0;
    if (!page_key_i64(c, in->next_token, &after)) {
        return err_api(err, &cloudwatch_InvalidParameterValueException, "Invalid nextToken");
    }
    const struct cw_key filter = {c->account, c->region, in->namespace, in->metric_name, STR_NONE};
    int64_t since = in->recently_active.p != NULL ? c->now_ms - ACTIVE_MS : INT64_MIN;
    out->metrics.v = arena_new_n(c->arena, struct cloudwatch_metric, LIST_PAGE + 1);
    struct cw_metric_rows rows = {0};
    do {
        if (cw_metric_list(c->db, c->arena, &filter, since, after, LIST_PAGE, &rows, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < rows.n; i++) {
            struct cloudwatch_dimension_list have =
                cw_dimensions_list(c->arena, rows.v[i].dimensions);
            if (matches(&have, &in->dimensions)) {
                if (out->metrics.n == LIST_PAGE) {
                    out->next_token = page_token_i64(c, after);
                    return 0;
                }
                out->metrics.v[out->metrics.n++] =
                    (struct cloudwatch_metric){rows.v[i].namespace_, rows.v[i].name, have};
            }
            after = rows.v[i].id;
        }
    } while (rows.n == LIST_PAGE);
    return 0;
}
