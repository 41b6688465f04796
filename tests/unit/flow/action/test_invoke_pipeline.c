/* Invoke/CodePipeline by the real jobs and a pipeline of the test's: started once under the
 * attempt's token, looked at until it ends, abandoned with the action that started it. */
#include "bench.h"

#include "gen/codepipeline.h"

static const char execution_id[] = "5c6f0a3e-0000-4000-8000-000000000001";

static int start(struct bench *b, const struct codepipeline_start_pipeline_execution_input *in,
                 struct codepipeline_start_pipeline_execution_output *out, struct err *err) {
    if (b->starts == 0 || !str_eq(b->name, in->client_request_token)) {
        b->starts++; /* an equal token is answered by what it has started */
        b->name = str_dup(&b->arena, in->client_request_token);
        b->arn = b->session;
    }
    *out = (struct codepipeline_start_pipeline_execution_output){str_c(execution_id)};
    return b->lost ? err_set(err, ERR_UNAVAILABLE, "the answer was lost") : 0;
}

/* Somebody else's execution is newer. */
static void list(struct bench *b, struct arena *a,
                 struct codepipeline_list_pipeline_executions_output *out) {
    struct str who[] = {S("released"), b->arn};
    *out = (struct codepipeline_list_pipeline_executions_output){0};
    for (size_t i = 0; i < (b->starts > 0 ? 2 : 1); i++) {
        struct codepipeline_execution_trigger trigger = {
            .trigger_type = S("StartPipelineExecution"),
            .trigger_detail = str_printf(a, "arn:aws:sts::111111111111:assumed-role/p/" STR_FMT,
                                         STR_ARG(who[i]))};
        *arena_push(a, &out->pipeline_execution_summaries) =
            (struct codepipeline_pipeline_execution_summary){
                .pipeline_execution_id = i > 0 ? str_c(execution_id) : S("another"),
                .status = S("InProgress"),
                .trigger = arena_memdup(a, &trigger, sizeof(trigger))};
    }
}

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t, (void)body_in, (void)ret_body;
    struct str name = str_c(op->name);
    if (str_is(name, "StartPipelineExecution")) {
        return start(b, in, out, err);
    }
    if (str_is(name, "ListPipelineExecutions")) {
        list(b, a, out);
        return 0;
    }
    if (str_is(name, "StopPipelineExecution")) {
        const struct codepipeline_stop_pipeline_execution_input *stop = in;
        assert_true(str_is(stop->pipeline_execution_id, execution_id) && stop->abandon);
        b->stops++;
        b->status = "Stopped";
        *(struct codepipeline_stop_pipeline_execution_output *)out =
            (struct codepipeline_stop_pipeline_execution_output){str_c(execution_id)};
        return 0;
    }
    assert_string_equal(op->name, "GetPipelineExecution");
    const struct codepipeline_get_pipeline_execution_input *look = in;
    assert_true(str_is(look->pipeline_execution_id, execution_id));
    struct codepipeline_pipeline_execution found = {.status = str_c(b->status)};
    *(struct codepipeline_get_pipeline_execution_output *)out =
        (struct codepipeline_get_pipeline_execution_output){arena_memdup(a, &found, sizeof(found))};
    return 0;
}

static const char action[] =
    "\"actionTypeId\":{\"category\":\"Invoke\",\"owner\":\"AWS\",\"provider\":\"CodePipeline\","
    "\"version\":\"1\"},\"configuration\":{\"PipelineName\":\"other\"}";

static int set_up(void **state) {
    int r = bench_open(state, &(struct aws_embedded){.invoke = invoke}, action);
    ((struct bench *)*state)->status = "InProgress";
    return r;
}

static void test_pipeline_is_started_once_and_its_end_is_the_action_s(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    run_jobs(b, 1);
    expect(b, "InProgress");
    assert_int_equal(b->starts, 1);
    assert_true(str_is(invoked(b).external_id, execution_id));
    b->status = "Succeeded";
    run_jobs(b, 1);
    expect(b, "Succeeded");
}

static void test_start_whose_answer_was_lost_is_asked_again_with_its_token(void **state) {
    struct bench *b = *state;
    b->lost = true;
    run_jobs(b, 0);
    assert_int_equal(invoked(b).external_id.n, 0);
    b->lost = false;
    run_jobs(b, 120);
    expect(b, "InProgress");
    assert_int_equal(b->starts, 1);
    assert_true(str_is(invoked(b).external_id, execution_id));
}

static void test_start_whose_answer_was_lost_is_abandoned_by_its_session(void **state) {
    struct bench *b = *state;
    b->lost = true;
    run_jobs(b, 0);
    abandon(b);
    run_jobs(b, 1);
    assert_int_equal(b->stops, 1);
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(b->stops, 1);
}

static void test_nothing_of_somebody_else_is_abandoned(void **state) {
    struct bench *b = *state;
    abandon(b);
    run_jobs(b, 1);
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(b->starts, 0);
    assert_int_equal(b->stops, 0);
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
        T(test_pipeline_is_started_once_and_its_end_is_the_action_s),
        T(test_start_whose_answer_was_lost_is_asked_again_with_its_token),
        T(test_start_whose_answer_was_lost_is_abandoned_by_its_session),
        T(test_nothing_of_somebody_else_is_abandoned),
        T(test_what_nobody_may_stop_any_more_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
