/* The jobs of alarms: the tick that judges them when time alone changes the verdict, and the
 * actions that a change of state sets off. */
#include "gen/sns.h"
#include "platform/text/json.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/event.h"
#include "services/core/value.h"

enum { ACTION_ATTEMPTS = 5, ACTIONS_AT_ONCE = 4, SUBJECT_MAX = 100, HOUR_MS = 3600 * 1000 };

/* As the console and alarm messages call a region. */
static struct str region_title(struct str region) {
    static const char *const titles[][2] = {
        {"eu-west-1", "EU (Ireland)"},
        {"eu-west-2", "EU (London)"},
        {"eu-west-3", "EU (Paris)"},
        {"eu-central-1", "EU (Frankfurt)"},
        {"eu-north-1", "EU (Stockholm)"},
        {"us-east-1", "US East (N. Virginia)"},
        {"us-east-2", "US East (Ohio)"},
        {"us-west-1", "US West (N. California)"},
        {"us-west-2", "US West (Oregon)"},
        {"ap-southeast-1", "Asia Pacific (Singapore)"},
        {"ap-southeast-2", "Asia Pacific (Sydney)"},
        {"ap-northeast-1", "Asia Pacific (Tokyo)"},
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (str_is(region, titles[i][0])) {
            return str_c(titles[i][1]);
        }
    }
    return region;
}

static struct str time_java(struct arena *a, int64_t ms) {
    struct str iso = time_iso_ms(a, ms);
    return str_printf(a, "%.*s+0000", STR_ARG(str_sub(iso, 0, iso.n - 1)));
}

static json_t *list_json(const struct str_list *list) {
    json_t *json = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(json, json_from_str(list->v[i]));
    }
    return json;
}

static struct str upper(struct arena *a, struct str s) {
    struct str copy = str_dup(a, s);
    for (size_t i = 0; i < copy.n; i++) {
        char *c = (char *)copy.p + i;
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    }
    return copy;
}

static json_t *trigger_json(struct arena *a, const struct cloudwatch_metric_alarm *c) {
    json_t *json = json_object();
    if (c->metrics.n > 0) {
        const struct shape_member *m = shape_find_member(cw_alarm_shape(), S("Metrics"));
        json_set(json, "Metrics", value_to_json(m->shape, &c->metrics));
    } else {
        json_t *dimensions = json_array();
        bool plain = c->statistic.p != NULL;
        for (size_t i = 0; i < c->dimensions.n; i++) {
            json_t *d = json_object();
            json_set_str(d, "value", c->dimensions.v[i].value);
            json_set_str(d, "name", c->dimensions.v[i].name);
            json_array_append_new(dimensions, d);
        }
        json_set_str(json, "MetricName", c->metric_name);
        json_set_str(json, "Namespace", c->namespace);
        json_set_str(json, "StatisticType", plain ? S("Statistic") : S("ExtendedStatistic"));
        json_set_str(json, plain ? "Statistic" : "ExtendedStatistic",
                     plain ? upper(a, c->statistic) : c->extended_statistic);
        json_set(json, "Unit", json_from_str(c->unit));
        json_set(json, "Dimensions", dimensions);
        json_set(json, "Period", json_integer(c->period));
    }
    json_set(json, "EvaluationPeriods", json_integer(c->evaluation_periods));
    if (c->has_datapoints_to_alarm) {
        json_set(json, "DatapointsToAlarm", json_integer(c->datapoints_to_alarm));
    }
    json_set_str(json, "ComparisonOperator", c->comparison_operator);
    json_set(json, "Threshold", json_real(c->threshold));
    json_set_str(json, "TreatMissingData",
                 c->treat_missing_data.p != NULL ? c->treat_missing_data : S("missing"));
    json_set_str(json, "EvaluateLowSampleCountPercentile",
                 c->evaluate_low_sample_count_percentile.p != NULL
                     ? c->evaluate_low_sample_count_percentile
                     : S(""));
    return json;
}

static json_t *message_json(struct arena *a, const json_t *job,
                            const struct cloudwatch_metric_alarm *c) {
    json_t *json = json_object();
    json_set_str(json, "AlarmName", json_str(job, "name"));
    json_set(json, "AlarmDescription", json_from_str(c->alarm_description));
    json_set_str(json, "AWSAccountId", json_str(job, "account"));
    json_set_str(json, "AlarmConfigurationUpdatedTimestamp",
                 time_java(a, json_int(job, "configAt")));
    json_set_str(json, "NewStateValue", json_str(job, "new"));
    json_set_str(json, "NewStateReason", json_str(job, "reason"));
    json_set_str(json, "StateChangeTime", time_java(a, json_int(job, "at")));
    json_set_str(json, "Region", region_title(json_str(job, "region")));
    json_set_str(json, "AlarmArn", json_str(job, "alarm"));
    json_set_str(json, "OldStateValue", json_str(job, "old"));
    json_set(json, "OKActions", list_json(&c->ok_actions));
    json_set(json, "AlarmActions", list_json(&c->alarm_actions));
    json_set(json, "InsufficientDataActions", list_json(&c->insufficient_data_actions));
    json_set(json, "Trigger", trigger_json(a, c));
    return json;
}

static int publish(struct service_env *env, struct arena *a, const json_t *job, struct str text,
                   struct err *err) {
    struct str action = json_str(job, "action");
    struct aws_arn arn;
    if (!aws_arn_parse(action, &arn) || !str_is(arn.service, "sns")) {
        return err_set(err, ERR_UNSUPPORTED, "alarm actions of this kind are not available here");
    }
    const struct aws_principal principal = {.kind = AWS_PRINCIPAL_SERVICE,
                                            .account = json_str(job, "account"),
                                            .arn = S("cloudwatch.amazonaws.com"),
                                            .service = S("cloudwatch.amazonaws.com")};
    const struct aws_target target = {.account = arn.account,
                                      .region = arn.region,
                                      .embedded = env->embedded,
                                      .principal = &principal};
    struct str title = region_title(json_str(job, "region"));
    struct str subject = str_printf(a, "%.*s: \"%.*s\" in %.*s", STR_ARG(json_str(job, "new")),
                                    STR_ARG(json_str(job, "name")), STR_ARG(title));
    const struct sns_publish_input in = {
        .topic_arn = action, .message = text, .subject = str_sub(subject, 0, SUBJECT_MAX)};
    struct sns_publish_response out;
    return sns_call_publish(&target, a, &in, &out, err);
}

static int note(struct service_env *env, struct arena *a, const json_t *job, const json_t *message,
                const struct err *why, struct err *err) {
    struct str action = json_str(job, "action");
    json_t *data cleanup_json = json_object();
    json_set_str(data, "actionState", why == NULL ? S("Succeeded") : S("Failed"));
    json_set(data, "stateUpdateTimestamp", json_integer(json_int(job, "at")));
    json_set_str(data, "notificationResource", action);
    if (why != NULL) {
        json_set_str(data, "error", str_c(why->msg));
    } else {
        json_set(data, "publishedMessage", json_incref((json_t *)message));
    }
    const struct cw_history_row row = {
        .account = json_str(job, "account"),
        .region = json_str(job, "region"),
        .alarm = json_str(job, "name"),
        .at_ms = clock_now_ms(env->clock),
        .type = S("Action"),
        .summary = why == NULL
                       ? str_printf(a, "Successfully executed action %.*s", STR_ARG(action))
                       : str_printf(a, "Failed to execute action %.*s. Received error: \"%s\"",
                                    STR_ARG(action), why->msg),
        .data = json_dump_str(a, data),
    };
    return cw_history_add(env->db, &row, err);
}

/* The publication and the end of the job are one transaction: an action is never done twice. */
static int act(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct cloudwatch_metric_alarm config = {0};
    json_t *payload cleanup_json = json_parse(job->payload, err);
    json_t *stored cleanup_json = payload ? json_parse(json_str(payload, "config"), err) : NULL;
    if (stored == NULL ||
        value_from_json(job->arena, cw_alarm_shape(), stored, 0, &config, err) < 0) {
        job->give_up = true;
        return err_wrap(err, "damaged job");
    }
    json_t *message cleanup_json = message_json(job->arena, payload, &config);
    struct str text = json_dump_str(job->arena, message);
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    if (publish(env, job->arena, payload, text, err) < 0 ||
        note(env, job->arena, payload, message, NULL, err) < 0 ||
        queue_end(env->db, job, err) < 0) {
        db_rollback(env->db);
        job->give_up = err->kind == ERR_UNSUPPORTED || err->kind == ERR_NOT_FOUND ||
                       err->kind == ERR_DENIED || err->api != NULL;
        return -1;
    }
    return db_commit(env->db, err);
}

static void act_gave_up(void *ud, struct queue_job *job, const struct err *why) {
    struct service_env *env = ud;
    struct err err = ERR_INIT;
    json_t *payload cleanup_json = json_parse(job->payload, &err);
    if (payload == NULL || db_begin(env->db, &err) < 0) {
        return;
    }
    if (note(env, job->arena, payload, NULL, why, &err) < 0) {
        db_rollback(env->db);
        return;
    }
    if (db_commit(env->db, &err) < 0) {
        return; /* the store ends the process when it can not be written */
    }
}

/* Judges all alarms and sleeps until a period of one of them ends. Ends with the last alarm;
 * PutMetricAlarm starts it again. */
static int tick(void *ud, struct queue_job *job, struct err *err) {
    struct service_env *env = ud;
    struct cw_alarm_rows alarms;
    int64_t now_ms = clock_now_ms(env->clock);
    int64_t next_ms = 0;
    if (db_begin(env->db, err) < 0) {
        return -1;
    }
    int bad = cw_alarm_all(env->db, job->arena, &alarms, err);
    for (size_t i = 0; bad == 0 && i < alarms.n; i++) {
        int64_t at = cw_next_look(&alarms.v[i].config, now_ms);
        next_ms = next_ms == 0 || at < next_ms ? at : next_ms;
        bad = cw_evaluate(env->db, job->arena, &alarms.v[i], now_ms, err);
    }
    if (bad == 0 && now_ms / HOUR_MS != next_ms / HOUR_MS) {
        bad = cw_expire(env->db, now_ms, err);
    }
    if (bad == 0 && alarms.n == 0) {
        bad = queue_end(env->db, job, err);
    }
    if (bad < 0) {
        db_rollback(env->db);
        return -1;
    }
    job->again_ms = next_ms;
    return db_commit(env->db, err);
}

void cloudwatch_queue_kinds(struct service_env *env, struct queue_kind ret[CW_KINDS]) {
    ret[0] = (struct queue_kind){.name = CW_TICK, .run = tick, .ud = env};
    ret[1] = (struct queue_kind){.name = CW_ACTION,
                                 .run = act,
                                 .gave_up = act_gave_up,
                                 .ud = env,
                                 .max_attempts = ACTION_ATTEMPTS,
                                 .parallel = ACTIONS_AT_ONCE};
    ret[2] = (struct queue_kind){.name = CW_EVENT, .run = cw_event_run, .ud = env};
}
