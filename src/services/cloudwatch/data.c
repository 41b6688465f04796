/* Queries over metrics and expressions, and GetMetricData. */
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/expression.h"
#include "services/core/page.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_QUERIES = 500, MOST_POINTS = 100800, DEEPEST = 20 };

static size_t find_query(const struct cloudwatch_metric_data_query_list *list, struct str id) {
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i].id, id)) {
            return i;
        }
    }
    return (size_t)-1;
}

static int check_query(const struct cloudwatch_metric_data_query_list *list, size_t at,
                       struct arena *a, struct err *err) {
    const struct cloudwatch_metric_data_query *q = &list->v[at];
    if (q->id.n == 0 || q->id.p[0] < 'a' || q->id.p[0] > 'z') {
        return err_set(err, ERR_INVALID, "The id '" STR_FMT "' must begin with a lowercase letter",
                       STR_ARG(q->id));
    }
    if (find_query(list, q->id) != at) {
        return err_set(err, ERR_INVALID, "The id '" STR_FMT "' is given twice", STR_ARG(q->id));
    }
    if ((q->metric_stat != NULL) == (q->expression.p != NULL)) {
        return err_set(err, ERR_INVALID,
                       "Query '" STR_FMT "' needs either MetricStat or Expression", STR_ARG(q->id));
    }
    if (q->metric_stat != NULL) {
        struct stat s;
        const struct cloudwatch_metric_stat *m = q->metric_stat;
        if (!stat_parse(m->stat, &s)) {
            return err_set(err, ERR_INVALID, "The statistic '" STR_FMT "' is not available",
                           STR_ARG(m->stat));
        }
        if (!cw_period_ok(m->period)) {
            return err_set(err, ERR_INVALID, "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
        }
        if (m->metric == NULL || m->metric->metric_name.p == NULL ||
            m->metric->namespace.p == NULL) {
            return err_set(err, ERR_INVALID, "Query '" STR_FMT "' names no metric", STR_ARG(q->id));
        }
        return 0;
    }
    struct str_list ids = {0};
    expression_ids(a, q->expression, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        if (find_query(list, ids.v[i]) == (size_t)-1) {
            return err_set(err, ERR_INVALID,
                           "Error in expression '" STR_FMT "': Undefined identifier " STR_FMT,
                           STR_ARG(q->id), STR_ARG(ids.v[i]));
        }
    }
    return 0;
}

int cw_queries_check(const struct cloudwatch_metric_data_query_list *list, struct arena *a,
                     struct err *err) {
    if (list->n == 0 || list->n > MOST_QUERIES) {
        return err_set(err, ERR_INVALID, "There must be 1 to %d queries", MOST_QUERIES);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (check_query(list, i, a, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int64_t period_of(const struct cw_queries *q, size_t at, int depth) {
    const struct cloudwatch_metric_data_query *one = &q->list->v[at];
    if (one->metric_stat != NULL) {
        return (int64_t)one->metric_stat->period * 1000;
    }
    if (--*q->budget < 0) {
        return 60 * 1000;
    }
    int64_t most = one->has_period ? (int64_t)one->period * 1000 : 0;
    struct str_list ids = {0};
    expression_ids(q->arena, one->expression, &ids);
    bool all = str_find(one->expression, S("METRICS"), 0) != (size_t)-1;
    for (size_t i = 0; i < q->list->n && depth < DEEPEST; i++) {
        bool named =
            str_list_has(&ids, q->list->v[i].id) || (all && q->list->v[i].metric_stat != NULL);
        int64_t period = named ? period_of(q, i, depth + 1) : 0;
        most = period > most ? period : most;
    }
    return most > 0 || depth > 0 ? most : 60 * 1000;
}

int64_t cw_query_period_ms(const struct cw_queries *q, size_t at) {
    return period_of(q, at, 0);
}

static int series_at(const struct cw_queries *q, size_t at, int64_t period_ms, int depth,
                     struct cw_series_list *ret, struct err *err);

static int metric_series(const struct cw_queries *q, const struct cloudwatch_metric_stat *m,
                         int64_t period_ms, struct stat_series *ret, struct err *err) {
    struct stat s;
    const struct cw_key key = {q->account, q->region, m->metric->namespace, m->metric->metric_name,
                               cw_dimensions(q->arena, &m->metric->dimensions)};
    int64_t start = q->start_ms / period_ms * period_ms;
    if (!stat_parse(m->stat, &s)) {
        return err_set(err, ERR_INVALID, "The statistic '" STR_FMT "' is not available",
                       STR_ARG(m->stat));
    }
    return stat_series(q->db, q->arena, &key, m->unit, &s, start, q->end_ms, period_ms, ret, err);
}

static int expression_series(const struct cw_queries *q, size_t at, int64_t period_ms, int depth,
                             struct cw_series_list *ret, struct err *err) {
    struct str text = q->list->v[at].expression;
    struct str_list ids = {0};
    struct {
        struct expression_input *v;
        size_t n;
    } inputs = {0};
    bool all = str_find(text, S("METRICS"), 0) != (size_t)-1;
    expression_ids(q->arena, text, &ids);
    for (size_t i = 0; i < q->list->n; i++) {
        bool metric = q->list->v[i].metric_stat != NULL;
        if (i == at || !(str_list_has(&ids, q->list->v[i].id) || (all && metric))) {
            continue;
        }
        struct cw_series_list series;
        if (series_at(q, i, period_ms, depth + 1, &series, err) < 0) {
            return -1;
        }
        for (size_t j = 0; j < series.n; j++) {
            *arena_push(q->arena, &inputs) =
                (struct expression_input){q->list->v[i].id, series.v[j], metric};
        }
    }
    int64_t start = q->start_ms / period_ms * period_ms;
    const struct stat_series grid = {
        .start_ms = start,
        .period_ms = period_ms,
        .n = (size_t)((q->end_ms - start + period_ms - 1) / period_ms),
    };
    struct expression_output out;
    if (expression_eval(q->arena, text, inputs.v, inputs.n, &grid, &out, err) < 0) {
        return -1;
    }
    *ret = (struct cw_series_list){out.v, out.n};
    return 0;
}

static int series_at(const struct cw_queries *q, size_t at, int64_t period_ms, int depth,
                     struct cw_series_list *ret, struct err *err) {
    if (--*q->budget < 0) {
        return err_set(err, ERR_INVALID, "The expressions are too complex");
    }
    if (depth > DEEPEST) {
        return err_set(err, ERR_INVALID, "The expressions refer to each other in a circle");
    }
    if (q->list->v[at].metric_stat == NULL) {
        return expression_series(q, at, period_ms, depth, ret, err);
    }
    ret->v = arena_new(q->arena, struct stat_series);
    ret->n = 1;
    return metric_series(q, q->list->v[at].metric_stat, period_ms, ret->v, err);
}

int cw_query_series(const struct cw_queries *q, size_t at, struct cw_series_list *ret,
                    struct err *err) {
    return series_at(q, at, cw_query_period_ms(q, at), 0, ret, err);
}

static int to_api(struct err *err) {
    if (err->kind == ERR_INVALID || err->kind == ERR_UNSUPPORTED) {
        struct err inner = *err;
        return err_api(err, &cloudwatch_ValidationError, "%s", inner.msg);
    }
    return -1;
}

/* One page over all results: `skip` datapoints were shown before, `left` may be shown now. */
struct page {
    int64_t skip, left;
    bool more;
};

static void show(struct call *c, const struct stat_series *s, bool ascending, struct page *page,
                 struct cloudwatch_metric_data_result *ret) {
    ret->timestamps.v = arena_new_n(c->arena, int64_t, s->n + 1);
    ret->values.v = arena_new_n(c->arena, double, s->n + 1);
    for (size_t i = 0; i < s->n; i++) {
        size_t at = ascending ? i : s->n - 1 - i;
        if (isnan(s->v[at])) {
            continue;
        }
        if (page->skip > 0) {
            page->skip--;
            continue;
        }
        if (page->left == 0) {
            page->more = true;
            ret->status_code = S("PartialData");
            return;
        }
        page->left--;
        ret->timestamps.v[ret->timestamps.n++] = s->start_ms + (int64_t)at * s->period_ms;
        ret->values.v[ret->values.n++] = s->v[at];
    }
}

static struct str label_of(const struct cloudwatch_metric_data_query *q) {
    if (q->label.p != NULL) {
        return q->label;
    }
    return q->metric_stat != NULL ? q->metric_stat->metric->metric_name : q->id;
}

int cloudwatch_get_metric_data(struct call *c, const struct cloudwatch_get_metric_data_input *in,
                               struct cloudwatch_get_metric_data_output *out, struct err *err) {
    int64_t shown = 0;
    if (!page_key_i64(c, in->next_token, &shown)) {
        return err_api(err, &cloudwatch_InvalidNextToken, "Invalid nextToken");
    }
    if (in->start_time >= in->end_time) {
        return err_api(err, &cloudwatch_ValidationError,
                       "The parameter StartTime must be less than the parameter EndTime.");
    }
    if (cw_queries_check(&in->metric_data_queries, c->arena, err) < 0) {
        return to_api(err);
    }
    int budget = CW_QUERY_BUDGET;
    const struct cw_queries q = {.db = c->db,
                                 .budget = &budget,
                                 .arena = c->arena,
                                 .account = c->account,
                                 .region = c->region,
                                 .list = &in->metric_data_queries,
                                 .start_ms = in->start_time,
                                 .end_ms = in->end_time};
    int64_t most =
        in->has_max_datapoints && in->max_datapoints > 0 ? in->max_datapoints : MOST_POINTS;
    struct page page = {.skip = shown, .left = most};
    for (size_t i = 0; i < q.list->n && !page.more; i++) {
        const struct cloudwatch_metric_data_query *one = &q.list->v[i];
        struct cw_series_list series;
        if (one->has_return_data && !one->return_data) {
            continue;
        }
        if ((in->end_time - in->start_time) / cw_query_period_ms(&q, i) > MOST_POINTS) {
            return err_api(err, &cloudwatch_ValidationError,
                           "Query '" STR_FMT "' asks for more than %d datapoints", STR_ARG(one->id),
                           MOST_POINTS);
        }
        if (cw_query_series(&q, i, &series, err) < 0) {
            return to_api(err);
        }
        for (size_t j = 0; j < series.n; j++) {
            struct cloudwatch_metric_data_result *r =
                arena_push(c->arena, &out->metric_data_results);
            *r = (struct cloudwatch_metric_data_result){
                .id = one->id, .label = label_of(one), .status_code = S("Complete")};
            show(c, &series.v[j], str_is(in->scan_by, "TimestampAscending"), &page, r);
        }
    }
    if (out->metric_data_results.v == NULL) {
        out->metric_data_results.v = arena_new(c->arena, struct cloudwatch_metric_data_result);
    }
    out->messages.v = arena_new(c->arena, struct cloudwatch_message_data);
    if (page.more) {
        out->next_token = page_token_i64(c, shown + most);
    }
    return 0;
}
