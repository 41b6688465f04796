/* What a release's progress looks like, and where its time went. */
#include "../../cmocka_.h"

#include "front/cli/card_times.h"
#include "front/cli/view_log.h"
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
    s->commands[0] = (struct view_command){S("make all\nmake check"), 4400, S("BUILD")};
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
    s.commands[1] = (struct view_command){S("make check"), 6300, S("BUILD")};
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

static void test_facts_of_one_moment_are_told_in_the_order_of_happening(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    s.commands[0].at_ms = 4300;  /* as INSTALL ends, BUILD and its command begin */
    s.stages[1].start_ms = 1900; /* as Source ends */
    s.stages[0].status = S("InProgress");
    news(&log, &s, 1800);
    log = (struct watch_log){.arena = log.arena, .said = {log.said.v, 1}};
    s.stages[0].status = S("Succeeded");
    s.stages[3].status = S("Failed"); /* by its gate: no action, no times of its own */
    s.stages[3].gate_status = S("Failed");
    s.stages[3].gate_summary = S("alarm");
    s.stages[3].gate_ms = 4300;
    assert_string_equal(news(&log, &s, 6000).p,
                        "     +0.90 s  Source                succeeded in 0.90 s: abcdef0 "
                        "Say\xef\xbf\xbd[31m hello\n"
                        "     +0.90 s  Test                  started\n"
                        "      +1.3 s  Test                  PROVISIONING succeeded in 0.30 s\n"
                        "      +3.3 s  Test                  INSTALL succeeded in 2.0 s\n"
                        "      +3.3 s  Test                  $ make all ...\n"
                        "      +3.3 s  Production            started\n"
                        "      +3.3 s  Production            failed in 0.00 s: alarm\n");
    arena_done(&log.arena);
}

static void test_a_gate_that_is_not_open_is_told_once(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 1800);
    s.stages[3].status = S("InProgress");
    s.stages[3].gate_status = S("InProgress");
    s.stages[3].gate_summary = S("The window is closed");
    const char *told = news(&log, &s, 6000).p;
    assert_non_null(strstr(told, "Production            started\n"));
    assert_non_null(
        strstr(told, "Production            its gate is not open yet: The window is closed\n"));
    assert_null(strstr(news(&log, &s, 7000).p, "gate"));
    arena_done(&log.arena);
}

static void test_a_command_waits_for_its_phase_to_be_known(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 6000);
    /* The log was read later than the phases: it has a command of a phase that is not there yet. */
    s.commands[1] = (struct view_command){S("make dist"), 7000, S("POST_BUILD")};
    s.build.commands.n = 2;
    assert_string_equal(news(&log, &s, 7100).p, "");
    struct view_phase later[4] = {
        s.phases[0], s.phases[1], s.phases[2], {S("POST_BUILD"), STR_NONE, 7001, 0, S("")}};
    later[2].status = S("SUCCEEDED");
    later[2].end_ms = 7001;
    s.build.phases.v = later;
    s.build.phases.n = 4;
    assert_string_equal(news(&log, &s, 7200).p,
                        "      +6.0 s  Test                  BUILD succeeded in 2.7 s\n"
                        "      +6.0 s  Test                  $ make dist\n");
    arena_done(&log.arena);
}

/* Of a command that began before the lines of the log that were read, nobody says the phase: the
 * log may be ahead of the phases by that phase's beginning and the end of the one before. */
static void test_a_command_without_a_phase_waits_for_newer_phases(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    s.phases[1].status = STR_NONE; /* as far as is known INSTALL runs, and nothing else */
    s.phases[1].end_ms = 0;
    s.build.phases.n = 2;
    s.commands[0].phase = STR_NONE;
    assert_null(strstr(news(&log, &s, 6000).p, "$ make all"));
    s.phases[1].status = S("SUCCEEDED");
    s.phases[1].end_ms = 4300;
    s.build.phases.n = 3;
    assert_string_equal(news(&log, &s, 6200).p,
                        "      +3.3 s  Test                  INSTALL succeeded in 2.0 s\n"
                        "      +3.4 s  Test                  $ make all ...\n");
    /* One of a phase that is over is told at once. */
    s.commands[1] = (struct view_command){S("make install"), 4200, STR_NONE};
    s.build.commands.n = 2;
    assert_non_null(strstr(news(&log, &s, 6300).p, "$ make install"));
    arena_done(&log.arena);
}

/* The stages' state is read first, then the actions: each may be ahead of what was read before. */
static void test_a_stage_whose_action_runs_is_not_over(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 6000);
    s.stages[1].status = S("Failed"); /* its first attempt; the second one has begun */
    s.build_action.attempt = 2;
    s.build_action.start_ms = 7000;
    s.build_action.update_ms = 7100;
    s.stages[1].start_ms = 0;
    view_settle(&s.view);
    assert_true(str_is(s.stages[1].status, "InProgress"));
    assert_int_equal(s.stages[1].end_ms, 0);
    assert_string_equal(news(&log, &s, 7200).p,
                        "      +6.0 s  Test                  started, attempt 2\n");
    arena_done(&log.arena);
}

static void test_a_stage_that_the_release_has_left_is_over(void **state) {
    (void)state;
    struct scene s;
    struct watch_log log = {0};
    make(&s);
    news(&log, &s, 6000);
    s.build_action.status = S("Succeeded");
    s.build_action.update_ms = 6500;
    s.approval = (struct view_action){.name = S("Approve"),
                                      .category = S("Approval"),
                                      .status = S("InProgress"),
                                      .start_ms = 6600,
                                      .update_ms = 6600,
                                      .attempt = 1};
    s.stages[2].actions.v = &s.approval;
    s.stages[2].actions.n = 1;
    view_settle(&s.view);
    assert_string_equal(news(&log, &s, 6700).p,
                        "      +5.5 s  Test                  succeeded in 4.5 s\n"
                        "      +5.6 s  Production-Approve    started\n");
    arena_done(&log.arena);
}

static void read_lines(struct view_build *b, const char *text) {
    struct logs_output_log_event_list events = {0};
    struct str rest = str_c(text), line;
    int64_t at_ms = 1000;
    while (str_cut(&rest, '\n', &line) && rest.p != NULL) {
        *arena_push(&arena, &events) = (struct logs_output_log_event){
            .timestamp = at_ms++, .message = str_printf(&arena, STR_FMT "\n", STR_ARG(line))};
    }
    view_read_log(&arena, &events, b);
}

static void test_a_log_tells_commands_their_phase_and_what_runs(void **state) {
    (void)state;
    struct view_build b = {0};
    read_lines(&b, "[Container] 2026/11/28 14:18:18.1 Running command before the window\n"
                   "[Container] 2026/11/28 14:18:18.2 Phase complete: INSTALL State: SUCCEEDED\n"
                   "[Container] 2026/11/28 14:18:18.3 Entering phase BUILD\n"
                   "[Container] 2026/11/28 14:18:18.4 Running command echo one\n"
                   "a line that says Running command and is not the agent's\n");
    assert_int_equal(b.commands.n, 2);
    assert_null(b.commands.v[0].phase.p);
    assert_true(str_is(b.commands.v[1].phase, "BUILD"));
    assert_int_equal(b.commands.v[1].at_ms, 1003);
    assert_true(str_is(b.command, "echo one"));
    assert_int_equal(b.last_lines.n, 0);
    read_lines(&b, "[Container] 2026/11/28 14:18:18.5 Phase complete: BUILD State: SUCCEEDED\n");
    assert_int_equal(b.command.n, 0);
}

static void test_a_failed_commands_output_is_shown_without_its_own_text(void **state) {
    (void)state;
    struct scene s;
    struct cli c = {0};
    make(&s);
    s.build_action.status = S("Failed");
    s.build.commands.v = NULL; /* the arena's from here on */
    s.build.commands.n = 0;
    read_lines(&s.build, "[Container] 2026/11/28 14:18:18.1 Entering phase BUILD\n"
                         "[Container] 2026/11/28 14:18:18.2 Running command echo fine\nfine\n\n"
                         "[Container] 2026/11/28 14:18:18.3 Running command echo one\necho two\n"
                         "false\n\none\n\x1b[31mtwo\n\n"
                         "[Container] 2026/11/28 14:18:18.4 Command did not exit successfully "
                         "echo one\necho two\nfalse\n exit status 1\n"
                         "[Container] 2026/11/28 14:18:18.5 Phase complete: BUILD State: FAILED\n"
                         "[Container] 2026/11/28 14:18:18.6 Entering phase POST_BUILD\n"
                         "[Container] 2026/11/28 14:18:18.7 Running command false\nand this\n"
                         "[Container] 2026/11/28 14:18:18.8 Command did not exit successfully "
                         "false exit status 1\n");
    assert_string_equal(str_z(&arena, watch_failures(&arena, &c, &s.view)),
                        "  last lines of Test's failed command (trunkline logs has them all):\n"
                        "    one\n"
                        "    \xef\xbf\xbd[31mtwo\n");
    s.build_action.status = S("Succeeded");
    assert_int_equal(watch_failures(&arena, &c, &s.view).n, 0);
}

static void test_of_a_long_output_the_last_lines_are_kept(void **state) {
    (void)state;
    struct view_build b = {0};
    struct str text = S("[Container] 2026/11/28 14:18:18.1 Running command x\n");
    for (int i = 1; i <= 40; i++) {
        text = str_printf(&arena, STR_FMT "line %d\n", STR_ARG(text), i);
    }
    text = str_printf(&arena,
                      STR_FMT "[Container] 2026/11/28 14:18:18.2 Command did not exit "
                              "successfully x exit status 3\n",
                      STR_ARG(text));
    read_lines(&b, str_z(&arena, text));
    assert_int_equal(b.last_lines.n, 15);
    assert_true(str_is(b.last_lines.v[0], "line 26"));
    assert_true(str_is(b.last_lines.v[14], "line 40"));
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
    s.stages[2].gate_status = S("Errored");
    s.stages[2].gate_summary = S("role observer is not there");
    assert_string_equal(str_z(&arena, view_why(&arena, &s.view)),
                        "The gate to Production-Approve stays closed: role observer is not there");
    s.stages[2].gate_status = S("Succeeded");
    s.view.status_summary = S("A condition of stage Production-Approve failed: loud");
    assert_string_equal(str_z(&arena, view_why(&arena, &s.view)),
                        "A condition of stage Production-Approve failed: loud");
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
        cmocka_unit_test(test_facts_of_one_moment_are_told_in_the_order_of_happening),
        cmocka_unit_test(test_a_gate_that_is_not_open_is_told_once),
        cmocka_unit_test(test_a_command_waits_for_its_phase_to_be_known),
        cmocka_unit_test(test_a_command_without_a_phase_waits_for_newer_phases),
        cmocka_unit_test(test_a_stage_whose_action_runs_is_not_over),
        cmocka_unit_test(test_a_stage_that_the_release_has_left_is_over),
        cmocka_unit_test(test_a_log_tells_commands_their_phase_and_what_runs),
        cmocka_unit_test(test_a_failed_commands_output_is_shown_without_its_own_text),
        cmocka_unit_test(test_of_a_long_output_the_last_lines_are_kept),
        cmocka_unit_test(test_a_waiting_approval_is_told_and_ends_the_watch),
        cmocka_unit_test(test_a_closed_gate_and_a_held_stage_are_reasons),
        cmocka_unit_test(test_time_is_counted_once_and_the_rest_is_the_engines),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
