/* Invoke/StepFunctions by the real jobs and a state machine of the test's: started once under a
 * name of the attempt's, looked at until it ends, stopped when it is abandoned. */
#include "../../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/execution/jobs.h"
#include "gen/stepfunctions.h"

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
    struct queue *queue;
    int64_t pipeline;
    struct str execution;
    const char *status; /* of the state machine's execution */
    struct str name;    /* that it was started under */
    struct str input;
    int starts, stops;
    bool served; /* the account serves state machines */
};

static const char arn[] = "arn:aws:states:eu-west-2:111111111111:execution:m:1";

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t, (void)body_in, (void)ret_body, (void)a;
    if (!b->served) {
        return err_set(err, ERR_UNSUPPORTED, "stepfunctions is not served here");
    }
    if (str_is(str_c(op->name), "StartExecution")) {
        const struct stepfunctions_start_execution_input *start = in;
        b->starts++;
        b->name = str_dup(&b->arena, start->name);
        b->input = str_dup(&b->arena, start->input);
        *(struct stepfunctions_start_execution_output *)out =
            (struct stepfunctions_start_execution_output){.execution_arn = str_c(arn)};
        return 0;
    }
    if (str_is(str_c(op->name), "StopExecution")) {
        b->stops++;
        b->status = "ABORTED";
        *(struct stepfunctions_stop_execution_output *)out =
            (struct stepfunctions_stop_execution_output){0};
        return 0;
    }
    assert_string_equal(op->name, "DescribeExecution");
    *(struct stepfunctions_describe_execution_output *)out =
        (struct stepfunctions_describe_execution_output){
            .execution_arn = str_c(arn), .status = str_c(b->status), .cause = S("said so")};
    return 0;
}

static int assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                  struct str session_name, struct aws_target *ret, struct err *err) {
    struct bench *b = ud;
    (void)a, (void)service, (void)role_arn, (void)session_name, (void)err;
    *ret = (struct aws_target){.account = S("111111111111"), .embedded = &b->embedded};
    return 0;
}

static const char definition[] =
    "{\"name\":\"p\",\"version\":1,\"roleArn\":\"arn:aws:iam::111111111111:role/p\","
    "\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Run\","
    "\"actions\":[{\"name\":\"Machine\",\"namespace\":\"Machine\",\"actionTypeId\":{\"category\":"
    "\"Invoke\",\"owner\":\"AWS\",\"provider\":\"StepFunctions\",\"version\":\"1\"},"
    "\"configuration\":{\"StateMachineArn\":\"arn:aws:states:eu-west-2:111111111111:stateMachine:"
    "m\","
    "\"ExecutionNamePrefix\":\"release\",\"Input\":\"{\\\"a\\\":1}\"}}]},{\"name\":\"Go\","
    "\"actions\":[{"
    "\"name\":\"Person\",\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\","
    "\"provider\":"
    "\"Manual\",\"version\":\"1\"}}]}]}";

static void in_tx(struct bench *b, int result) {
    if (result < 0 || db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    struct definition d;
    struct engine_plan plan;
    size_t n = 0;
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    b->embedded = (struct aws_embedded){invoke, b};
    b->world = (struct aws_world){.clock = &b->clock, .ud = b, .assume = assume};
    b->status = "RUNNING";
    b->served = true;
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
    struct execution_start start = {.trigger_type = S("StartPipelineExecution")};
    assert_int_equal(definition_parse(&b->arena, row.definition, &d, &b->err), 0);
    execution_plan(&b->arena, &d, &plan);
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_define(&b->flow, &b->arena, &row, &plan, &b->err));
    b->pipeline = row.id;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_start(&b->flow, &b->arena, row.id, &start, &b->execution, NULL, &b->err));
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

static void run_jobs(struct bench *b, int64_t seconds) {
    b->time.now_ms += seconds * 1000;
    queue_run_due(b->queue);
}

static struct action_row machine_action(struct bench *b) {
    struct action_row_list list;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_action_list(b->db, &b->arena, b->execution, &list, &b->err), 0);
    db_rollback(b->db);
    assert_true(list.n > 0);
    return list.v[0];
}

static void expect(struct bench *b, const char *status) {
    struct action_row row = machine_action(b);
    if (!str_is(row.status, status)) {
        fail_msg("the action is " STR_FMT " (" STR_FMT "), not %s", STR_ARG(row.status),
                 STR_ARG(row.summary), status);
    }
}

static void abandon(struct bench *b) {
    struct engine_event stop = {.kind = EVENT_STOP, .execution = b->execution, .abandon = true};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_apply(&b->flow, &b->arena, b->pipeline, &stop, NULL, &b->err));
}

static void test_state_machine_is_started_once_and_its_end_is_the_action_s(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    for (int i = 0; i < 3; i++) {
        run_jobs(b, 1);
        expect(b, "InProgress");
    }
    struct action_row row = machine_action(b);
    assert_int_equal(b->starts, 1);
    assert_true(str_eq(b->name, str_printf(&b->arena, "release-" STR_FMT, STR_ARG(row.id))));
    assert_true(str_is(b->input, "{\"a\":1}"));
    assert_true(str_is(row.external_id, arn));
    b->status = "SUCCEEDED";
    run_jobs(b, 1);
    expect(b, "Succeeded");
    json_t *o cleanup_json = json_parse(machine_action(b).output_variables, &b->err);
    assert_true(str_is(json_str(o, "ExecutionArn"), arn));
}

static void test_state_machine_that_fails_says_why(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    b->status = "TIMED_OUT";
    run_jobs(b, 1);
    expect(b, "Failed");
    assert_true(str_is(machine_action(b).error_message,
                       "Execution arn:aws:states:eu-west-2:111111111111:execution:m:1 ended as "
                       "TIMED_OUT: said so"));
}

static void test_abandoned_action_stops_its_state_machine_first(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    abandon(b);
    run_jobs(b, 1);
    assert_int_equal(b->stops, 1);
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(b->stops, 1);
}

static void test_account_without_state_machines_says_so(void **state) {
    struct bench *b = *state;
    b->served = false;
    run_jobs(b, 0);
    expect(b, "Failed");
    assert_true(str_find(machine_action(b).error_message, S("is not served here"), 0) !=
                (size_t)-1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_state_machine_is_started_once_and_its_end_is_the_action_s),
        T(test_state_machine_that_fails_says_why),
        T(test_abandoned_action_stops_its_state_machine_first),
        T(test_account_without_state_machines_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
