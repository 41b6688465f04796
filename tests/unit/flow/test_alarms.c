/* Alarms that gates name: seen once, told once, whatever ends the process between the two. */
#include "../cmocka_.h"

#include "aws/shape/shape.h"
#include "flow/execution/apply.h"
#include "flow/execution/jobs.h"
#include "flow/execution/notify.h"
#include "flow/watch/look.h"
#include "gen/cloudwatch.h"
#include "gen/sns.h"
#include "platform/text/json.h"

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
    const char *state; /* of the alarm */
    bool sns_is_away;
    int published;
    struct str message;
};

static const char definition[] =
    "{\"name\":\"p\",\"roleArn\":\"arn:aws:iam::111111111111:role/p\",\"artifactStore\":{\"type\":"
    "\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\","
    "\"actionTypeId\":{\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":"
    "\"CodeStarSourceConnection\",\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":\"c\","
    "\"FullRepositoryId\":\"local/p\",\"BranchName\":\"main\"},\"outputArtifacts\":[{\"name\":"
    "\"source\"}]}]},{\"name\":\"Approve\",\"beforeEntry\":{\"conditions\":[{\"result\":\"FAIL\","
    "\"rules\":[{\"name\":\"quiet\",\"ruleTypeId\":{\"category\":\"Rule\",\"owner\":\"AWS\","
    "\"provider\":\"CloudWatchAlarm\",\"version\":\"1\"},\"configuration\":{\"AlarmName\":"
    "\"errors\"}}]}]"
    "},\"actions\":[{\"name\":\"Person\",\"actionTypeId\":{\"category\":\"Approval\",\"owner\":"
    "\"AWS\","
    "\"provider\":\"Manual\",\"version\":\"1\"}}]}]}";

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t;
    (void)body_in;
    (void)ret_body;
    if (str_is(str_c(op->name), "DescribeAlarms")) {
        struct cloudwatch_describe_alarms_output *o = out;
        *o = (struct cloudwatch_describe_alarms_output){0};
        *arena_push(a, &o->metric_alarms) =
            (struct cloudwatch_metric_alarm){.alarm_name = S("errors"),
                                             .state_value = str_c(b->state),
                                             .state_reason = S("too many"),
                                             .state_updated_timestamp = b->time.now_ms};
        return 0;
    }
    assert_string_equal(op->name, "Publish");
    if (b->sns_is_away) {
        return err_set(err, ERR_UNAVAILABLE, "nobody there");
    }
    const struct sns_publish_input *publish = in;
    b->published++;
    b->message = str_dup(&b->arena, publish->message);
    memset(out, 0, sizeof(struct sns_publish_response));
    return 0;
}

static int assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                  struct str session_name, struct aws_target *ret, struct err *err) {
    struct bench *b = ud;
    (void)a;
    (void)service;
    (void)role_arn;
    (void)session_name;
    (void)err;
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
    b->state = "OK";
    const struct db_schema schemas[] = {queue_schema, record_schema};
    if (db_open("", schemas, 2, &b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    b->flow =
        (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system, .world = &b->world};
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = 1,
                               .definition = str_c(definition)};
    struct engine_plan plan = {.version = 1, .n = 2};
    plan.v = arena_new_n(&b->arena, struct engine_plan_stage, 2);
    plan.v[0].name = S("Source");
    *arena_push(&b->arena, &plan.v[0].actions) = (struct engine_plan_action){S("Trunk"), 1, false};
    plan.v[1].name = S("Approve");
    *arena_push(&b->arena, &plan.v[1].actions) = (struct engine_plan_action){S("Person"), 1, true};
    if (db_begin(b->db, &b->err) < 0 ||
        execution_define(&b->flow, &b->arena, &row, &plan, &b->err) < 0 ||
        record_tag_put(b->db, row.id, S(NOTIFY_TAG), S("arn:aws:sns:eu-west-2:111111111111:t"),
                       &b->err) < 0 ||
        db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static void see_alarms(struct bench *b) {
    struct pipeline_row_list list;
    struct definition d;
    struct str account = STR_NONE;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_pipeline_all(b->db, &b->arena, &list, &b->err), 0);
    db_rollback(b->db);
    assert_int_equal(list.n, 1);
    assert_int_equal(definition_parse(&b->arena, list.v[0].definition, &d, &b->err), 0);
    assert_true(look_for_alarms(&d, &account));
    look_at_alarms(&b->flow, &b->arena, &list.v[0], &d);
}

/* What a new process does with what the last one left. */
static void run_jobs(struct bench *b) {
    size_t n = 0;
    const struct queue_kind *kinds = execution_jobs(&b->flow, &n);
    struct queue *q = NULL;
    if (queue_open(b->db, &b->clock, kinds, n, &q, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    queue_run_due(q);
    queue_stop(q);
}

static void test_process_that_ends_after_it_saw_an_alarm_has_not_lost_the_message(void **state) {
    struct bench *b = *state;
    b->state = "ALARM";
    see_alarms(b); /* and here the process ends */
    run_jobs(b);
    assert_int_equal(b->published, 1);
    json_t *o cleanup_json = json_parse(b->message, &b->err);
    assert_true(str_is(json_str(o, "alarm"), "errors") && str_is(json_str(o, "stage"), "Source") &&
                str_is(json_str(o, "reason"), "too many") && str_is(json_str(o, "kind"), "alarm"));
}

static void test_message_that_sns_did_not_take_is_sent_again(void **state) {
    struct bench *b = *state;
    b->state = "ALARM";
    b->sns_is_away = true;
    see_alarms(b);
    run_jobs(b);
    assert_int_equal(b->published, 0);
    b->sns_is_away = false;
    b->time.now_ms += 60 * 1000;
    run_jobs(b);
    assert_int_equal(b->published, 1);
}

static void test_alarm_is_told_when_it_goes_off_and_not_while_it_stays_so(void **state) {
    struct bench *b = *state;
    static const char *const states[] = {"OK", "ALARM", "ALARM", "OK", "ALARM"};
    static const int told[] = {0, 1, 1, 1, 2};
    for (size_t i = 0; i < 5; i++) {
        b->state = states[i];
        b->time.now_ms += 1000;
        see_alarms(b);
        run_jobs(b);
        assert_int_equal(b->published, told[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_process_that_ends_after_it_saw_an_alarm_has_not_lost_the_message, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_message_that_sns_did_not_take_is_sent_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_alarm_is_told_when_it_goes_off_and_not_while_it_stays_so, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
