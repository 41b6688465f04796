/* Implementation of event.h. The detail is as CloudWatch documents it. */
#include "services/cloudwatch/event.h"

#include "gen/events.h"
#include "platform/text/json.h"
#include "services/cloudwatch/cloudwatch.h"

#define SERVICE "cloudwatch.amazonaws.com"

static json_t *state_json(struct arena *a, const struct cw_state *s) {
    json_t *json = json_object();
    struct str iso = time_iso_ms(a, s->since_ms);
    json_set_str(json, "reason", s->reason);
    json_set_str(json, "reasonData", s->reason_data.n > 0 ? s->reason_data : STR_NONE);
    json_set_str(json, "timestamp",
                 str_printf(a, "%.*s+0000", STR_ARG(str_sub(iso, 0, iso.n - 1))));
    json_set_str(json, "value", s->value);
    return json;
}

static json_t *metric_json(struct str namespace, struct str name,
                           const struct cloudwatch_dimension_list *dimensions, struct arena *a) {
    json_t *json = json_object();
    json_t *map = json_object();
    for (size_t i = 0; i < dimensions->n; i++) {
        json_set_str(map, str_z(a, dimensions->v[i].name), dimensions->v[i].value);
    }
    json_set(json, "dimensions", map);
    json_set_str(json, "name", name);
    json_set_str(json, "namespace", namespace);
    return json;
}

static json_t *stat_json(json_t *metric, int64_t period, struct str stat, struct str unit) {
    json_t *json = json_object();
    json_set(json, "metric", metric);
    json_set(json, "period", json_integer(period));
    json_set_str(json, "stat", stat);
    json_set_str(json, "unit", unit);
    return json;
}

static json_t *query_json(struct arena *a, const struct cloudwatch_metric_data_query *q) {
    json_t *json = json_object();
    json_set_str(json, "id", q->id);
    json_set_str(json, "expression", q->expression);
    json_set_str(json, "label", q->label);
    if (q->metric_stat != NULL) {
        const struct cloudwatch_metric_stat *s = q->metric_stat;
        const struct cloudwatch_metric *m = s->metric;
        json_set(json, "metricStat",
                 stat_json(metric_json(m->namespace, m->metric_name, &m->dimensions, a), s->period,
                           s->stat, s->unit));
    }
    json_set(json, "returnData", json_boolean(!q->has_return_data || q->return_data));
    return json;
}

static json_t *configuration_json(struct arena *a, const struct cw_alarm_row *alarm) {
    const struct cloudwatch_metric_alarm *c = &alarm->config;
    json_t *json = json_object();
    json_t *metrics = json_array();
    json_set_str(json, "description", c->alarm_description);
    for (size_t i = 0; i < c->metrics.n; i++) {
        json_array_append_new(metrics, query_json(a, &c->metrics.v[i]));
    }
    if (c->metrics.n == 0) {
        json_t *one = json_object();
        json_set_str(one, "id", S("m1"));
        json_set(one, "metricStat",
                 stat_json(metric_json(c->namespace, c->metric_name, &c->dimensions, a), c->period,
                           c->statistic.p != NULL ? c->statistic : c->extended_statistic, c->unit));
        json_set(one, "returnData", json_true());
        json_array_append_new(metrics, one);
    }
    json_set(json, "metrics", metrics);
    return json;
}

int cw_event_add(struct db *db, struct arena *a, const struct cw_alarm_row *alarm,
                 const struct cw_state *before, struct err *err) {
    const struct cw_state now = {alarm->state, alarm->reason, alarm->reason_data, alarm->state_ms};
    json_t *job cleanup_json = json_object();
    json_t *detail cleanup_json = json_object();
    int64_t seq = 0;
    json_set_str(detail, "alarmName", alarm->name);
    json_set(detail, "configuration", configuration_json(a, alarm));
    json_set(detail, "previousState", state_json(a, before));
    json_set(detail, "state", state_json(a, &now));
    json_set_str(job, "account", alarm->account);
    json_set_str(job, "region", alarm->region);
    json_set_str(job, "alarm", alarm->arn);
    json_set(job, "at", json_integer(alarm->state_ms));
    json_set_str(job, "detail", json_dump_str(a, detail));
    if (db_get_i64(db, &seq, err, "SELECT max(seq) FROM cw_history", "") < 0) {
        return -1;
    }
    struct str key = str_printf(a, "%.*s/%lld", STR_ARG(alarm->arn), (long long)seq);
    return queue_add(db, CW_EVENT, key, json_dump_str(a, job), 0, err);
}

/* The event and the end of the job are one transaction: it is told once. */
static int put(struct service_env *env, struct queue_job *job, const json_t *payload,
               struct err *err) {
    struct str arn = json_str(payload, "alarm");
    const struct aws_principal service = {.kind = AWS_PRINCIPAL_SERVICE,
                                          .account = json_str(payload, "account"),
                                          .arn = S(SERVICE),
                                          .user_id = S(SERVICE),
                                          .service = S(SERVICE)};
    const struct aws_target target = {.account = service.account,
                                      .region = json_str(payload, "region"),
                                      .embedded = env->embedded,
                                      .principal = &service};
    struct events_put_events_request_entry entry = {.source = S("aws.cloudwatch"),
                                                    .detail_type =
                                                        S("CloudWatch Alarm State Change"),
                                                    .detail = json_str(payload, "detail"),
                                                    .resources = {&arn, 1},
                                                    .time = json_int(payload, "at"),
                                                    .has_time = true};
    const struct events_put_events_request in = {.entries = {&entry, 1}};
    struct events_put_events_response out;
    return events_call_put_events(&target, job->arena, &in, &out, err) < 0
               ? -1
               : queue_end(env->db, job, err);
}

int cw_event_run(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    json_t *payload cleanup_json = json_parse(job->payload, err);
    if (payload == NULL) {
        job->give_up = true;
        return err_wrap(err, "damaged job");
    }
    if (env->embedded == NULL) {
        return 0; /* a store without other services: nobody to tell */
    }
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (put(env, job, payload, err) < 0) {
        db_rollback(env->db);
        job->give_up = err->api != NULL || err->kind == ERR_UNSUPPORTED;
        return -1;
    }
    return db_commit(env->db, err);
}
