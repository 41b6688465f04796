/* Modes, conditions, rollbacks, overrides: the engine's rules beyond one lock for each stage. */
#include "engine_bench.h"

/* Build and Deploy as the tests need them, in a version of its own. */
static void with(struct bench *b, enum engine_mode mode, void (*change)(struct engine_plan *plan)) {
    struct engine_plan plan = demo_plan(&b->arena, b->state.plan.version + 1);
    plan.mode = mode;
    plan.v[2].entry = RESULT_NONE;
    if (change != NULL) {
        change(&plan);
    }
    define(b, plan);
}

static void through_build(struct bench *b, const char *id, bool ok) {
    end(b, id, "Trunk", true);
    end(b, id, "Unit", ok);
    end(b, id, "Lint", true);
}

static void approve(struct bench *b, const char *id) {
    assert_int_equal(answer(b, action_of(b, id, "Person")->token, true), 0);
}

static void deploy(struct bench *b, const char *id, bool ok) {
    start(b, id);
    through_build(b, id, true);
    approve(b, id);
    end(b, id, "First", ok);
    if (ok) {
        end(b, id, "Second", true);
    }
}

/* ---- modes ---- */

static void test_queued_executions_enter_in_their_order_and_none_is_superseded(void **state) {
    struct bench *b = *state;
    with(b, MODE_QUEUED, NULL);
    const char *const ids[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++) {
        start(b, ids[i]);
        end(b, ids[i], "Trunk", true);
    }
    assert_int_equal(stage_of(b, "Build")->waiting.n, 2);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_true(str_is(stage_of(b, "Build")->holder, "two"));
    end(b, "two", "Unit", false);
    end(b, "two", "Lint", true);
    assert_true(str_is(stage_of(b, "Build")->holder, "three"));
}

static void test_fifty_executions_are_the_most_of_a_queue(void **state) {
    struct bench *b = *state;
    with(b, MODE_QUEUED, NULL);
    for (int i = 0; i < ENGINE_MAX_ACTIVE; i++) {
        start(b, str_z(&b->arena, str_printf(&b->arena, "e%d", i)));
    }
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_START, .execution = S("more")}),
                     -1);
    assert_int_equal(b->refusal, REFUSED_TOO_MANY);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("e9")}), 0);
    start(b, "more");
}

static void test_parallel_executions_share_a_stage(void **state) {
    struct bench *b = *state;
    with(b, MODE_PARALLEL, NULL);
    start(b, "one");
    start(b, "two");
    end(b, "two", "Trunk", true);
    end(b, "one", "Trunk", true);
    assert_int_equal(engine_find(&b->state, S("one"))->place, PLACE_STAGE);
    assert_int_equal(engine_find(&b->state, S("two"))->place, PLACE_STAGE);
    assert_null(stage_of(b, "Build")->holder.p);
    end(b, "one", "Unit", false);
    end(b, "one", "Lint", true);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
    assert_int_equal(retry(b, "one", "Build", false), 0);
    end(b, "one", "Unit", true);
    assert_true(str_is(engine_find(&b->state, S("one"))->stage, "Approve"));
}

static void many_actions(struct engine_plan *plan) {
    static struct engine_plan_action all[7];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = 0; i < 7; i++) {
        all[i] = one(names[i], 1, false);
    }
    plan->v[1].actions = (struct engine_plan_action_list){all, 7};
}

static void test_parallel_execution_runs_five_actions_at_a_time(void **state) {
    struct bench *b = *state;
    with(b, MODE_PARALLEL, many_actions);
    start(b, "one");
    end(b, "one", "Trunk", true);
    assert_int_equal(action_of(b, "one", "e")->status, RUN_IN_PROGRESS);
    assert_int_equal(action_of(b, "one", "f")->status, RUN_NONE);
    end(b, "one", "c", true);
    assert_int_equal(action_of(b, "one", "f")->status, RUN_IN_PROGRESS);
    assert_int_equal(action_of(b, "one", "g")->status, RUN_NONE);
    end(b, "one", "a", false);
    assert_int_equal(action_of(b, "one", "g")->status, RUN_NONE);
}

static void test_parallel_execution_goes_on_with_its_own_version(void **state) {
    struct bench *b = *state;
    with(b, MODE_PARALLEL, NULL);
    start(b, "one");
    with(b, MODE_SUPERSEDED, many_actions);
    end(b, "one", "Trunk", true);
    assert_int_equal(action_of(b, "one", "Unit")->status, RUN_IN_PROGRESS);
    start(b, "two");
    end(b, "two", "Trunk", true);
    assert_int_equal(action_of(b, "two", "a")->status, RUN_IN_PROGRESS);
    assert_int_equal(b->state.old.n, 1);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("one")}), 0);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_int_equal(b->state.old.n, 0);
}

static void test_update_lets_no_parallel_execution_past_a_disabled_transition(void **state) {
    struct bench *b = *state;
    with(b, MODE_PARALLEL, NULL);
    struct engine_event shut = {.kind = EVENT_TRANSITION, .stage = S("Build"), .inbound = true};
    assert_int_equal(step(b, shut), 0);
    start(b, "one");
    end(b, "one", "Trunk", true);
    with(b, MODE_PARALLEL, NULL);
    assert_int_equal(engine_find(&b->state, S("one"))->place, PLACE_WAITING);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_STOP, .execution = S("one")}), 0);
    assert_int_equal(stage_of(b, "Build")->waiting.n, 0);
    assert_int_equal(retry(b, "one", "Build", false), -1);
}

/* ---- conditions ---- */

static void skip_at_entry(struct engine_plan *plan) {
    plan->v[1].entry = RESULT_SKIP;
}

static void test_entry_that_skips_goes_on_behind_the_stage(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, skip_at_entry);
    start(b, "one");
    end(b, "one", "Trunk", true);
    check(b, "one", false);
    assert_int_equal(effect(b, EFFECT_STAGE, NULL)->stage_status, STAGE_SKIPPED);
    assert_true(str_is(engine_find(&b->state, S("one"))->stage, "Approve"));
    assert_null(stage_of(b, "Build")->succeeded.p);
}

static void test_entry_that_cannot_be_evaluated_fails_even_if_it_would_skip(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, skip_at_entry);
    start(b, "one");
    end(b, "one", "Trunk", true);
    const struct engine_execution *e = engine_find(&b->state, S("one"));
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_CHECK,
                                                   .execution = e->id,
                                                   .action_id = e->check,
                                                   .errored = true}),
                     0);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
}

static int override(struct bench *b, const char *id, const char *stage, enum condition_kind kind) {
    return step(b, (struct engine_event){.kind = EVENT_OVERRIDE,
                                         .execution = str_c(id),
                                         .stage = str_c(stage),
                                         .condition = kind});
}

static void fail_at_entry(struct engine_plan *plan) {
    plan->v[1].entry = RESULT_FAIL;
}

static void test_entry_is_overridden_while_it_is_checked(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, fail_at_entry);
    start(b, "one");
    end(b, "one", "Trunk", true);
    assert_int_equal(override(b, "one", "Build", CONDITION_ON_SUCCESS), -1);
    assert_int_equal(b->refusal, REFUSED_NOT_OVERRIDABLE);
    assert_int_equal(override(b, "one", "Build", CONDITION_BEFORE_ENTRY), 0);
    assert_int_equal(effect(b, EFFECT_CONDITION, NULL)->condition_status, CONDITION_OVERRIDDEN);
    assert_non_null(effect(b, EFFECT_END_CHECK, NULL));
    assert_non_null(effect(b, EFFECT_START_ACTION, "Unit"));
}

static void test_entry_is_overridden_after_it_failed_but_not_twice(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, fail_at_entry);
    start(b, "one");
    end(b, "one", "Trunk", true);
    check(b, "one", false);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
    assert_int_equal(override(b, "one", "Build", CONDITION_BEFORE_ENTRY), 0);
    assert_true(effect(b, EFFECT_EXECUTION, NULL)->resumed);
    end(b, "one", "Unit", false);
    end(b, "one", "Lint", true);
    assert_int_equal(override(b, "one", "Build", CONDITION_BEFORE_ENTRY), -1);
}

static void check_after(struct engine_plan *plan) {
    plan->v[3].success = RESULT_ROLLBACK;
}

static void test_success_condition_holds_the_stage_until_it_is_decided(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, check_after);
    deploy(b, "one", true);
    assert_int_equal(effect(b, EFFECT_CHECK, NULL)->condition, CONDITION_ON_SUCCESS);
    assert_true(str_is(stage_of(b, "Deploy")->holder, "one"));
    assert_int_equal(override(b, "one", "Deploy", CONDITION_ON_SUCCESS), 0);
    assert_null(engine_find(&b->state, S("two")));
    assert_true(str_is(stage_of(b, "Deploy")->succeeded, "one"));
}

/* ---- retries ---- */

static void retry_once(struct engine_plan *plan) {
    plan->v[1].failed = RESULT_RETRY;
}

static void test_failed_stage_retries_itself_once(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, retry_once);
    start(b, "one");
    through_build(b, "one", false);
    assert_int_equal(status(b, "one"), EXEC_IN_PROGRESS);
    assert_int_equal(action_of(b, "one", "Lint")->status, RUN_SUCCEEDED);
    end(b, "one", "Unit", false);
    assert_int_equal(status(b, "one"), EXEC_FAILED);
    assert_int_equal(engine_find(&b->state, S("one"))->auto_retries, 1);
    assert_int_equal(retry(b, "one", "Build", true), 0);
    assert_int_equal(action_of(b, "one", "Lint")->status, RUN_IN_PROGRESS);
    assert_int_equal(engine_find(&b->state, S("one"))->manual_retries, 1);
}

static void test_failed_action_runs_again_beside_its_sibling(void **state) {
    struct bench *b = *state;
    start(b, "one");
    end(b, "one", "Trunk", true);
    end(b, "one", "Unit", false);
    assert_int_equal(retry(b, "one", "Build", true), -1);
    assert_int_equal(retry(b, "one", "Build", false), 0);
    assert_int_equal(action_of(b, "one", "Unit")->status, RUN_IN_PROGRESS);
    end(b, "one", "Unit", true);
    end(b, "one", "Lint", true);
    assert_true(str_is(engine_find(&b->state, S("one"))->stage, "Approve"));
}

/* ---- rollback ---- */

static void rolls_back(struct engine_plan *plan) {
    plan->v[3].failed = RESULT_ROLLBACK;
}

static void test_failure_rolls_back_to_the_newest_success_before_who_waits(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, rolls_back);
    deploy(b, "good", true);
    start(b, "bad");
    through_build(b, "bad", true);
    approve(b, "bad");
    start(b, "next");
    through_build(b, "next", true);
    approve(b, "next");
    assert_int_equal(engine_find(&b->state, S("next"))->place, PLACE_WAITING);
    end(b, "bad", "First", false);
    const struct engine_effect *made = effect(b, EFFECT_ROLLBACK, NULL);
    assert_non_null(made);
    assert_true(str_is(made->by, "good") && str_is(made->of, "bad") && made->automatic);
    const char *id = str_z(&b->arena, made->execution);
    assert_true(str_is(stage_of(b, "Deploy")->holder, id));
    end(b, id, "First", true);
    end(b, id, "Second", true);
    assert_int_equal(effect(b, EFFECT_EXECUTION, NULL)->execution_status, EXEC_SUCCEEDED);
    assert_true(str_is(stage_of(b, "Deploy")->holder, "next"));
    assert_true(str_is(stage_of(b, "Deploy")->succeeded, "good"));
}

static void test_rollback_that_fails_rolls_nothing_back(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, rolls_back);
    deploy(b, "good", true);
    deploy(b, "bad", false);
    const char *id = str_z(&b->arena, effect(b, EFFECT_ROLLBACK, NULL)->execution);
    end(b, id, "First", false);
    assert_null(effect(b, EFFECT_ROLLBACK, NULL));
    assert_int_equal(status(b, id), EXEC_FAILED);
    assert_int_equal(retry(b, "bad", "Deploy", false), -1);
    assert_int_equal(b->refusal, REFUSED_NOT_LATEST);
    assert_int_equal(retry(b, id, "Deploy", false), 0);
}

static void test_first_failure_has_nothing_to_go_back_to(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, rolls_back);
    deploy(b, "bad", false);
    assert_null(effect(b, EFFECT_ROLLBACK, NULL));
    assert_int_equal(status(b, "bad"), EXEC_FAILED);
}

static void decides_on_failure(struct engine_plan *plan) {
    plan->v[3].failure = RESULT_ROLLBACK;
}

static void test_failure_condition_decides_whether_to_roll_back(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, decides_on_failure);
    deploy(b, "good", true);
    deploy(b, "bad", false);
    assert_int_equal(effect(b, EFFECT_CHECK, NULL)->condition, CONDITION_ON_FAILURE);
    assert_true(str_is(stage_of(b, "Deploy")->holder, "bad"));
    check(b, "bad", false);
    assert_null(effect(b, EFFECT_ROLLBACK, NULL));
    assert_int_equal(status(b, "bad"), EXEC_FAILED);
    deploy(b, "worse", false);
    check(b, "worse", true);
    assert_non_null(effect(b, EFFECT_ROLLBACK, NULL));
}

static int roll_back(struct bench *b, const char *stage, const char *target) {
    return step(b, (struct engine_event){
                       .kind = EVENT_ROLLBACK, .stage = str_c(stage), .execution = str_c(target)});
}

static void test_rollback_by_hand_needs_a_free_stage_behind_the_source(void **state) {
    struct bench *b = *state;
    with(b, MODE_SUPERSEDED, NULL);
    deploy(b, "good", true);
    assert_int_equal(roll_back(b, "Source", "good"), -1);
    assert_int_equal(b->refusal, REFUSED_NO_ROLLBACK);
    start(b, "next");
    through_build(b, "next", true);
    approve(b, "next");
    assert_int_equal(roll_back(b, "Deploy", "good"), -1);
    assert_int_equal(b->refusal, REFUSED_NO_ROLLBACK);
    end(b, "next", "First", false);
    assert_int_equal(roll_back(b, "Deploy", "good"), 0);
    assert_false(effect(b, EFFECT_ROLLBACK, NULL)->automatic);
}

/* ---- newest first ---- */

static int newest(struct bench *b, const char *id) {
    return step(b, (struct engine_event){
                       .kind = EVENT_NEWEST, .stage = S("Approve"), .execution = str_c(id)});
}

static void test_newest_at_a_gate_retires_the_older_and_never_a_newer_one(void **state) {
    struct bench *b = *state;
    with(b, MODE_QUEUED, NULL);
    const char *const ids[] = {"one", "two", "three", "four"};
    for (size_t i = 0; i < 4; i++) {
        start(b, ids[i]);
        through_build(b, ids[i], true);
    }
    assert_int_equal(newest(b, "one"), -1);
    assert_int_equal(newest(b, "three"), 0);
    assert_true(str_is(stage_of(b, "Approve")->holder, "three"));
    assert_int_equal(stage_of(b, "Approve")->waiting.n, 1);
    assert_null(engine_find(&b->state, S("one")));
    assert_null(engine_find(&b->state, S("two")));
    assert_int_equal(engine_find(&b->state, S("four"))->place, PLACE_WAITING);
    approve(b, "three");
    assert_true(str_is(stage_of(b, "Approve")->holder, "four"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_queued_executions_enter_in_their_order_and_none_is_superseded),
        T(test_fifty_executions_are_the_most_of_a_queue),
        T(test_parallel_executions_share_a_stage),
        T(test_parallel_execution_runs_five_actions_at_a_time),
        T(test_parallel_execution_goes_on_with_its_own_version),
        T(test_update_lets_no_parallel_execution_past_a_disabled_transition),
        T(test_entry_that_skips_goes_on_behind_the_stage),
        T(test_entry_that_cannot_be_evaluated_fails_even_if_it_would_skip),
        T(test_entry_is_overridden_while_it_is_checked),
        T(test_entry_is_overridden_after_it_failed_but_not_twice),
        T(test_success_condition_holds_the_stage_until_it_is_decided),
        T(test_failed_stage_retries_itself_once),
        T(test_failed_action_runs_again_beside_its_sibling),
        T(test_failure_rolls_back_to_the_newest_success_before_who_waits),
        T(test_rollback_that_fails_rolls_nothing_back),
        T(test_first_failure_has_nothing_to_go_back_to),
        T(test_failure_condition_decides_whether_to_roll_back),
        T(test_rollback_by_hand_needs_a_free_stage_behind_the_source),
        T(test_newest_at_a_gate_retires_the_older_and_never_a_newer_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
