/* Actions that go on elsewhere, by the real jobs and a stack that settles when the test says so:
 * begun once, looked at again, ended in time, and left only when nothing changes any more. */
#include "../../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/execution/jobs.h"
#include "gen/cloudformation.h"

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
    const char *status; /* of the stack; NULL = it is not there */
    int deletions;
    int looks;
    bool away;   /* AWS does not answer */
    bool lost;   /* it does what it is asked, and its answer is lost */
    bool ours;   /* the stack's newest events are of this attempt */
    bool denied; /* the pipeline's role is gone */
    const char *after_deletion;
    struct str attempt;
};

static int invoke(void *ud, const struct aws_target *t, const struct shape_op *op, struct arena *a,
                  const void *in, const struct aws_body *body_in, void *out,
                  struct aws_body *ret_body, struct err *err) {
    struct bench *b = ud;
    (void)t, (void)body_in, (void)ret_body;
    if (b->away) {
        return err_set(err, ERR_UNAVAILABLE, "nobody answers");
    }
    if (str_is(str_c(op->name), "DeleteStack")) {
        const struct cloudformation_delete_stack_input *q = in;
        b->deletions++;
        b->status = b->after_deletion;
        b->ours = true;
        b->attempt = str_dup(&b->arena, q->client_request_token);
        return b->lost ? err_set(err, ERR_UNAVAILABLE, "the answer was lost") : 0;
    }
    if (str_is(str_c(op->name), "DescribeStackEvents")) {
        struct cloudformation_describe_stack_events_output *o = out;
        *o = (struct cloudformation_describe_stack_events_output){0};
        if (b->ours) {
            *arena_push(a, &o->stack_events) =
                (struct cloudformation_stack_event){.client_request_token = b->attempt};
        }
        return 0;
    }
    assert_string_equal(op->name, "DescribeStacks");
    b->looks++;
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

static int assume(void *ud, struct arena *a, struct str service, struct str role_arn,
                  struct str session_name, struct aws_target *ret, struct err *err) {
    struct bench *b = ud;
    (void)a, (void)service, (void)role_arn, (void)session_name;
    if (b->denied) {
        return err_set(err, ERR_DENIED, "not authorized to perform AssumeRole");
    }
    *ret = (struct aws_target){.account = S("111111111111"), .embedded = &b->embedded};
    return 0;
}

/* mode: the configuration's ActionMode, and what else it needs. */
static const char definition[] =
    "{\"name\":\"p\",\"version\":1,\"roleArn\":\"arn:aws:iam::111111111111:role/p\","
    "\"artifactStore\":{\"type\":\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Clean\","
    "\"actions\":[{\"name\":\"Stack\",\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"AWS\","
    "\"provider\":\"CloudFormation\",\"version\":\"1\"},\"configuration\":{\"ActionMode\":"
    "%s,\"StackName\":\"s\"}}]},{\"name\":\"Go\",\"actions\":[{\"name\":\"Person\","
    "\"actionTypeId\":{\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\","
    "\"version\":\"1\"}}]}]}";

static void in_tx(struct bench *b, int result) {
    if (result < 0 || db_commit(b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
}

static int open_bench(void **state, const char *mode) {
    struct bench *b = calloc(1, sizeof(*b));
    struct definition d;
    struct engine_plan plan;
    size_t n = 0;
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    b->embedded = (struct aws_embedded){invoke, b};
    b->world = (struct aws_world){.clock = &b->clock, .ud = b, .assume = assume};
    b->status = "CREATE_COMPLETE";
    b->after_deletion = "DELETE_IN_PROGRESS";
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
                               .definition = str_printf(&b->arena, definition, mode)};
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

static int set_up(void **state) {
    return open_bench(state, "\"DELETE_ONLY\"");
}

static int set_up_replace(void **state) {
    return open_bench(state, "\"REPLACE_ON_FAILURE\",\"TemplatePath\":\"a::t.yml\"");
}

static int set_up_unset(void **state) {
    return open_bench(state, "\"DELETE_ONLY\",\"RoleArn\":\"#{nobody.sets}\"");
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

static struct action_row stack_action(struct bench *b) {
    struct action_row_list list;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    assert_int_equal(record_action_list(b->db, &b->arena, b->execution, &list, &b->err), 0);
    db_rollback(b->db);
    assert_true(list.n > 0);
    return list.v[0];
}

static void expect(struct bench *b, const char *status) {
    struct action_row row = stack_action(b);
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

static void test_what_goes_on_is_begun_once_and_looked_at_until_it_ends(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    for (int i = 0; i < 5; i++) {
        run_jobs(b, 1);
        expect(b, "InProgress");
    }
    assert_int_equal(b->deletions, 1);
    assert_true(b->looks >= 5);
    b->status = NULL;
    run_jobs(b, 1);
    expect(b, "Succeeded");
}

static void test_an_answer_that_does_not_come_is_waited_for(void **state) {
    struct bench *b = *state;
    b->away = true;
    run_jobs(b, 0);
    expect(b, "InProgress");
    b->away = false;
    run_jobs(b, 60);
    assert_int_equal(b->deletions, 1);
    b->away = true;
    run_jobs(b, 10);
    expect(b, "InProgress");
    b->away = false;
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
    struct action_row row = stack_action(b);
    assert_true(str_is(row.error_code, "JobFailed"));
    assert_true(str_is(row.error_message, "The action timed out after 4320 minutes"));
    assert_int_equal(b->deletions, 1);
}

static void test_an_abandoned_action_waits_until_nothing_changes_any_more(void **state) {
    struct bench *b = *state;
    run_jobs(b, 0);
    abandon(b);
    run_jobs(b, 1);
    expect(b, "InProgress");
    b->status = "DELETE_FAILED";
    run_jobs(b, 120);
    struct action_row row = stack_action(b);
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
    assert_int_equal(b->deletions, 1);
    abandon(b);
    run_jobs(b, 1);
    expect(b, "InProgress");
    b->status = NULL;
    run_jobs(b, 120);
    expect(b, "Abandoned");
    assert_int_equal(b->deletions, 1);
}

static void test_what_somebody_else_has_begun_is_not_waited_for(void **state) {
    struct bench *b = *state;
    b->away = true;
    run_jobs(b, 0);
    b->away = false;
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
    b->after_deletion = "DELETE_FAILED";
    for (int i = 0; i < 5; i++) {
        run_jobs(b, 10);
    }
    assert_int_equal(b->deletions, 1);
    expect(b, "Failed");
}

static void test_an_action_that_cannot_be_loaded_can_be_abandoned(void **state) {
    struct bench *b = *state;
    abandon(b);
    run_jobs(b, 1);
    expect(b, "Abandoned");
    assert_int_equal(b->looks, 0);
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
    int looks = b->looks;
    delete_pipeline(b);
    run_jobs(b, 1);
    assert_true(b->looks > looks); /* it is waited for */
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
    in_tx(b, execution_action_end(&b->flow, &b->arena, stack_action(b).id, &end, &b->err));
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
