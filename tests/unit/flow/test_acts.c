/* What the engine does by itself is in the audit, in the transaction of the step. */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "runtime/audit/audit.h"
#include "runtime/queue/queue.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct flow flow;
    struct db *db;
    int64_t pipeline;
    struct err err;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s", b->err.msg);                                                            \
        }                                                                                          \
    } while (0)

static void define(struct bench *b, enum stage_result failed) {
    struct engine_plan plan = {.version = 1, .n = 2};
    plan.v = arena_new_n(&b->arena, struct engine_plan_stage, 2);
    plan.v[0].name = S("Source");
    *arena_push(&b->arena, &plan.v[0].actions) = (struct engine_plan_action){S("Trunk"), 1, false};
    plan.v[1].name = S("Build");
    plan.v[1].failed = failed;
    *arena_push(&b->arena, &plan.v[1].actions) = (struct engine_plan_action){S("Unit"), 1, false};
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("site"),
                               .version = 1,
                               .definition =
                                   S("{\"name\":\"site\",\"roleArn\":\"r\",\"stages\":[]}")};
    OK(db_begin(b->db, &b->err));
    OK(execution_define(&b->flow, &b->arena, &row, &plan, &b->err));
    OK(db_commit(b->db, &b->err));
    b->pipeline = row.id;
}

static struct str start_in_open(struct bench *b, const char *type) {
    struct execution_start how = {.trigger_type = str_c(type),
                                  .trigger_detail = S("refs/heads/main")};
    struct str id = STR_NONE;
    OK(execution_start(&b->flow, &b->arena, b->pipeline, &how, &id, NULL, &b->err));
    return id;
}

static struct str start(struct bench *b, const char *type) {
    OK(db_begin(b->db, &b->err));
    struct str id = start_in_open(b, type);
    OK(db_commit(b->db, &b->err));
    return id;
}

static void end_newest(struct bench *b, struct str execution, bool ok) {
    struct action_row_list list;
    struct action_end end = {.ok = ok};
    OK(db_begin(b->db, &b->err));
    OK(record_action_list(b->db, &b->arena, execution, &list, &b->err));
    OK(execution_action_end(&b->flow, &b->arena, list.v[list.n - 1].id, &end, &b->err));
    OK(db_commit(b->db, &b->err));
}

static struct audit_row_list rows(struct bench *b) {
    struct audit_row_list list;
    const struct audit_filter filter = {.limit = 100};
    OK(db_begin(b->db, &b->err));
    OK(audit_list(b->db, &b->arena, &filter, &list, &b->err));
    db_rollback(b->db);
    return list;
}

static void assert_act(struct bench *b, const char *operation, const char *resource,
                       const char *detail) {
    struct audit_row_list list = rows(b);
    assert_true(list.n > 0);
    const struct audit_act *act = &list.v[0].act;
    assert_string_equal(str_z(&b->arena, act->operation), operation);
    assert_string_equal(str_z(&b->arena, act->resource), resource);
    assert_string_equal(str_z(&b->arena, act->detail), detail);
    assert_string_equal(str_z(&b->arena, act->principal), "codepipeline.amazonaws.com");
    assert_string_equal(str_z(&b->arena, act->source), "engine");
    assert_int_equal(act->at_ms, b->time.now_ms);
}

#define ARN "arn:aws:codepipeline:eu-west-2:111111111111:site"

static void test_a_release_that_a_change_starts_is_told(void **state) {
    struct bench *b = *state;
    define(b, RESULT_NONE);
    struct str id = start(b, "WebhookV2");
    assert_act(b, "codepipeline:StartPipelineExecution", ARN,
               str_printf(&b->arena,
                          "trigger=WebhookV2 refs/heads/main -> pipelineExecutionId=" STR_FMT,
                          STR_ARG(id))
                   .p);
}

static void test_a_release_that_a_call_starts_is_left_to_the_gate(void **state) {
    struct bench *b = *state;
    define(b, RESULT_NONE);
    start(b, "StartPipelineExecution");
    start(b, "CreatePipeline");
    start(b, "PutActionRevision");
    assert_int_equal(rows(b).n, 0);
}

static void test_a_start_that_is_rolled_back_leaves_no_row(void **state) {
    struct bench *b = *state;
    define(b, RESULT_NONE);
    OK(db_begin(b->db, &b->err));
    start_in_open(b, "WebhookV2");
    db_rollback(b->db);
    assert_int_equal(rows(b).n, 0);
}

static void test_a_retry_by_itself_is_told_once(void **state) {
    struct bench *b = *state;
    define(b, RESULT_RETRY);
    struct str id = start(b, "StartPipelineExecution");
    end_newest(b, id, true);
    end_newest(b, id, false);
    assert_act(b, "codepipeline:RetryStageExecution", ARN "/Build",
               str_printf(&b->arena, "trigger=AutomatedStageRetry pipelineExecutionId=" STR_FMT,
                          STR_ARG(id))
                   .p);
    end_newest(b, id, false); /* and fails for good */
    assert_int_equal(rows(b).n, 1);
}

static void test_a_rollback_by_itself_is_told(void **state) {
    struct bench *b = *state;
    define(b, RESULT_ROLLBACK);
    struct str good = start(b, "StartPipelineExecution");
    end_newest(b, good, true);
    end_newest(b, good, true);
    struct str bad = start(b, "StartPipelineExecution");
    end_newest(b, bad, true);
    end_newest(b, bad, false);
    struct audit_row_list list = rows(b);
    assert_int_equal(list.n, 1);
    struct str detail = list.v[0].act.detail;
    struct str before = str_printf(
        &b->arena,
        "trigger=AutomatedRollback failed=" STR_FMT " -> pipelineExecutionId=", STR_ARG(bad));
    assert_true(str_starts(detail, before));
    struct str made = str_sub(detail, before.n, detail.n);
    struct execution_row row;
    OK(db_begin(b->db, &b->err));
    assert_int_equal(record_execution_get(b->db, &b->arena, made, &row, &b->err), 1);
    db_rollback(b->db);
    assert_true(str_is(row.trigger_type, "AutomatedRollback"));
    assert_act(b, "codepipeline:RollbackStage", ARN "/Build", str_z(&b->arena, detail));
}

static int set_up(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    const struct db_schema schemas[] = {audit_schema, queue_schema, record_schema, source_schema};
    OK(db_open("", schemas, 4, &b->db, &b->err));
    const struct audit_config config = {.db = b->db, .clock = &b->clock, .rng = &rng_system};
    OK(audit_start(&config, &b->err));
    b->flow = (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system};
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    audit_stop();
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_a_release_that_a_change_starts_is_told),
        T(test_a_release_that_a_call_starts_is_left_to_the_gate),
        T(test_a_start_that_is_rolled_back_leaves_no_row),
        T(test_a_retry_by_itself_is_told_once),
        T(test_a_rollback_by_itself_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
