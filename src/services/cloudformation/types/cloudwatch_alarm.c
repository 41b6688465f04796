/* AWS::CloudWatch::Alarm: its properties are those of PutMetricAlarm. */
#include "gen/cloudwatch.h"
#include "services/cloudformation/types.h"

static int put(struct cf_call *c, struct err *err) {
    json_t *input = json_copy((json_t *)c->props);
    json_set_str(input, "AlarmName", c->physical);
    cf_attr(c, "Arn", cf_arn(c, "cloudwatch", "alarm:%.*s", STR_ARG(c->physical)));
    return cf_invoke(c, &cloudwatch_op_put_metric_alarm, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    c->physical = cf_name(c, "AlarmName", 255, false);
    return put(c, err);
}

static int update(struct cf_call *c, struct err *err) {
    struct str arn = json_str(c->attrs, "Arn");
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    json_t *input = json_object();
    if (cf_same(c, "Tags")) {
        json_decref(input);
        return put(c, err);
    }
    json_set_str(input, "ResourceARN", arn);
    if (gone.n > 0) {
        json_t *untag = json_copy(input);
        json_set(untag, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &cloudwatch_op_untag_resource, untag, NULL, err) < 0) {
            json_decref(input);
            return -1;
        }
    }
    json_set(input, "Tags", cf_tags_json(&tags, true));
    return cf_invoke(c, &cloudwatch_op_tag_resource, input, NULL, err) < 0 ? -1 : put(c, err);
}

static int remove_alarm(struct cf_call *c, struct err *err) {
    json_t *input = json_object();
    json_set(input, "AlarmNames", cf_list_json(&(struct str_list){&c->physical, 1}));
    return cf_invoke(c, &cloudwatch_op_delete_alarms, input, NULL, err);
}

const struct cf_type cf_type_cloudwatch_alarm = {
    .name = "AWS::CloudWatch::Alarm",
    .properties = (const char *const[]){"ActionsEnabled",
                                        "AlarmActions",
                                        "AlarmDescription",
                                        "AlarmName",
                                        "ComparisonOperator",
                                        "DatapointsToAlarm",
                                        "Dimensions",
                                        "EvaluateLowSampleCountPercentile",
                                        "EvaluationPeriods",
                                        "ExtendedStatistic",
                                        "InsufficientDataActions",
                                        "MetricName",
                                        "Metrics",
                                        "Namespace",
                                        "OKActions",
                                        "Period",
                                        "Statistic",
                                        "Tags",
                                        "Threshold",
                                        "ThresholdMetricId",
                                        "TreatMissingData",
                                        "Unit",
                                        NULL},
    .required = (const char *const[]){"ComparisonOperator", "EvaluationPeriods", NULL},
    .fixed = (const char *const[]){"AlarmName", NULL},
    .attributes = (const char *const[]){"Arn", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_alarm,
};
