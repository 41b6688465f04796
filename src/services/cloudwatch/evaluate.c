/*
 * Alarms at work: which datapoints an alarm looks at, and what a change of its state sets off.
 *
 * The period that is still running counts as soon as it has a datapoint. CloudWatch waits for its
 * end; here a release's smoke test learns the verdict at once instead of a minute later, and the
 * verdict is the one that the full period gives unless more data changes it.
 */
#include "platform/text/json.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/event.h"
#include "services/cloudwatch/judge.h"

#include <math.h>

static struct str time_java(struct arena *a, int64_t ms) {
    struct str iso = time_iso_ms(a, ms);
    return str_printf(a, "%.*s+0000", STR_ARG(str_sub(iso, 0, iso.n - 1)));
}

static const char *state_name(enum judge_state state) {
    return state == JUDGE_OK ? "OK" : state == JUDGE_ALARM ? "ALARM" : "INSUFFICIENT_DATA";
}

static struct judge_rule rule_of(const struct cloudwatch_metric_alarm *c) {
    struct judge_rule rule = {.operator_ = c->comparison_operator,
                              .threshold = c->threshold,
                              .periods = c->evaluation_periods,
                              .to_alarm = c->has_datapoints_to_alarm ? c->datapoints_to_alarm
                                                                     : c->evaluation_periods};
    if (!judge_missing_parse(c->treat_missing_data, &rule.missing)) {
        rule.missing = MISSING_MISSING; /* checked when it was put */
    }
    return rule;
}

/* The query that an alarm on metric math judges. */
static size_t returned(const struct cloudwatch_metric_data_query_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        if (!list->v[i].has_return_data || list->v[i].return_data) {
            return i;
        }
    }
    return 0;
}

static int64_t period_ms(const struct cloudwatch_metric_alarm *config) {
    if (config->metrics.n == 0) {
        return (int64_t)config->period * 1000;
    }
    struct arena a = ARENA_INIT;
    int budget = CW_QUERY_BUDGET;
    const struct cw_queries q = {.arena = &a, .list = &config->metrics, .budget = &budget};
    int64_t ms = cw_query_period_ms(&q, returned(&config->metrics));
    arena_done(&a);
    return ms;
}

int64_t cw_next_look(const struct cloudwatch_metric_alarm *config, int64_t now_ms) {
    int64_t period = period_ms(config);
    return (now_ms / period + 1) * period;
}

static int series_of(struct db *db, struct arena *a, const struct cw_alarm_row *alarm,
                     int64_t start_ms, int64_t end_ms, struct stat_series *ret, struct err *err) {
    const struct cloudwatch_metric_alarm *c = &alarm->config;
    if (c->metrics.n > 0) {
        int budget = CW_QUERY_BUDGET;
        const struct cw_queries q = {db,          a,        alarm->account, alarm->region,
                                     &c->metrics, start_ms, end_ms,         &budget};
        struct cw_series_list list;
        if (cw_query_series(&q, returned(&c->metrics), &list, err) < 0) {
            return -1;
        }
        if (list.n != 1) {
            return err_set(err, ERR_INVALID, "the alarm's expression gives %zu series, not one",
                           list.n);
        }
        *ret = list.v[0];
        return 0;
    }
    struct stat s;
    struct str name = c->statistic.p != NULL ? c->statistic : c->extended_statistic;
    const struct cw_key key = {alarm->account, alarm->region, c->namespace, c->metric_name,
                               cw_dimensions(a, &c->dimensions)};
    if (!stat_parse(name, &s)) {
        return err_set(err, ERR_INTERNAL, "alarm " STR_FMT " has the statistic '" STR_FMT "'",
                       STR_ARG(alarm->arn), STR_ARG(name));
    }
    return stat_series(db, a, &key, c->unit, &s, start_ms, end_ms, (int64_t)c->period * 1000, ret,
                       err);
}

/* The evaluation range, newest first. The running period is part of it once it has data. */
static int gather(struct db *db, struct arena *a, const struct cw_alarm_row *alarm,
                  const struct judge_rule *rule, int64_t now_ms, struct judge_point **ret,
                  size_t *ret_n, struct err *err) {
    int64_t period = period_ms(&alarm->config);
    size_t range = judge_range(rule);
    int64_t end = (now_ms / period + 1) * period;
    struct stat_series s;
    if (series_of(db, a, alarm, end - (int64_t)(range + 1) * period, end, &s, err) < 0) {
        return -1;
    }
    size_t last = s.n > 0 && isnan(s.v[s.n - 1]) ? s.n - 1 : s.n;
    size_t n = last < range ? last : range;
    *ret = arena_new_n(a, struct judge_point, n + 1);
    for (size_t i = 0; i < n; i++) {
        size_t at = last - 1 - i;
        (*ret)[i] =
            (struct judge_point){s.start_ms + (int64_t)at * s.period_ms, s.v[at], s.counts[at]};
    }
    *ret_n = n;
    return 0;
}

static struct str reason_data(struct arena *a, const struct cw_alarm_row *alarm,
                              const struct judge_verdict *v, int64_t now_ms) {
    const struct cloudwatch_metric_alarm *c = &alarm->config;
    json_t *json cleanup_json = json_object();
    json_t *recent = json_array();
    json_t *evaluated = json_array();
    for (size_t i = v->n_used; i-- > 0;) {
        json_array_append_new(recent, json_real(v->used[i].value));
    }
    for (size_t i = 0; i < v->n_used; i++) {
        json_t *point = json_object();
        json_set_str(point, "timestamp", time_java(a, v->used[i].at_ms));
        json_set(point, "sampleCount", json_real(v->used[i].n));
        json_set(point, "value", json_real(v->used[i].value));
        json_array_append_new(evaluated, point);
    }
    json_set_str(json, "version", S("1.0"));
    json_set_str(json, "queryDate", time_java(a, now_ms));
    if (v->n_used > 0) {
        json_set_str(json, "startDate", time_java(a, v->used[v->n_used - 1].at_ms));
    }
    json_set_str(json, "unit", c->unit);
    json_set_str(json, "statistic", c->statistic.p ? c->statistic : c->extended_statistic);
    json_set(json, "period", json_integer(period_ms(c) / 1000));
    json_set(json, "recentDatapoints", recent);
    json_set(json, "threshold", json_real(c->threshold));
    json_set(json, "evaluatedDatapoints", evaluated);
    return json_dump_str(a, json);
}

static json_t *state_json(struct str state, struct str reason, struct str data) {
    json_t *json = json_object();
    struct err err = ERR_INIT;
    json_set_str(json, "stateValue", state);
    json_set_str(json, "stateReason", reason);
    if (data.n > 0) {
        json_t *parsed = json_parse(data, &err);
        json_set(json, "stateReasonData", parsed != NULL ? parsed : json_from_str(data));
    }
    return json;
}

static const struct str_list *actions_of(const struct cw_alarm_row *alarm, struct str state) {
    const struct cloudwatch_metric_alarm *c = &alarm->config;
    return str_is(state, "ALARM") ? &c->alarm_actions
           : str_is(state, "OK")  ? &c->ok_actions
                                  : &c->insufficient_data_actions;
}

/* One durable job for each action; it carries all that the message says. */
static int add_actions(struct db *db, struct arena *a, const struct cw_alarm_row *alarm,
                       struct str old_state, int64_t now_ms, struct err *err) {
    const struct str_list *actions = actions_of(alarm, alarm->state);
    int64_t seq = 0;
    if (!alarm->actions_enabled || actions->n == 0) {
        return 0;
    }
    if (db_get_i64(db, &seq, err, "SELECT max(seq) FROM cw_history", "") < 0) {
        return -1;
    }
    for (size_t i = 0; i < actions->n; i++) {
        json_t *job cleanup_json = json_object();
        json_set_str(job, "alarm", alarm->arn);
        json_set_str(job, "account", alarm->account);
        json_set_str(job, "region", alarm->region);
        json_set_str(job, "name", alarm->name);
        json_set_str(job, "action", actions->v[i]);
        json_set_str(job, "config", cw_alarm_json(a, &alarm->config));
        json_set(job, "configAt", json_integer(alarm->config_ms));
        json_set_str(job, "old", old_state);
        json_set_str(job, "new", alarm->state);
        json_set_str(job, "reason", alarm->reason);
        json_set(job, "at", json_integer(now_ms));
        struct str key = str_printf(a, "%.*s/%lld/%zu", STR_ARG(alarm->arn), (long long)seq, i);
        if (queue_add(db, CW_ACTION, key, json_dump_str(a, job), 0, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int cw_transition(struct db *db, struct arena *a, struct cw_alarm_row *alarm, struct str state,
                  struct str reason, struct str data, int64_t now_ms, struct err *err) {
    bool changed = !str_eq(state, alarm->state);
    json_t *history cleanup_json = json_object();
    json_set_str(history, "version", S("1.0"));
    json_set(history, "oldState", state_json(alarm->state, alarm->reason, alarm->reason_data));
    json_set(history, "newState", state_json(state, reason, data));
    const struct cw_state before = {alarm->state, alarm->reason, alarm->reason_data,
                                    alarm->state_ms};
    struct str old_state = alarm->state;
    alarm->state = state;
    alarm->reason = reason;
    alarm->reason_data = data;
    alarm->state_ms = now_ms;
    alarm->transition_ms = changed ? now_ms : alarm->transition_ms;
    if (cw_alarm_set_state(db, alarm, err) < 0) {
        return -1;
    }
    if (!changed) {
        return 0;
    }
    const struct cw_history_row row = {
        .account = alarm->account,
        .region = alarm->region,
        .alarm = alarm->name,
        .at_ms = now_ms,
        .type = S("StateUpdate"),
        .summary =
            str_printf(a, "Alarm updated from %.*s to %.*s", STR_ARG(old_state), STR_ARG(state)),
        .data = json_dump_str(a, history),
    };
    if (cw_history_add(db, &row, err) < 0 || cw_event_add(db, a, alarm, &before, err) < 0) {
        return -1;
    }
    return add_actions(db, a, alarm, old_state, now_ms, err);
}

int cw_evaluate(struct db *db, struct arena *a, struct cw_alarm_row *alarm, int64_t now_ms,
                struct err *err) {
    struct judge_rule rule = rule_of(&alarm->config);
    struct judge_point *points = NULL;
    size_t n = 0;
    struct err why = ERR_INIT;
    if (gather(db, a, alarm, &rule, now_ms, &points, &n, &why) < 0) {
        if (why.kind == ERR_INVALID || why.kind == ERR_UNSUPPORTED) { /* the alarm's own fault */
            return str_is(alarm->state, "INSUFFICIENT_DATA")
                       ? 0
                       : cw_transition(db, a, alarm, S("INSUFFICIENT_DATA"),
                                       str_dup(a, str_c(why.msg)), STR_NONE, now_ms, err);
        }
        *err = why;
        return -1;
    }
    struct judge_verdict v = judge(a, &rule, points, n);
    if (v.state == JUDGE_RETAIN) {
        return 0;
    }
    struct str state = str_c(state_name(v.state));
    bool first = str_starts(alarm->reason, S("Unchecked"));
    if (str_eq(state, alarm->state) && !first) {
        return 0; /* AWS, too, keeps the reason of the last change */
    }
    return cw_transition(db, a, alarm, state, v.reason, reason_data(a, alarm, &v, now_ms), now_ms,
                         err);
}

int cw_evaluate_for(struct db *db, struct arena *a, const struct cw_key *key, int64_t now_ms,
                    struct err *err) {
    struct cw_alarm_rows alarms;
    if (cw_alarm_of_metric(db, a, key, &alarms, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < alarms.n; i++) {
        if (cw_evaluate(db, a, &alarms.v[i], now_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}
