/* Actions that go on elsewhere, by the real jobs and a stack that settles when the test says so:
 * begun once, looked at again, ended in time, and left only when nothing changes any more. */
#include "bench.h"

#include "gen/cloudformation.h"

/* The peer's: bench.status is the stack's, NULL = it is not there. */
static struct stack {
    int deletions;
    int looks;
    bool away; /* AWS does not answer */
    bool ours; /* the stack's newest events are of this attempt */
    const char *after_deletion;
    struct str attempt;
} stack;

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t, (void)body_in, (void)ret_body;
    if (stack.away) {
        return err_set(err, ERR_UNAVAILABLE, "nobody answers");
    }
    if (str_is(str_c(op->name), "DeleteStack")) {
        const struct cloudformation_delete_stack_input *q = in;
        stack.deletions++;
        b->status = stack.after_deletion;
        stack.ours = true;
        stack.attempt = str_dup(&b->arena, q->client_request_token);
        return b->lost ? err_set(err, ERR_UNAVAILABLE, "the answer was lost") : 0;
    }
    if (str_is(str_c(op->name), "DescribeStackEvents")) {
        struct cloudformation_describe_stack_events_output *o = out;
        *o = (struct cloudformation_describe_stack_events_output){0};
        if (stack.ours) {
            *arena_push(a, &o->stack_events) =
                (struct cloudformation_stack_event){.client_request_token = stack.attempt};
        }
        return 0;
    }
    assert_string_equal(op->name, "DescribeStacks");
    stack.looks++;
    if (b->status == NULL) {
        return err_set(err, ERR_INVALID, "Stack with id s does not exist");
    }
    struct cloudformation_describe_stacks_output *o = out;
    *o = (struct cloudformation_describe_stacks_output){0};
    *arena_push(a, &o->stacks) =
        (struct cloudformation_stack){.stack_id = S("arn:aws:cloudformation:r:a:stack/s/1"),
                                      .stack_name = S("s"),
                                      .stack_status = str_c(b->status)};
    return 0;
}

/* mode: the configuration's ActionMode, and what else it needs. */
#define ACTION(mode)                                                                               \
    "\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"AWS\",\"provider\":\"CloudFormation\"," \
    "\"version\":\"1\"},\"configuration\":{\"ActionMode\":" mode ",\"StackName\":\"s\"}"

static int open_stack(void **state, const char *action) {
    static const struct aws_embedded peer = {.invoke = invoke};
    stack = (struct stack){.after_deletion = "DELETE_IN_PROGRESS"};
    int opened = bench_open(state, &peer, action);
    ((struct bench *)*state)->status = "CREATE_COMPLETE";
    return opened;
}

static int set_up(void **state) {
    return open_stack(state, ACTION("\"DELETE_ONLY\""));
}

static int set_up_replace(void **state) {
    return open_stack(state, ACTION("\"REPLACE_ON_FAILURE\",\"TemplatePath\":\"a::t.yml\""));
}

static int set_up_unset(void **state) {
    return open_stack(state, ACTION("\"DELETE_ONLY\",\"RoleArn\":\"#{nobody.sets}\""));
}

static void test_what_goes_on_is_begun_once_and_looked_at_until_it_ends(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    for (int i = 0; i < 5; i++) {
        run_jobs(b, 1);
        expect(b, "InProgress");
    }
    assert_int_equal(stack.deletions, 1);
    assert_true(stack.looks >= 5);
    b->status = NULL;
    run_jobs(b, 1);
    expect(b, "Succeeded");
}

static void test_an_answer_that_does_not_come_is_waited_for(void **state) {
    struct bench *b = *state;
    stack.away = true;
    run_jobs(b, 0);
    expect(b, "InProgress");
    stack.away = false;
    run_jobs(b, 60);
    assert_int_equal(stack.deletions, 1);
    stack.away = true;
    run_jobs(b, 10);
    expect(b, "InProgress");
    stack.away = false;
    b->status = NULL;
    run_jobs(b, 60);
    expect(b, "Succeeded");
}

static void test_an_action_that_is_over_its_time_ends_when_what_it_began_is_dead(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    run_jobs(b, 3 * 24 * 3600 - 10);
    expect(b, "InProgress");
    run_jobs(b, 11);
    expect(b, "InProgress"); /* the stack still changes */
    b->status = "DELETE_FAILED";
    run_jobs(b, 120);
    expect(b, "Failed");
    struct action_row row = invoked(b);
    assert_true(str_is(row.error_code, "JobFailed"));
    assert_true(str_is(row.error_message, "The action timed out after 4320 minutes"));
    assert_int_equal(stack.deletions, 1);
}

static void test_an_abandoned_action_waits_until_nothing_changes_any_more(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    abandon(b);
    run_jobs(b, 1);
    expect(b, "InProgress");
    b->status = "DELETE_FAILED";
    run_jobs(b, 120);
    struct action_row row = invoked(b);
    assert_false(str_is(row.status, "InProgress"));
    int64_t jobs = -1;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(db_get_i64(b->db, &jobs, &b->err, "SELECT count(*) FROM job WHERE kind = ?",
                                "z", JOB_ACTION),
                     1);
    db_rollback(b->db);
    assert_int_equal(jobs, 0); /* nobody looks at it again */
}

static void test_what_was_begun_and_not_noted_is_waited_for_as_well(void **state) {
    struct bench *b = *state;
    b->lost = true;
    run_jobs(b, 0);
    assert_int_equal(stack.deletions, 1);
    abandon(b);
    run_jobs(b, 1);
    expect(b, "InProgress");
    b->status = NULL;
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(stack.deletions, 1);
}

static void test_what_somebody_else_has_begun_is_not_waited_for(void **state) {
    struct bench *b = *state;
    stack.away = true;
    run_jobs(b, 0);
    stack.away = false;
    b->status = "UPDATE_IN_PROGRESS";
    abandon(b);
    run_jobs(b, 1);
    expect(b, "Abandoned");
}

static void test_an_action_whose_role_is_gone_can_be_abandoned(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    b->denied = true;
    abandon(b);
    run_jobs(b, 1);
    expect(b, "Abandoned");
}

static void test_a_deletion_that_fails_is_not_tried_again_and_again(void **state) {
    struct bench *b = *state;
    b->status = "ROLLBACK_COMPLETE";
    stack.after_deletion = "DELETE_FAILED";
    for (int i = 0; i < 5; i++) {
        run_jobs(b, 10);
    }
    assert_int_equal(stack.deletions, 1);
    expect(b, "Failed");
}

static void test_an_action_that_cannot_be_loaded_can_be_abandoned(void **state) {
    struct bench *b = *state;
    abandon(b);
    run_jobs(b, 1);
    expect(b, "Abandoned");
    assert_int_equal(stack.looks, 0);
}

/* As DeletePipeline does it. */
static void delete_pipeline(struct bench *b) {
    struct engine_event stop = {.kind = EVENT_STOP, .execution = b->execution, .abandon = true};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(execution_apply(&b->flow, &b->arena, b->pipeline, &stop, NULL, &b->err), 0);
    in_tx(b, record_pipeline_delete(b->db, b->pipeline, b->time.now_ms, &b->err));
}

static int64_t jobs_left(struct bench *b) {
    int64_t n = -1;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(db_get_i64(b->db, &n, &b->err, "SELECT count(*) FROM job WHERE kind IN (?, ?)",
                                "zz", JOB_ACTION, JOB_KILL),
                     1);
    db_rollback(b->db);
    return n;
}

static void test_what_a_deleted_pipeline_has_begun_is_ended(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    int looks = stack.looks;
    delete_pipeline(b);
    run_jobs(b, 1);
    assert_true(stack.looks > looks); /* it is waited for */
    assert_int_equal(jobs_left(b), 1);
    b->status = NULL;
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(jobs_left(b), 0);
}

static void test_what_a_deleted_pipeline_has_begun_may_end_by_itself(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    delete_pipeline(b);
    struct action_end end = {.ok = true, .summary = S("done")};
    assert_int_equal(db_begin(b->db, &b->err), 0);
    in_tx(b, execution_action_end(&b->flow, &b->arena, invoked(b).id, &end, &b->err));
    expect(b, "Succeeded");
    run_jobs(b, 120);
    assert_int_equal(jobs_left(b), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_what_goes_on_is_begun_once_and_looked_at_until_it_ends),
        T(test_an_answer_that_does_not_come_is_waited_for),
        T(test_an_action_that_is_over_its_time_ends_when_what_it_began_is_dead),
        T(test_an_abandoned_action_waits_until_nothing_changes_any_more),
        T(test_what_was_begun_and_not_noted_is_waited_for_as_well),
        T(test_what_somebody_else_has_begun_is_not_waited_for),
        T(test_an_action_whose_role_is_gone_can_be_abandoned),
        T(test_what_a_deleted_pipeline_has_begun_is_ended),
        T(test_what_a_deleted_pipeline_has_begun_may_end_by_itself),
        cmocka_unit_test_setup_teardown(test_a_deletion_that_fails_is_not_tried_again_and_again,
                                        set_up_replace, tear_down),
        cmocka_unit_test_setup_teardown(test_an_action_that_cannot_be_loaded_can_be_abandoned,
                                        set_up_unset, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
