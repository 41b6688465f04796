/* Conditions, rule by rule, by the real jobs: what a rule says, how long it may wait, what stays.
 */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/execution/jobs.h"
#include "gen/cloudwatch.h"
#include "gen/lambda.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct aws_embedded embedded;
    struct aws_world world;
    struct flow flow;
    struct db *db;
    struct err err;
    struct queue *queue;
    int64_t pipeline;
    struct str execution;
    const char *alarm;    /* its state */
    const char *function; /* its error, or NULL */
    bool denied;
    bool away;     /* nobody answers */
    bool override; /* somebody goes past the entry while a rule is asked */
    int asked;
};

static void override(struct bench *b) {
    struct engine_event event = {.kind = EVENT_OVERRIDE,
                                 .execution = b->execution,
                                 .stage = S("Ask"),
                                 .condition = CONDITION_BEFORE_ENTRY};
    int began = db_begin(b->db, &b->err);
    if (began < 0 || execution_apply(&b->flow, &b->arena, b->pipeline, &event, NULL, &b->err) < 0 ||
        db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t, (void)body_in, (void)ret_body, (void)in;
    b->asked++;
    if (b->denied) {
        return err_set(err, ERR_DENIED, "not authorized");
    }
    if (b->away) {
        return err_set(err, ERR_UNAVAILABLE, "nobody answers");
    }
    if (b->override) {
        b->override = false;
        override(b);
    }
    if (str_is(str_c(op->name), "Invoke")) {
        struct lambda_invocation_response *o = out;
        *o = (struct lambda_invocation_response){.function_error =
                                                     b->function ? str_c(b->function) : STR_NONE};
        return 0;
    }
    assert_string_equal(op->name, "DescribeAlarms");
    struct cloudwatch_describe_alarms_output *o = out;
    *o = (struct cloudwatch_describe_alarms_output){0};
    *arena_push(a, &o->metric_alarms) = (struct cloudwatch_metric_alarm){
        .alarm_name = S("errors"), .state_value = str_c(b->alarm), .state_reason = S("too many")};
    return 0;
}

static int assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                  struct str session_name, struct aws_target *ret, struct err *err) {
    struct bench *b = ud;
    (void)a, (void)service, (void)role_arn, (void)session_name, (void)err;
    *ret = (struct aws_target){.account = S("111111111111"), .embedded = &b->embedded};
    return 0;
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    b->embedded = (struct aws_embedded){invoke, b};
    b->world = (struct aws_world){.clock = &b->clock, .ud = b, .assume = assume};
    b->alarm = "OK";
    const struct db_schema schemas[] = {queue_schema, record_schema};
    if (db_open("", schemas, 2, &b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    b->flow =
        (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system, .world = &b->world};
    size_t n = 0;
    const struct queue_kind *kinds = execution_jobs(&b->flow, &n);
    return queue_open(b->db, &b->clock, kinds, n, &b->queue, &b->err);
}

static int tear_down(void **state) {
    struct bench *b = *state;
    queue_stop(b->queue);
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static void in_tx(struct bench *b, int result) {
    if (result < 0 || db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

/* A pipeline Ask -> Go whose stage Ask has the condition `where` with these rules, and one
 * execution of it. */
static void begin(struct bench *b, const char *where, const char *result, const char *rules) {
    struct arena *a = &b->arena;
    struct definition d;
    struct engine_plan plan;
    struct pipeline_row row = {
        .account = S("111111111111"), .region = S("eu-west-2"), .name = S("p"), .version = 1};
    row.definition = str_printf(
        a,
        "{\"name\":\"p\",\"version\":1,\"roleArn\":\"arn:aws:iam::111111111111:role/p\","
        "\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Ask\","
        "\"%s\":{\"conditions\":[{\"result\":\"%s\",\"rules\":[%s]}]},\"actions\":[{\"name\":"
        "\"Person\",\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":"
        "\"Manual\",\"version\":\"1\"}}]},{\"name\":\"Go\",\"actions\":[{\"name\":\"Person\","
        "\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\","
        "\"version\":\"1\"}}]}]}",
        where, result, rules);
    assert_int_equal(definition_parse(a, row.definition, &d, &b->err), 0);
    execution_plan(a, &d, &plan);
    struct execution_start start = {.trigger_type = S("StartPipelineExecution"),
                                    .variables = S("{\"target\":\"canary-7\"}")};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_define(&b->flow, a, &row, &plan, &b->err));
    b->pipeline = row.id;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_start(&b->flow, a, row.id, &start, &b->execution, NULL, &b->err));
}

static const char *rule(struct bench *b, const char *name, const char *provider,
                        const char *configuration) {
    return str_z(
        &b->arena,
        str_printf(&b->arena,
                   "{\"name\":\"%s\",\"ruleTypeId\":{\"category\":\"Rule\",\"owner\":"
                   "\"AWS\",\"provider\":\"%s\",\"version\":\"1\"},\"configuration\":{%s}}",
                   name, provider, configuration));
}

static void run_jobs(struct bench *b, int minutes) {
    b->time.now_ms += (int64_t)minutes * 60 * 1000;
    queue_run_due(b->queue);
}

static void answer(struct bench *b, const char *stage, bool ok) {
    struct pipeline_row row;
    struct engine_state state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_pipeline_by_id(b->db, &b->arena, b->pipeline, &row, &b->err), 1);
    assert_int_equal(execution_state(&b->arena, &row, &state, &b->err), 0);
    const struct engine_execution *e = engine_find(&state, b->execution);
    struct engine_event event = {.kind = EVENT_APPROVAL,
                                 .stage = str_c(stage),
                                 .action = S("Person"),
                                 .token = e->actions.v[0].token,
                                 .ok = ok};
    in_tx(b, execution_apply(&b->flow, &b->arena, b->pipeline, &event, NULL, &b->err));
}

/* Status of the newest check in stage Ask, and of its rules in order. */
static void assert_check(struct bench *b, const char *status, size_t n, const char *const *rules) {
    struct condition_row_list checks;
    struct rule_row_list found;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(
        record_condition_list(b->db, &b->arena, b->execution, S("Ask"), &checks, &b->err), 0);
    assert_true(checks.n > 0);
    const struct condition_row *newest = &checks.v[checks.n - 1];
    assert_int_equal(record_rule_list(b->db, &b->arena, newest->id, &found, &b->err), 0);
    db_rollback(b->db);
    assert_string_equal(str_z(&b->arena, newest->status), status);
    assert_int_equal(found.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(str_z(&b->arena, found.v[i].status), rules[i]);
    }
}

static void assert_execution(struct bench *b, const char *status) {
    struct execution_row row;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_execution_get(b->db, &b->arena, b->execution, &row, &b->err), 1);
    db_rollback(b->db);
    assert_string_equal(str_z(&b->arena, row.status), status);
}

#define RULES(...)                                                                                 \
    (sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]) {                   \
        __VA_ARGS__                                                                                \
    }

static void test_alarm_may_calm_down_within_its_wait(void **state) {
    struct bench *b = *state;
    b->alarm = "ALARM";
    begin(b, "beforeEntry", "FAIL",
          rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\",\"WaitTime\":\"10\""));
    run_jobs(b, 0);
    assert_check(b, "InProgress", RULES("InProgress"));
    b->alarm = "OK";
    run_jobs(b, 9);
    assert_check(b, "Succeeded", RULES("Succeeded"));
}

static void test_alarm_that_stays_fails_the_entry_after_its_wait(void **state) {
    struct bench *b = *state;
    b->alarm = "ALARM";
    begin(b, "beforeEntry", "FAIL",
          rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\",\"WaitTime\":\"10\""));
    run_jobs(b, 0);
    run_jobs(b, 10);
    assert_check(b, "Failed", RULES("Failed"));
    assert_execution(b, "Failed");
}

static void test_alarm_meets_a_failure(void **state) {
    struct bench *b = *state;
    begin(b, "onFailure", "ROLLBACK",
          rule(b, "loud", "CloudWatchAlarm", "\"AlarmName\":\"errors\""));
    answer(b, "Ask", false);
    run_jobs(b, 0);
    assert_check(b, "Failed", RULES("Failed"));
    assert_execution(b, "Failed");
}

static void test_rule_that_passed_is_not_asked_again(void **state) {
    struct bench *b = *state;
    b->alarm = "INSUFFICIENT_DATA";
    const char *first = rule(b, "first", "CloudWatchAlarm", "\"AlarmName\":\"errors\"");
    const char *second = rule(b, "second", "CloudWatchAlarm",
                              "\"AlarmName\":\"errors\",\"AlarmStates\":\"INSUFFICIENT_DATA\","
                              "\"WaitTime\":\"60\"");
    begin(b, "beforeEntry", "FAIL",
          str_z(&b->arena, str_printf(&b->arena, "%s,%s", first, second)));
    run_jobs(b, 0);
    assert_check(b, "InProgress", RULES("Succeeded", "InProgress"));
    int asked = b->asked;
    b->alarm = "ALARM"; /* the first would fail now */
    run_jobs(b, 1);
    assert_int_equal(b->asked, asked + 1);
    assert_check(b, "Succeeded", RULES("Succeeded", "Succeeded"));
}

static void test_one_failed_rule_decides_without_the_others(void **state) {
    struct bench *b = *state;
    b->alarm = "ALARM";
    const char *waits =
        rule(b, "waits", "CloudWatchAlarm", "\"AlarmName\":\"errors\",\"WaitTime\":\"60\"");
    const char *fails = rule(b, "fails", "CloudWatchAlarm", "\"AlarmName\":\"errors\"");
    begin(b, "beforeEntry", "FAIL", str_z(&b->arena, str_printf(&b->arena, "%s,%s", waits, fails)));
    run_jobs(b, 0);
    assert_check(b, "Failed", RULES("Abandoned", "Failed"));
}

static void test_variables_are_compared_after_they_are_resolved(void **state) {
    struct bench *b = *state;
    static const struct {
        const char *operator, * value;
        const char *status;
    } cases[] = {
        {"EQ", "canary-7", "Succeeded"},
        {"EQ", "canary", "Failed"},
        {"NE", "canary", "Succeeded"},
        {"CONTAINS", "nary", "Succeeded"},
        {"MATCHES", "canary-[0-9]", "Succeeded"},
        {"MATCHES", "canary", "Failed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str configuration = str_printf(
            &b->arena, "\"Variable\":\"#{variables.target}\",\"Operator\":\"%s\",\"Value\":\"%s\"",
            cases[i].operator, cases[i].value);
        begin(b, "beforeEntry", "FAIL",
              rule(b, "is", "VariableCheck", str_z(&b->arena, configuration)));
        run_jobs(b, 0);
        assert_check(b, cases[i].status, RULES(cases[i].status));
        assert_int_equal(db_begin(b->db, &b->err), 0);
        in_tx(b, record_pipeline_delete(b->db, b->pipeline, b->time.now_ms, &b->err));
    }
}

static void test_variable_that_fails_skips_the_stage(void **state) {
    struct bench *b = *state;
    begin(b, "beforeEntry", "SKIP",
          rule(b, "is", "VariableCheck",
               "\"Variable\":\"#{variables.target}\",\"Operator\":\"EQ\",\"Value\":\"x\""));
    run_jobs(b, 0);
    assert_check(b, "Failed", RULES("Failed"));
    assert_execution(b, "InProgress");
    answer(b, "Go", true);
    assert_execution(b, "Succeeded");
}

static void test_rule_that_cannot_be_asked_is_an_error_not_a_pass(void **state) {
    struct bench *b = *state;
    b->denied = true;
    begin(b, "beforeEntry", "FAIL",
          rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\""));
    run_jobs(b, 0);
    assert_check(b, "Errored", RULES("Failed"));
    assert_execution(b, "Failed");
}

static void test_rule_that_nobody_answers_is_an_error_not_a_pass(void **state) {
    struct bench *b = *state;
    b->away = true;
    const char *passes =
        rule(b, "is", "VariableCheck", "\"Variable\":\"a\",\"Operator\":\"EQ\",\"Value\":\"a\"");
    const char *quiet = rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\"");
    begin(b, "beforeEntry", "FAIL",
          str_z(&b->arena, str_printf(&b->arena, "%s,%s", passes, quiet)));
    for (int i = 0; i < 7; i++) {
        run_jobs(b, 2); /* longer than any back-off */
        assert_execution(b, "InProgress");
    }
    run_jobs(b, 2);
    assert_check(b, "Errored", RULES("Succeeded", "Failed"));
    assert_execution(b, "Failed");
}

static void test_pattern_is_one_pattern(void **state) {
    struct bench *b = *state;
    begin(b, "beforeEntry", "FAIL",
          rule(b, "is", "VariableCheck",
               "\"Variable\":\"#{variables.target}\",\"Operator\":\"MATCHES\",\"Value\":"
               "\"x)|(?:ary\""));
    run_jobs(b, 0);
    assert_check(b, "Errored", RULES("Failed"));
}

/* Somebody goes past the condition while a rule is being asked. */
static void test_rule_that_is_asked_while_its_check_ends_stays_abandoned(void **state) {
    struct bench *b = *state;
    b->alarm = "ALARM";
    begin(b, "beforeEntry", "FAIL",
          rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\",\"WaitTime\":\"10\""));
    run_jobs(b, 0);
    b->override = true;
    run_jobs(b, 1);
    assert_check(b, "Overridden", RULES("Abandoned"));
    b->alarm = "OK";
    run_jobs(b, 1);
    assert_check(b, "Overridden", RULES("Abandoned"));
}

static void test_function_decides(void **state) {
    struct bench *b = *state;
    begin(b, "onSuccess", "FAIL", rule(b, "asks", "LambdaInvoke", "\"FunctionName\":\"f\""));
    answer(b, "Ask", true);
    b->function = "Unhandled";
    run_jobs(b, 0);
    assert_check(b, "Failed", RULES("Failed"));
    assert_execution(b, "Failed");
}

/* The bench begins on 2026-11-24 at 01:52 UTC: a Monday, 20:52 in New York. */
static void test_deployment_waits_for_its_window_by_the_clock_there(void **state) {
    struct bench *b = *state;
    begin(b, "beforeEntry", "FAIL",
          rule(b, "window", "DeploymentWindow",
               "\"Cron\":\"0 10-59 21 ? * MON-FRI\",\"TimeZone\":\"America/New_York\""));
    run_jobs(b, 0);
    assert_check(b, "InProgress", RULES("InProgress"));
    run_jobs(b, 17);
    assert_check(b, "InProgress", RULES("InProgress"));
    run_jobs(b, 1);
    assert_check(b, "Succeeded", RULES("Succeeded"));
}

static void test_override_while_waiting_abandons_the_rules(void **state) {
    struct bench *b = *state;
    b->alarm = "ALARM";
    begin(b, "beforeEntry", "FAIL",
          rule(b, "quiet", "CloudWatchAlarm", "\"AlarmName\":\"errors\",\"WaitTime\":\"10\""));
    run_jobs(b, 0);
    struct engine_event event = {.kind = EVENT_OVERRIDE,
                                 .execution = b->execution,
                                 .stage = S("Ask"),
                                 .condition = CONDITION_BEFORE_ENTRY};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_apply(&b->flow, &b->arena, b->pipeline, &event, NULL, &b->err));
    assert_check(b, "Overridden", RULES("Abandoned"));
    run_jobs(b, 20);
    assert_check(b, "Overridden", RULES("Abandoned"));
    answer(b, "Ask", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_alarm_may_calm_down_within_its_wait),
        T(test_alarm_that_stays_fails_the_entry_after_its_wait),
        T(test_alarm_meets_a_failure),
        T(test_rule_that_passed_is_not_asked_again),
        T(test_one_failed_rule_decides_without_the_others),
        T(test_variables_are_compared_after_they_are_resolved),
        T(test_variable_that_fails_skips_the_stage),
        T(test_rule_that_cannot_be_asked_is_an_error_not_a_pass),
        T(test_rule_that_nobody_answers_is_an_error_not_a_pass),
        T(test_pattern_is_one_pattern),
        T(test_rule_that_is_asked_while_its_check_ends_stays_abandoned),
        T(test_function_decides),
        T(test_deployment_waits_for_its_window_by_the_clock_there),
        T(test_override_while_waiting_abandons_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
