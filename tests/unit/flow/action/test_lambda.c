/* Invoke/Lambda by the real jobs and a function of the test's: called with its job, waited for, and
 * called again where nobody answered the call. */
#include "bench.h"

#include "flow/worker/jobs.h"
#include "gen/lambda.h"

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    const struct lambda_invocation_request *q = in;
    (void)t, (void)a, (void)body_in, (void)ret_body;
    assert_string_equal(op->name, "Invoke");
    if (b->lost) {
        return err_set(err, ERR_UNAVAILABLE, "nobody answers");
    }
    b->starts++;
    b->input = str_dup(&b->arena, q->payload);
    *(struct lambda_invocation_response *)out = (struct lambda_invocation_response){0};
    return 0;
}

static int set_up(void **state) {
    static const struct aws_embedded peer = {.invoke = invoke};
    return bench_open(state, &peer,
                      "\"actionTypeId\":{\"category\":\"Invoke\",\"owner\":\"AWS\",\"provider\":"
                      "\"Lambda\",\"version\":\"1\"},\"configuration\":{\"FunctionName\":\"f\"}");
}

/* As PutJobSuccessResult leaves it. */
static void succeed(struct bench *b) {
    struct worker_job job;
    struct worker_result result = {.ok = true, .summary = S("done")};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(worker_job_of_action(b->db, &b->arena, invoked(b).id, &job, &b->err), 1);
    assert_true(str_is(job.status, "InProgress"));
    in_tx(b, worker_job_end(b->db, job.id, "Succeeded", STR_NONE,
                            worker_result_json(&b->arena, &result), b->time.now_ms, &b->err));
}

/* Until the function's job is there, the attempt looks every half minute. */
static void wait_half_minutes(struct bench *b, int n) {
    for (int i = 0; i < n; i++) {
        run_jobs(b, 31);
    }
}

static void test_function_is_called_once_and_waited_for(void **state) {
    struct bench *b = *state;
    wait_half_minutes(b, 4);
    expect(b, "InProgress");
    assert_int_equal(b->starts, 1);
    assert_true(str_starts(b->input, S("{\"CodePipeline.job\":{")));
    succeed(b);
    wait_half_minutes(b, 1);
    expect(b, "Succeeded");
}

static void test_call_that_nobody_answered_is_made_again(void **state) {
    struct bench *b = *state;
    b->lost = true;
    wait_half_minutes(b, 2);
    expect(b, "InProgress");
    b->lost = false;
    wait_half_minutes(b, 2);
    assert_int_equal(b->starts, 1);
    succeed(b);
    wait_half_minutes(b, 1);
    expect(b, "Succeeded");
}

/* Killed between taking the job and noting the call: whether it was made, nobody knows. */
static void test_function_that_may_have_been_called_has_its_time_and_no_more(void **state) {
    struct bench *b = *state;
    b->lost = true;
    wait_half_minutes(b, 2);
    struct worker_job job;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(worker_job_of_action(b->db, &b->arena, invoked(b).id, &job, &b->err), 1);
    in_tx(b, worker_job_status(b->db, job.id, "InProgress", b->time.now_ms, &b->err));
    b->lost = false;
    wait_half_minutes(b, 36);
    expect(b, "InProgress");
    wait_half_minutes(b, 5);
    expect(b, "Failed");
    assert_int_equal(b->starts, 0);
    assert_true(str_find(invoked(b).error_message, S("failed to return a result"), 0) !=
                (size_t)-1);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_function_is_called_once_and_waited_for),
        T(test_call_that_nobody_answered_is_made_again),
        T(test_function_that_may_have_been_called_has_its_time_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
