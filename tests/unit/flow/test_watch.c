/* The watcher with its threads: silent hosts, commits that it is to see, and what it keeps. Real
 * repositories; times are bounds, never waited for. */
#include "../cmocka_.h"

#include "flow/execution/apply.h"
#include "flow/source/store.h"
#include "flow/artifact/git.h"
#include "flow/watch/watch.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "runtime/queue/queue.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BOUND_MS = 20 * 1000, /* far below... */
    SILENT = 12,          /* pipelines on the silent host: more than there are threads */
};
_Static_assert((int)BOUND_MS < (int)GIT_ASK_MS, "a silent host is not given up before");

struct world {
    struct arena arena;
    struct clock clock;
    struct flow flow;
    const char *dir;
    int silent; /* listens, and never answers */
    int port;
    struct watch *watch;
    struct err err;
};

static void run(struct world *w, const char *script) {
    const char *const argv[] = {"sh", "-ec", script, NULL};
    struct process_run spec = {.spec = PROCESS_SPEC_INIT, .timeout_ms = 30000};
    spec.spec.argv = argv;
    spec.spec.dir = w->dir;
    if (process_run(&w->arena, &spec, NULL, NULL, NULL, &w->err) < 0) {
        fail_msg("%s: %s", script, w->err.msg);
    }
}

/* "o/silent" is on the silent host, all others are folders of this machine. */
static int connection(void *ud, struct arena *a, struct str account, struct str arn,
                      struct str repository, struct str *ret_url, struct err *err) {
    struct world *w = ud;
    (void)account;
    (void)arn;
    (void)err;
    *ret_url = str_is(repository, "o/silent")
                   ? str_printf(a, "http://127.0.0.1:%d/silent.git", w->port)
                   : str_printf(a, "file://%s/" STR_FMT ".git", w->dir,
                                STR_ARG(str_sub(repository, 2, repository.n)));
    return 1;
}

static void listen_silently(struct world *w) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    w->silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->silent >= 0);
    assert_int_equal(bind(w->silent, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->silent, 128), 0);
    assert_int_equal(getsockname(w->silent, (struct sockaddr *)&at, &n), 0);
    w->port = ntohs(at.sin_port);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    const struct db_schema schemas[] = {queue_schema, record_schema, source_schema};
    *state = w;
    w->clock = clock_system;
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    listen_silently(w);
    assert_int_equal(dir_make_temp(&w->arena, "trunkline-test-watch", &w->dir, &w->err), 0);
    w->flow = (struct flow){.clock = &w->clock,
                            .rng = &rng_system,
                            .connection = connection,
                            .connection_ud = w,
                            .data_dir = str_printf(&w->arena, "%s/data", w->dir).p};
    if (db_open("", schemas, 3, &w->flow.db, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
    run(w,
        "for r in one two; do git init -q --bare -b main $r.git; done; git clone -q one.git work "
        "2>/dev/null; cd work; git symbolic-ref HEAD refs/heads/main; git config user.name Ada; "
        "git config user.email ada@example.org; git commit -q --allow-empty -m one; git push -q "
        "origin main; git push -q ../two.git main");
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    watch_stop(w->watch);
    close(w->silent);
    db_close(w->flow.db);
    int removed = tree_remove(w->dir, &w->err);
    arena_done(&w->arena);
    free(w);
    return removed;
}

static int64_t make(struct world *w, const char *name, const char *repository) {
    struct engine_plan plan = {.version = 1, .n = 1};
    plan.v = arena_new_n(&w->arena, struct engine_plan_stage, 1);
    plan.v[0].name = S("Source");
    *arena_push(&w->arena, &plan.v[0].actions) =
        (struct engine_plan_action){.name = S("Trunk"), .run_order = 1};
    struct pipeline_row row = {
        .account = S("111111111111"),
        .region = S("eu-west-2"),
        .name = str_c(name),
        .version = 1,
        .definition = str_printf(
            &w->arena,
            "{\"name\":\"%s\",\"roleArn\":\"r\",\"artifactStore\":{\"type\":\"S3\",\"location\":"
            "\"b\"},\"stages\":[{\"name\":\"Source\",\"actions\":[{\"name\":\"Trunk\","
            "\"actionTypeId\":{\"category\":\"Source\",\"owner\":\"AWS\",\"provider\":"
            "\"CodeStarSourceConnection\",\"version\":\"1\"},\"configuration\":{\"ConnectionArn\":"
            "\"c\",\"FullRepositoryId\":\"%s\",\"BranchName\":\"main\"},\"outputArtifacts\":[{"
            "\"name\":\"source\"}]}]}]}",
            name, repository)};
    if (db_begin(w->flow.db, &w->err) < 0 ||
        execution_define(&w->flow, &w->arena, &row, &plan, &w->err) < 0 ||
        db_commit(w->flow.db, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
    return row.id;
}

static void remove_pipeline(struct world *w, int64_t id) {
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(record_pipeline_delete(w->flow.db, id, 1, &w->err), 0);
    assert_int_equal(db_commit(w->flow.db, &w->err), 0);
    watch_poke(w->watch);
}

static void start(struct world *w) {
    if (watch_start(&w->flow, &w->watch, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
}

/* Asks again until it is so, at most until the bound. */
static void until(struct world *w, const char *what, bool (*so)(struct world *w, int64_t ud),
                  int64_t ud) {
    int64_t end = clock_mono_ms(&w->clock) + BOUND_MS;
    while (!so(w, ud)) {
        if (clock_mono_ms(&w->clock) > end) {
            fail_msg("after %d ms still waiting for: %s", BOUND_MS, what);
        }
        poll(NULL, 0, 20);
    }
}

static bool was_looked_at(struct world *w, int64_t pipeline) {
    struct str_map seen;
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(source_seen_list(w->flow.db, &w->arena, pipeline, S("Trunk"), &seen, &w->err),
                     0);
    db_rollback(w->flow.db);
    return str_map_get(&seen, S("refs/heads/main")).p != NULL;
}

static bool has_started(struct world *w, int64_t pipeline) {
    struct execution_row_list list;
    assert_int_equal(db_begin(w->flow.db, &w->err), 0);
    assert_int_equal(record_execution_list(w->flow.db, &w->arena, pipeline, 0, 10, &list, &w->err),
                     0);
    db_rollback(w->flow.db);
    return list.n == 1;
}

/* The silent host has been asked: a connection waits for it. */
static bool is_asked(struct world *w, int64_t ud) {
    struct pollfd fd = {w->silent, POLLIN, 0};
    (void)ud;
    return poll(&fd, 1, 0) == 1;
}

static void test_silent_host_holds_up_nobody_elses_commits(void **state) {
    struct world *w = *state;
    for (int i = 0; i < SILENT; i++) {
        make(w, str_printf(&w->arena, "silent%d", i).p, "o/silent");
    }
    int64_t quick = make(w, "quick", "o/one");
    start(w);
    until(w, "the silent host to be asked", is_asked, 0);
    until(w, "the first look", was_looked_at, quick);
    run(w, "cd work; git commit -q --allow-empty -m two; git push -q origin main");
    until(w, "the commit to start a release", has_started, quick);
    int64_t since = clock_mono_ms(&w->clock);
    watch_stop(w->watch); /* it waits for no host either */
    w->watch = NULL;
    assert_true(clock_mono_ms(&w->clock) - since < BOUND_MS);
}

static int inotify_of(const char *path) {
    char line[256];
    int n = 0;
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        n += strncmp(line, "inotify wd:", 11) == 0;
    }
    if (f != NULL) {
        fclose(f);
    }
    return n;
}

/* Watches of inotify that this process has. */
static int inotify_watches(struct world *w) {
    DIR *dir = opendir("/proc/self/fdinfo");
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += inotify_of(str_printf(&w->arena, "/proc/self/fdinfo/%s", e->d_name).p);
    }
    closedir(dir);
    return n;
}

static bool has_watches(struct world *w, int64_t n) {
    return inotify_watches(w) == n;
}

static void test_watches_of_deleted_pipelines_are_freed_and_shared_ones_kept(void **state) {
    struct world *w = *state;
    int64_t one = make(w, "a", "o/one");
    int64_t same = make(w, "b", "o/one");
    int64_t two = make(w, "c", "o/two");
    start(w);
    until(w, "a look at a", was_looked_at, one);
    until(w, "a look at b", was_looked_at, same);
    until(w, "a look at c", was_looked_at, two);
    until(w, "three folders of each repository", has_watches, 6);
    remove_pipeline(w, two);
    until(w, "those of c to go", has_watches, 3);
    remove_pipeline(w, one);
    run(w, "cd work; git commit -q --allow-empty -m two; git push -q origin main");
    until(w, "b to see a commit", has_started, same);
    assert_int_equal(inotify_watches(w), 3);
    remove_pipeline(w, same);
    until(w, "the last ones to go", has_watches, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_silent_host_holds_up_nobody_elses_commits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_watches_of_deleted_pipelines_are_freed_and_shared_ones_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
