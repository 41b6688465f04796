/* Whole builds: phases, log, network, stop and timeout. */
#include "build.h"

/* ---- tests ---- */

static void test_a_build_runs_its_phases_and_leaves_its_artifact(void **state) {
    (void)state;
    plan.artifacts.v = arena_new(&arena, struct plan_artifact);
    plan.artifacts.n = 1;
    plan.artifacts.v[0] = (struct plan_artifact){
        .kind = PLAN_ARTIFACT_LOCAL, .zip = true, .dir = str_printf(&arena, "%s/out", data)};
    env_put(&arena, &plan.env, (struct env_var){S("ENV"), S("development"), ENV_PLAINTEXT, true});
    source_file("run.sh", "#!/bin/sh\necho run in $(pwd | sed 's/.*src//')\n");
    struct build_exit end =
        run_build("version: 0.2\n"
                  "env:\n"
                  "  variables: {TF_VAR_env: '${ENV}', LIT: $ENV}\n"
                  "  exported-variables: [RESULT, AWS_REGION, NOT_SET]\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - mkdir -p sub; cd sub; PLAIN=\"x y\"\n"
                  "      - echo \"$TF_VAR_env $LIT $PLAIN\"; ../run.sh\n"
                  "      - |\n"
                  "        RESULT=two\n"
                  "        echo to stderr >&2; echo direct > /dev/stdout\n"
                  "    finally: [echo finally]\n"
                  "  post_build:\n"
                  "    commands: ['test $CODEBUILD_BUILD_SUCCEEDING = 1', 'echo a > ../out.txt']\n"
                  "artifacts: {files: [out.txt, '*.sh']}\n");
    assert_status(&end, "SUCCEEDED");
    assert_string_equal(phases(),
                        "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, INSTALL SUCCEEDED, "
                        "PRE_BUILD SUCCEEDED, BUILD SUCCEEDED, POST_BUILD SUCCEEDED, "
                        "UPLOAD_ARTIFACTS SUCCEEDED, FINALIZING SUCCEEDED");
    assert_logged("development $ENV x y\n");
    assert_logged("run in /sub\n");
    assert_logged("to stderr\ndirect\n\n[Container] ");
    assert_logged(" Running command echo finally\nfinally\n\n");
    assert_logged(" Phases found in YAML: 2\n");
    assert_logged("  BUILD: 3 commands\n");
    assert_logged(" Phase complete: POST_BUILD State: SUCCEEDED\n");
    assert_logged(" Phase context status code:  Message: \n");
    assert_logged(" Found 2 file(s)\n");
    assert_true(str_find(event_of("exported"), S("[{\"name\":\"RESULT\",\"value\":\"two\"}]"), 0) !=
                (size_t)-1);
    assert_true(file_exists(str_printf(&arena, "%s/out/artifacts.zip", data).p));
}

static void test_post_build_follows_a_failed_build_and_knows_it(void **state) {
    (void)state;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build: {commands: ['exit 3', 'echo never']}\n"
                  "  post_build: {commands: ['echo SUCCEEDING=$CODEBUILD_BUILD_SUCCEEDING']}\n");
    assert_status(&end, "FAILED");
    assert_logged("SUCCEEDING=0\n");
    assert_false(logged("never\n"));
    assert_logged(" Command did not exit successfully exit 3 exit status 3\n");
    assert_logged(" Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while "
                  "executing command: exit 3. Reason: exit status 3\n");
    assert_true(str_is(end.reason, "Error while executing command: exit 3. Reason: exit status 3"));
    assert_non_null(strstr(phases(), "BUILD FAILED, POST_BUILD SUCCEEDED, UPLOAD_ARTIFACTS"));
}

static void test_a_phase_asks_for_a_retry_when_its_message_matches(void **state) {
    (void)state;
    struct build_exit end = run_build(
        "version: 0.2\n"
        "phases:\n"
        "  build: {on-failure: 'RETRY-4-.*exit status [34]$', commands: ['exit 3']}\n"
        "  post_build: {on-failure: RETRY-9-other, commands: ['exit 5'], finally: [echo last]}\n");
    assert_status(&end, "FAILED");
    assert_int_equal(end.retries, 4);
    assert_non_null(strstr(phases(), "BUILD FAILED, POST_BUILD FAILED, UPLOAD_ARTIFACTS"));
    assert_logged("Build is not retried: the message does not match other\n");
    assert_logged("\nlast\n");
}

static void test_what_is_wrong_with_the_buildspec_is_said_in_download_source(void **state) {
    (void)state;
    struct build_exit end = run_build("version: 0.2\nphases: {build: {commands: [a, 'b]}}\n");
    assert_status(&end, "FAILED");
    assert_logged("Phase context status code: YAML_FILE_ERROR Message: ");
    assert_string_equal(phases(),
                        "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE FAILED, FINALIZING SUCCEEDED");
}

static void test_a_missing_buildspec_is_named(void **state) {
    (void)state;
    struct build_exit end = run_build(NULL);
    assert_status(&end, "FAILED");
    assert_logged("YAML_FILE_ERROR Message: stat /codebuild/output/src");
    assert_logged("/src/buildspec.yml: no such file or directory\n");
}

static void test_a_stop_ends_even_a_build_that_ignores_it(void **state) {
    (void)state;
    source_file(
        "buildspec.yml",
        "version: 0.2\n"
        "phases: {build: {commands: [\"trap '' TERM; echo ready; while :; do sleep 1; done\"]}}\n");
    struct process process = start_build();
    while (!file_exists(str_printf(&arena, "%s/log", dir).p) || !logged("ready\n")) {
        poll(NULL, 0, 20);
    }
    OK(process_signal(&process, SIGTERM, &err));
    struct build_exit end = end_build(&process);
    assert_status(&end, "STOPPED");
    assert_non_null(strstr(phases(), "BUILD STOPPED, FINALIZING SUCCEEDED"));
}

static void test_a_timeout_fails_the_build_and_names_the_phase(void **state) {
    (void)state;
    plan.timeout_s = 2;
    struct build_exit end = run_build("version: 0.2\nphases: {build: {commands: [sleep 100]}}\n");
    assert_status(&end, "FAILED");
    assert_non_null(strstr(phases(), "BUILD TIMED_OUT, FINALIZING SUCCEEDED"));
    assert_logged("Phase context status code: BUILD_TIMED_OUT Message: Build has timed out. \n");
}

static void test_aws_names_reach_the_account_with_the_roles_credentials(void **state) {
    (void)state;
    struct build_exit end = run_build(
        "version: 0.2\n"
        "phases:\n"
        "  build:\n"
        "    commands:\n"
        "      - curl -sS http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI\n"
        "      - curl -sS -o /dev/null -w '%{http_code}' http://169.254.170.2/v2/credentials/0\n"
        "      - curl -sSf https://sts.eu-west-2.amazonaws.com/one\n"
        "      - curl -sSf -X POST --data-binary hello "
        "https://bucket.s3.eu-west-2.amazonaws.com/two\n"
        "      - head -c 5000000 /dev/zero | curl -sSf -T - "
        "https://s3.eu-west-2.amazonaws.com/three\n"
        "      - curl -sSf https://s3.eu-west-2.amazonaws.com/big | wc -c\n"
        "      - wget -qO- http://logs.eu-west-2.amazonaws.com/four\n"
        "      - python3 -c 'import urllib.request as u; "
        "print(u.urlopen(\"https://ssm.eu-west-2.amazonaws.com/five\").read())'\n"
        "      - aws --version && git --version && jq --version\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("\"AccessKeyId\":\"***\",\"SecretAccessKey\":\"***\",\"Token\":\"***\"");
    assert_logged("404");
    assert_logged("answer to /one\n");
    assert_logged("answer to /two\n");
    assert_logged("3145728\n");
    assert_logged("answer to /four\n");
    assert_logged("answer to /five");
    assert_false(logged("secret-of-the-build"));
    assert_true(heard_n == 6);
    assert_string_equal(heard[0].text, "GET sts.eu-west-2.amazonaws.com/one 0");
    assert_string_equal(heard[1].text, "POST bucket.s3.eu-west-2.amazonaws.com/two 5");
    assert_string_equal(heard[2].text, "PUT s3.eu-west-2.amazonaws.com/three 5000000");
    for (size_t i = 0; i < heard_n; i++) {
        assert_true(strncmp(heard[i].id, "0b5a7c1e/g", 10) == 0);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(heard[i].id, heard[k].id);
        }
    }
}

static void test_a_build_cannot_pretend_to_be_its_supervisor(void **state) {
    (void)state;
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - curl -sS -X POST -H X-Trunkline-Request:other/1 -H 'X-Trunkline-Build;' "
                  "https://sts.eu-west-2.amazonaws.com/_trunkline/builds/other/credentials\n"
                  "      - curl -sS -X POST --request-target http://serve/_trunkline/ack "
                  "https://sts.eu-west-2.amazonaws.com/ || echo refused\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("answer to /_trunkline/builds/other/credentials\n"); /* as any AWS request */
    assert_int_equal(heard_n, 1);
    assert_true(strncmp(heard[0].id, "0b5a7c1e/g", 10) == 0);
    assert_logged("refused\n");
}

static void test_other_hosts_are_refused_and_mirrored_ones_answered(void **state) {
    (void)state;
    struct mirror_entry entry;
    int fd cleanup_fd = fd_from_bytes("x", S("the tool\n"), &err);
    OK(mirror_add(data, &clock_system, S("https://downloads.example.org/tool-1.0"), fd, STR_NONE,
                  &entry, &arena, &err));
    struct build_exit end =
        run_build("version: 0.2\n"
                  "phases:\n"
                  "  build:\n"
                  "    commands:\n"
                  "      - wget -qO- https://downloads.example.org/tool-1.0\n"
                  "      - curl -sS https://downloads.example.org/other; echo\n"
                  "      - curl -sS -w '%{http_code}' https://evil.example.org/\n"
                  "      - curl -sS http://plain.example.org/\n"
                  "      - curl -sS -m 5 telnet://169.254.169.254:80 || echo unreachable\n"
                  "      - curl -sS -m 5 https://evil.example.org:8443/ || echo refused\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("the tool\n");
    assert_logged("Egress refused: https://downloads.example.org/other is not in the mirror.");
    assert_logged("Egress refused: evil.example.org (policy locked). This build may");
    assert_logged("] ");
    assert_logged(" Egress refused: evil.example.org (policy locked)\n");
    assert_logged(" Egress refused: plain.example.org (policy locked)\n");
    assert_logged("unreachable\n");
    assert_logged("refused\n");
}

static void *come_back(void *ud) {
    (void)ud;
    poll(NULL, 0, 1500);
    start_account();
    return NULL;
}

static void test_requests_wait_for_a_serve_that_is_away(void **state) {
    (void)state;
    source_file("buildspec.yml",
                "version: 0.2\n"
                "phases: {build: {commands: ['echo ready; sleep 1', "
                "'curl -sSf -d x https://dynamodb.eu-west-2.amazonaws.com/lock']}}\n");
    struct process process = start_build();
    while (!file_exists(str_printf(&arena, "%s/log", dir).p) || !logged("ready\n")) {
        poll(NULL, 0, 20);
    }
    stop_account();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, come_back, NULL), 0);
    struct build_exit end = end_build(&process);
    pthread_join(thread, NULL);
    assert_status(&end, "SUCCEEDED");
    assert_logged("answer to /lock\n");
    assert_int_equal(heard_n, 1);
}

static void test_a_build_never_has_a_second_supervisor(void **state) {
    (void)state;
    struct build_exit end = run_build("version: 0.2\nphases: {}\n");
    assert_status(&end, "SUCCEEDED");
    struct process process = start_build();
    struct process_exit ended;
    assert_int_equal(process_wait(&process, 30000, &ended, &err), 1);
    assert_int_equal(ended.code, 1);
    assert_string_equal(phases(),
                        "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, INSTALL SUCCEEDED, "
                        "PRE_BUILD SUCCEEDED, BUILD SUCCEEDED, POST_BUILD SUCCEEDED, "
                        "UPLOAD_ARTIFACTS SUCCEEDED, FINALIZING SUCCEEDED");
}

static const struct CMUnitTest tests[] = {
    CASE(test_a_build_runs_its_phases_and_leaves_its_artifact),
    CASE(test_post_build_follows_a_failed_build_and_knows_it),
    CASE(test_a_phase_asks_for_a_retry_when_its_message_matches),
    CASE(test_what_is_wrong_with_the_buildspec_is_said_in_download_source),
    CASE(test_a_missing_buildspec_is_named),
    CASE(test_a_stop_ends_even_a_build_that_ignores_it),
    CASE(test_a_timeout_fails_the_build_and_names_the_phase),
    CASE(test_aws_names_reach_the_account_with_the_roles_credentials),
    CASE(test_a_build_cannot_pretend_to_be_its_supervisor),
    CASE(test_other_hosts_are_refused_and_mirrored_ones_answered),
    CASE(test_requests_wait_for_a_serve_that_is_away),
    CASE(test_a_build_never_has_a_second_supervisor),
};

BUILD_MAIN(tests)
