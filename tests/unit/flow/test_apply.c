/* From events to rows and jobs: one door, one transaction. */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "platform/text/json.h"
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

static const char definition[] =
    "{\"name\":\"p\",\"roleArn\":\"arn:aws:iam::111111111111:role/p\",\"artifactStore\":{\"type\":"
    "\"S3\",\"location\":\"b\"},\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\","
    "\"actionTypeId\":{\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":"
    "\"CodeStarSourceConnection\",\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":\"c\","
    "\"FullRepositoryId\":\"local/p\",\"BranchName\":\"main\"},\"outputArtifacts\":[{\"name\":"
    "\"source\"}]}]},{\"name\":\"Approve\",\"actions\":[{\"name\":\"Person\",\"actionTypeId\":{"
    "\"category\":\"Approval\",\"owner\":\"AWS\",\"provider\":\"Manual\",\"version\":\"1\"}}]}],"
    "\"triggers\":[{\"providerType\":\"CodeStarSourceConnection\",\"gitConfiguration\":{"
    "\"sourceActionName\":\"Trunk\",\"push\":[{\"branches\":{\"includes\":[\"main\"]},"
    "\"filePaths\":"
    "{\"excludes\":[\"docs/**\",\"*.md\"]}}]}}]}";

static struct engine_plan two_stages(struct arena *a) {
    struct engine_plan plan = {.version = 1, .n = 2};
    plan.v = arena_new_n(a, struct engine_plan_stage, 2);
    plan.v[0].name = S("Source");
    *arena_push(a, &plan.v[0].actions) = (struct engine_plan_action){S("Trunk"), 1, false};
    plan.v[1].name = S("Approve");
    *arena_push(a, &plan.v[1].actions) = (struct engine_plan_action){S("Person"), 1, true};
    return plan;
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    *state = b;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema};
    if (db_open("", schemas, 3, &b->db, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    b->flow = (struct flow){.db = b->db, .clock = &b->clock, .rng = &rng_system};
    struct pipeline_row row = {.account = S("111111111111"),
                               .region = S("eu-west-2"),
                               .name = S("p"),
                               .version = 1,
                               .definition = str_c(definition)};
    struct engine_plan plan = two_stages(&b->arena);
    assert_int_equal(db_begin(b->db, &b->err), 0);
    if (execution_define(&b->flow, &b->arena, &row, &plan, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    assert_int_equal(db_commit(b->db, &b->err), 0);
    b->pipeline = row.id;
    return 0;
}

/* At the end of each test the state in the store is the fold of the events in the store. */
static void check_fold(struct bench *b) {
    struct engine_state state = {0};
    struct db_rows rows cleanup_rows = {0};
    int more = 0;
    assert_int_equal(
        db_query(b->db, &rows, &b->err, "SELECT event FROM pipeline_events ORDER BY seq", ""), 0);
    while ((more = db_next(&rows, &b->err)) > 0) {
        struct engine_event event;
        struct engine_state next;
        struct engine_effect_list effects;
        enum engine_refusal refusal;
        json_t *json cleanup_json = json_parse(db_str(&rows, &b->arena, 0), &b->err);
        assert_int_equal(engine_event_from_json(&b->arena, json, &event, &b->err), 0);
        assert_int_equal(engine_step(&b->arena, &state, &event, &next, &effects, &refusal, &b->err),
                         0);
        state = next;
    }
    assert_int_equal(more, 0);
    struct pipeline_row row;
    assert_int_equal(record_pipeline_by_id(b->db, &b->arena, b->pipeline, &row, &b->err), 1);
    json_t *folded cleanup_json = engine_state_to_json(&state);
    json_t *stored cleanup_json = json_parse(row.state, &b->err);
    assert_true(json_equal(folded, stored));
}

static int tear_down(void **state) {
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    check_fold(b);
    db_rollback(b->db);
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static int64_t jobs(struct bench *b, const char *kind) {
    int64_t n = -1;
    assert_int_equal(
        db_get_i64(b->db, &n, &b->err, "SELECT count(*) FROM job WHERE kind = ?", "z", kind), 1);
    return n;
}

static struct str start(struct bench *b) {
    struct execution_start how = {.trigger_type = S("StartPipelineExecution"),
                                  .trigger_detail = S("arn:aws:iam::111111111111:root")};
    struct str id = STR_NONE;
    if (execution_start(&b->flow, &b->arena, b->pipeline, &how, &id, NULL, &b->err) < 0) {
        fail_msg("%s", b->err.msg);
    }
    return id;
}

static struct action_row only_action(struct bench *b, struct str execution) {
    struct action_row_list list;
    assert_int_equal(record_action_list(b->db, &b->arena, execution, &list, &b->err), 0);
    assert_true(list.n > 0);
    return list.v[list.n - 1];
}

static void test_start_writes_rows_and_one_job_per_action(void **state) {
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    struct str id = start(b);
    struct execution_row row;
    assert_int_equal(record_execution_get(b->db, &b->arena, id, &row, &b->err), 1);
    assert_true(str_is(row.status, "InProgress") && row.number == 1);
    assert_int_equal(jobs(b, JOB_ACTION), 1);
    struct action_row action = only_action(b, id);
    assert_true(str_is(action.action, "Trunk") && str_is(action.status, "InProgress"));
    assert_int_equal(db_commit(b->db, &b->err), 0);
}

static void test_rolled_back_start_leaves_nothing(void **state) {
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    struct str id = start(b);
    db_rollback(b->db);
    assert_int_equal(db_begin(b->db, &b->err), 0);
    struct execution_row row;
    assert_int_equal(record_execution_get(b->db, &b->arena, id, &row, &b->err), 0);
    assert_int_equal(jobs(b, JOB_ACTION), 0);
    db_rollback(b->db);
}

static void test_end_of_an_action_is_taken_once(void **state) {
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    struct str id = start(b);
    struct action_row source = only_action(b, id);
    struct action_end end = {
        .ok = true, .summary = S("first"), .output_variables = S("{\"a\":\"1\"}")};
    assert_int_equal(execution_action_end(&b->flow, &b->arena, source.id, &end, &b->err), 0);
    struct action_row approval = only_action(b, id);
    assert_true(str_is(approval.action, "Person"));
    assert_non_null(approval.token.p);
    end = (struct action_end){.ok = false, .summary = S("late")};
    assert_int_equal(execution_action_end(&b->flow, &b->arena, source.id, &end, &b->err), 0);
    struct action_row again;
    assert_int_equal(record_action_get(b->db, &b->arena, source.id, &again, &b->err), 1);
    assert_true(str_is(again.status, "Succeeded") && str_is(again.summary, "first"));
    assert_int_equal(db_commit(b->db, &b->err), 0);
}

static void test_late_end_after_the_definition_changed_is_harmless(void **state) {
    struct bench *b = *state;
    assert_int_equal(db_begin(b->db, &b->err), 0);
    struct str id = start(b);
    struct action_row source = only_action(b, id);
    struct pipeline_row row;
    assert_int_equal(record_pipeline_by_id(b->db, &b->arena, b->pipeline, &row, &b->err), 1);
    struct engine_plan plan = two_stages(&b->arena);
    plan.version = row.version = 2;
    assert_int_equal(execution_define(&b->flow, &b->arena, &row, &plan, &b->err), 0);
    struct action_end end = {.ok = true};
    assert_int_equal(execution_action_end(&b->flow, &b->arena, source.id, &end, &b->err), 0);
    struct execution_row execution;
    assert_int_equal(record_execution_get(b->db, &b->arena, id, &execution, &b->err), 1);
    assert_true(str_is(execution.status, "Cancelled"));
    assert_int_equal(db_commit(b->db, &b->err), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_start_writes_rows_and_one_job_per_action),
        T(test_rolled_back_start_leaves_nothing),
        T(test_end_of_an_action_is_taken_once),
        T(test_late_end_after_the_definition_changed_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
