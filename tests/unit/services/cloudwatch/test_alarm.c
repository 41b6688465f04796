/* Metrics, alarms and what alarms set off, through the gate. */
#include "../fixture.h"

#include "gen/cloudwatch.h"
#include "gen/sns.h"
#include "platform/text/json.h"
#include "services/cloudwatch/cloudwatch.h"

struct bench {
    struct fixture f;
    struct service_env env;
    struct queue *queue;
};

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    fixture_start(&b->f);
    b->env = (struct service_env){.db = b->f.db,
                                  .clock = &b->f.clock,
                                  .rng = &rng_system,
                                  .embedded = gate_embedded(b->f.gate)};
    struct queue_kind kinds[CW_KINDS];
    cloudwatch_queue_kinds(&b->env, kinds);
    if (queue_open(b->f.db, &b->f.clock, kinds, CW_KINDS, &b->queue, &b->f.err) < 0) {
        fail_msg("%s", b->f.err.msg);
    }
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    queue_stop(b->queue);
    fixture_end(&b->f);
    free(b);
    return 0;
}

static struct cloudwatch_dimension environment = {S_INIT("Environment"), S_INIT("development")};

static void put(struct bench *b, double value) {
    struct cloudwatch_metric_datum datum = {.metric_name = S("Errors"),
                                            .dimensions = {&environment, 1},
                                            .value = value,
                                            .has_value = true,
                                            .unit = S("Count")};
    const struct cloudwatch_put_metric_data_input in = {.namespace = S("LoggingPlatform"),
                                                        .metric_data = {&datum, 1}};
    struct cloudwatch_put_metric_data_output out;
    assert_done(&b->f,
                cloudwatch_call_put_metric_data(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
}

static struct cloudwatch_put_metric_alarm_input alarm_input(struct str_list actions) {
    return (struct cloudwatch_put_metric_alarm_input){
        .alarm_name = S("logging-errors"),
        .namespace = S("LoggingPlatform"),
        .metric_name = S("Errors"),
        .dimensions = {&environment, 1},
        .statistic = S("Sum"),
        .period = 60,
        .has_period = true,
        .evaluation_periods = 1,
        .has_evaluation_periods = true,
        .comparison_operator = S("GreaterThanOrEqualToThreshold"),
        .threshold = 1,
        .has_threshold = true,
        .alarm_actions = actions,
    };
}

static int put_alarm(struct bench *b, const struct cloudwatch_put_metric_alarm_input *in) {
    struct cloudwatch_put_metric_alarm_output out;
    return cloudwatch_call_put_metric_alarm(&b->f.admin, &b->f.arena, in, &out, &b->f.err);
}

static struct cloudwatch_metric_alarm *describe(struct bench *b) {
    const struct cloudwatch_describe_alarms_input in = {.alarm_name_prefix = S("logging-")};
    struct cloudwatch_describe_alarms_output out;
    assert_done(&b->f,
                cloudwatch_call_describe_alarms(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_int_equal(out.metric_alarms.n, 1);
    return &out.metric_alarms.v[0];
}

static void check_state(struct bench *b, const char *want) {
    assert_string_equal(str_z(&b->f.arena, describe(b)->state_value), want);
}

static struct cloudwatch_alarm_history_item_list history(struct bench *b, const char *type) {
    const struct cloudwatch_describe_alarm_history_input in = {.alarm_name = S("logging-errors"),
                                                               .history_item_type = str_c(type)};
    struct cloudwatch_describe_alarm_history_output out;
    assert_done(&b->f, cloudwatch_call_describe_alarm_history(&b->f.admin, &b->f.arena, &in, &out,
                                                              &b->f.err));
    return out.alarm_history_items;
}

static void test_datapoint_decides_at_once_in_either_direction(void **state) {
    struct bench *b = *state;
    const struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){0});
    assert_done(&b->f, put_alarm(b, &in));
    check_state(b, "INSUFFICIENT_DATA");
    put(b, 0);
    check_state(b, "OK");
    put(b, 1);
    check_state(b, "ALARM");
    b->f.time.now_ms += 60000;
    put(b, 0);
    check_state(b, "OK");
    assert_int_equal(history(b, "StateUpdate").n, 3);
}

static void test_alarm_without_data_goes_back_when_its_time_is_over(void **state) {
    struct bench *b = *state;
    const struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){0});
    assert_done(&b->f, put_alarm(b, &in));
    put(b, 5);
    check_state(b, "ALARM");
    queue_run_due(b->queue);
    for (int i = 0; i < 3; i++) {
        check_state(b, "ALARM");
        b->f.time.now_ms += 60000;
        queue_run_due(b->queue);
    }
    b->f.time.now_ms += 60000;
    queue_run_due(b->queue);
    check_state(b, "INSUFFICIENT_DATA");
    assert_string_equal(str_z(&b->f.arena, describe(b)->state_reason),
                        "Insufficient Data: 1 datapoint was unknown.");
}

static void test_alarm_publishes_once_and_its_message_says_what_happened(void **state) {
    struct bench *b = *state;
    const struct sns_create_topic_input topic = {.name = S("alerts")};
    struct sns_create_topic_response made;
    assert_done(&b->f, sns_call_create_topic(&b->f.admin, &b->f.arena, &topic, &made, &b->f.err));
    const struct cloudwatch_put_metric_alarm_input in =
        alarm_input((struct str_list){&made.topic_arn, 1});
    assert_done(&b->f, put_alarm(b, &in));
    put(b, 3);
    queue_run_due(b->queue);
    put(b, 4);
    queue_run_due(b->queue);
    struct cloudwatch_alarm_history_item_list actions = history(b, "Action");
    assert_int_equal(actions.n, 1);
    json_t *data cleanup_json = json_parse(actions.v[0].history_data, &b->f.err);
    const json_t *message = json_object_get(data, "publishedMessage");
    const json_t *trigger = json_object_get(message, "Trigger");
    assert_true(str_is(json_str(data, "actionState"), "Succeeded"));
    assert_true(str_is(json_str(message, "NewStateValue"), "ALARM"));
    assert_true(str_is(json_str(message, "OldStateValue"), "INSUFFICIENT_DATA"));
    assert_true(str_is(json_str(message, "Region"), "EU (London)"));
    assert_true(str_is(json_str(trigger, "Statistic"), "SUM"));
    assert_true(json_number(trigger, "Threshold") == 1);
}

static void test_action_that_can_not_be_done_is_in_the_history(void **state) {
    struct bench *b = *state;
    struct str none = S("arn:aws:sns:eu-west-2:111111111111:none");
    const struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){&none, 1});
    assert_done(&b->f, put_alarm(b, &in));
    put(b, 3);
    queue_run_due(b->queue);
    struct cloudwatch_alarm_history_item_list actions = history(b, "Action");
    assert_int_equal(actions.n, 1);
    assert_true(str_starts(actions.v[0].history_summary, S("Failed to execute action")));
}

static void test_disabled_actions_are_not_done(void **state) {
    struct bench *b = *state;
    struct str none = S("arn:aws:sns:eu-west-2:111111111111:none");
    struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){&none, 1});
    in.has_actions_enabled = true;
    assert_done(&b->f, put_alarm(b, &in));
    put(b, 3);
    queue_run_due(b->queue);
    check_state(b, "ALARM");
    assert_int_equal(history(b, "Action").n, 0);
}

static void test_update_keeps_the_state_and_is_judged_anew(void **state) {
    struct bench *b = *state;
    struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){0});
    assert_done(&b->f, put_alarm(b, &in));
    put(b, 3);
    in.threshold = 10;
    assert_done(&b->f, put_alarm(b, &in));
    check_state(b, "OK");
    assert_true(describe(b)->threshold == 10);
}

static void test_impossible_alarms_are_refused(void **state) {
    struct bench *b = *state;
    struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){0});
    in.period = 45;
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
    in = alarm_input((struct str_list){0});
    in.extended_statistic = S("p99");
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
    in = alarm_input((struct str_list){0});
    in.evaluation_periods = 1441;
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
    in = alarm_input((struct str_list){0});
    in.datapoints_to_alarm = 2;
    in.has_datapoints_to_alarm = true;
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
    in = alarm_input((struct str_list){0});
    in.treat_missing_data = S("maybe");
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
    in = alarm_input((struct str_list){0});
    in.has_threshold = false;
    assert_refused(&b->f, put_alarm(b, &in), "ValidationError");
}

static void test_statistics_sum_up_minutes(void **state) {
    struct bench *b = *state;
    int64_t start = b->f.time.now_ms;
    put(b, 2);
    put(b, 6);
    b->f.time.now_ms += 60000;
    put(b, 10);
    struct str statistics[] = {S("Sum"), S("Average"), S("Maximum"), S("SampleCount")};
    struct str percentiles[] = {S("p50")};
    const struct cloudwatch_get_metric_statistics_input in = {
        .namespace = S("LoggingPlatform"),
        .metric_name = S("Errors"),
        .dimensions = {&environment, 1},
        .start_time = start,
        .end_time = start + 300000,
        .period = 300,
        .statistics = {statistics, 4},
        .extended_statistics = {percentiles, 1},
    };
    struct cloudwatch_get_metric_statistics_output out;
    assert_done(&b->f, cloudwatch_call_get_metric_statistics(&b->f.admin, &b->f.arena, &in, &out,
                                                             &b->f.err));
    assert_int_equal(out.datapoints.n, 1);
    assert_true(out.datapoints.v[0].sum == 18);
    assert_true(out.datapoints.v[0].average == 6);
    assert_true(out.datapoints.v[0].maximum == 10);
    assert_true(out.datapoints.v[0].sample_count == 3);
    assert_false(out.datapoints.v[0].has_minimum);
    assert_true(out.datapoints.v[0].extended_statistics.v[0].value == 6);
    assert_true(str_is(out.datapoints.v[0].unit, "Count"));
}

static void test_metric_data_computes_and_pages(void **state) {
    struct bench *b = *state;
    int64_t start = b->f.time.now_ms;
    put(b, 2);
    b->f.time.now_ms += 60000;
    put(b, 3);
    struct cloudwatch_metric metric = {S("LoggingPlatform"), S("Errors"), {&environment, 1}};
    struct cloudwatch_metric_stat stat = {.metric = &metric, .period = 60, .stat = S("Sum")};
    struct cloudwatch_metric_data_query queries[] = {
        {.id = S("m1"), .metric_stat = &stat, .has_return_data = true},
        {.id = S("e1"), .expression = S("m1 * 2"), .label = S("twice")},
    };
    struct cloudwatch_get_metric_data_input in = {
        .metric_data_queries = {queries, 2},
        .start_time = start,
        .end_time = start + 180000,
        .max_datapoints = 1,
        .has_max_datapoints = true,
        .scan_by = S("TimestampAscending"),
    };
    struct cloudwatch_get_metric_data_output out;
    assert_done(&b->f,
                cloudwatch_call_get_metric_data(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_int_equal(out.metric_data_results.n, 1);
    assert_true(str_is(out.metric_data_results.v[0].label, "twice"));
    assert_int_equal(out.metric_data_results.v[0].values.n, 1);
    assert_true(out.metric_data_results.v[0].values.v[0] == 4);
    assert_non_null(out.next_token.p);
    in.next_token = out.next_token;
    assert_done(&b->f,
                cloudwatch_call_get_metric_data(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_true(out.metric_data_results.v[0].values.v[0] == 6);
    assert_null(out.next_token.p);
}

static void test_metrics_are_listed_by_dimension(void **state) {
    struct bench *b = *state;
    put(b, 1);
    struct cloudwatch_dimension_filter filter = {.name = S("Environment")};
    struct cloudwatch_list_metrics_input in = {.dimensions = {&filter, 1}};
    struct cloudwatch_list_metrics_output out;
    assert_done(&b->f,
                cloudwatch_call_list_metrics(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_int_equal(out.metrics.n, 1);
    filter.value = S("production");
    assert_done(&b->f,
                cloudwatch_call_list_metrics(&b->f.admin, &b->f.arena, &in, &out, &b->f.err));
    assert_int_equal(out.metrics.n, 0);
}

static void test_data_that_is_no_data_is_refused(void **state) {
    struct bench *b = *state;
    struct cloudwatch_metric_datum datum = {.metric_name = S("Errors")};
    const struct cloudwatch_put_metric_data_input in = {.namespace = S("N"),
                                                        .metric_data = {&datum, 1}};
    struct cloudwatch_put_metric_data_output out;
    struct fixture *f = &b->f;
    assert_refused(f, cloudwatch_call_put_metric_data(&f->admin, &f->arena, &in, &out, &f->err),
                   "InvalidParameterCombinationException");
    datum.has_value = true;
    datum.value = 0.0 / 0.0;
    assert_refused(f, cloudwatch_call_put_metric_data(&f->admin, &f->arena, &in, &out, &f->err),
                   "InvalidParameterValueException");
    datum.value = 1;
    datum.has_timestamp = true;
    datum.timestamp = f->time.now_ms - (int64_t)15 * 24 * 3600 * 1000;
    assert_refused(f, cloudwatch_call_put_metric_data(&f->admin, &f->arena, &in, &out, &f->err),
                   "InvalidParameterValueException");
}

static void test_deleted_alarm_is_gone_but_its_history_stays(void **state) {
    struct bench *b = *state;
    const struct cloudwatch_put_metric_alarm_input in = alarm_input((struct str_list){0});
    struct str name = S("logging-errors");
    const struct cloudwatch_delete_alarms_input gone = {.alarm_names = {&name, 1}};
    struct cloudwatch_delete_alarms_output out;
    assert_done(&b->f, put_alarm(b, &in));
    assert_done(&b->f,
                cloudwatch_call_delete_alarms(&b->f.admin, &b->f.arena, &gone, &out, &b->f.err));
    put(b, 9);
    queue_run_due(b->queue);
    assert_int_equal(history(b, "ConfigurationUpdate").n, 2);
    const struct cloudwatch_describe_alarms_input all = {0};
    struct cloudwatch_describe_alarms_output list;
    assert_done(&b->f,
                cloudwatch_call_describe_alarms(&b->f.admin, &b->f.arena, &all, &list, &b->f.err));
    assert_int_equal(list.metric_alarms.n, 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_datapoint_decides_at_once_in_either_direction),
        TEST(test_alarm_without_data_goes_back_when_its_time_is_over),
        TEST(test_alarm_publishes_once_and_its_message_says_what_happened),
        TEST(test_action_that_can_not_be_done_is_in_the_history),
        TEST(test_disabled_actions_are_not_done),
        TEST(test_update_keeps_the_state_and_is_judged_anew),
        TEST(test_impossible_alarms_are_refused),
        TEST(test_statistics_sum_up_minutes),
        TEST(test_metric_data_computes_and_pages),
        TEST(test_metrics_are_listed_by_dimension),
        TEST(test_data_that_is_no_data_is_refused),
        TEST(test_deleted_alarm_is_gone_but_its_history_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
