/* From a rule to what its targets get: through the gate, with policies, jobs and a clock. */
#include "../fixture.h"

#include "gen/cloudwatch.h"
#include "gen/events.h"
#include "gen/logs.h"
#include "gen/sns.h"
#include "aws/shape/rights.h"
#include "platform/text/json.h"
#include "services/events/deliver.h"

struct world {
    struct fixture f;
    struct service_env env;
    struct queue *queue;
};

static int setup(void **state) {
    struct world *w = mem_alloc(sizeof(*w));
    size_t n = 0;
    fixture_start(&w->f);
    w->env = (struct service_env){.db = w->f.db,
                                  .clock = &w->f.clock,
                                  .rng = &rng_system,
                                  .embedded = gate_embedded(w->f.gate)};
    const struct queue_kind *kinds = services_jobs(&w->f.arena, &w->env, &n);
    if (queue_open(w->f.db, &w->f.clock, kinds, n, &w->queue, &w->f.err) < 0) {
        fail_msg("%s", w->f.err.msg);
    }
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    queue_stop(w->queue);
    fixture_end(&w->f);
    free(w);
    return 0;
}

static void put_rule(struct world *w, const char *name, const char *pattern, const char *rate) {
    struct events_put_rule_request in = {
        .name = str_c(name), .event_pattern = str_c(pattern), .schedule_expression = str_c(rate)};
    struct events_put_rule_response out;
    assert_done(&w->f, events_call_put_rule(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
}

static int put_target(struct world *w, const char *rule, struct events_target t) {
    struct events_put_targets_request in = {.rule = str_c(rule), .targets = {&t, 1}};
    struct events_put_targets_response out;
    t.id = t.id.p != NULL ? t.id : S("1");
    w->f.err = ERR_INIT;
    return events_call_put_targets(&w->f.admin, &w->f.arena, &in, &out, &w->f.err);
}

/* A log group, which is what tests look into. */
static struct str log_group(struct world *w, const char *name) {
    struct logs_create_log_group_request in = {.log_group_name = str_c(name)};
    struct logs_create_log_group_output out;
    assert_done(&w->f, logs_call_create_log_group(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    return str_printf(&w->f.arena, "arn:aws:logs:eu-west-2:111111111111:log-group:%s", name);
}

static struct logs_filter_log_events_response logged(struct world *w, const char *group) {
    struct logs_filter_log_events_request in = {.log_group_name = str_c(group)};
    struct logs_filter_log_events_response out;
    queue_run_due(w->queue);
    assert_done(&w->f, logs_call_filter_log_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    return out;
}

static struct events_put_events_response put_as(struct world *w, const struct aws_target *as,
                                                struct events_put_events_request_entry e) {
    struct events_put_events_request in = {.entries = {&e, 1}};
    struct events_put_events_response out;
    assert_done(&w->f, events_call_put_events(as, &w->f.arena, &in, &out, &w->f.err));
    return out;
}

static struct events_put_events_response put(struct world *w, const char *source,
                                             const char *detail) {
    return put_as(w, &w->f.admin,
                  (struct events_put_events_request_entry){
                      .source = str_c(source), .detail_type = S("t"), .detail = str_c(detail)});
}

static void test_an_event_reaches_the_targets_of_rules_that_match(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/all");
    put_rule(w, "yes", "{\"source\":[\"app\"],\"detail\":{\"n\":[{\"numeric\":[\">\",1]}]}}", NULL);
    put_rule(w, "no", "{\"source\":[\"other\"]}", NULL);
    assert_done(&w->f, put_target(w, "yes", (struct events_target){.arn = group}));
    assert_done(&w->f, put_target(w, "no", (struct events_target){.arn = group}));
    put(w, "app", "{\"n\":1}");
    struct str id = put(w, "app", "{\"n\":2}").entries.v[0].event_id;
    struct logs_filter_log_events_response seen = logged(w, "/aws/events/all");
    assert_int_equal(seen.events.n, 1);
    json_t *event cleanup_json = json_parse(seen.events.v[0].message, &w->f.err);
    assert_true(str_eq(json_str(event, "id"), id));
    assert_true(str_is(json_str(event, "version"), "0"));
    assert_true(str_is(json_str(event, "account"), "111111111111"));
    assert_true(str_is(json_str(event, "region"), "eu-west-2"));
    assert_true(str_is(json_str(event, "detail-type"), "t"));
    assert_int_equal(json_int(json_object_get(event, "detail"), "n"), 2);
}

static void test_a_disabled_rule_looks_at_nothing(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/off");
    put_rule(w, "r", "{\"source\":[\"app\"]}", NULL);
    assert_done(&w->f, put_target(w, "r", (struct events_target){.arn = group}));
    struct events_disable_rule_request off = {.name = S("r")};
    struct events_disable_rule_output off_out;
    assert_done(&w->f,
                events_call_disable_rule(&w->f.admin, &w->f.arena, &off, &off_out, &w->f.err));
    put(w, "app", "{}");
    assert_int_equal(logged(w, "/aws/events/off").events.n, 0);
    struct events_enable_rule_request on = {.name = S("r")};
    struct events_enable_rule_output on_out;
    assert_done(&w->f, events_call_enable_rule(&w->f.admin, &w->f.arena, &on, &on_out, &w->f.err));
    put(w, "app", "{}");
    assert_int_equal(logged(w, "/aws/events/off").events.n, 1);
}

static void test_only_aws_itself_may_speak_as_aws(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/aws");
    put_rule(w, "r", "{\"source\":[{\"prefix\":\"aws.\"}]}", NULL);
    assert_done(&w->f, put_target(w, "r", (struct events_target){.arn = group}));
    struct events_put_events_response out = put(w, "aws.codepipeline", "{}");
    assert_int_equal(out.failed_entry_count, 1);
    assert_true(str_is(out.entries.v[0].error_code, "NotAuthorizedForSourceException"));
    struct aws_target service =
        fixture_service(&w->f, "111111111111", "codepipeline.amazonaws.com");
    struct events_put_events_request_entry e = {
        .source = S("aws.codepipeline"), .detail_type = S("t"), .detail = S("{}")};
    assert_int_equal(put_as(w, &service, e).failed_entry_count, 0);
    e.source = S("aws.codebuild"); /* each in its own name */
    assert_int_equal(put_as(w, &service, e).failed_entry_count, 1);
    assert_int_equal(logged(w, "/aws/events/aws").events.n, 1);
}

static void test_broken_entries_fail_by_themselves(void **state) {
    struct world *w = *state;
    struct events_put_events_request_entry entries[] = {
        {.source = S("a"), .detail_type = S("t"), .detail = S("{}")},
        {.detail_type = S("t"), .detail = S("{}")},
        {.source = S("a"), .detail = S("{}")},
        {.source = S("a"), .detail_type = S("t")},
        {.source = S("a"), .detail_type = S("t"), .detail = S("[]")},
        {.source = S("a"), .detail_type = S("t"), .detail = S("{")},
        {.source = S("a"), .detail_type = S("t"), .detail = S("{}"), .event_bus_name = S("none")},
    };
    static const char *const codes[] = {"",
                                        "InvalidArgument",
                                        "InvalidArgument",
                                        "InvalidArgument",
                                        "MalformedDetail",
                                        "MalformedDetail",
                                        "ResourceNotFoundException"};
    struct events_put_events_request in = {.entries = {entries, 7}};
    struct events_put_events_response out;
    assert_done(&w->f, events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    assert_int_equal(out.failed_entry_count, 6);
    for (size_t i = 0; i < 7; i++) {
        assert_true(str_is(out.entries.v[i].error_code, codes[i]));
        assert_true((out.entries.v[i].event_id.n > 0) == (i == 0));
    }
}

static void test_events_over_the_limit_are_refused_together(void **state) {
    struct world *w = *state;
    size_t n = EV_EVENT_MAX / 2;
    char *text = arena_alloc(&w->f.arena, n);
    memset(text, 'x', n);
    struct str detail = str_printf(&w->f.arena, "{\"x\":\"%.*s\"}", (int)n, text);
    struct events_put_events_request_entry entries[2];
    for (size_t i = 0; i < 2; i++) {
        entries[i] = (struct events_put_events_request_entry){
            .source = S("app"), .detail_type = S("t"), .detail = detail};
    }
    struct events_put_events_request in = {.entries = {entries, 1}};
    struct events_put_events_response out;
    assert_done(&w->f, events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    in.entries.n = 2;
    assert_refused(&w->f, events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err),
                   "ValidationException");
}

static void test_a_detail_that_is_too_deep_fails_by_itself(void **state) {
    struct world *w = *state;
    struct str detail = S("1");
    for (int i = 0; i < 80; i++) {
        detail = str_printf(&w->f.arena, "{\"d\":%.*s}", STR_ARG(detail));
    }
    struct events_put_events_response out = put(w, "app", str_z(&w->f.arena, detail));
    assert_true(str_is(out.entries.v[0].error_code, "MalformedDetail"));
}

static void test_targets_get_what_was_asked_for(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/in");
    struct str_pair pair = {S("n"), S("$.detail.n")};
    struct events_input_transformer by_template = {{&pair, 1},
                                                   S("{\"timestamp\": 1795485120000, \"message\": "
                                                     "\"n is <n>\"}")};
    put_rule(w, "r", "{\"source\":[\"app\"]}", NULL);
    assert_done(&w->f, put_target(w, "r",
                                  (struct events_target){
                                      .id = S("a"), .arn = group, .input = S("{\"fixed\":true}")}));
    assert_done(&w->f, put_target(w, "r",
                                  (struct events_target){
                                      .id = S("b"), .arn = group, .input_path = S("$.detail")}));
    assert_done(&w->f,
                put_target(w, "r",
                           (struct events_target){
                               .id = S("c"), .arn = group, .input_transformer = &by_template}));
    put(w, "app", "{\"n\":7}");
    struct logs_filter_log_events_response seen = logged(w, "/aws/events/in");
    assert_int_equal(seen.events.n, 3);
    int found = 0;
    for (size_t i = 0; i < 3; i++) {
        struct str m = seen.events.v[i].message;
        found += str_is(m, "{\"fixed\":true}") + str_is(m, "{\"n\":7}") + str_is(m, "n is 7");
    }
    assert_int_equal(found, 3);
}

/* What CloudWatch counted as given up for a rule. */
static double failures(struct world *w, const char *rule) {
    struct cloudwatch_dimension name = {S("RuleName"), str_c(rule)};
    struct str sum = S("Sum");
    struct cloudwatch_get_metric_statistics_input in = {.namespace = S("AWS/Events"),
                                                        .metric_name = S("FailedInvocations"),
                                                        .dimensions = {&name, 1},
                                                        .start_time =
                                                            w->f.time.now_ms - 3600 * 1000,
                                                        .end_time = w->f.time.now_ms + 3600 * 1000,
                                                        .period = 3600,
                                                        .statistics = {&sum, 1}};
    struct cloudwatch_get_metric_statistics_output out;
    assert_done(&w->f, cloudwatch_call_get_metric_statistics(&w->f.admin, &w->f.arena, &in, &out,
                                                             &w->f.err));
    double total = 0;
    for (size_t i = 0; i < out.datapoints.n; i++) {
        total += out.datapoints.v[i].sum;
    }
    return total;
}

static void test_a_topic_has_to_let_eventbridge_publish(void **state) {
    struct world *w = *state;
    struct sns_create_topic_input topic = {.name = S("t")};
    struct sns_create_topic_response made;
    assert_done(&w->f, sns_call_create_topic(&w->f.admin, &w->f.arena, &topic, &made, &w->f.err));
    put_rule(w, "r", "{\"source\":[\"app\"]}", NULL);
    assert_done(&w->f, put_target(w, "r", (struct events_target){.arn = made.topic_arn}));
    put(w, "app", "{}");
    queue_run_due(w->queue);
    assert_true(failures(w, "r") == 1);
    struct sns_set_topic_attributes_input policy = {
        .topic_arn = made.topic_arn,
        .attribute_name = S("Policy"),
        .attribute_value = str_printf(
            &w->f.arena,
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
            "\"Service\":\"events.amazonaws.com\"},\"Action\":\"sns:Publish\",\"Resource\":\"%.*s\""
            ",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":\"arn:aws:events:eu-west-2:"
            "111111111111:rule/r\"}}}]}",
            STR_ARG(made.topic_arn))};
    struct sns_set_topic_attributes_output set;
    assert_done(&w->f,
                sns_call_set_topic_attributes(&w->f.admin, &w->f.arena, &policy, &set, &w->f.err));
    put(w, "app", "{}");
    queue_run_due(w->queue);
    assert_true(failures(w, "r") == 1);
}

static void test_what_cannot_be_delivered_is_tried_for_as_long_as_its_policy_says(void **state) {
    (void)state;
    assert_int_equal(ev_retry_pause(1), 1000);
    assert_int_equal(ev_retry_pause(2), 2000);
    assert_int_equal(ev_retry_pause(9), 256000);
    assert_int_equal(ev_retry_pause(10), 480000);
    assert_int_equal(ev_retry_pause(185), 480000);
}

static void test_scheduled_rules_fire_on_time_and_once(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/tick");
    int64_t start_ms = w->f.time.now_ms;
    put_rule(w, "r", NULL, "rate(5 minutes)");
    assert_done(&w->f, put_target(w, "r", (struct events_target){.arn = group}));
    w->f.time.now_ms = start_ms + 299 * 1000;
    assert_int_equal(logged(w, "/aws/events/tick").events.n, 0);
    w->f.time.now_ms = start_ms + 300 * 1000;
    struct logs_filter_log_events_response seen = logged(w, "/aws/events/tick");
    assert_int_equal(seen.events.n, 1);
    json_t *event cleanup_json = json_parse(seen.events.v[0].message, &w->f.err);
    assert_true(str_is(json_str(event, "source"), "aws.events"));
    assert_true(str_is(json_str(event, "detail-type"), "Scheduled Event"));
    w->f.time.now_ms = start_ms + 3600 * 1000 - 1; /* the server was away */
    assert_int_equal(logged(w, "/aws/events/tick").events.n, 2);
    w->f.time.now_ms = start_ms + 3600 * 1000;
    assert_int_equal(logged(w, "/aws/events/tick").events.n, 3);
    put_rule(w, "r", NULL, "rate(10 minutes)"); /* begins anew */
    w->f.time.now_ms += 599 * 1000;
    assert_int_equal(logged(w, "/aws/events/tick").events.n, 3);
    w->f.time.now_ms += 1000;
    assert_int_equal(logged(w, "/aws/events/tick").events.n, 4);
}

static void test_targets_that_are_not_here_are_refused(void **state) {
    struct world *w = *state;
    static const char *const arns[] = {
        "arn:aws:sqs:eu-west-2:111111111111:q",
        "arn:aws:lambda:eu-west-2:111111111111:function:f",
        "arn:aws:states:eu-west-2:111111111111:stateMachine:s",
        "arn:aws:sns:eu-west-2:111111111111:t.fifo",
        "arn:aws:sns:us-east-1:111111111111:t",
        "arn:aws:codestar-notifications:eu-west-2:111111111111:notificationrule/1",
        "nonsense",
    };
    put_rule(w, "r", "{\"source\":[\"app\"]}", NULL);
    for (size_t i = 0; i < sizeof(arns) / sizeof(arns[0]); i++) {
        assert_refused(&w->f, put_target(w, "r", (struct events_target){.arn = str_c(arns[i])}),
                       "ValidationException");
    }
    struct str topic = S("arn:aws:sns:eu-west-2:111111111111:t");
    struct events_dead_letter_config queue = {.arn = S("arn:aws:sqs:eu-west-2:111111111111:q")};
    struct events_http_parameters http = {0};
    const struct events_target bad[] = {
        {.arn = S("arn:aws:codepipeline:eu-west-2:111111111111:p")}, /* no role */
        {.arn = topic, .input = S("not json")},
        {.arn = topic, .input = S("{}"), .input_path = S("$")},
        {.arn = topic, .input_path = S("detail")},
        {.arn = topic, .dead_letter_config = &queue},
        {.arn = topic, .http_parameters = &http},
        {.arn = topic, .id = S("a b")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(&w->f, put_target(w, "r", bad[i]), "ValidationException");
    }
    for (int i = 0; i < 5; i++) {
        assert_done(&w->f, put_target(w, "r",
                                      (struct events_target){
                                          .id = str_printf(&w->f.arena, "t%d", i), .arn = topic}));
    }
    assert_refused(&w->f, put_target(w, "r", (struct events_target){.id = S("t5"), .arn = topic}),
                   "LimitExceededException");
}

static void test_a_bus_of_another_account_needs_its_leave(void **state) {
    struct world *w = *state;
    struct aws_target other = fixture_root(&w->f, "222222222222");
    struct events_put_events_request_entry e = {
        .source = S("app"),
        .detail_type = S("t"),
        .detail = S("{}"),
        .event_bus_name = S("arn:aws:events:eu-west-2:222222222222:event-bus/default")};
    struct events_put_events_request in = {.entries = {&e, 1}};
    struct events_put_events_response out;
    assert_int_equal(events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err), -1);
    assert_int_equal(w->f.err.kind, ERR_DENIED);
    struct events_put_permission_request may = {
        .action = S("events:PutEvents"), .principal = S("111111111111"), .statement_id = S("one")};
    struct events_put_permission_output may_out;
    w->f.err = ERR_INIT;
    assert_done(&w->f, events_call_put_permission(&other, &w->f.arena, &may, &may_out, &w->f.err));
    assert_done(&w->f, events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    struct events_remove_permission_request not = {.statement_id = S("one")};
    struct events_remove_permission_output not_out;
    assert_done(&w->f,
                events_call_remove_permission(&other, &w->f.arena, &not, &not_out, &w->f.err));
    assert_int_equal(events_call_put_events(&w->f.admin, &w->f.arena, &in, &out, &w->f.err), -1);
}

static void test_a_mixed_list_of_buses_needs_the_right_to_each(void **state) {
    struct world *w = *state;
    struct events_put_events_request_entry entries[] = {
        {.event_bus_name = S("custom")},
        {.source = S("app")},
    };
    struct events_put_events_request in = {.entries = {entries, 2}};
    struct shape_need_list needs =
        shape_needs(&w->f.arena, &events_op_put_events, &in, S("111111111111"), S("eu-west-2"));
    assert_int_equal(needs.n, 2);
    assert_true(str_ends(needs.v[0].resource, S("event-bus/custom")));
    assert_true(str_ends(needs.v[1].resource, S("event-bus/default")));
}

/* A bus with a rule "r" for what AWS says. */
static void make_bus(struct world *w, const char *bus) {
    struct events_create_event_bus_request in = {.name = str_c(bus)};
    struct events_create_event_bus_response out;
    struct events_put_rule_request rule = {.name = S("r"),
                                           .event_bus_name = str_c(bus),
                                           .event_pattern = S("{\"source\":[\"aws.x\"]}")};
    struct events_put_rule_response made;
    assert_done(&w->f,
                events_call_create_event_bus(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    assert_done(&w->f, events_call_put_rule(&w->f.admin, &w->f.arena, &rule, &made, &w->f.err));
}

static void bus_target(struct world *w, const char *bus, struct events_target t) {
    struct events_put_targets_request in = {
        .rule = S("r"), .event_bus_name = str_c(bus), .targets = {&t, 1}};
    struct events_put_targets_response out;
    assert_done(&w->f, events_call_put_targets(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
}

static void test_an_event_goes_on_to_another_bus_and_no_further(void **state) {
    struct world *w = *state;
    struct str group = log_group(w, "/aws/events/hop");
    struct events_target log = {.id = S("log"), .arn = group};
    struct events_target on = {.id = S("on"),
                               .arn = S("arn:aws:events:eu-west-2:111111111111:event-bus/b2")};
    struct events_target back = {.id = S("back"),
                                 .arn = S("arn:aws:events:eu-west-2:111111111111:event-bus/b1")};
    make_bus(w, "b1");
    make_bus(w, "b2");
    bus_target(w, "b1", on);
    bus_target(w, "b2", log);
    bus_target(w, "b2", back);
    struct aws_target service = fixture_service(&w->f, "111111111111", "x.amazonaws.com");
    struct str id = put_as(w, &service,
                           (struct events_put_events_request_entry){.source = S("aws.x"),
                                                                    .detail_type = S("t"),
                                                                    .detail = S("{}"),
                                                                    .event_bus_name = S("b1")})
                        .entries.v[0]
                        .event_id;
    struct logs_filter_log_events_response seen = logged(w, "/aws/events/hop");
    assert_int_equal(seen.events.n, 1);
    json_t *event cleanup_json = json_parse(seen.events.v[0].message, &w->f.err);
    assert_true(str_eq(json_str(event, "id"), id));
}

static void test_rules_have_limits_and_last_words(void **state) {
    struct world *w = *state;
    struct events_put_rule_request in = {.name = S("r")};
    struct events_put_rule_response out;
#define PUT()                                                                                      \
    (w->f.err = ERR_INIT, events_call_put_rule(&w->f.admin, &w->f.arena, &in, &out, &w->f.err))
    assert_refused(&w->f, PUT(), "ValidationException"); /* neither pattern nor schedule */
    in.event_pattern = S("{");
    assert_refused(&w->f, PUT(), "InvalidEventPatternException");
    in.event_pattern = S("{\"source\":[\"a\"]}");
    in.name = S("a b");
    assert_refused(&w->f, PUT(), "ValidationException");
    in.name = S("r");
    in.event_bus_name = S("gone");
    assert_refused(&w->f, PUT(), "ResourceNotFoundException");
    in.event_bus_name = STR_NONE;
    in.schedule_expression = S("rate(0 minutes)");
    assert_refused(&w->f, PUT(), "ValidationException");
    in.schedule_expression = STR_NONE;
    for (int i = 0; i < EV_RULES_MAX; i++) {
        in.name = str_printf(&w->f.arena, "r%d", i);
        assert_done(&w->f, PUT());
    }
    in.name = S("one-more");
    assert_refused(&w->f, PUT(), "LimitExceededException");
    in.name = S("r0"); /* is there already */
    assert_done(&w->f, PUT());
#undef PUT
    struct events_list_rules_request list = {.limit = 7, .has_limit = true};
    struct events_list_rules_response page;
    size_t seen = 0;
    do {
        assert_done(&w->f,
                    events_call_list_rules(&w->f.admin, &w->f.arena, &list, &page, &w->f.err));
        seen += page.rules.n;
        list.next_token = page.next_token;
    } while (page.next_token.p != NULL);
    assert_int_equal(seen, EV_RULES_MAX);
    assert_done(&w->f,
                put_target(w, "r0",
                           (struct events_target){.arn = S("arn:aws:sns:eu-west-2:111111111111:"
                                                           "t")}));
    struct events_delete_rule_request del = {.name = S("r0")};
    struct events_delete_rule_output gone;
    w->f.err = ERR_INIT;
    assert_refused(&w->f, events_call_delete_rule(&w->f.admin, &w->f.arena, &del, &gone, &w->f.err),
                   "ValidationException");
}

static void test_a_services_own_rule_is_not_for_others_to_change(void **state) {
    struct world *w = *state;
    struct aws_target service =
        fixture_service(&w->f, "111111111111", "codestar-notifications.amazonaws.com");
    struct events_put_rule_request in = {.name = S("m"), .event_pattern = S("{\"a\":[1]}")};
    struct events_put_rule_response out;
    assert_done(&w->f, events_call_put_rule(&service, &w->f.arena, &in, &out, &w->f.err));
    struct events_describe_rule_request ask = {.name = S("m")};
    struct events_describe_rule_response rule;
    assert_done(&w->f, events_call_describe_rule(&w->f.admin, &w->f.arena, &ask, &rule, &w->f.err));
    assert_true(str_is(rule.managed_by, "codestar-notifications.amazonaws.com"));
    assert_refused(&w->f, events_call_put_rule(&w->f.admin, &w->f.arena, &in, &out, &w->f.err),
                   "ManagedRuleException");
    struct events_delete_rule_request del = {.name = S("m")};
    struct events_delete_rule_output gone;
    w->f.err = ERR_INIT;
    assert_refused(&w->f, events_call_delete_rule(&w->f.admin, &w->f.arena, &del, &gone, &w->f.err),
                   "ManagedRuleException");
    del.force = del.has_force = true;
    w->f.err = ERR_INIT;
    assert_done(&w->f, events_call_delete_rule(&w->f.admin, &w->f.arena, &del, &gone, &w->f.err));
}

static int64_t archived(struct world *w, const char *name) {
    struct events_describe_archive_request in = {.archive_name = str_c(name)};
    struct events_describe_archive_response out;
    assert_done(&w->f,
                events_call_describe_archive(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    return out.event_count;
}

static void test_an_archive_forgets_what_is_too_old(void **state) {
    struct world *w = *state;
    struct events_create_archive_request in = {
        .archive_name = S("week"),
        .event_source_arn = S("arn:aws:events:eu-west-2:111111111111:event-bus/default"),
        .retention_days = 7,
        .has_retention_days = true};
    struct events_create_archive_response out;
    assert_done(&w->f, events_call_create_archive(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    put(w, "app", "{}");
    w->f.time.now_ms += 4 * 86400000LL;
    put(w, "app", "{}");
    queue_run_due(w->queue);
    assert_int_equal(archived(w, "week"), 2);
    w->f.time.now_ms += 4 * 86400000LL;
    queue_run_due(w->queue);
    assert_int_equal(archived(w, "week"), 1);
}

static void test_a_long_replay_goes_on_in_batches_to_its_end(void **state) {
    struct world *w = *state;
    enum { MANY = 120 };
    struct str group = log_group(w, "/aws/events/replay");
    struct str bus = S("arn:aws:events:eu-west-2:111111111111:event-bus/default");
    struct events_create_archive_request in = {.archive_name = S("all"), .event_source_arn = bus};
    struct events_create_archive_response out;
    assert_done(&w->f, events_call_create_archive(&w->f.admin, &w->f.arena, &in, &out, &w->f.err));
    int64_t start_ms = w->f.time.now_ms;
    for (int i = 0; i < MANY; i++) {
        put(w, "app", "{}");
    }
    put_rule(w, "r", "{\"source\":[\"app\"]}", NULL); /* after the events */
    assert_done(&w->f, put_target(w, "r", (struct events_target){.arn = group}));
    struct events_replay_destination to = {.arn = bus};
    struct events_start_replay_request replay = {.replay_name = S("again"),
                                                 .event_source_arn = out.archive_arn,
                                                 .event_start_time = start_ms,
                                                 .event_end_time = start_ms + 1000,
                                                 .destination = &to};
    struct events_start_replay_response begun;
    assert_done(&w->f,
                events_call_start_replay(&w->f.admin, &w->f.arena, &replay, &begun, &w->f.err));
    queue_run_due(w->queue);
    struct events_describe_replay_request ask = {.replay_name = S("again")};
    struct events_describe_replay_response shown;
    assert_done(&w->f,
                events_call_describe_replay(&w->f.admin, &w->f.arena, &ask, &shown, &w->f.err));
    assert_true(str_is(shown.state, "COMPLETED"));
    assert_int_equal(logged(w, "/aws/events/replay").events.n, MANY);
    assert_int_equal(archived(w, "all"), MANY);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(test_an_event_reaches_the_targets_of_rules_that_match),
        WITH(test_a_disabled_rule_looks_at_nothing),
        WITH(test_only_aws_itself_may_speak_as_aws),
        WITH(test_broken_entries_fail_by_themselves),
        WITH(test_events_over_the_limit_are_refused_together),
        WITH(test_a_detail_that_is_too_deep_fails_by_itself),
        WITH(test_targets_get_what_was_asked_for),
        WITH(test_a_topic_has_to_let_eventbridge_publish),
        cmocka_unit_test(test_what_cannot_be_delivered_is_tried_for_as_long_as_its_policy_says),
        WITH(test_scheduled_rules_fire_on_time_and_once),
        WITH(test_targets_that_are_not_here_are_refused),
        WITH(test_a_bus_of_another_account_needs_its_leave),
        WITH(test_a_mixed_list_of_buses_needs_the_right_to_each),
        WITH(test_an_event_goes_on_to_another_bus_and_no_further),
        WITH(test_rules_have_limits_and_last_words),
        WITH(test_a_services_own_rule_is_not_for_others_to_change),
        WITH(test_an_archive_forgets_what_is_too_old),
        WITH(test_a_long_replay_goes_on_in_batches_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
