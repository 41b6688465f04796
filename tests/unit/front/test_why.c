/* Whatever waits has a reason, and the reason says what frees it. */
#include "../cmocka_.h"

#include "front/why/why.h"

static struct arena arena;

struct bench {
    struct codepipeline_stage_execution latest;
    struct codepipeline_action_execution action;
    struct codepipeline_action_state actions[1];
    struct codepipeline_stage_execution inbound[2];
    struct codepipeline_transition_state transition;
    struct codepipeline_stage_conditions_execution gate_execution;
    struct codepipeline_stage_condition_state gate;
    struct codepipeline_stage_state s;
};

static void make(struct bench *b, const char *stage, const char *action) {
    *b = (struct bench){
        .latest = {.pipeline_execution_id = S("aaaaaaaa-1111"), .status = str_c(stage)},
        .action = {.status = str_c(action)},
        .transition = {.enabled = true, .has_enabled = true}};
    b->actions[0] = (struct codepipeline_action_state){.action_name = S("Apply"),
                                                       .latest_execution = &b->action};
    b->s = (struct codepipeline_stage_state){.stage_name = S("Deploy"),
                                             .latest_execution = &b->latest,
                                             .action_states = {b->actions, 1},
                                             .inbound_transition_state = &b->transition};
}

static void wait_in_front(struct bench *b, size_t n) {
    b->inbound[0].pipeline_execution_id = S("bbbbbbbb-2222");
    b->inbound[1].pipeline_execution_id = S("cccccccc-3333");
    b->s.inbound_executions.v = b->inbound;
    b->s.inbound_executions.n = n;
}

static void says(struct str text, const char *what) {
    if (str_find(text, str_c(what), 0) == (size_t)-1) {
        fail_msg("'%.*s' does not say '%s'", STR_ARG(text), what);
    }
}

static void test_what_runs_has_no_reason(void **state) {
    (void)state;
    struct bench b;
    make(&b, "InProgress", "InProgress");
    assert_null(why_in(&arena, &b.s, false).what.p);
    b.s.latest_execution = NULL;
    assert_null(why_in(&arena, &b.s, false).what.p);
}

static void test_person_is_asked_for(void **state) {
    (void)state;
    struct bench b;
    make(&b, "InProgress", "InProgress");
    b.action.token = S("t");
    says(why_in(&arena, &b.s, false).what, "Deploy waits for a person");
    says(why_in(&arena, &b.s, false).frees, "trunkline approve Deploy");
}

static void test_condition_says_its_rule(void **state) {
    (void)state;
    struct bench b;
    make(&b, "InProgress", "");
    b.gate_execution = (struct codepipeline_stage_conditions_execution){
        .status = S("InProgress"), .summary = S("The window is closed")};
    b.gate.latest_execution = &b.gate_execution;
    b.s.before_entry_condition_state = &b.gate;
    says(why_in(&arena, &b.s, false).what,
         "the entry condition of Deploy is not met yet: The window is closed");
    says(why_in(&arena, &b.s, false).frees, "trunkline override Deploy");
    b.latest.status = S("Failed");
    b.gate_execution.status = S("Failed");
    says(why_in(&arena, &b.s, false).frees, "trunkline retry Deploy");
}

static void test_failed_action_is_named(void **state) {
    (void)state;
    struct bench b;
    make(&b, "Failed", "Failed");
    b.action.summary = S("Build terminated with state: FAILED");
    says(why_in(&arena, &b.s, false).what, "Apply failed in Deploy: Build terminated");
    says(why_in(&arena, &b.s, false).frees, "trunkline rollback Deploy");
    struct str of_first = why_in(&arena, &b.s, true).frees;
    says(of_first, "trunkline retry Deploy");
    assert_int_equal(str_find(of_first, S("rollback"), 0), (size_t)-1);
}

static void test_who_waits_in_front_knows_why(void **state) {
    (void)state;
    struct bench b;
    make(&b, "InProgress", "InProgress");
    b.action.token = S("t");
    wait_in_front(&b, 2);
    struct why first = why_before(&arena, &b.s, b.inbound[0].pipeline_execution_id);
    says(first.what, "Deploy is held by release aaaaaaaa (Deploy waits for a person)");
    says(first.frees, "trunkline stop aaaaaaaa");
    says(why_before(&arena, &b.s, b.inbound[1].pipeline_execution_id).what,
         "1 release is before it");
    b.transition.enabled = false;
    b.transition.disabled_reason = S("freeze");
    says(why_before(&arena, &b.s, b.inbound[0].pipeline_execution_id).what, "is closed: freeze");
    says(why_before(&arena, &b.s, b.inbound[0].pipeline_execution_id).frees,
         "trunkline enable Deploy");
    struct codepipeline_stage_state_list all = {&b.s, 1};
    says(why_of(&arena, &all, b.inbound[1].pipeline_execution_id).what, "is closed");
    says(why_of(&arena, &all, b.latest.pipeline_execution_id).what, "waits for a person");
    assert_null(why_of(&arena, &all, S("dddddddd")).what.p);
}

static void test_stopping_waits_for_what_runs(void **state) {
    (void)state;
    struct bench b;
    make(&b, "Stopping", "InProgress");
    says(why_in(&arena, &b.s, false).what, "is being stopped");
    says(why_in(&arena, &b.s, false).frees, "stop --abandon aaaaaaaa");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_runs_has_no_reason),
        cmocka_unit_test(test_person_is_asked_for),
        cmocka_unit_test(test_condition_says_its_rule),
        cmocka_unit_test(test_failed_action_is_named),
        cmocka_unit_test(test_who_waits_in_front_knows_why),
        cmocka_unit_test(test_stopping_waits_for_what_runs),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
