/* Commands of whole builds: shells, users, versions, what follows a failure, what is exported. */
#include "build.h"

static void test_git_asks_for_credentials_that_no_source_has(void **state) {
    (void)state;
    struct build_exit end = run_build(
        "version: 0.2\n"
        "env: {git-credential-helper: yes}\n"
        "phases:\n"
        "  build:\n"
        "    commands:\n"
        "      - printf 'protocol=https\\nhost=git.example.org\\n\\n' | GIT_TERMINAL_PROMPT=0 git "
        "credential fill || echo without\n"
        "      - curl -s -o /dev/null -w '%{http_code}\\n' -d x http://169.254.170.2/v2/git/0\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("no source of this build has credentials for https://git.example.org/\n");
    assert_logged("without\n");
    assert_logged("404\n");
}

static void test_each_command_of_version_0_1_has_a_shell_of_its_own(void **state) {
    (void)state;
    struct build_exit end = run_build("version: 0.1\n"
                                      "environment_variables: {plaintext: {GIVEN: text}}\n"
                                      "phases:\n"
                                      "  build:\n"
                                      "    commands:\n"
                                      "      - cd /tmp; export LOST=1; echo one $GIVEN\n"
                                      "      - echo \"two ${LOST-none} $(pwd | grep -c src)\"\n"
                                      "      - test \"$PWD\" = \"$CODEBUILD_SRC_DIR\"\n"
                                      "      - 'false'\n"
                                      "  post_build: {commands: ['echo $CODEBUILD_BUILD_SUCCEEDING "
                                      "known']}\n");
    assert_status(&end, "FAILED");
    assert_logged("one text\n");
    assert_logged("two none 1\n");
    assert_logged("0 known\n");
}

static void test_commands_run_as_the_user_that_the_phase_names(void **state) {
    (void)state;
    source_file("readable", "of the source");
    struct build_exit end =
        run_build("version: 0.2\n"
                  "run-as: nobody\n"
                  "phases:\n"
                  "  pre_build: {commands: ['id -un; cat readable', 'A=kept']}\n"
                  "  build: {run-as: daemon, commands: ['id -un; echo $A']}\n"
                  "  post_build: {run-as: root, commands: ['id -un']}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("nobody\nof the source");
    assert_logged("daemon\nkept\n");
    assert_logged("\nroot\n");
}

static void test_a_user_that_the_image_lacks_is_named(void **state) {
    (void)state;
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases: {build: {run-as: stranger, commands: [id]}}\n");
    assert_status(&end, "FAILED");
    assert_logged("COMMAND_EXECUTION_ERROR Message: the image has no user stranger\n");
}

static void test_the_shell_is_the_one_that_the_buildspec_names(void **state) {
    (void)state;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "env: {shell: bash}\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - a=(x y); echo \"${a[1]} $BASH_VERSION\" | grep -q '^y [0-9]'\n"
                  "      - f() { echo; }; set -e; alias q=ls\n"
                  "      - false | true; type f q 2>/dev/null && echo LIVES; echo over\n"
                  "      - |\n"
                  "        nosuchprogram || true\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("over\n");
    assert_logged("/codebuild/output/tmp/script.sh: line 4: nosuchprogram: command not found\n");
    assert_false(logged("\nLIVES\n"));
}

static void test_on_failure_says_what_follows(void **state) {
    (void)state;
    struct build_exit end = run_build(
        "version: 0.2\n"
        "phases:\n"
        "  install: {on-failure: CONTINUE, commands: [exit 1], finally: [echo finally-1]}\n"
        "  pre_build: {commands: ['echo pre $CODEBUILD_BUILD_SUCCEEDING'], finally: [exit 2]}\n"
        "  build: {commands: [echo NEVER]}\n");
    assert_status(&end, "FAILED");
    assert_string_equal(phases(), "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, INSTALL "
                                  "FAILED, PRE_BUILD FAILED, FINALIZING SUCCEEDED");
    assert_logged("finally-1\n");
    assert_logged("pre 0\n");
    assert_false(logged("\nNEVER\n"));
}

static void test_abort_skips_post_build_and_artifacts(void **state) {
    (void)state;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build: {on-failure: ABORT, commands: [exit 1], finally: [echo finally-2]}\n"
                  "  post_build: {commands: [echo NEVER]}\n"
                  "artifacts: {files: ['**/*']}\n");
    assert_status(&end, "FAILED");
    assert_logged("finally-2\n");
    assert_false(logged("\nNEVER\n"));
    assert_string_equal(phases(), "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, INSTALL "
                                  "SUCCEEDED, PRE_BUILD SUCCEEDED, BUILD FAILED, FINALIZING "
                                  "SUCCEEDED");
}

static void test_a_stop_lets_the_build_clean_up(void **state) {
    (void)state;
    source_file(
        "buildspec.yml",
        "version: 0.2\n"
        "phases:\n"
        "  build:\n"
        "    commands: [\"trap 'echo cleaned; exit 3' TERM; echo ready; sleep 60 & wait\"]\n"
        "    finally: [echo NEVER]\n"
        "artifacts: {files: ['**/*']}\n");
    struct process process = start_build();
    while (!file_exists(str_printf(&arena, "%s/log", dir).p) || !logged("ready\n")) {
        poll(NULL, 0, 20);
    }
    int64_t begin = clock_mono_ms(&clock_system);
    OK(process_signal(&process, SIGTERM, &err));
    struct build_exit end = end_build(&process);
    assert_status(&end, "STOPPED");
    assert_true(clock_mono_ms(&clock_system) - begin < 8000); /* before the grace is over */
    assert_logged("cleaned\n");
    assert_false(logged("\nNEVER\n"));
    assert_non_null(strstr(phases(), "BUILD STOPPED, FINALIZING SUCCEEDED"));
}

static void test_what_may_be_exported_and_what_not(void **state) {
    (void)state;
    env_put(&arena, &plan.env, (struct env_var){S("GIVEN"), S("plain"), ENV_PLAINTEXT, true});
    struct build_exit end =
        run_build("version: 0.2\n"
                  "env: {exported-variables: [GIVEN, MADE, AWS_SECRET, BIG, MULTI]}\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - MADE=in-build; AWS_SECRET=x; GIVEN=changed; MULTI=\"a\n\n"
                  "        b\"\n"
                  "      - BIG=$(head -c 122860 /dev/zero | tr '\\0' x)\n"
                  "  post_build: {commands: [exit 1]}\n");
    assert_status(&end, "FAILED");
    struct str exported = event_of("exported");
    assert_true(str_find(exported, S("{\"name\":\"GIVEN\",\"value\":\"changed\"}"), 0) !=
                (size_t)-1);
    assert_true(str_find(exported, S("{\"name\":\"MADE\",\"value\":\"in-build\"}"), 0) !=
                (size_t)-1);
    assert_true(str_find(exported, S("AWS_SECRET"), 0) == (size_t)-1);
    assert_true(str_find(exported, S("BIG"), 0) == (size_t)-1);
    assert_true(str_find(exported, S("\"value\":\"a\\nb\""), 0) != (size_t)-1);
    assert_logged("Variable AWS_SECRET is not exported: it may not leave the build\n");
    assert_logged("Variable BIG is not exported: all together may have at most 122880 bytes\n");
}

static const struct CMUnitTest tests[] = {
    CASE(test_git_asks_for_credentials_that_no_source_has),
    CASE(test_each_command_of_version_0_1_has_a_shell_of_its_own),
    CASE(test_commands_run_as_the_user_that_the_phase_names),
    CASE(test_a_user_that_the_image_lacks_is_named),
    CASE(test_the_shell_is_the_one_that_the_buildspec_names),
    CASE(test_on_failure_says_what_follows),
    CASE(test_abort_skips_post_build_and_artifacts),
    CASE(test_a_stop_lets_the_build_clean_up),
    CASE(test_what_may_be_exported_and_what_not),
};

BUILD_MAIN(tests)
