/* Whole builds for tests: a data directory, a supervisor that is this program itself, and a small
 * server behind serve.sock as the account. Each test program includes this once, and calls
 * build_main. */
#pragma once

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

/* A test's own answers: true when it has given one. */
static bool (*answer_first)(struct http_request *req, struct http_response *resp);

static inline void answer(void *ud, struct http_request *req, struct http_response *resp) {
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
    if (answer_first != NULL && answer_first(req, resp)) {
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

static inline void start_account(void) {
    struct http_server_config config = {.host = "127.0.0.1", .threads = 2};
    struct http_handler handler = {.handle = answer};
    config.unix_path = str_printf(&arena, "%s/serve.sock", data).p;
    OK(http_server_start(&config, handler, &account, &err));
}

static inline void stop_account(void) {
    http_server_stop(account, 1000);
    account = NULL;
    unlink(str_printf(&arena, "%s/serve.sock", data).p);
}

/* ---- builds ---- */

static inline int setup(void **state) {
    (void)state;
    arena_init(&arena);
    err = ERR_INIT;
    heard_n = 0;
    answer_first = NULL;
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

static inline int teardown(void **state) {
    (void)state;
    if (account != NULL) {
        stop_account();
    }
    OK(tree_remove(data, &err));
    arena_done(&arena);
    return 0;
}

static inline void source_file(const char *name, const char *text) {
    OK(file_write(str_printf(&arena, "%s/src/%s", data, name).p, str_c(text), 0755, &err));
}

static inline struct str content(const char *name) {
    struct str text = STR_NONE;
    OK(file_read(&arena, str_printf(&arena, "%s/%s", dir, name).p, 8 << 20, &text, &err));
    return text;
}

static inline struct process start_build(void) {
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

static inline struct build_exit end_build(struct process *process) {
    struct process_exit ended;
    struct build_exit end;
    int done = process_wait(process, 120 * 1000, &ended, &err);
    OK(done);
    assert_int_equal(done, 1);
    assert_int_equal(ended.code, 0);
    assert_int_equal(build_exit_read(&arena, dir, &end, &err), 1);
    return end;
}

static inline struct build_exit run_build(const char *buildspec) {
    if (buildspec != NULL) {
        source_file("buildspec.yml", buildspec);
    }
    struct process process = start_build();
    return end_build(&process);
}

/* The end of a text: cmocka prints no more than this. */
static inline struct str str_last(struct str text) {
    return str_sub(text, text.n > 800 ? text.n - 800 : 0, 800);
}

static inline bool logged(const char *part) {
    return str_find(content("log"), str_c(part), 0) != (size_t)-1;
}

static inline void assert_logged(const char *part) {
    if (!logged(part)) {
        fail_msg("'%s' is not in the log:\n%.*s", part, STR_ARG(str_last(content("log"))));
    }
}

static inline void assert_status(const struct build_exit *end, const char *status) {
    if (!str_is(end->status, status)) {
        fail_msg("%.*s (%.*s), not %s:\n%.*s", STR_ARG(end->status), STR_ARG(end->reason), status,
                 STR_ARG(str_last(content("log"))));
    }
}

/* "PROVISIONING SUCCEEDED, DOWNLOAD_SOURCE SUCCEEDED, ..." */
static inline const char *phases(void) {
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

static inline struct str event_of(const char *type) {
    struct str rest = content("events.jsonl");
    struct str line = STR_NONE;
    struct str found = S("");
    struct str wanted = str_printf(&arena, "\"type\":\"%s\"", type);
    while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
        found = str_find(line, wanted, 0) != (size_t)-1 ? line : found;
    }
    return found;
}

static inline int be_supervisor(const char *build) {
    struct err why = ERR_INIT;
    struct supervise_options options = {.tee_fd = -1};
    if (supervise(build, &options, &why) < 0) {
        fprintf(stderr, "supervise: %s\n", why.msg);
        return 1;
    }
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* main of a test program: also the supervisor that its builds are started with. */
#define BUILD_MAIN(tests)                                                                          \
    int main(int argc, char **argv) {                                                              \
        if (argc == 3 && strcmp(argv[1], "supervise") == 0) {                                      \
            return be_supervisor(argv[2]);                                                         \
        }                                                                                          \
        struct err why = ERR_INIT;                                                                 \
        struct arena a = ARENA_INIT;                                                               \
        struct image image;                                                                        \
        if (sandbox_available(&why) < 0 ||                                                         \
            image_find(&a, IMAGE_DEFAULT, false, &image, &why) < 0) {                              \
            printf("SKIP: %s\n", why.msg);                                                         \
            return 77;                                                                             \
        }                                                                                          \
        arena_done(&a);                                                                            \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }
