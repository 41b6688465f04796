/* Invoke/StepFunctions by the real jobs and a state machine of the test's: started once under a
 * name of the attempt's, looked at until it ends, stopped when it is abandoned. */
#include "bench.h"

#include "gen/stepfunctions.h"

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
        if (b->starts > 0) {
            return err_set(err, ERR_EXISTS, "it has been started");
        }
        b->starts++;
        b->name = str_dup(&b->arena, start->name);
        b->input = str_dup(&b->arena, start->input);
        b->arn = str_printf(&b->arena, "arn:aws:states:eu-west-2:111111111111:execution:m:" STR_FMT,
                            STR_ARG(start->name));
        *(struct stepfunctions_start_execution_output *)out =
            (struct stepfunctions_start_execution_output){.execution_arn = b->arn};
        return b->lost ? err_set(err, ERR_UNAVAILABLE, "the answer was lost") : 0;
    }
    if (str_is(str_c(op->name), "StopExecution")) {
        const struct stepfunctions_stop_execution_input *stop = in;
        assert_true(str_eq(stop->execution_arn, b->arn));
        b->stops++;
        b->status = "ABORTED";
        *(struct stepfunctions_stop_execution_output *)out =
            (struct stepfunctions_stop_execution_output){0};
        return 0;
    }
    assert_string_equal(op->name, "DescribeExecution");
    const struct stepfunctions_describe_execution_input *look = in;
    if (b->starts == 0 || !str_eq(look->execution_arn, b->arn)) {
        return err_set(err, ERR_NOT_FOUND, "Execution Does Not Exist");
    }
    *(struct stepfunctions_describe_execution_output *)out =
        (struct stepfunctions_describe_execution_output){
            .execution_arn = b->arn, .status = str_c(b->status), .cause = S("said so")};
    return 0;
}

static const char action[] =
    "\"namespace\":\"Machine\",\"actionTypeId\":{\"category\":\"Invoke\",\"owner\":\"AWS\","
    "\"provider\":\"StepFunctions\",\"version\":\"1\"},\"configuration\":{\"StateMachineArn\":"
    "\"arn:aws:states:eu-west-2:111111111111:stateMachine:m\","
    "\"ExecutionNamePrefix\":\"release\",\"Input\":\"{\\\"a\\\":1}\"}";

static int set_up(void **state) {
    return bench_open(state, &(struct aws_embedded){.invoke = invoke}, action);
}

static void test_state_machine_is_started_once_and_its_end_is_the_action_s(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    for (int i = 0; i < 3; i++) {
        run_jobs(b, 1);
        expect(b, "InProgress");
    }
    struct action_row row = invoked(b);
    assert_int_equal(b->starts, 1);
    assert_true(str_eq(b->name, str_printf(&b->arena, "release-" STR_FMT, STR_ARG(row.id))));
    assert_true(str_is(b->input, "{\"a\":1}"));
    assert_true(str_eq(row.external_id, b->arn));
    b->status = "SUCCEEDED";
    run_jobs(b, 1);
    expect(b, "Succeeded");
    json_t *o cleanup_json = json_parse(invoked(b).output_variables, &b->err);
    assert_true(str_eq(json_str(o, "ExecutionArn"), b->arn));
}

static void test_state_machine_that_fails_says_why(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    b->status = "TIMED_OUT";
    run_jobs(b, 1);
    expect(b, "Failed");
    assert_true(str_eq(invoked(b).error_message,
                       str_printf(&b->arena, "Execution " STR_FMT " ended as TIMED_OUT: said so",
                                  STR_ARG(b->arn))));
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

static void test_start_whose_answer_was_lost_is_found_again(void **state) {
    struct bench *b = *state;
    b->lost = true;
    run_jobs(b, 0);
    assert_int_equal(invoked(b).external_id.n, 0);
    run_jobs(b, 120);
    run_jobs(b, 120);
    expect(b, "InProgress");
    assert_int_equal(b->starts, 1);
    assert_true(str_eq(invoked(b).external_id, b->arn));
    b->status = "SUCCEEDED";
    run_jobs(b, 10);
    expect(b, "Succeeded");
}

static void test_start_whose_answer_was_lost_is_stopped_when_abandoned(void **state) {
    struct bench *b = *state;
    b->lost = true;
    run_jobs(b, 0);
    abandon(b);
    run_jobs(b, 1);
    assert_int_equal(b->stops, 1);
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(b->starts, 1);
}

static void test_account_without_state_machines_says_so(void **state) {
    struct bench *b = *state;
    b->served = false;
    run_jobs(b, 0);
    expect(b, "Failed");
    assert_true(str_find(invoked(b).error_message, S("is not served here"), 0) != (size_t)-1);
}

static void test_what_nobody_may_stop_any_more_is_left_alone(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    b->denied = true;
    abandon(b);
    run_jobs(b, 1);
    expect(b, "Abandoned");
    assert_int_equal(b->stops, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_state_machine_is_started_once_and_its_end_is_the_action_s),
        T(test_state_machine_that_fails_says_why),
        T(test_abandoned_action_stops_its_state_machine_first),
        T(test_start_whose_answer_was_lost_is_found_again),
        T(test_start_whose_answer_was_lost_is_stopped_when_abandoned),
        T(test_account_without_state_machines_says_so),
        T(test_what_nobody_may_stop_any_more_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
