/* What passes between serve and a supervisor through files. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/plan/events.h"
#include "flow/plan/ahead.h"
#include "flow/plan/plan.h"
#include "platform/os/file.h"

static struct arena arena;
static const char *dir;
static struct clock_fake time_now;
static struct clock fake_time;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    struct err err = ERR_INIT;
    time_now = (struct clock_fake){.now_ms = 1000};
    fake_time = clock_fake(&time_now);
    return dir_make_temp(&arena, "test_plan", &dir, &err);
}

static int teardown(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    int result = tree_remove(dir, &err);
    arena_done(&arena);
    return result;
}

static struct plan sample(void) {
    struct plan plan = {.uuid = S("0b5a"),
                        .project = S("p"),
                        .region = S("eu-west-2"),
                        .account = S("111111111111"),
                        .number = 7,
                        .start_ms = 5,
                        .data_dir = S("/data"),
                        .image_uses = S("debian"),
                        .policy = PLAN_LOCKED,
                        .timeout_s = 3600,
                        .initiator = S("codepipeline/x")};
    plan.source = (struct plan_source){.kind = PLAN_SOURCE_S3,
                                       .bucket = S("b"),
                                       .key = S("k"),
                                       .sha256 = S("00ff"),
                                       .label = S("arn:aws:s3:::b/k")};
    *arena_push(&arena, &plan.secondary_sources) = (struct plan_source){.id = S("lib")};
    *arena_push(&arena, &plan.artifacts) = (struct plan_artifact){
        .kind = PLAN_ARTIFACT_S3, .bucket = S("b"), .key = S("o"), .zip = true};
    env_put(&arena, &plan.env, (struct env_var){S("A"), S("/p"), ENV_PARAMETER_STORE, true});
    *arena_push(&arena, &plan.binds) = S("/opt:/opt");
    return plan;
}

static void test_a_plan_is_read_as_it_was_written(void **state) {
    (void)state;
    struct plan plan = sample();
    struct plan back;
    struct err err = ERR_INIT;
    assert_int_equal(plan_write(dir, &plan, &err), 0);
    assert_int_equal(plan_read(&arena, dir, &back, &err), 0);
    assert_true(str_eq(plan_json(&arena, &plan), plan_json(&arena, &back)));
    assert_int_equal(back.policy, PLAN_LOCKED);
    assert_int_equal(back.env.v[0].type, ENV_PARAMETER_STORE);
    assert_int_equal(back.secondary_sources.n, 1);
    assert_true(back.artifacts.v[0].zip);
    assert_true(back.resolved_version.p == NULL);
}

static void test_a_damaged_plan_names_the_member(void **state) {
    (void)state;
    struct plan plan;
    struct err err = ERR_INIT;
    assert_int_equal(plan_parse(&arena, S("{\"uuid\":5}"), &plan, &err), -1);
    assert_string_equal(err.msg, "plan: 'uuid' is missing or no text");
    struct str text = plan_json(&arena, &(struct plan){.uuid = S("u"),
                                                       .project = S("p"),
                                                       .region = S("r"),
                                                       .account = S("a"),
                                                       .data_dir = S("d"),
                                                       .image_uses = S("i")});
    assert_int_equal(plan_parse(&arena, text, &plan, &err), 0);
    assert_int_equal(plan_parse(&arena, S("{"), &plan, &err), -1);
}

static void test_builtin_variables_are_those_of_codebuild(void **state) {
    (void)state;
    struct plan plan = sample();
    struct env env = plan_builtin_env(&arena, &plan);
    assert_true(str_is(env_find(&env, S("CODEBUILD_BUILD_ID"))->value, "p:0b5a"));
    assert_true(str_is(env_find(&env, S("CODEBUILD_BUILD_ARN"))->value,
                       "arn:aws:codebuild:eu-west-2:111111111111:build/p:0b5a"));
    assert_true(str_is(env_find(&env, S("CODEBUILD_BUILD_NUMBER"))->value, "7"));
    assert_true(str_is(env_find(&env, S("CODEBUILD_SOURCE_VERSION"))->value, "arn:aws:s3:::b/k"));
    assert_true(str_is(env_find(&env, S("HOME"))->value, "/root"));
    assert_null(env_find(&env, S("CODEBUILD_RESOLVED_SOURCE_VERSION")));
    assert_null(env_find(&env, S("CODEBUILD_LOCAL_BUILD")));
    assert_null(env_find(&env, S("CODEBUILD_BATCH_BUILD_IDENTIFIER")));
    assert_null(env_find(&env, S("CODEBUILD_PUBLIC_BUILD_URL")));
    plan.source.kind = PLAN_SOURCE_LOCAL;
    plan.batch_identifier = S("linux_small");
    plan.public_url = S("https://x/y");
    env = plan_builtin_env(&arena, &plan);
    assert_true(str_is(env_find(&env, S("CODEBUILD_LOCAL_BUILD"))->value, "true"));
    assert_true(
        str_is(env_find(&env, S("CODEBUILD_BATCH_BUILD_IDENTIFIER"))->value, "linux_small"));
    assert_true(str_is(env_find(&env, S("CODEBUILD_PUBLIC_BUILD_URL"))->value, "https://x/y"));
}

static void test_caches_and_logs_survive_the_file(void **state) {
    (void)state;
    struct plan plan = sample();
    struct plan back;
    struct err err = ERR_INIT;
    plan.cache = (struct plan_cache){.kind = PLAN_CACHE_S3,
                                     .bucket = S("b"),
                                     .prefix = S("p/q"),
                                     .name_space = S("n"),
                                     .generation = 3,
                                     .custom = true};
    plan.s3_log_bucket = S("logs");
    plan.s3_log_key = S("a/b.gz");
    plan.s3_log_plain = true;
    plan.queued_timeout_s = 300;
    assert_int_equal(plan_parse(&arena, plan_json(&arena, &plan), &back, &err), 0);
    assert_int_equal(back.cache.kind, PLAN_CACHE_S3);
    assert_true(str_is(back.cache.prefix, "p/q") && str_is(back.cache.name_space, "n"));
    assert_int_equal(back.cache.generation, 3);
    assert_true(back.cache.custom && !back.cache.source && !back.cache.docker);
    assert_true(str_is(back.s3_log_key, "a/b.gz") && back.s3_log_plain);
    assert_int_equal(back.queued_timeout_s, 300);
}

static void test_events_are_numbered_over_reopening(void **state) {
    (void)state;
    struct build_events *events = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(build_events_open(dir, &fake_time, &events, &err), 0);
    json_t *one = json_object();
    json_set_str(one, "phase", S("BUILD"));
    assert_int_equal(build_events_add(events, "phase_start", one, &err), 0);
    build_events_close(events);
    time_now.now_ms = 2000;
    assert_int_equal(build_events_open(dir, &fake_time, &events, &err), 0);
    assert_int_equal(build_events_add(events, "exported", json_object(), &err), 0);
    build_events_close(events);
    struct str text = STR_NONE;
    assert_int_equal(
        file_read(&arena, str_printf(&arena, "%s/events.jsonl", dir).p, 1000, &text, &err), 0);
    assert_string_equal(str_z(&arena, text),
                        "{\"seq\":1,\"t\":1000,\"type\":\"phase_start\",\"phase\":\"BUILD\"}\n"
                        "{\"seq\":2,\"t\":2000,\"type\":\"exported\"}\n");
}

/* As a power failure may leave it. */
static void test_an_exit_that_is_not_whole_is_not_there(void **state) {
    (void)state;
    struct build_exit end;
    struct err err = ERR_INIT;
    static const char *const torn[] = {"", "{\"status\":\"SUCCEE"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            file_write(str_printf(&arena, "%s/exit.json", dir).p, str_c(torn[i]), 0600, &err), 0);
        assert_int_equal(build_exit_read(&arena, dir, &end, &err), 0);
    }
    assert_int_equal(build_records_sync(dir, &err), 0);
}

static void test_an_exit_is_there_or_not(void **state) {
    (void)state;
    struct build_exit end;
    struct err err = ERR_INIT;
    assert_int_equal(build_exit_read(&arena, dir, &end, &err), 0);
    assert_int_equal(
        build_exit_write(dir, &fake_time,
                         &(struct build_exit){.status = S("FAILED"), .reason = S("BUILD failed")},
                         &err),
        0);
    assert_int_equal(build_exit_read(&arena, dir, &end, &err), 1);
    assert_true(str_is(end.status, "FAILED") && str_is(end.reason, "BUILD failed"));
    assert_true(end.ended_ms == 1000);
}

static void add_event(const char *type, const char *phase) {
    struct err err = ERR_INIT;
    struct build_events *events = NULL;
    assert_int_equal(build_events_open(dir, &fake_time, &events, &err), 0);
    json_t *event = json_object();
    json_set_str(event, "phase", str_c(phase));
    assert_int_equal(build_events_add(events, type, event, &err), 0);
    assert_true(build_events_any(events));
    build_events_close(events);
}

static bool untouched(void) {
    struct err err = ERR_INIT;
    bool is = false;
    assert_int_equal(build_untouched(dir, &is, &err), 0);
    return is;
}

static void test_a_build_is_untouched_until_a_phase_with_commands_begins(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_true(untouched());
    add_event("phase_start", "PROVISIONING");
    add_event("phase_end", "PROVISIONING");
    add_event("phase_start", "DOWNLOAD_SOURCE");
    add_event("source", "INSTALL");
    assert_true(untouched());
    add_event("phase_start", "INSTALL");
    assert_false(untouched());
    assert_int_equal(file_remove(str_printf(&arena, "%s/events.jsonl", dir).p, &err), 0);
    assert_true(untouched());
}

static void test_a_build_that_has_ended_is_not_untouched(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    const struct build_exit end = {.status = S("FAILED"), .reason = S("no source")};
    assert_int_equal(build_exit_write(dir, &fake_time, &end, &err), 0);
    assert_false(untouched());
}

static void test_half_a_record_counts_as_a_touch(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    const char *path = str_printf(&arena, "%s/events.jsonl", dir).p;
    assert_int_equal(file_write(path, S("{\"type\":\"phase_st"), 0600, &err), 0);
    assert_false(untouched());
}

static void test_a_plan_takes_the_file_that_was_made_ahead(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct plan plan = sample();
    struct plan back;
    const char *ahead = str_printf(&arena, "%s/plan.json" AHEAD_SUFFIX, dir).p;
    assert_int_equal(file_write(ahead, S(""), 0600, &err), 0);
    assert_int_equal(plan_write(dir, &plan, &err), 0);
    assert_false(file_exists(ahead));
    assert_int_equal(plan_read(&arena, dir, &back, &err), 0);
    assert_true(str_eq(plan_json(&arena, &plan), plan_json(&arena, &back)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_plan_is_read_as_it_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_plan_names_the_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_builtin_variables_are_those_of_codebuild, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_caches_and_logs_survive_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_are_numbered_over_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_exit_is_there_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_exit_that_is_not_whole_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_build_is_untouched_until_a_phase_with_commands_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_build_that_has_ended_is_not_untouched, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_half_a_record_counts_as_a_touch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_plan_takes_the_file_that_was_made_ahead, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
