/* The release engine's rules, event by event. Time and ids come from the tests. */
#include "engine_bench.h"

static void test_execution_runs_through_all_stages_in_run_order(void **state) {
    struct bench *b = *state;
    to_approval(b, "one");
    assert_non_null(effect(b, EFFECT_CHECK, NULL));
    check(b, "one", true);
    const struct engine_effect *waiting = effect(b, EFFECT_START_ACTION, "Person");
    assert_non_null(waiting);
    assert_int_equal(answer(b, waiting->token, true), 0);
    assert_non_null(effect(b, EFFECT_START_ACTION, "First"));
    assert_null(effect(b, EFFECT_START_ACTION, "Second"));
    end(b, "one", "First", true);
    assert_non_null(effect(b, EFFECT_START_ACTION, "Second"));
    end(b, "one", "Second", true);
    assert_int_equal(status(b, "one"), EXEC_SUCCEEDED);
}

static void test_newer_execution_supersedes_the_one_that_waits(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true); /* one holds Build */
    start(b, "two");
    end(b, "two", "Trunk", true); /* two waits in front of Build */
    assert_int_equal(engine_find(&b->state, S("two"))->place, PLACE_WAITING);
    start(b, "three");
    end(b, "three", "Trunk", true);
    const struct engine_effect *told = effect(b, EFFECT_EXECUTION, NULL);
    assert_non_null(told);
    assert_true(str_is(told->execution, "two") && str_is(told->by, "three"));
    assert_int_equal(told->execution_status, EXEC_SUPERSEDED);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_int_equal(engine_find(&b->state, S("three"))->place, PLACE_STAGE);
}

static void test_failed_action_waits_for_its_sibling_and_gives_the_lock_back(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    end(b, "one", "Unit", false);
    assert_int_equal(status(b, "one"), EXEC_IN_PROGRESS);
    start(b, "two");
    end(b, "two", "Trunk", true);
    end(b, "one", "Lint", true);
    const struct engine_effect *told = effect(b, EFFECT_EXECUTION, NULL);
    assert_non_null(told);
    assert_true(str_is(told->execution, "one"));
    assert_int_equal(told->execution_status, EXEC_FAILED);
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "two"));
}

static void test_late_end_of_an_older_attempt_changes_nothing(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    struct str old = action_of(b, "one", "Unit")->id;
    end(b, "one", "Unit", false);
    end(b, "one", "Lint", true);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_RETRY,
                                                   .execution = S("one"),
                                                   .stage = S("Build")}),
                     0);
    assert_non_null(effect(b, EFFECT_START_ACTION, "Unit"));
    assert_null(effect(b, EFFECT_START_ACTION, "Lint"));
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_ACTION,
                                                   .execution = S("one"),
                                                   .action_id = old,
                                                   .ok = true}),
                     0);
    assert_int_equal(b->effects.n, 0);
    assert_int_equal(action_of(b, "one", "Unit")->status, RUN_IN_PROGRESS);
}

static void test_retry_is_refused_when_another_execution_entered(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    end(b, "one", "Unit", false);
    end(b, "one", "Lint", true);
    start(b, "two");
    end(b, "two", "Trunk", true);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_RETRY,
                                                   .execution = S("one"),
                                                   .stage = S("Build")}),
                     -1);
    assert_int_equal(b->refusal, REFUSED_NOT_LATEST);
}

static void test_closed_gate_fails_the_stage_and_retry_checks_again(void **state) {
    struct bench *b = *state;
    to_approval(b, "one");
    check(b, "one", false);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_RETRY,
                                                   .execution = S("one"),
                                                   .stage = S("Approve")}),
                     0);
    assert_non_null(effect(b, EFFECT_CHECK, NULL));
    check(b, "one", true);
    assert_non_null(effect(b, EFFECT_START_ACTION, "Person"));
}

static void test_approval_token_is_used_once(void **state) {
    struct bench *b = *state;
    to_approval(b, "one");
    check(b, "one", true);
    struct str token = action_of(b, "one", "Person")->token;
    assert_int_equal(answer(b, S("guess"), true), -1);
    assert_int_equal(b->refusal, REFUSED_TOKEN);
    assert_int_equal(answer(b, token, false), 0);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
    assert_int_equal(answer(b, token, true), -1);
    assert_int_equal(b->refusal, REFUSED_ANSWERED);
}

static void test_nothing_starts_after_stop_and_the_lock_waits_for_the_running_action(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("one")}), 0);
    assert_int_equal(status(b, "one"), EXEC_STOPPING);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("one")}), -1);
    assert_int_equal(b->refusal, REFUSED_STOP_TWICE);
    end(b, "one", "Unit", true);
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "one"));
    end(b, "one", "Lint", true);
    assert_null(effect(b, EFFECT_START_ACTION, NULL));
    assert_int_equal(status(b, "one"), EXEC_STOPPED);
    assert_null(engine_stage_find(&b->state, S("Build"))->holder.p);
}

static void test_abandon_kills_and_unlocks_only_after_death(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    assert_int_equal(
        step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("one"), .abandon = true}),
        0);
    assert_non_null(effect(b, EFFECT_KILL_ACTION, "Unit"));
    assert_non_null(effect(b, EFFECT_KILL_ACTION, "Lint"));
    end(b, "one", "Unit", false);
    assert_int_equal(action_of(b, "one", "Unit")->status, RUN_ABANDONED);
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "one"));
    end(b, "one", "Lint", false);
    assert_int_equal(status(b, "one"), EXEC_STOPPED);
}

static void test_update_cancels_what_runs_after_its_actions_ended(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    start(b, "two");
    end(b, "two", "Trunk", true);
    assert_int_equal(
        step(b, (struct engine_event){.kind = EVENT_DEFINE, .plan = demo_plan(&b->arena, 2)}), 0);
    assert_null(engine_find(&b->state, S("two")));
    assert_int_equal(status(b, "one"), EXEC_IN_PROGRESS);
    start(b, "three");
    end(b, "three", "Trunk", true);
    assert_int_equal(engine_find(&b->state, S("three"))->place, PLACE_WAITING);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_int_equal(engine_find(&b->state, S("three"))->place, PLACE_STAGE);
    assert_int_equal(engine_find(&b->state, S("three"))->version, 2);
}

static void test_disabled_transition_keeps_the_newest_waiting(void **state) {
    struct bench *b = *state;
    struct engine_event shut = {.kind = EVENT_TRANSITION, .stage = S("Build"), .inbound = true};
    assert_int_equal(step(b, shut), 0);
    start(b, "one");
    end(b, "one", "Trunk", true);
    start(b, "two");
    end(b, "two", "Trunk", true);
    assert_null(engine_find(&b->state, S("one")));
    shut.ok = true;
    assert_int_equal(step(b, shut), 0);
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "two"));
}

static void test_retry_of_a_stage_behind_it_is_refused(void **state) {
    struct bench *b = *state;
    struct engine_plan plan = demo_plan(&b->arena, 2);
    plan.v[0].entry = RESULT_SKIP;
    define(b, plan);
    start(b, "one");
    check(b, "one", false); /* past Source, which it was the last to enter */
    end(b, "one", "Unit", false);
    assert_int_equal(retry(b, "one", "Source", false), -1);
    assert_int_equal(b->refusal, REFUSED_NOT_RETRYABLE);
    assert_int_equal(retry(b, "one", "Build", false), 0);
}

static void test_newest_passes_no_disabled_transition(void **state) {
    struct bench *b = *state;
    to_approval(b, "one");
    check(b, "one", true);
    to_approval(b, "two"); /* waits behind it */
    struct engine_event shut = {.kind = EVENT_TRANSITION, .stage = S("Build")};
    assert_int_equal(step(b, shut), 0);
    struct engine_event newest = {
        .kind = EVENT_NEWEST, .stage = S("Approve"), .execution = S("two")};
    assert_int_equal(step(b, newest), -1);
    assert_int_equal(b->refusal, REFUSED_NOT_WAITING);
    shut.ok = true;
    assert_int_equal(step(b, shut), 0);
    assert_int_equal(step(b, newest), 0);
}

static void test_lock_outlives_a_version_without_the_stage(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    struct engine_plan without = demo_plan(&b->arena, 2);
    without.v[1].name = S("Other");
    define(b, without);
    define(b, demo_plan(&b->arena, 3));
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "one"));
    start(b, "two");
    end(b, "two", "Trunk", true);
    assert_int_equal(engine_find(&b->state, S("two"))->place, PLACE_WAITING);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_true(str_is(engine_stage_find(&b->state, S("Build"))->holder, "two"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_execution_runs_through_all_stages_in_run_order),
        T(test_newer_execution_supersedes_the_one_that_waits),
        T(test_failed_action_waits_for_its_sibling_and_gives_the_lock_back),
        T(test_late_end_of_an_older_attempt_changes_nothing),
        T(test_retry_is_refused_when_another_execution_entered),
        T(test_closed_gate_fails_the_stage_and_retry_checks_again),
        T(test_approval_token_is_used_once),
        T(test_nothing_starts_after_stop_and_the_lock_waits_for_the_running_action),
        T(test_abandon_kills_and_unlocks_only_after_death),
        T(test_update_cancels_what_runs_after_its_actions_ended),
        T(test_disabled_transition_keeps_the_newest_waiting),
        T(test_retry_of_a_stage_behind_it_is_refused),
        T(test_newest_passes_no_disabled_transition),
        T(test_lock_outlives_a_version_without_the_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
