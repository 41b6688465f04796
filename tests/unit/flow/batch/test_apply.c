/* Batches in the store: what becomes of effects, and that a job that runs twice does so once. */
#include "../../cmocka_.h"

#include "flow/batch/apply.h"
#include "flow/report/store.h"
#include "platform/os/file.h"
#include "runtime/queue/queue.h"

#include <stdio.h>

static struct arena arena;
static struct flow flow;
static struct queue *queue;
static struct clock_fake time_now;
static struct clock clock_of_test;
static int started; /* runs of build.start */

static int start_build(void *ud, struct queue_job *job, struct err *err) {
    (void)ud;
    (void)job;
    (void)err;
    started++;
    return 0;
}

static int setup(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    const struct db_schema schemas[] = {build_schema, report_schema, batch_schema, queue_schema};
    const char *dir = NULL;
    arena_init(&arena);
    started = 0;
    time_now = (struct clock_fake){.now_ms = 1000000};
    clock_of_test = clock_fake(&time_now);
    assert_int_equal(dir_make_temp(&arena, "test_batch", &dir, &err), 0);
    flow = (struct flow){.clock = &clock_of_test, .rng = &rng_system, .data_dir = dir};
    assert_int_equal(db_open("", schemas, sizeof(schemas) / sizeof(schemas[0]), &flow.db, &err), 0);
    size_t n = 0;
    struct queue_kind kinds[8];
    const struct queue_kind *batch = batch_jobs(&flow, &n);
    memcpy(kinds, batch, n * sizeof(*batch));
    kinds[n] = (struct queue_kind){.name = "build.start", .run = start_build, .parallel = 1};
    assert_int_equal(queue_open(flow.db, &clock_of_test, kinds, n + 1, &queue, &err), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    queue_stop(queue);
    db_close(flow.db);
    assert_int_equal(tree_remove(flow.data_dir, &err), 0);
    arena_done(&arena);
    return 0;
}

static const struct codebuild_project *project(void) {
    static struct codebuild_project_source source = {.type = S_INIT("NO_SOURCE"),
                                                     .buildspec = S_INIT("version: 0.2\n")};
    static struct codebuild_project_artifacts artifacts = {.type = S_INIT("NO_ARTIFACTS")};
    static struct codebuild_project_environment environment = {.type = S_INIT("LINUX_CONTAINER"),
                                                               .image = S_INIT("image"),
                                                               .compute_type =
                                                                   S_INIT("BUILD_GENERAL1_SMALL")};
    static struct codebuild_project_build_batch_config config = {
        .service_role = S_INIT("arn:aws:iam::111111111111:role/batch"),
        .timeout_in_mins = 5,
        .has_timeout_in_mins = true};
    static struct codebuild_project p = {.name = S_INIT("app"),
                                         .source = &source,
                                         .artifacts = &artifacts,
                                         .environment = &environment,
                                         .service_role =
                                             S_INIT("arn:aws:iam::111111111111:role/build"),
                                         .build_batch_config = &config};
    return &p;
}

static struct str make(void) {
    struct err err = ERR_INIT;
    struct str uuid = STR_NONE;
    struct batch_order order = {.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .project = project(),
                                .initiator = S("ada")};
    assert_int_equal(db_begin(flow.db, &err), 0);
    if (batch_make(&flow, &arena, &order, &uuid, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(db_commit(flow.db, &err), 0);
    return uuid;
}

static struct batch_state state_of(struct str uuid) {
    struct err err = ERR_INIT;
    struct batch_row row;
    struct batch_state state;
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_int_equal(batch_load(flow.db, &arena, uuid, &row, &err), 1);
    db_rollback(flow.db);
    assert_int_equal(batch_state_parse(&arena, row.state, &state, &err), 0);
    return state;
}

/* A build has ended, as the hook of flow/build tells it. */
static void end(struct str build, const char *status) {
    struct err err = ERR_INIT;
    struct build_row row = {
        .uuid = build, .status = str_c(status), .phases = S("[]"), .artifacts = S("[]")};
    assert_int_equal(db_begin(flow.db, &err), 0);
    if (batch_build_ended(&flow, &arena, &row, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(db_commit(flow.db, &err), 0);
}

static void leave_spec(struct str build, const char *text) {
    struct err err = ERR_INIT;
    const char *dir = str_printf(&arena, "%s/builds/" STR_FMT, flow.data_dir, STR_ARG(build)).p;
    assert_int_equal(dir_make(dir, 0700, &err), 0);
    const char *path = str_printf(&arena, "%s/batchspec.json", dir).p;
    assert_int_equal(file_write(path, str_c(text), 0600, &err), 0);
}

static int64_t count(const char *sql) {
    struct err err = ERR_INIT;
    int64_t n = -1;
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_true(db_get_i64(flow.db, &n, &err, sql, "") >= 0);
    db_rollback(flow.db);
    return n;
}

static const char two[] = "{\"tasks\":[{\"identifier\":\"a\",\"variables\":{\"X\":\"1\"}},"
                          "{\"identifier\":\"b\",\"dependOn\":[\"a\"]}],\"fastFail\":false}";

/* Up to where build a runs; its id. */
static struct str run_to_first(struct str uuid) {
    queue_run_due(queue);
    assert_int_equal(started, 1);
    struct str download = state_of(uuid).groups.v[0].build.uuid;
    leave_spec(download, two);
    end(download, "SUCCEEDED");
    queue_run_due(queue);
    assert_int_equal(started, 2);
    return state_of(uuid).groups.v[1].build.uuid;
}

static void test_builds_are_made_under_the_ids_that_the_state_fixed(void **unused) {
    (void)unused;
    struct err err = ERR_INIT;
    struct str uuid = make();
    struct str a = run_to_first(uuid);
    struct build_row row;
    struct plan plan;
    struct str text = STR_NONE;
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_int_equal(build_load(flow.db, &arena, a, &row, &err), 1);
    assert_true(build_get_plan(flow.db, &arena, a, &text, &err) >= 0);
    db_rollback(flow.db);
    assert_int_equal(plan_parse(&arena, text, &plan, &err), 0);
    assert_string_equal(str_z(&arena, plan.batch_identifier), "a");
    assert_false(plan.batchspec);
    assert_string_equal(str_z(&arena, env_find(&plan.env, S("X"))->value), "1");
    assert_true(str_find(row.body, S("build-batch/app:"), 0) != (size_t)-1);
    end(a, "SUCCEEDED");
    queue_run_due(queue);
    assert_int_equal(started, 3);
    end(state_of(uuid).groups.v[2].build.uuid, "SUCCEEDED");
    assert_int_equal(state_of(uuid).status, BATCH_SUCCEEDED);
    assert_int_equal(count("SELECT count(*) FROM codebuild_builds"), 3);
}

/* As after a crash between a job's work and its end. */
static void test_a_start_that_runs_again_makes_no_second_build(void **unused) {
    (void)unused;
    struct err err = ERR_INIT;
    struct str uuid = make();
    struct str a = run_to_first(uuid);
    struct str key = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(uuid), STR_ARG(a));
    struct str first = str_printf(&arena, STR_FMT "/1", STR_ARG(uuid));
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_int_equal(queue_add(flow.db, "batch.start", key, S("{}"), 0, &err), 0);
    assert_int_equal(queue_add(flow.db, "batch.continue", first, S("{}"), 0, &err), 0);
    assert_int_equal(db_commit(flow.db, &err), 0);
    queue_run_due(queue);
    assert_int_equal(count("SELECT count(*) FROM codebuild_builds"), 2);
    struct batch_state state = state_of(uuid);
    assert_string_equal(batch_phase_name(batch_phase_now(&state)), "IN_PROGRESS");
}

static void test_a_specification_that_is_damaged_fails_the_batch(void **unused) {
    (void)unused;
    struct str uuid = make();
    queue_run_due(queue);
    struct str download = state_of(uuid).groups.v[0].build.uuid;
    leave_spec(download, "{\"tasks\":[]}");
    end(download, "SUCCEEDED");
    struct batch_state state = state_of(uuid);
    assert_int_equal(state.status, BATCH_FAILED);
    assert_string_equal(state.phases.v[1].message.p, "a batch has 1 to 100 builds");
}

static void test_a_batch_over_its_time_stops_its_builds(void **unused) {
    (void)unused;
    struct str uuid = make();
    run_to_first(uuid);
    time_now.now_ms += 5 * 60 * 1000;
    queue_run_due(queue);
    struct batch_state state = state_of(uuid);
    assert_true(state.complete);
    assert_int_equal(state.status, BATCH_FAILED);
    assert_int_equal(count("SELECT count(*) FROM codebuild_builds WHERE stop_ms > 0"), 1);
}

static void test_a_stop_before_anything_began_starts_nothing(void **unused) {
    (void)unused;
    struct err err = ERR_INIT;
    struct str uuid = make();
    struct batch_event stop = {.kind = BATCH_STOP};
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_int_equal(batch_apply(&flow, &arena, uuid, &stop, &err), 0);
    assert_int_equal(db_commit(flow.db, &err), 0);
    queue_run_due(queue);
    assert_int_equal(started, 0);
    assert_int_equal(count("SELECT count(*) FROM codebuild_builds"), 0);
    assert_int_equal(state_of(uuid).status, BATCH_STOPPED);
}

static void test_a_token_is_forgotten_after_its_time(void **unused) {
    (void)unused;
    struct err err = ERR_INIT;
    struct str uuid = STR_NONE;
    struct batch_row found;
    struct batch_order order = {.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .project = project(),
                                .initiator = S("ada"),
                                .token = S("t"),
                                .token_digest = S("d")};
    struct batch_row like = {.account = order.account,
                             .region = order.region,
                             .project = S("app"),
                             .token = order.token};
    assert_int_equal(db_begin(flow.db, &err), 0);
    assert_int_equal(batch_make(&flow, &arena, &order, &uuid, &err), 0);
    assert_int_equal(batch_token_expire(flow.db, &like, time_now.now_ms, &err), 0);
    assert_int_equal(batch_by_token(flow.db, &arena, &like, &found, &err), 1);
    assert_string_equal(found.uuid.p, uuid.p);
    assert_int_equal(batch_token_expire(flow.db, &like, time_now.now_ms + 1, &err), 0);
    assert_int_equal(batch_by_token(flow.db, &arena, &like, &found, &err), 0);
    assert_int_equal(batch_make(&flow, &arena, &order, &uuid, &err), 0);
    db_rollback(flow.db);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_builds_are_made_under_the_ids_that_the_state_fixed),
        TEST(test_a_start_that_runs_again_makes_no_second_build),
        TEST(test_a_specification_that_is_damaged_fails_the_batch),
        TEST(test_a_batch_over_its_time_stops_its_builds),
        TEST(test_a_stop_before_anything_began_starts_nothing),
        TEST(test_a_token_is_forgotten_after_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
