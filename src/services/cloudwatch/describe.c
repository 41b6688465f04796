/* Showing alarms and their history. */
#include "services/cloudwatch/cloudwatch.h"
#include "services/core/arn.h"
#include "services/core/page.h"

enum { PAGE = 100 };

static struct cloudwatch_metric_alarm shown(const struct cw_alarm_row *row) {
    struct cloudwatch_metric_alarm a = row->config;
    static struct str none[1];
    a.alarm_name = row->name;
    a.alarm_arn = row->arn;
    a.alarm_configuration_updated_timestamp = row->config_ms;
    a.has_alarm_configuration_updated_timestamp = true;
    a.actions_enabled = row->actions_enabled;
    a.has_actions_enabled = true;
    a.state_value = row->state;
    a.state_reason = row->reason;
    a.state_reason_data = row->reason_data;
    a.state_updated_timestamp = row->state_ms;
    a.has_state_updated_timestamp = true;
    a.state_transitioned_timestamp = row->transition_ms;
    a.has_state_transitioned_timestamp = true;
    struct str_list *lists[] = {&a.ok_actions, &a.alarm_actions, &a.insufficient_data_actions};
    for (size_t i = 0; i < 3; i++) {
        lists[i]->v = lists[i]->v != NULL ? lists[i]->v : none; /* empty, not absent */
    }
    return a;
}

static bool any_starts(const struct str_list *list, struct str prefix) {
    for (size_t i = 0; i < list->n; i++) {
        if (str_starts(list->v[i], prefix)) {
            return true;
        }
    }
    return false;
}

static bool wanted(const struct cloudwatch_describe_alarms_input *in,
                   const struct cw_alarm_row *row) {
    if (in->alarm_names.n > 0 && !str_list_has(&in->alarm_names, row->name)) {
        return false;
    }
    const struct cloudwatch_metric_alarm *c = &row->config;
    return in->action_prefix.p == NULL || any_starts(&c->alarm_actions, in->action_prefix) ||
           any_starts(&c->ok_actions, in->action_prefix) ||
           any_starts(&c->insufficient_data_actions, in->action_prefix);
}

int cloudwatch_describe_alarms(struct call *c, const struct cloudwatch_describe_alarms_input *in,
                               struct cloudwatch_describe_alarms_output *out, struct err *err) {
    struct str after;
    if (!page_key(c, in->next_token, &after)) {
        return err_api(err, &cloudwatch_InvalidNextToken, "Invalid nextToken");
    }
    if (in->alarm_names.n > 0 && in->alarm_name_prefix.p != NULL) {
        return err_api(err, &cloudwatch_ValidationError,
                       "AlarmNames and AlarmNamePrefix can not be combined");
    }
    size_t limit = in->has_max_records ? (size_t)in->max_records : PAGE;
    out->composite_alarms.v = arena_new(c->arena, struct cloudwatch_composite_alarm);
    out->metric_alarms.v = arena_new_n(c->arena, struct cloudwatch_metric_alarm, limit + 1);
    if (in->alarm_types.n > 0 && !str_list_has(&in->alarm_types, S("MetricAlarm"))) {
        return 0;
    }
    struct cw_alarm_filter filter = {.account = c->account,
                                     .region = c->region,
                                     .prefix = in->alarm_name_prefix,
                                     .state = in->state_value,
                                     .after = after,
                                     .limit = PAGE};
    struct cw_alarm_rows rows;
    do {
        if (cw_alarm_list(c->db, c->arena, &filter, &rows, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < rows.n; i++) {
            if (wanted(in, &rows.v[i])) {
                if (out->metric_alarms.n == limit) {
                    out->next_token = page_token(c, filter.after);
                    return 0;
                }
                out->metric_alarms.v[out->metric_alarms.n++] = shown(&rows.v[i]);
            }
            filter.after = rows.v[i].name;
        }
    } while (rows.n == PAGE);
    return 0;
}

static bool fits(const struct cloudwatch_describe_alarms_for_metric_input *in,
                 const struct cloudwatch_metric_alarm *c) {
    return (in->statistic.p == NULL || str_eq(in->statistic, c->statistic)) &&
           (in->extended_statistic.p == NULL ||
            str_eq(in->extended_statistic, c->extended_statistic)) &&
           (!in->has_period || in->period == c->period) &&
           (in->unit.p == NULL || str_eq(in->unit, c->unit));
}

int cloudwatch_describe_alarms_for_metric(
    struct call *c, const struct cloudwatch_describe_alarms_for_metric_input *in,
    struct cloudwatch_describe_alarms_for_metric_output *out, struct err *err) {
    struct cw_key key = cw_key_of(c, in->namespace, in->metric_name, &in->dimensions);
    struct cw_alarm_rows rows;
    if (cw_alarm_of_metric(c->db, c->arena, &key, &rows, err) < 0) {
        return -1;
    }
    out->metric_alarms.v = arena_new_n(c->arena, struct cloudwatch_metric_alarm, rows.n + 1);
    for (size_t i = 0; i < rows.n; i++) {
        if (fits(in, &rows.v[i].config)) {
            out->metric_alarms.v[out->metric_alarms.n++] = shown(&rows.v[i]);
        }
    }
    return 0;
}

int cloudwatch_describe_alarm_history(struct call *c,
                                      const struct cloudwatch_describe_alarm_history_input *in,
                                      struct cloudwatch_describe_alarm_history_output *out,
                                      struct err *err) {
    size_t limit = in->has_max_records ? (size_t)in->max_records : PAGE;
    struct cw_history_filter filter = {
        .account = c->account,
        .region = c->region,
        .alarm = in->alarm_name,
        .type = in->history_item_type,
        .start_ms = in->has_start_date ? in->start_date : 0,
        .end_ms = in->has_end_date ? in->end_date : 0,
        .ascending = str_is(in->scan_by, "TimestampAscending"),
        .limit = (int64_t)limit + 1,
    };
    struct cw_history_rows rows;
    if (!page_key_i64(c, in->next_token, &filter.after)) {
        return err_api(err, &cloudwatch_InvalidNextToken, "Invalid nextToken");
    }
    if (cw_history_list(c->db, c->arena, &filter, &rows, err) < 0) {
        return -1;
    }
    out->alarm_history_items.v = arena_new_n(c->arena, struct cloudwatch_alarm_history_item, limit);
    for (size_t i = 0; i < rows.n && i < limit; i++) {
        out->alarm_history_items.v[out->alarm_history_items.n++] =
            (struct cloudwatch_alarm_history_item){
                .alarm_name = rows.v[i].alarm,
                .alarm_type = S("MetricAlarm"),
                .timestamp = rows.v[i].at_ms,
                .has_timestamp = true,
                .history_item_type = rows.v[i].type,
                .history_summary = rows.v[i].summary,
                .history_data = str_sub(rows.v[i].data, 0, 4095),
            };
    }
    if (rows.n > limit) {
        out->next_token = page_token_i64(c, rows.v[limit - 1].seq);
    }
    return 0;
}
