/* Batches: what starts when, what a failure stops, what is retried. Each step's state is written as
 * JSON and read again, so that the store's form is tested with every rule. */
#include "../../cmocka_.h"

#include "flow/batch/batch.h"

static struct arena arena;
static struct batch_state state;
static struct batch_effects effects;
static int64_t now;

static int setup(void **unused) {
    (void)unused;
    arena_init(&arena);
    now = 1000;
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    arena_done(&arena);
    return 0;
}

static struct str_list ids(size_t n) {
    struct str_list list = {0};
    static unsigned next;
    for (size_t i = 0; i < n; i++) {
        *arena_push(&arena, &list) = str_printf(&arena, "id%u", next++);
    }
    return list;
}

/* Feeds an event; -1 when it is refused. */
static int feed(struct batch_event event) {
    struct err err = ERR_INIT;
    event.t = now += 10;
    event.fresh = ids(state.groups.n + event.tasks.n + 2);
    int result = batch_step(&arena, &state, &event, &effects, &err);
    struct str text = batch_state_json(&arena, &state);
    struct batch_state again;
    assert_int_equal(batch_state_parse(&arena, text, &again, &err), 0);
    assert_string_equal(batch_state_json(&arena, &again).p, text.p);
    state = again;
    return result;
}

static struct batch_task task(const char *identifier, const char *after) {
    struct batch_task t = {.identifier = str_c(identifier)};
    if (after != NULL) {
        *arena_push(&arena, &t.depend_on) = str_c(after);
    }
    return t;
}

static struct batch_group *group(const char *identifier) {
    for (size_t i = 0; i < state.groups.n; i++) {
        if (str_is(state.groups.v[i].task.identifier, identifier)) {
            return &state.groups.v[i];
        }
    }
    fail_msg("no group %s", identifier);
    return NULL;
}

static void end(const char *identifier, enum batch_status status) {
    assert_int_equal(feed((struct batch_event){.kind = BATCH_ENDED,
                                               .uuid = group(identifier)->build.uuid,
                                               .status = status,
                                               .message = S("why")}),
                     0);
}

static void assert_group(const char *identifier, enum batch_status status) {
    assert_string_equal(batch_status_name(group(identifier)->build.status),
                        batch_status_name(status));
}

static void assert_batch(enum batch_phase_kind phase, enum batch_status status) {
    assert_string_equal(batch_phase_name(batch_phase_now(&state)), batch_phase_name(phase));
    assert_string_equal(batch_status_name(state.status), batch_status_name(status));
}

/* Is there this effect about the build of that group? */
static bool does(enum batch_effect_kind kind, const char *identifier) {
    for (size_t i = 0; i < effects.n; i++) {
        if (effects.v[i].kind == kind && str_eq(effects.v[i].uuid, group(identifier)->build.uuid)) {
            return true;
        }
    }
    return false;
}

/* A batch whose first build has read these tasks. */
static void begin(struct batch_task *v, size_t n, bool fast_fail, bool combine) {
    assert_int_equal(feed((struct batch_event){.kind = BATCH_SUBMIT, .combine = combine}), 0);
    assert_batch(BATCH_PHASE_SUBMITTED, BATCH_IN_PROGRESS);
    assert_int_equal(effects.v[0].kind, BATCH_DO_CONTINUE);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_CONTINUE}), 0);
    assert_batch(BATCH_PHASE_DOWNLOAD, BATCH_IN_PROGRESS);
    assert_true(does(BATCH_DO_START, BATCH_SOURCE_GROUP));
    assert_int_equal(
        feed((struct batch_event){.kind = BATCH_SPEC, .tasks = {v, n}, .fast_fail = fast_fail}), 0);
    assert_group(BATCH_SOURCE_GROUP, BATCH_SUCCEEDED);
}

static void test_a_list_starts_at_once_and_succeeds_when_all_have(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", NULL)};
    begin(tasks, 2, false, false);
    assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
    assert_true(does(BATCH_DO_START, "a") && does(BATCH_DO_START, "b"));
    end("b", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
    end("a", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
    assert_true(state.complete);
    assert_int_equal(state.ended_ms, now);
    assert_int_equal(state.phases.n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(state.phases.v[i].status, BATCH_SUCCEEDED);
        assert_int_equal(state.phases.v[i].end_ms, state.phases.v[i + 1].start_ms);
    }
}

static void test_a_graph_waits_and_stops_what_can_never_start(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", "a"), task("c", "b"), task("d", NULL)};
    begin(tasks, 4, false, false);
    assert_group("b", BATCH_PENDING);
    assert_false(does(BATCH_DO_START, "b"));
    end("a", BATCH_FAILED);
    assert_group("b", BATCH_STOPPED);
    assert_group("c", BATCH_STOPPED);
    assert_group("d", BATCH_IN_PROGRESS);
    assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
    end("d", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_FAILED, BATCH_FAILED);
    assert_string_equal(state.phases.v[2].message.p, "Builds failed: a");
    assert_int_equal(state.phases.v[2].status, BATCH_FAILED);
}

static void test_a_dependency_that_went_well_starts_the_next(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", "a")};
    begin(tasks, 2, false, false);
    end("a", BATCH_SUCCEEDED);
    assert_true(does(BATCH_DO_START, "b"));
    end("b", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
}

static void test_a_failure_that_is_ignored_holds_nothing_up(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", "a")};
    tasks[0].ignore_failure = true;
    begin(tasks, 2, true, false);
    end("a", BATCH_FAILED);
    assert_true(does(BATCH_DO_START, "b"));
    end("b", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
}

static void test_fast_fail_stops_what_runs_and_what_waits(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", NULL), task("c", "b")};
    begin(tasks, 3, true, false);
    end("a", BATCH_TIMED_OUT);
    assert_true(does(BATCH_DO_STOP, "b"));
    assert_group("c", BATCH_STOPPED);
    assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
    end("b", BATCH_STOPPED);
    assert_batch(BATCH_PHASE_FAILED, BATCH_FAILED);
}

static void test_a_stop_ends_the_batch_at_once(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL), task("b", "a")};
    begin(tasks, 2, false, false);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_STOP}), 0);
    assert_batch(BATCH_PHASE_STOPPED, BATCH_STOPPED);
    assert_true(state.complete && does(BATCH_DO_STOP, "a"));
    assert_group("b", BATCH_STOPPED);
    assert_group("a", BATCH_IN_PROGRESS);
    end("a", BATCH_STOPPED);
    assert_group("a", BATCH_STOPPED);
    assert_batch(BATCH_PHASE_STOPPED, BATCH_STOPPED);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_STOP}), 0);
    assert_int_equal(effects.n, 0);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_RETRY}), -1);
}

static void test_a_source_that_fails_fails_the_batch(void **unused) {
    (void)unused;
    assert_int_equal(feed((struct batch_event){.kind = BATCH_SUBMIT}), 0);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_CONTINUE}), 0);
    end(BATCH_SOURCE_GROUP, BATCH_FAILED);
    assert_batch(BATCH_PHASE_FAILED, BATCH_FAILED);
    assert_string_equal(state.phases.v[1].message.p, "why");
    assert_int_equal(feed((struct batch_event){.kind = BATCH_RETRY}), 0);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_CONTINUE}), 0);
    assert_batch(BATCH_PHASE_DOWNLOAD, BATCH_IN_PROGRESS);
    assert_int_equal(group(BATCH_SOURCE_GROUP)->prior.n, 1);
}

static void test_a_retry_repeats_failed_builds_or_all(void **unused) {
    (void)unused;
    for (int all = 0; all < 2; all++) {
        struct batch_task tasks[] = {task("a", NULL), task("b", NULL), task("c", "b")};
        begin(tasks, 3, false, false);
        end("a", BATCH_SUCCEEDED);
        end("b", BATCH_FAILED);
        assert_batch(BATCH_PHASE_FAILED, BATCH_FAILED);
        struct str failed = group("b")->build.uuid;
        assert_int_equal(feed((struct batch_event){.kind = BATCH_RETRY, .all = all == 1}), 0);
        assert_batch(BATCH_PHASE_SUBMITTED, BATCH_IN_PROGRESS);
        assert_false(state.complete);
        assert_int_equal(state.attempt, 2);
        assert_int_equal(feed((struct batch_event){.kind = BATCH_CONTINUE}), 0);
        assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
        assert_int_equal(does(BATCH_DO_START, "a"), all == 1);
        assert_true(does(BATCH_DO_START, "b"));
        assert_int_equal(group("b")->prior.n, 1);
        assert_string_equal(group("b")->prior.v[0].uuid.p, failed.p);
        assert_false(str_eq(group("b")->build.uuid, failed));
        assert_group("c", BATCH_PENDING);
        end("b", BATCH_SUCCEEDED);
        end("c", BATCH_SUCCEEDED);
        if (all) {
            end("a", BATCH_SUCCEEDED);
        }
        assert_batch(BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
    }
}

static void test_only_the_timer_of_this_attempt_counts(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL)};
    begin(tasks, 1, false, false);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_TIMEOUT, .attempt = 7}), 0);
    assert_batch(BATCH_PHASE_RUN, BATCH_IN_PROGRESS);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_TIMEOUT, .attempt = 1}), 0);
    assert_batch(BATCH_PHASE_FAILED, BATCH_FAILED);
    assert_int_equal(state.phases.v[2].status, BATCH_TIMED_OUT);
    assert_true(does(BATCH_DO_STOP, "a"));
    assert_int_equal(feed((struct batch_event){.kind = BATCH_RETRY}), -1); /* it is still ending */
    end("a", BATCH_STOPPED);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_RETRY}), 0);
}

static void test_artifacts_are_combined_by_a_build_of_its_own(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL)};
    begin(tasks, 1, false, true);
    end("a", BATCH_SUCCEEDED);
    assert_batch(BATCH_PHASE_COMBINE, BATCH_IN_PROGRESS);
    assert_int_equal(effects.v[0].kind, BATCH_DO_COMBINE);
    struct batch_event done = {.kind = BATCH_ENDED,
                               .uuid = state.combining.uuid,
                               .status = BATCH_SUCCEEDED,
                               .artifacts = S("[]")};
    assert_int_equal(feed(done), 0);
    assert_batch(BATCH_PHASE_SUCCEEDED, BATCH_SUCCEEDED);
    assert_string_equal(state.combining.artifacts.p, "[]");
}

static void test_builds_of_nobody_change_nothing(void **unused) {
    (void)unused;
    struct batch_task tasks[] = {task("a", NULL)};
    begin(tasks, 1, false, false);
    struct str before = batch_state_json(&arena, &state);
    struct batch_event other = {.kind = BATCH_ENDED, .uuid = S("other"), .status = BATCH_FAILED};
    assert_int_equal(feed(other), 0);
    assert_string_equal(batch_state_json(&arena, &state).p, before.p);
    assert_int_equal(feed((struct batch_event){.kind = BATCH_CONTINUE}), -1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_list_starts_at_once_and_succeeds_when_all_have),
        TEST(test_a_graph_waits_and_stops_what_can_never_start),
        TEST(test_a_dependency_that_went_well_starts_the_next),
        TEST(test_a_failure_that_is_ignored_holds_nothing_up),
        TEST(test_fast_fail_stops_what_runs_and_what_waits),
        TEST(test_a_stop_ends_the_batch_at_once),
        TEST(test_a_source_that_fails_fails_the_batch),
        TEST(test_a_retry_repeats_failed_builds_or_all),
        TEST(test_only_the_timer_of_this_attempt_counts),
        TEST(test_artifacts_are_combined_by_a_build_of_its_own),
        TEST(test_builds_of_nobody_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
