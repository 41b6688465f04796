/* Jobs: order, timers, back-off, giving up, and what a crash or a second addition leaves. */
#include "../cmocka_.h"

#include "runtime/queue/queue.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
    struct db *db;
    struct clock_fake time;
    struct clock clock;
    struct queue *queue;
    struct arena arena;
    struct str ran; /* keys in order, a comma behind each */
    int fail;       /* how many runs fail from now on */
    int64_t again_ms;
    int gave_up;
    int last_attempt;
    bool give_up;
    bool full;        /* no room for notes */
    int64_t later_ms; /* go to wait in a transaction of its own, once */
    bool hastens;     /* and be urged at once */
    bool end_inside;  /* end the job in a transaction of its own, then add it again */
    atomic_int count;
};

static int wait_inside(struct bench *b, struct queue_job *job) {
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(queue_later(b->db, job, b->later_ms, &err), 0);
    assert_int_equal(db_commit(b->db, &err), 0);
    b->later_ms = 0;
    if (b->hastens) {
        assert_int_equal(db_begin(b->db, &err), 0);
        assert_int_equal(queue_urge(b->db, "note", job->key, &err), 0);
        assert_int_equal(db_commit(b->db, &err), 0);
    }
    return 0;
}

static int note(void *ud, struct queue_job *job, struct err *err) {
    struct bench *b = ud;
    b->ran = str_printf(&b->arena, STR_FMT STR_FMT ",", STR_ARG(b->ran), STR_ARG(job->key));
    b->last_attempt = job->attempt;
    job->again_ms = b->again_ms;
    b->again_ms = 0;
    job->give_up = b->give_up;
    if (b->fail > 0) {
        b->fail--;
        return err_set(err, ERR_UNAVAILABLE, "not now");
    }
    if (b->end_inside) {
        b->end_inside = false;
        struct err inner = ERR_INIT;
        assert_int_equal(db_begin(b->db, &inner), 0);
        assert_int_equal(queue_end(b->db, job, &inner), 0);
        assert_int_equal(db_commit(b->db, &inner), 0);
        assert_int_equal(db_begin(b->db, &inner), 0);
        assert_int_equal(queue_add(b->db, "note", job->key, STR_NONE, 0, &inner), 0);
        assert_int_equal(db_commit(b->db, &inner), 0);
    }
    return b->later_ms > 0 ? wait_inside(b, job) : 0;
}

static bool note_room(void *ud) {
    return !((struct bench *)ud)->full;
}

static void note_end(void *ud, struct queue_job *job, const struct err *why) {
    (void)job;
    assert_true(why->kind == ERR_UNAVAILABLE);
    ((struct bench *)ud)->gave_up++;
}

static int count(void *ud, struct queue_job *job, struct err *err) {
    (void)job;
    (void)err;
    atomic_fetch_add(&((struct bench *)ud)->count, 1);
    return 0;
}

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    struct err err = ERR_INIT;
    if (db_open("", &queue_schema, 1, &b->db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    b->time.now_ms = 1000000;
    b->clock = clock_fake(&b->time);
    b->ran = S("");
    const struct queue_kind kinds[] = {
        {.name = "note",
         .run = note,
         .gave_up = note_end,
         .room = note_room,
         .ud = b,
         .max_attempts = 3},
        {.name = "count", .run = count, .ud = b, .parallel = 3},
    };
    if (queue_open(b->db, &b->clock, kinds, 2, &b->queue, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    queue_stop(b->queue);
    db_close(b->db);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static void add(struct bench *b, const char *kind, const char *key, int64_t at_ms, bool commit) {
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(queue_add(b->db, kind, str_c(key), STR_NONE, at_ms, &err), 0);
    if (commit) {
        assert_int_equal(db_commit(b->db, &err), 0);
    } else {
        db_rollback(b->db);
    }
}

static int64_t rows(struct bench *b) {
    struct err err = ERR_INIT;
    int64_t n = -1;
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(db_get_i64(b->db, &n, &err, "SELECT count(*) FROM job", ""), 1);
    db_rollback(b->db);
    return n;
}

static void test_jobs_run_in_order_and_are_gone(void **state) {
    struct bench *b = *state;
    add(b, "note", "a", 0, true);
    add(b, "note", "b", 0, true);
    add(b, "note", "c", 0, false);
    assert_int_equal(queue_run_due(b->queue), 2);
    assert_true(str_is(b->ran, "a,b,"));
    assert_int_equal(rows(b), 0);
}

static void test_same_key_twice_is_one_job(void **state) {
    struct bench *b = *state;
    add(b, "note", "a", 0, true);
    add(b, "note", "a", 0, true);
    assert_int_equal(queue_run_due(b->queue), 1);
}

static void test_timer_waits_for_its_time(void **state) {
    struct bench *b = *state;
    add(b, "note", "later", b->time.now_ms + 500, true);
    assert_int_equal(queue_run_due(b->queue), 0);
    b->time.now_ms += 499;
    assert_int_equal(queue_run_due(b->queue), 0);
    b->time.now_ms += 1;
    assert_int_equal(queue_run_due(b->queue), 1);
}

static void test_due_jobs_wait_for_room_unless_they_are_urged(void **state) {
    struct bench *b = *state;
    struct err err = ERR_INIT;
    b->full = true;
    add(b, "note", "a", 0, true);
    add(b, "note", "b", 0, true);
    add(b, "note", "timer", b->time.now_ms + 900, true);
    assert_int_equal(queue_run_due(b->queue), 0);
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(queue_urge(b->db, "note", S("b"), &err), 0);
    assert_int_equal(db_commit(b->db, &err), 0);
    assert_int_equal(queue_run_due(b->queue), 1);
    add(b, "note", "c", 0, true);
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(queue_urge(b->db, "note", STR_NONE, &err), 0);
    assert_int_equal(db_commit(b->db, &err), 0);
    assert_int_equal(queue_run_due(b->queue), 2);
    assert_true(str_is(b->ran, "b,a,c,"));
    b->full = false;
    b->time.now_ms += 900;
    assert_int_equal(queue_run_due(b->queue), 1);
}

/* What urges a job between its own transaction and its return is not lost. */
static void test_job_that_goes_to_wait_is_urged_also_before_it_returns(void **state) {
    struct bench *b = *state;
    b->later_ms = b->time.now_ms + 60000;
    add(b, "note", "a", 0, true);
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(rows(b), 1);
    b->later_ms = b->time.now_ms + 90000;
    b->hastens = true;
    b->time.now_ms += 60000;
    assert_int_equal(queue_run_due(b->queue), 2); /* it waits, is urged, and ends */
    assert_int_equal(rows(b), 0);
}

static void test_failed_job_backs_off_then_succeeds(void **state) {
    struct bench *b = *state;
    b->fail = 2;
    add(b, "note", "a", 0, true);
    assert_int_equal(queue_run_due(b->queue), 1);
    b->time.now_ms += 199;
    assert_int_equal(queue_run_due(b->queue), 0);
    b->time.now_ms += 1;
    assert_int_equal(queue_run_due(b->queue), 1);
    b->time.now_ms += 399;
    assert_int_equal(queue_run_due(b->queue), 0);
    b->time.now_ms += 1;
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(b->last_attempt, 3);
    assert_int_equal(b->gave_up, 0);
    assert_int_equal(rows(b), 0);
}

static void test_job_is_given_up_after_its_last_attempt(void **state) {
    struct bench *b = *state;
    b->fail = 9;
    add(b, "note", "a", 0, true);
    for (int i = 0; i < 10; i++) {
        queue_run_due(b->queue);
        b->time.now_ms += 60000;
    }
    assert_int_equal(b->gave_up, 1);
    assert_int_equal(b->fail, 6);
    assert_int_equal(rows(b), 0);
}

static void test_handler_may_give_up_at_once(void **state) {
    struct bench *b = *state;
    b->fail = 1;
    b->give_up = true;
    add(b, "note", "a", 0, true);
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(b->gave_up, 1);
    assert_int_equal(rows(b), 0);
}

static void test_handler_chooses_when_it_runs_again(void **state) {
    struct bench *b = *state;
    b->again_ms = b->time.now_ms + 7000;
    add(b, "note", "tick", 0, true);
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(rows(b), 1);
    b->time.now_ms += 7000;
    assert_int_equal(queue_run_due(b->queue), 1);
    assert_int_equal(b->last_attempt, 1);
    assert_int_equal(rows(b), 0);
}

static void test_addition_after_queue_end_is_not_lost(void **state) {
    struct bench *b = *state;
    b->end_inside = true;
    add(b, "note", "a", 0, true);
    assert_int_equal(queue_run_due(b->queue), 2);
    assert_int_equal(rows(b), 0);
}

static void test_cancelled_job_never_runs(void **state) {
    struct bench *b = *state;
    struct err err = ERR_INIT;
    add(b, "note", "a", 0, true);
    assert_int_equal(db_begin(b->db, &err), 0);
    assert_int_equal(queue_cancel(b->db, "note", S("a"), &err), 0);
    assert_int_equal(db_commit(b->db, &err), 0);
    assert_int_equal(queue_run_due(b->queue), 0);
}

static void test_jobs_outlive_the_process(void **state) {
    struct bench *b = *state;
    char path[] = "/tmp/trunkline-test-queue-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct err err = ERR_INIT;
    struct db *db = NULL;
    assert_int_equal(db_open(path, &queue_schema, 1, &db, &err), 0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(queue_add(db, "count", S("left"), STR_NONE, 0, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    db_close(db);
    assert_int_equal(db_open(path, &queue_schema, 1, &db, &err), 0);
    const struct queue_kind kind = {.name = "count", .run = count, .ud = b};
    struct queue *q = NULL;
    assert_int_equal(queue_open(db, &b->clock, &kind, 1, &q, &err), 0);
    assert_int_equal(queue_run_due(q), 1);
    queue_stop(q);
    db_close(db);
    unlink(path);
}

static void test_worker_threads_run_every_job_once(void **state) {
    struct bench *b = *state;
    struct err err = ERR_INIT;
    const struct queue_kind kind = {.name = "count", .run = count, .ud = b, .parallel = 4};
    struct queue *q = NULL;
    assert_int_equal(queue_start(b->db, &clock_system, &kind, 1, &q, &err), 0);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        add(b, "count", key, 0, true);
    }
    uint64_t seen = db_commits(b->db);
    while (rows(b) > 0) {
        db_wait_commit(b->db, seen, 5000);
        seen = db_commits(b->db);
    }
    queue_stop(q);
    assert_int_equal(atomic_load(&b->count), 200);
}

static size_t threads_of_this_process(void) {
    size_t n = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks) != NULL) {
        n++;
    }
    closedir(tasks);
    return n;
}

/* Runs until all that may run at once do. */
static int meet(void *ud, struct queue_job *job, struct err *err) {
    struct bench *b = ud;
    (void)job;
    (void)err;
    atomic_fetch_add(&b->count, 1);
    while (atomic_load(&b->count) < 4) {
        usleep(200);
    }
    return 0;
}

static void test_workers_begin_when_there_is_work_and_then_as_many_as_may_run(void **state) {
    struct bench *b = *state;
    struct err err = ERR_INIT;
    const struct queue_kind kind = {.name = "meet", .run = meet, .ud = b, .parallel = 4};
    struct queue *q = NULL;
    size_t before = threads_of_this_process();
    assert_int_equal(queue_start(b->db, &clock_system, &kind, 1, &q, &err), 0);
    assert_int_equal(threads_of_this_process(), before + 1);
    assert_int_equal(db_begin(b->db, &err), 0);
    for (int i = 0; i < 4; i++) {
        struct str key = str_printf(&b->arena, "%d", i);
        assert_int_equal(queue_add(b->db, "meet", key, STR_NONE, 0, &err), 0);
    }
    assert_int_equal(db_commit(b->db, &err), 0);
    int64_t left = 4;
    while (left > 0) { /* each waits for the other three */
        usleep(1000);
        assert_int_equal(db_begin(b->db, &err), 0);
        assert_int_equal(db_get_i64(b->db, &left, &err, "SELECT count(*) FROM job", ""), 1);
        db_rollback(b->db);
    }
    queue_stop(q);
    assert_int_equal(threads_of_this_process(), before);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_run_in_order_and_are_gone),
        TEST(test_same_key_twice_is_one_job),
        TEST(test_timer_waits_for_its_time),
        TEST(test_due_jobs_wait_for_room_unless_they_are_urged),
        TEST(test_job_that_goes_to_wait_is_urged_also_before_it_returns),
        TEST(test_failed_job_backs_off_then_succeeds),
        TEST(test_job_is_given_up_after_its_last_attempt),
        TEST(test_handler_may_give_up_at_once),
        TEST(test_handler_chooses_when_it_runs_again),
        TEST(test_addition_after_queue_end_is_not_lost),
        TEST(test_cancelled_job_never_runs),
        TEST(test_jobs_outlive_the_process),
        TEST(test_worker_threads_run_every_job_once),
        TEST(test_workers_begin_when_there_is_work_and_then_as_many_as_may_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
