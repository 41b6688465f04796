/* Logs of whole builds: where they go, and what hostile builds do to them. */
#include "build.h"

#include "platform/text/json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* ---- CloudWatch Logs of a real account ---- */

static struct {
    pthread_mutex_t lock;
    bool group, stream;
    unsigned refusals; /* PutLogEvents fails so often first */
    unsigned puts;
    int64_t last_ms;
    bool in_order;
    struct buf text; /* all messages */
} cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void refuse(struct http_response *resp, int status, const char *type) {
    struct str body = str_printf(&arena, "{\"__type\":\"%s\",\"message\":\"as told\"}", type);
    resp->status = status;
    resp->body = body;
}

static void take_events(struct http_request *req, struct http_response *resp) {
    struct err bad = ERR_INIT;
    json_t *json cleanup_json = json_parse(req->body, &bad);
    json_t *event = NULL;
    size_t i = 0;
    if (!cloud.stream) {
        refuse(resp, 400, "ResourceNotFoundException");
        return;
    }
    if (cloud.refusals > 0) {
        cloud.refusals--;
        refuse(resp, 400, "AccessDeniedException");
        return;
    }
    cloud.puts++;
    json_array_foreach(json_object_get(json, "logEvents"), i, event) {
        cloud.in_order &= json_int(event, "timestamp") >= cloud.last_ms;
        cloud.last_ms = json_int(event, "timestamp");
        buf_add(&cloud.text, json_str(event, "message"));
    }
}

static bool be_cloudwatch(struct http_request *req, struct http_response *resp) {
    struct str target = http_header(&req->headers, S("x-amz-target"));
    if (!str_starts(target, S("Logs_20140328."))) {
        return false;
    }
    target = str_sub(target, 14, target.n);
    pthread_mutex_lock(&cloud.lock);
    resp->body = S("{}");
    if (str_is(target, "CreateLogGroup")) {
        cloud.group = true;
    } else if (str_is(target, "CreateLogStream")) {
        cloud.stream = cloud.group;
        if (!cloud.group) {
            refuse(resp, 400, "ResourceNotFoundException");
        }
    } else {
        take_events(req, resp);
    }
    pthread_mutex_unlock(&cloud.lock);
    return true;
}

static void use_real_account(unsigned refusals) {
    answer_first = be_cloudwatch;
    buf_done(&cloud.text);
    buf_init(&cloud.text, 64 << 20);
    cloud.group = cloud.stream = false;
    cloud.puts = 0;
    cloud.last_ms = 0;
    cloud.in_order = true;
    cloud.refusals = refusals;
    plan.aws = true;
    plan.policy = PLAN_NONE;
    plan.endpoint = str_printf(&arena, "http://127.0.0.1:%u", http_server_port(account));
    plan.log_group = S("/aws/codebuild/test");
}

static void test_a_real_accounts_cloudwatch_gets_the_whole_log(void **state) {
    (void)state;
    use_real_account(0);
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases: {build: {commands: ['echo first; seq 200000; printf "
                                      "\"\\\\303\\\\050 bad\\\\n\"']}}\n");
    assert_status(&end, "SUCCEEDED");
    assert_true(cloud.group && cloud.stream && cloud.puts > 1 && cloud.in_order);
    struct str log = content("log");
    struct str sent = buf_str(&cloud.text);
    assert_true(str_starts(sent, S("[Container] ")));
    assert_true(str_find(sent, S("first\n1\n2\n"), 0) != (size_t)-1);
    assert_true(str_find(sent, S("\n199999\n200000\n"), 0) != (size_t)-1);
    assert_true(str_find(sent, S("\xef\xbf\xbd( bad\n"), 0) != (size_t)-1);
    assert_true(sent.n >= log.n && sent.n < log.n + 100);
    assert_true(str_ends(sent, S("Phase context status code:  Message: \n")));
}

static void test_a_log_that_cannot_be_sent_fails_no_build(void **state) {
    (void)state;
    use_real_account(4);
    struct build_exit end = run_build("version: 0.2\n"
                                      "phases: {build: {commands: ['sleep 4; echo done']}}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("Log events could not be sent to /aws/codebuild/test: as told");
    assert_int_equal(str_find(buf_str(&cloud.text), S("[Container] "), 0), 0);
    assert_true(str_find(buf_str(&cloud.text), S("done\n"), 0) != (size_t)-1);
}

static void test_s3_gets_the_log_as_one_file(void **state) {
    (void)state;
    plan.s3_log_bucket = S("logs");
    plan.s3_log_key = S("builds/0b5a7c1e.gz");
    struct build_exit end = run_build("version: 0.2\nphases: {build: {commands: [echo x]}}\n");
    assert_status(&end, "SUCCEEDED");
    bool put = false;
    for (size_t i = 0; i < heard_n; i++) {
        put |= strncmp(heard[i].text, "PUT ", 4) == 0 && strstr(heard[i].text, "/0b5a7c1e.gz");
    }
    assert_true(put);
}

static bool refuse_puts(struct http_request *req, struct http_response *resp) {
    if (!str_is(req->method, "PUT")) {
        return false;
    }
    resp->status = 403;
    resp->body = S("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    return true;
}

static void test_a_log_that_s3_refuses_fails_no_build(void **state) {
    (void)state;
    answer_first = refuse_puts;
    plan.s3_log_bucket = S("logs");
    plan.s3_log_key = S("x.gz");
    struct build_exit end = run_build("version: 0.2\nphases: {build: {commands: [echo x]}}\n");
    assert_status(&end, "SUCCEEDED");
    assert_logged("Log could not be stored in S3: s3://logs/x.gz: Access Denied\n");
}

/* ---- hostile builds ---- */

static int64_t run_for(const char *buildspec, struct build_exit *ret) {
    int64_t begin = clock_mono_ms(&clock_system);
    *ret = run_build(buildspec);
    return clock_mono_ms(&clock_system) - begin;
}

static void test_a_flood_is_cut_and_counted(void **state) {
    (void)state;
    struct build_exit end;
    plan.timeout_s = 300;
    run_for("version: 0.2\n"
            "phases: {build: {commands: ['yes | head -c 400000000', 'echo still here']}}\n",
            &end);
    assert_status(&end, "SUCCEEDED");
    struct stat st;
    assert_int_equal(stat(str_printf(&arena, "%s/log", dir).p, &st), 0);
    assert_true(st.st_size < 130 * 1024 * 1024);
    char tail[4096];
    int fd cleanup_fd = file_open(str_printf(&arena, "%s/log", dir).p, O_RDONLY, 0, &err);
    ssize_t n = pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail));
    struct str end_of_log = str_n(tail, (size_t)n);
    assert_true(str_find(end_of_log, S(" bytes of output left out: the log is full\n"), 0) !=
                (size_t)-1);
    assert_true(str_find(end_of_log, S("Running command echo still here\n"), 0) != (size_t)-1);
}

static void test_a_line_of_any_length_and_any_bytes_are_kept(void **state) {
    (void)state;
    struct build_exit end;
    run_for("version: 0.2\n"
            "phases:\n"
            "  build:\n"
            "    commands:\n"
            "      - head -c 3000000 /dev/zero | tr '\\0' x; echo\n"
            "      - printf 'nul\\000 bell\\007 bad\\377\\n'\n"
            "      - printf 'ten%%\\rall%%\\n'; printf '\\033]8;;javascript:1\\033\\\\link\\n'\n"
            "      - echo '</pre><script>alert(1)</script>'\n",
            &end);
    assert_status(&end, "SUCCEEDED");
    assert_true(str_find(content("log"), S("nul\0 bell\7 bad\377\n"), 0) != (size_t)-1);
    assert_logged("ten%\rall%\n");
    assert_logged("</pre><script>alert(1)</script>\n");
}

static void test_a_grandchild_that_holds_the_output_does_not_hold_the_build(void **state) {
    (void)state;
    struct build_exit end;
    int64_t took = run_for("version: 0.2\n"
                           "phases:\n"
                           "  build:\n"
                           "    commands:\n"
                           "      - (trap '' TERM HUP; setsid sleep 1000) & echo begun\n"
                           "      - echo next; exec >&- 2>&-; sleep 0.1\n",
                           &end);
    assert_status(&end, "SUCCEEDED");
    assert_logged("begun\n");
    assert_true(took < 30000);
}

static void test_a_fork_bomb_ends_at_the_limit_of_processes(void **state) {
    (void)state;
    struct build_exit end;
    plan.pids = 64;
    plan.timeout_s = 60;
    run_for("version: 0.2\n"
            "phases:\n"
            "  build: {commands: ['for i in $(seq 200); do sleep 30 & done; echo unreachable']}\n"
            "  post_build: {commands: ['echo after']}\n",
            &end);
    assert_status(&end, "FAILED");
    assert_true(logged("fork") || logged("no process can be made"));
}

static void test_a_build_that_stops_itself_ends_with_its_time(void **state) {
    (void)state;
    struct build_exit end;
    plan.timeout_s = 3;
    int64_t took = run_for("version: 0.2\n"
                           "phases: {build: {commands: ['kill -STOP $$; echo never']}}\n",
                           &end);
    assert_status(&end, "FAILED");
    assert_logged("Build has timed out. \n");
    assert_false(logged("\nnever\n"));
    assert_true(took < 30000);
}

static void test_one_process_out_of_memory_fails_its_command_only(void **state) {
    (void)state;
    struct build_exit end;
    plan.memory_mib = 128;
    run_for("version: 0.2\n"
            "phases:\n"
            "  build:\n"
            "    commands: ['head -c 400000000 /dev/zero | tail >/dev/null; echo \"code $?\"']\n"
            "  post_build: {commands: ['echo lives']}\n",
            &end);
    assert_true(logged("code 137\n") || logged("Killed"));
    assert_logged("lives\n");
}

static void test_a_secret_is_hidden_however_its_bytes_arrive(void **state) {
    (void)state;
    struct build_exit end;
    run_for("version: 0.2\n"
            "phases:\n"
            "  build:\n"
            "    commands:\n"
            "      - curl -s http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI >/tmp/c\n"
            "      - python3 -u -c \"import sys,time,json; s=json.load(open('/tmp/c'))"
            "['SecretAccessKey']; [(sys.stdout.write(x), sys.stdout.flush(), time.sleep(0.002)) "
            "for x in s]; print()\"\n"
            "      - python3 -c \"import json,base64; s=json.load(open('/tmp/c'))"
            "['SecretAccessKey']; print('x' * 262140 + s + 'y' * 262140); "
            "print(base64.b64encode(('pad' + s).encode()).decode())\"\n",
            &end);
    assert_status(&end, "SUCCEEDED");
    assert_false(logged("secret-of-the-build"));
    assert_false(logged("c2VjcmV0LW9mLXRoZS1idWls"));
    assert_logged("***");
}

static const struct CMUnitTest tests[] = {
    CASE(test_a_real_accounts_cloudwatch_gets_the_whole_log),
    CASE(test_a_log_that_cannot_be_sent_fails_no_build),
    CASE(test_s3_gets_the_log_as_one_file),
    CASE(test_a_log_that_s3_refuses_fails_no_build),
    CASE(test_a_flood_is_cut_and_counted),
    CASE(test_a_line_of_any_length_and_any_bytes_are_kept),
    CASE(test_a_grandchild_that_holds_the_output_does_not_hold_the_build),
    CASE(test_a_fork_bomb_ends_at_the_limit_of_processes),
    CASE(test_a_build_that_stops_itself_ends_with_its_time),
    CASE(test_one_process_out_of_memory_fails_its_command_only),
    CASE(test_a_secret_is_hidden_however_its_bytes_arrive),
};

BUILD_MAIN(tests)
