/* The build's log: form of its lines, times, masking across writes. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/command/log.h"
#include "platform/os/file.h"

static struct arena arena;
static const char *dir;
static struct clock_fake time_now;
static struct clock fake_time;
static struct build_log *build_log;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    struct err err = ERR_INIT;
    assert_int_equal(dir_make_temp(&arena, "test_log", &dir, &err), 0);
    time_now = (struct clock_fake){.now_ms = 1795485120123};
    fake_time = clock_fake(&time_now);
    assert_int_equal(build_log_open(dir, &fake_time, &build_log, &err), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(tree_remove(dir, &err), 0);
    arena_done(&arena);
    return 0;
}

static struct str content(const char *name) {
    struct str text = STR_NONE;
    struct err err = ERR_INIT;
    assert_int_equal(
        file_read(&arena, str_printf(&arena, "%s/%s", dir, name).p, 100000, &text, &err), 0);
    return text;
}

static void test_lines_have_the_form_of_codebuild(void **state) {
    (void)state;
    build_log_line(build_log, "Entering phase %s", "BUILD");
    build_log_line(build_log, "Running command %s", "echo a\necho b");
    build_log_output(build_log, S("a\nb"));
    build_log_output_end(build_log);
    time_now.now_ms += 1000;
    build_log_line(build_log, "Phase complete: BUILD State: SUCCEEDED");
    build_log_close(build_log);
    assert_string_equal(str_z(&arena, content("log")),
                        "[Container] 2026/11/24 01:52:00.123000 Entering phase BUILD\n"
                        "[Container] 2026/11/24 01:52:00.123001 Running command echo a\necho b\n"
                        "a\nb\n\n"
                        "[Container] 2026/11/24 01:52:01.123000 Phase complete: BUILD State: "
                        "SUCCEEDED\n");
}

static void test_quiet_commands_leave_no_empty_line(void **state) {
    (void)state;
    build_log_output_end(build_log);
    build_log_line(build_log, "next");
    build_log_close(build_log);
    assert_string_equal(str_z(&arena, content("log")),
                        "[Container] 2026/11/24 01:52:00.123000 next\n");
}

static void test_secrets_are_hidden_in_output_and_in_our_own_lines(void **state) {
    (void)state;
    assert_int_equal(build_log_hide(build_log, S("correct-horse")), SECRET_HIDDEN);
    build_log_output(build_log, S("pass=correct-"));
    build_log_output(build_log, S("horse.\n"));
    build_log_output(build_log, S("correct-hor"));
    build_log_output_end(build_log);
    build_log_line(build_log, "Running command login %s", "correct-horse");
    struct str message = build_log_masked(build_log, &arena, S("error: correct-horse"));
    build_log_close(build_log);
    assert_true(str_is(message, "error: ***"));
    assert_string_equal(str_z(&arena, content("log")),
                        "pass=***.\ncorrect-hor\n\n"
                        "[Container] 2026/11/24 01:52:00.123000 Running command login ***\n");
}

static uint64_t number(struct str bytes, size_t at) {
    uint64_t value = 0;
    for (size_t i = 8; i > 0; i--) {
        value = value << 8 | (unsigned char)bytes.p[at + i - 1];
    }
    return value;
}

static void test_index_tells_when_bytes_were_written(void **state) {
    (void)state;
    build_log_output(build_log, S("one\n"));
    build_log_output(build_log, S("two\n"));
    time_now.now_ms += 5;
    build_log_output(build_log, S("three\n"));
    build_log_close(build_log);
    struct str index = content("log.idx");
    assert_int_equal(index.n, 2 * LOG_INDEX_RECORD);
    assert_true(number(index, 0) == 0 && number(index, 8) == 1795485120123U);
    assert_true(number(index, 16) == 8 && number(index, 24) == 1795485120128U);
}

static void test_reopened_log_goes_on_at_its_end(void **state) {
    (void)state;
    build_log_output(build_log, S("first\n"));
    build_log_close(build_log);
    struct err err = ERR_INIT;
    assert_int_equal(build_log_open(dir, &fake_time, &build_log, &err), 0);
    time_now.now_ms += 7;
    build_log_output(build_log, S("second\n"));
    build_log_close(build_log);
    assert_string_equal(str_z(&arena, content("log")), "first\n\nsecond\n\n");
    assert_true(number(content("log.idx"), 16) == 7);
}

/* What is left out stands at the end of the command, not in its midst, and the next one is told. */
static void test_lines_over_the_bound_are_counted_and_left_out(void **state) {
    (void)state;
    static char block[256 * 1024];
    memset(block, '\n', sizeof(block));
    size_t blocks = LOG_MAX_LINES / sizeof(block) + 3;
    for (size_t i = 0; i < blocks; i++) {
        build_log_output(build_log, str_n(block, sizeof(block)));
    }
    build_log_output(build_log, S("behind\n"));
    build_log_output_end(build_log);
    build_log_line(build_log, "Running command next");
    build_log_close(build_log);
    struct str text = STR_NONE;
    struct err err = ERR_INIT;
    assert_int_equal(file_read(&arena, str_printf(&arena, "%s/log", dir).p, 8 << 20, &text, &err),
                     0);
    size_t kept = LOG_MAX_LINES / sizeof(block) + 1;
    assert_string_equal(
        str_z(&arena, str_sub(text, kept * sizeof(block), text.n)),
        str_printf(&arena,
                   "\n[Container] 2026/11/24 01:52:00.123000 %zu bytes of output left out: the log "
                   "is full\n[Container] 2026/11/24 01:52:00.123001 Running command next\n",
                   (blocks - kept) * sizeof(block) + strlen("behind\n"))
            .p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_have_the_form_of_codebuild, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quiet_commands_leave_no_empty_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secrets_are_hidden_in_output_and_in_our_own_lines,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_index_tells_when_bytes_were_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_over_the_bound_are_counted_and_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reopened_log_goes_on_at_its_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
