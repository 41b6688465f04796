/* Alarms: putting, deleting, switching, setting the state by hand. Showing them is in describe.c.
 */
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/judge.h"
#include "services/core/arn.h"
#include "services/core/tags.h"
#include "services/core/value.h"

enum { MOST_SECONDS = 7 * 24 * 3600, DAY_SECONDS = 24 * 3600 };

static int invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int invalid(struct err *err, const char *fmt, ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    return err_api(err, &cloudwatch_ValidationError, "%s", inner.msg);
}

static int check_metric(const struct cloudwatch_put_metric_alarm_input *in, struct err *err) {
    struct stat s;
    if (in->namespace.p == NULL || in->metric_name.p == NULL) {
        return invalid(err, "Either MetricName and Namespace or Metrics must be given");
    }
    if ((in->statistic.p != NULL) == (in->extended_statistic.p != NULL)) {
        return invalid(err, "Exactly one of Statistic and ExtendedStatistic must be given");
    }
    if (in->extended_statistic.p != NULL &&
        (!stat_parse(in->extended_statistic, &s) || !stat_needs_samples(&s))) {
        return invalid(err,
                       "The value " STR_FMT " for parameter ExtendedStatistic is not supported.",
                       STR_ARG(in->extended_statistic));
    }
    if (!in->has_period) {
        return invalid(err, "Period must not be null");
    }
    if (in->period != 10 && in->period != 20 && in->period != 30 && in->period % 60 != 0) {
        return invalid(err, "Metric period must be 10, 20, 30 or a multiple of 60");
    }
    return 0;
}

static int check_math(struct call *c, const struct cloudwatch_put_metric_alarm_input *in,
                      struct err *err) {
    size_t returned = 0;
    struct err why = ERR_INIT;
    if (in->namespace.p != NULL || in->metric_name.p != NULL || in->statistic.p != NULL ||
        in->extended_statistic.p != NULL || in->has_period || in->dimensions.n > 0) {
        return invalid(err, "Metrics can not be combined with MetricName, Namespace, Statistic, "
                            "ExtendedStatistic, Period or Dimensions");
    }
    if (cw_queries_check(&in->metrics, c->arena, &why) < 0) {
        return invalid(err, "%s", why.msg);
    }
    for (size_t i = 0; i < in->metrics.n; i++) {
        returned += !in->metrics.v[i].has_return_data || in->metrics.v[i].return_data ? 1 : 0;
    }
    return returned == 1 ? 0
                         : invalid(err, "Exactly one element of the metrics list should return "
                                        "data");
}

static int64_t period_of(struct call *c, const struct cloudwatch_put_metric_alarm_input *in) {
    if (in->metrics.n == 0) {
        return in->period;
    }
    int64_t most = 60;
    int budget = CW_QUERY_BUDGET;
    const struct cw_queries q = {.arena = c->arena, .list = &in->metrics, .budget = &budget};
    for (size_t i = 0; i < in->metrics.n; i++) {
        int64_t s = cw_query_period_ms(&q, i) / 1000;
        most = s > most ? s : most;
    }
    return most;
}

static int check_alarm(struct call *c, const struct cloudwatch_put_metric_alarm_input *in,
                       struct err *err) {
    enum judge_missing missing;
    if (in->evaluation_criteria != NULL) {
        return invalid(err, "EvaluationCriteria is not available here");
    }
    if (in->comparison_operator.p == NULL || in->threshold_metric_id.p != NULL ||
        str_find(in->comparison_operator, S("LowerOr"), 0) != (size_t)-1 ||
        str_ends(in->comparison_operator, S("LowerThreshold")) ||
        str_ends(in->comparison_operator, S("UpperThreshold"))) {
        return invalid(err, "Alarms on anomaly detection are not available here; give one of the "
                            "comparison operators with a Threshold");
    }
    if (!in->has_threshold) {
        return invalid(err, "Threshold must not be null");
    }
    if (!in->has_evaluation_periods) {
        return invalid(err, "EvaluationPeriods must not be null");
    }
    if (in->has_datapoints_to_alarm && in->datapoints_to_alarm > in->evaluation_periods) {
        return invalid(err, "DatapointsToAlarm must be less than or equal to EvaluationPeriods");
    }
    if (!judge_missing_parse(in->treat_missing_data, &missing)) {
        return invalid(err, "TreatMissingData must be one of missing, ignore, breaching, "
                            "notBreaching");
    }
    if (in->evaluate_low_sample_count_percentile.p != NULL &&
        !str_is(in->evaluate_low_sample_count_percentile, "evaluate") &&
        !str_is(in->evaluate_low_sample_count_percentile, "ignore")) {
        return invalid(err, "EvaluateLowSampleCountPercentile must be evaluate or ignore");
    }
    if ((in->metrics.n > 0 ? check_math(c, in, err) : check_metric(in, err)) < 0) {
        return -1;
    }
    int64_t period = period_of(c, in);
    int64_t most = period >= 3600 ? MOST_SECONDS : DAY_SECONDS;
    if (period * in->evaluation_periods > most) {
        return invalid(err,
                       "Metrics cannot be checked across more than %s (EvaluationPeriods * "
                       "Period must be <= %lld)",
                       most == DAY_SECONDS ? "a day" : "7 days", (long long)most);
    }
    return 0;
}

static int check_actions(const struct str_list *actions, struct err *err) {
    for (size_t i = 0; i < actions->n; i++) {
        struct aws_arn arn;
        if (!aws_arn_parse(actions->v[i], &arn)) {
            return invalid(err, "Invalid arn syntax: " STR_FMT, STR_ARG(actions->v[i]));
        }
    }
    return 0;
}

static int put_tags(struct call *c, struct str arn, const struct cloudwatch_tag_list *tags,
                    struct err *err) {
    struct str_map map = {0};
    struct str key;
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    if (tags_check(&map, &key) != TAGS_OK) {
        return err_api(err, &cloudwatch_InvalidParameterValueException,
                       "Tag '" STR_FMT "' is too long, reserved or given twice", STR_ARG(key));
    }
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT ? err_api(err, &cloudwatch_InvalidParameterValueException,
                                                "A resource has 50 tags at most")
                                      : -1;
    }
    return 0;
}

static int note_config(struct call *c, const struct cw_alarm_row *row, const char *what,
                       const char *type, struct err *err) {
    json_t *data cleanup_json = json_object();
    json_t *config = value_to_json(cw_alarm_shape(), &row->config);
    struct str key = str_printf(c->arena, "%sAlarm", what);
    json_set_str(data, "type", str_c(type));
    json_set_str(data, "version", S("1.0"));
    json_set(data, str_z(c->arena, key), config);
    const struct cw_history_row history = {
        .account = row->account,
        .region = row->region,
        .alarm = row->name,
        .at_ms = c->now_ms,
        .type = S("ConfigurationUpdate"),
        .summary = str_printf(c->arena, "Alarm \"%.*s\" %s", STR_ARG(row->name), what),
        .data = json_dump_str(c->arena, data),
    };
    return cw_history_add(c->db, &history, err);
}

/* The metrics whose datapoints concern the alarm. */
static size_t keys_of(struct call *c, const struct cloudwatch_metric_alarm *config,
                      struct cw_key **ret) {
    *ret = arena_new_n(c->arena, struct cw_key, config->metrics.n + 1);
    size_t n = 0;
    if (config->metrics.n == 0) {
        (*ret)[n++] = cw_key_of(c, config->namespace, config->metric_name, &config->dimensions);
    }
    for (size_t i = 0; i < config->metrics.n; i++) {
        const struct cloudwatch_metric_stat *m = config->metrics.v[i].metric_stat;
        if (m != NULL) {
            (*ret)[n++] =
                cw_key_of(c, m->metric->namespace, m->metric->metric_name, &m->metric->dimensions);
        }
    }
    return n;
}

int cloudwatch_put_metric_alarm(struct call *c, const struct cloudwatch_put_metric_alarm_input *in,
                                struct cloudwatch_put_metric_alarm_output *out, struct err *err) {
    (void)out;
    if (check_alarm(c, in, err) < 0 || check_actions(&in->ok_actions, err) < 0 ||
        check_actions(&in->alarm_actions, err) < 0 ||
        check_actions(&in->insufficient_data_actions, err) < 0) {
        return -1;
    }
    struct cw_alarm_row row = {
        .state = S("INSUFFICIENT_DATA"),
        .reason = S("Unchecked: Initial alarm creation"),
        .state_ms = c->now_ms,
        .transition_ms = c->now_ms,
    };
    struct str arn = arn_make(c, "cloudwatch", "alarm:%.*s", STR_ARG(in->alarm_name));
    int found = cw_alarm_find(c->db, c->arena, arn, &row, err);
    if (found < 0) {
        return -1;
    }
    row.arn = arn;
    row.account = c->account;
    row.region = c->region;
    row.name = in->alarm_name;
    row.config_ms = c->now_ms;
    row.actions_enabled = !in->has_actions_enabled || in->actions_enabled;
    row.config = (struct cloudwatch_metric_alarm){0};
    if (value_copy(c->arena, c->op->in, in, cw_alarm_shape(), &row.config, err) < 0) {
        return -1;
    }
    row.config.has_actions_enabled = false; /* a column of its own */
    struct cw_key *keys = NULL;
    size_t n_keys = keys_of(c, &row.config, &keys);
    if (cw_alarm_put(c->db, &row, keys, n_keys, err) < 0 ||
        note_config(c, &row, found > 0 ? "updated" : "created", found > 0 ? "Update" : "Create",
                    err) < 0 ||
        (found == 0 && put_tags(c, arn, &in->tags, err) < 0)) {
        return -1;
    }
    /* The tick may sleep longer than this alarm's period: it starts afresh. */
    if (queue_cancel(c->db, CW_TICK, S("all"), err) < 0 ||
        queue_add(c->db, CW_TICK, S("all"), STR_NONE, 0, err) < 0) {
        return -1;
    }
    return cw_evaluate(c->db, c->arena, &row, c->now_ms, err);
}

int cloudwatch_delete_alarms(struct call *c, const struct cloudwatch_delete_alarms_input *in,
                             struct cloudwatch_delete_alarms_output *out, struct err *err) {
    (void)out;
    for (size_t i = 0; i < in->alarm_names.n; i++) {
        struct cw_alarm_row row;
        struct str arn = arn_make(c, "cloudwatch", "alarm:%.*s", STR_ARG(in->alarm_names.v[i]));
        int found = cw_alarm_find(c->db, c->arena, arn, &row, err);
        if (found < 0) {
            return -1;
        }
        if (found == 0) {
            continue; /* no error for a name that is not there, as on AWS */
        }
        if (note_config(c, &row, "deleted", "Delete", err) < 0 || tags_drop(c->db, arn, err) < 0 ||
            cw_alarm_remove(c->db, arn, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int switch_actions(struct call *c, const struct str_list *names, bool enabled,
                          struct err *err) {
    for (size_t i = 0; i < names->n; i++) {
        struct str arn = arn_make(c, "cloudwatch", "alarm:%.*s", STR_ARG(names->v[i]));
        if (cw_alarm_set_actions(c->db, arn, enabled, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int cloudwatch_enable_alarm_actions(struct call *c,
                                    const struct cloudwatch_enable_alarm_actions_input *in,
                                    struct cloudwatch_enable_alarm_actions_output *out,
                                    struct err *err) {
    (void)out;
    return switch_actions(c, &in->alarm_names, true, err);
}

int cloudwatch_disable_alarm_actions(struct call *c,
                                     const struct cloudwatch_disable_alarm_actions_input *in,
                                     struct cloudwatch_disable_alarm_actions_output *out,
                                     struct err *err) {
    (void)out;
    return switch_actions(c, &in->alarm_names, false, err);
}

int cloudwatch_set_alarm_state(struct call *c, const struct cloudwatch_set_alarm_state_input *in,
                               struct cloudwatch_set_alarm_state_output *out, struct err *err) {
    (void)out;
    struct cw_alarm_row row;
    struct str arn = arn_make(c, "cloudwatch", "alarm:%.*s", STR_ARG(in->alarm_name));
    int found = cw_alarm_find(c->db, c->arena, arn, &row, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        return err_api(err, &cloudwatch_ResourceNotFound, "Alarm " STR_FMT " does not exist",
                       STR_ARG(in->alarm_name));
    }
    if (in->state_reason_data.p != NULL) {
        struct err why = ERR_INIT;
        json_t *json cleanup_json = json_parse(in->state_reason_data, &why);
        if (json == NULL) {
            return err_api(err, &cloudwatch_InvalidFormatFault, "StateReasonData is not JSON: %s",
                           why.msg);
        }
    }
    return cw_transition(c->db, c->arena, &row, in->state_value, in->state_reason,
                         in->state_reason_data, c->now_ms, err);
}

/* Tags. */

static int need_alarm(struct call *c, struct str arn, struct err *err) {
    struct cw_alarm_row row;
    int found = cw_alarm_find(c->db, c->arena, arn, &row, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(row.account, c->account)) {
        struct cloudwatch_resource_not_found_exception *detail =
            arena_new(c->arena, struct cloudwatch_resource_not_found_exception);
        detail->resource_type = S("Alarm");
        detail->resource_id = arn;
        c->error_detail = detail;
        return err_api(err, &cloudwatch_ResourceNotFoundException, "Unknown");
    }
    return 0;
}

int cloudwatch_list_tags_for_resource(struct call *c,
                                      const struct cloudwatch_list_tags_for_resource_input *in,
                                      struct cloudwatch_list_tags_for_resource_output *out,
                                      struct err *err) {
    struct str_map map;
    if (need_alarm(c, in->resource_arn, err) < 0 ||
        tags_get(c->db, c->arena, in->resource_arn, &map, err) < 0) {
        return -1;
    }
    out->tags.v = arena_new_n(c->arena, struct cloudwatch_tag, map.n + 1);
    for (size_t i = 0; i < map.n; i++) {
        out->tags.v[out->tags.n++] = (struct cloudwatch_tag){map.v[i].key, map.v[i].value};
    }
    return 0;
}

int cloudwatch_tag_resource(struct call *c, const struct cloudwatch_tag_resource_input *in,
                            struct cloudwatch_tag_resource_output *out, struct err *err) {
    (void)out;
    if (need_alarm(c, in->resource_arn, err) < 0) {
        return -1;
    }
    return put_tags(c, in->resource_arn, &in->tags, err);
}

int cloudwatch_untag_resource(struct call *c, const struct cloudwatch_untag_resource_input *in,
                              struct cloudwatch_untag_resource_output *out, struct err *err) {
    (void)out;
    if (need_alarm(c, in->resource_arn, err) < 0) {
        return -1;
    }
    return tags_remove(c->db, in->resource_arn, &in->tag_keys, err);
}
