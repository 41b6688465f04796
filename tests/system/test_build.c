/* Whole builds: a supervisor process, a container, phases, log, network. The account is a small
 * server of this test behind serve.sock. */
#include "../unit/cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "flow/gateway/authority.h"
#include "flow/plan/events.h"
#include "flow/gateway/mirror.h"
#include "flow/plan/plan.h"
#include "flow/build/supervise.h"
#include "flow/sandbox/doctor.h"
#include "flow/sandbox/image.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "runtime/http/http.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena arena;
static struct err err;
static const char *data; /* the data directory */
static const char *dir;  /* the build's */
static struct plan plan;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s: %s", #call, err.msg);                                                    \
        }                                                                                          \
    } while (0)

/* ---- the account ---- */

static struct http_server *account;
static pthread_mutex_t heard_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char id[128];
    char text[512];
} heard[64]; /* requests to AWS's names, in order */
static size_t heard_n;

static void answer(void *ud, struct http_request *req, struct http_response *resp) {
    (void)ud;
    resp->status = 200;
    bool of_build = http_header(&req->headers, S("x-trunkline-build")).p != NULL;
    if (str_starts(req->path, S("/_trunkline/builds/")) && !of_build) {
        resp->body = S("{\"AccessKeyId\":\"ASIATESTTESTTEST1234\",\"SecretAccessKey\":"
                       "\"secret-of-the-build\",\"Token\":\"token-of-the-build\",\"Expiration\":"
                       "\"2099-01-01T00:00:00Z\"}");
        return;
    }
    if (str_is(req->path, "/_trunkline/ack") && !of_build) {
        resp->status = 204;
        return;
    }
    pthread_mutex_lock(&heard_lock);
    if (heard_n < 64) {
        snprintf(heard[heard_n].id, sizeof(heard[0].id), "%.*s",
                 STR_ARG(http_header(&req->headers, S("x-trunkline-request"))));
        snprintf(heard[heard_n++].text, sizeof(heard[0].text), "%.*s %.*s%.*s %zu",
                 STR_ARG(req->method), STR_ARG(http_header(&req->headers, S("Host"))),
                 STR_ARG(req->target), req->body.n);
    }
    pthread_mutex_unlock(&heard_lock);
    resp->body = str_printf(req->arena, "answer to %.*s\n", STR_ARG(req->target));
    if (str_starts(req->target, S("/big"))) {
        char *big = arena_alloc(req->arena, 3 << 20);
        memset(big, 'b', 3 << 20);
        resp->body = str_n(big, 3 << 20);
    }
}

static void start_account(void) {
    struct http_server_config config = {.host = "127.0.0.1", .threads = 2};
    struct http_handler handler = {.handle = answer};
    config.unix_path = str_printf(&arena, "%s/serve.sock", data).p;
    OK(http_server_start(&config, handler, &account, &err));
}

static void stop_account(void) {
    http_server_stop(account, 1000);
    account = NULL;
    unlink(str_printf(&arena, "%s/serve.sock", data).p);
}

/* ---- builds ---- */

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    err = ERR_INIT;
    heard_n = 0;
    OK(dir_make_temp(&arena, "tlb", &data, &err));
    dir = str_printf(&arena, "%s/builds/0b5a7c1e", data).p;
    OK(dir_make(dir, 0700, &err));
    OK(dir_make(str_printf(&arena, "%s/src", data).p, 0755, &err));
    OK(dir_make(str_printf(&arena, "%s/out", data).p, 0755, &err));
    plan = (struct plan){
        .uuid = S("0b5a7c1e"),
        .project = S("test"),
        .region = S("eu-west-2"),
        .account = S("111111111111"),
        .number = 7,
        .initiator = S("tester"),
        .start_ms = clock_now_ms(&clock_system),
        .data_dir = str_c(data),
        .role_arn = S("arn:aws:iam::111111111111:role/test"),
        .source = {.kind = PLAN_SOURCE_LOCAL, .dir = str_printf(&arena, "%s/src", data)},
        .image = S("aws/codebuild/standard:7.0"),
        .image_uses = S(IMAGE_DEFAULT),
        .memory_mib = 1024,
        .disk_mib = 1024,
        .pids = 512,
        .timeout_s = 120,
        .policy = PLAN_LOCKED,
        .log_stream = S("0b5a7c1e"),
    };
    start_account();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (account != NULL) {
        stop_account();
    }
    OK(tree_remove(data, &err));
    arena_done(&arena);
    return 0;
}

static void source_file(const char *name, const char *text) {
    OK(file_write(str_printf(&arena, "%s/src/%s", data, name).p, str_c(text), 0755, &err));
}

static struct str content(const char *name) {
    struct str text = STR_NONE;
    OK(file_read(&arena, str_printf(&arena, "%s/%s", dir, name).p, 8 << 20, &text, &err));
    return text;
}

static struct process start_build(void) {
    struct process process;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = '\0';
    OK(plan_write(dir, &plan, &err));
    const char *argv[] = {self, "supervise", dir, NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.err = 2;
    spec.session = true;
    OK(process_spawn(&spec, &process, &err));
    return process;
}

static struct build_exit end_build(struct process *process) {
    struct process_exit ended;
    struct build_exit end;
    int done = process_wait(process, 120 * 1000, &ended, &err);
    OK(done);
    assert_int_equal(done, 1);
    assert_int_equal(ended.code, 0);
    assert_int_equal(build_exit_read(&arena, dir, &end, &err), 1);
    return end;
}

static struct build_exit run_build(const char *buildspec) {
    if (buildspec != NULL) {
        source_file("buildspec.yml", buildspec);
    }
    struct process process = start_build();
    return end_build(&process);
}

static bool logged(const char *part) {
    return str_find(content("log"), str_c(part), 0) != (size_t)-1;
}

static void assert_logged(const char *part) {
    if (!logged(part)) {
        fail_msg("'%s' is not in the log:\n%.*s", part, STR_ARG(content("log")));
    }
}

static void assert_status(const struct build_exit *end, const char *status) {
    if (!str_is(end->status, status)) {
        fail_msg("%.*s (%.*s), not %s:\n%.*s", STR_ARG(end->status), STR_ARG(end->reason), status,
                 STR_ARG(content("log")));
    }
}

/* "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, ..." */
static const char *phases(void) {
    struct buf out cleanup_buf;
    buf_init(&out, 10000);
    struct str rest = content("events.jsonl");
    struct str line = STR_NONE;
    while (rest.n > 0 && str_cut(&rest, '\n', &line) && line.n > 0) {
        json_t *event cleanup_json = json_parse(line, &err);
        if (str_is(json_str(event, "type"), "phase_end")) {
            buf_printf(&out, "%s%.*s %.*s", out.n ? ", " : "", STR_ARG(json_str(event, "phase")),
                       STR_ARG(json_str(event, "status")));
        }
    }
    return str_z(&arena, buf_str(&out));
}

static struct str event_of(const char *type) {
    struct str rest = content("events.jsonl");
    struct str line = STR_NONE;
    struct str found = S("");
    struct str wanted = str_printf(&arena, "\"type\":\"%s\"", type);
    while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
        found = str_find(line, wanted, 0) != (size_t)-1 ? line : found;
    }
    return found;
}

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
    assert_true(file_exists(str_printf(&arena, "%s/out/artifact.zip", data).p));
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

static int be_supervisor(const char *build) {
    struct err why = ERR_INIT;
    struct supervise_options options = {.tee_fd = -1};
    if (supervise(build, &options, &why) < 0) {
        fprintf(stderr, "supervise: %s\n", why.msg);
        return 1;
    }
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "supervise") == 0) {
        return be_supervisor(argv[2]);
    }
    struct err why = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct image image;
    if (sandbox_available(&why) < 0 || image_find(&a, IMAGE_DEFAULT, false, &image, &why) < 0) {
        printf("SKIP: %s\n", why.msg);
        return 77;
    }
    arena_done(&a);
    const struct CMUnitTest tests[] = {
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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
