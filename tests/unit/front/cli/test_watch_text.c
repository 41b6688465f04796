/* What a release's progress looks like, and where its time went. */
#include "../../cmocka_.h"

#include "front/cli/card_times.h"
#include "front/cli/watch_text.h"

static struct arena arena;

/* A release with a finished source, a build that runs, and two stages to come. */
struct scene {
    struct view view;
    struct view_stage stages[4];
    struct view_action source, build_action, approval;
    struct view_build build;
    struct view_phase phases[3];
    struct view_command commands[2];
};

static void make(struct scene *s) {
    *s = (struct scene){0};
    s->phases[0] = (struct view_phase){S("PROVISIONING"), S("SUCCEEDED"), 2000, 2300, S("")};
    s->phases[1] = (struct view_phase){S("INSTALL"), S("SUCCEEDED"), 2300, 4300, S("")};
    s->phases[2] = (struct view_phase){S("BUILD"), STR_NONE, 4300, 0, S("")};
    s->build = (struct view_build){.id = S("p:1"),
                                   .status = S("IN_PROGRESS"),
                                   .phase = S("BUILD"),
                                   .start_ms = 2000,
                                   .phases = {s->phases, 3},
                                   .command = S("make all\nmake check")};
    s->commands[0] = (struct view_command){S("make all\nmake check"), 4400};
    s->build.commands.v = s->commands;
    s->build.commands.n = 1;
    s->source = (struct view_action){.name = S("Source"),
                                     .category = S("Source"),
                                     .status = S("Succeeded"),
                                     .start_ms = 1000,
                                     .update_ms = 1900,
                                     .attempt = 1};
    s->build_action = (struct view_action){.name = S("Build"),
                                           .category = S("Build"),
                                           .status = S("InProgress"),
                                           .start_ms = 1990,
                                           .update_ms = 2000,
                                           .attempt = 1,
                                           .build = &s->build};
    s->stages[0] = (struct view_stage){.name = S("Source"),
                                       .status = S("Succeeded"),
                                       .actions = {&s->source, 1},
                                       .start_ms = 1000,
                                       .end_ms = 1900};
    s->stages[1] = (struct view_stage){.name = S("Test"),
                                       .status = S("InProgress"),
                                       .actions = {&s->build_action, 1},
                                       .start_ms = 1990};
    s->stages[2] = (struct view_stage){.name = S("Production-Approve"), .approval = true};
    s->stages[3] = (struct view_stage){.name = S("Production")};
    s->view = (struct view){.pipeline = S("logs"),
                            .id = S("0123456789"),
                            .status = S("InProgress"),
                            .commit = S("abcdef0123"),
                            .subject = S("Say\033[31m hello"),
                            .start_ms = 1000,
                            .update_ms = 2000,
                            .stages = {s->stages, 4}};
}

static void test_a_block_has_a_line_for_each_stage_and_no_control_characters(void **state) {
    (void)state;
    struct scene s;
    struct cli c = {0};
    make(&s);
    struct str text = watch_block(&arena, &c, &s.view, 6000, 100);
    assert_string_equal(str_z(&arena, text),
                        "logs  01234567  abcdef0  Say\xef\xbf\xbd[31m hello\n"
                        "  \xe2\x9c\x93 Source                      0.90 s\n"
                        "  \xe2\x96\xb6 Test                         4.0 s  BUILD  $ make all ...\n"
                        "  \xc2\xb7 Production-Approve\n"
                        "  \xc2\xb7 Production\n");
}

static void test_no_line_of_a_block_is_wider_than_the_terminal(void **state) {
    (void)state;
    struct scene s;
    struct cli c = {0};
    make(&s);
    s.build.command = S("a command that goes on and on and on and on and on and on and on and on");
    struct str text = watch_block(&arena, &c, &s.view, 6000, 60), line;
    while (str_cut(&text, '\n', &line)) {
        size_t width = 0;
        for (size_t i = 0; i < line.n; i++) {
            width += (line.p[i] & 0xc0) != 0x80;
        }
        assert_true(width <= 60);
    }
}

static struct str news(struct watch_log *log, const struct scene *s, int64_t now_ms) {
    return str_c(str_z(&arena, watch_news(&arena, log, &s->view, now_ms)));
}

static void test_lines_are_printed_once_each(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    assert_string_equal(news(&log, &s, 6000).p,
                        "     +0.90 s  Source                succeeded in 0.90 s: abcdef0 "
                        "Say\xef\xbf\xbd[31m hello\n"
                        "     +0.99 s  Test                  started\n"
                        "      +1.3 s  Test                  PROVISIONING succeeded in 0.30 s\n"
                        "      +3.3 s  Test                  INSTALL succeeded in 2.0 s\n"
                        "      +3.4 s  Test                  $ make all ...\n");
    assert_string_equal(news(&log, &s, 6200).p, "");
    s.commands[1] = (struct view_command){S("make check"), 6300};
    s.build.commands.n = 2;
    assert_string_equal(news(&log, &s, 6400).p,
                        "      +5.3 s  Test                  $ make check\n");
    arena_done(&log.arena);
}

static void test_a_failure_says_why(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 6000);
    s.phases[2] = (struct view_phase){S("BUILD"), S("FAILED"), 4300, 6300, S("exit status 2")};
    s.build.command = STR_NONE;
    s.build.end_ms = 6400;
    s.build_action.status = S("Failed");
    s.build_action.error = S("Build terminated with state: FAILED");
    s.stages[1].status = S("Failed");
    s.stages[1].end_ms = 6500;
    s.view.status = S("Failed");
    assert_string_equal(
        news(&log, &s, 6600).p,
        "      +5.3 s  Test                  BUILD failed in 2.0 s: exit status 2\n"
        "      +5.5 s  Test                  failed in 4.5 s: Build terminated with "
        "state: FAILED\n");
    assert_string_equal(str_z(&arena, view_why(&arena, &s.view)),
                        "Test failed in Build: Build terminated with state: FAILED");
    assert_true(view_over(&s.view));
    arena_done(&log.arena);
}

static void test_a_waiting_approval_is_told_and_ends_the_watch(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 6000);
    s.stages[2].status = S("InProgress");
    s.stages[2].token = S("t");
    s.stages[2].start_ms = 7000;
    struct str text = news(&log, &s, 7000);
    assert_non_null(strstr(text.p, "waits for a person: trunkline approve"));
    assert_true(view_waits_for_approval(&s.view));
    assert_false(view_over(&s.view));
    arena_done(&log.arena);
}

static void test_a_closed_gate_and_a_held_stage_are_reasons(void **state) {
    (void)state;
    struct scene s;
    make(&s);
    s.stages[2].waiting = true;
    s.stages[2].holder = S("fedcba9876");
    assert_string_equal(str_z(&arena, view_why(&arena, &s.view)),
                        "Production-Approve is held by release fedcba98");
    s.stages[2].waiting = false;
    s.stages[2].status = S("Failed");
    s.stages[2].gate_status = S("Failed");
    s.stages[2].gate_summary = S("alarm errors is in ALARM");
    s.view.status = S("Failed");
    assert_string_equal(str_z(&arena, view_why(&arena, &s.view)),
                        "The gate to Production-Approve stays closed: alarm errors is in ALARM");
}

static void test_time_is_counted_once_and_the_rest_is_the_engines(void **state) {
    (void)state;
    struct scene s;
    make(&s);
    s.phases[2].end_ms = 5300;
    s.build.end_ms = 5500;
    s.approval = (struct view_action){.name = S("Approve"),
                                      .category = S("Approval"),
                                      .status = S("Succeeded"),
                                      .start_ms = 5530,
                                      .update_ms = 65530,
                                      .attempt = 1};
    s.stages[2].actions.v = &s.approval;
    s.stages[2].actions.n = 1;
    s.view.update_ms = 65540;
    struct card_times t = card_times(&arena, &s.view);
    assert_int_equal(t.waited_ms, 60000);
    assert_int_equal(t.total_ms, 4540);
    assert_int_equal(t.source_ms, 900);
    assert_int_equal(t.commands_ms, 3000);
    assert_int_equal(t.builds_ms, 500);
    assert_int_equal(t.engine_ms, 140); /* 100 before the build, 30 and 10 around the approval */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_has_a_line_for_each_stage_and_no_control_characters),
        cmocka_unit_test(test_no_line_of_a_block_is_wider_than_the_terminal),
        cmocka_unit_test(test_lines_are_printed_once_each),
        cmocka_unit_test(test_a_failure_says_why),
        cmocka_unit_test(test_a_waiting_approval_is_told_and_ends_the_watch),
        cmocka_unit_test(test_a_closed_gate_and_a_held_stage_are_reasons),
        cmocka_unit_test(test_time_is_counted_once_and_the_rest_is_the_engines),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
