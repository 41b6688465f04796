/* Where a buildspec may come from, and what of it still runs when a command or the build is killed.
 */
#include "build.h"

#include <stdlib.h>

/* Whatever the path, it is looked up in the build's own file system: nothing of the host is read.
 */
static void test_paths_of_a_buildspec_stay_inside_of_the_build(void **state) {
    (void)state;
    static const char *const paths[] = {
        "-/etc/passwd",           "/proc/self/environ",
        "/proc/1/environ",        "../../../../../../../../etc/hostname",
        "/nowhere/buildspec.yml", "--help"};
    assert_int_equal(setenv("HOST_CANARY", "canary-of-the-host", 1), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        plan.buildspec = str_c(paths[i]);
        struct build_exit end =
            run_build("version: 0.2\nphases: {build: {commands: [echo ran]}}\n");
        assert_status(&end, "FAILED");
        assert_string_equal(phases(), "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE FAILED, "
                                      "FINALIZING SUCCEEDED");
        assert_logged("YAML_FILE_ERROR");
        assert_false(logged("canary-of-the-host"));
        assert_false(logged("\nran\n"));
        teardown(state);
        setup(state);
    }
    unsetenv("HOST_CANARY");
}

static void test_another_buildspec_of_the_source_is_found_by_its_path(void **state) {
    (void)state;
    source_file("other.yml", "version: 0.2\nphases: {build: {commands: [echo the other]}}\n");
    plan.buildspec = S("other.yml");
    struct build_exit end = run_build("version: 0.2\nphases: {build: {commands: [exit 1]}}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("\nthe other\n");
}

static void test_finally_runs_after_a_command_that_was_killed(void **state) {
    (void)state;
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases:\n"
                                      "  build:\n"
                                      "    commands: ['kill -9 $$', echo not reached]\n"
                                      "    finally: [echo cleaned]\n");
    assert_status(&end, "FAILED");
    assert_logged("\ncleaned\n");
    assert_false(logged("\nnot reached\n"));
    assert_non_null(strstr(phases(), "BUILD FAILED, POST_BUILD SUCCEEDED"));
}

static void test_finally_does_not_run_after_a_stop(void **state) {
    (void)state;
    source_file("buildspec.yml", "version: 0.2\n"
                                 "phases:\n"
                                 "  build:\n"
                                 "    commands: [echo ready; sleep 600]\n"
                                 "    finally: [echo cleaned]\n");
    struct process process = start_build();
    while (!file_exists(str_printf(&arena, "%s/log", dir).p) || !logged("\nready\n")) {
        poll(NULL, 0, 20);
    }
    OK(process_signal(&process, SIGTERM, &err));
    struct build_exit end = end_build(&process);
    assert_status(&end, "STOPPED");
    assert_false(logged("\ncleaned\n"));
}

static const struct CMUnitTest tests[] = {
    CASE(test_paths_of_a_buildspec_stay_inside_of_the_build),
    CASE(test_another_buildspec_of_the_source_is_found_by_its_path),
    CASE(test_finally_runs_after_a_command_that_was_killed),
    CASE(test_finally_does_not_run_after_a_stop),
};

BUILD_MAIN(tests)
