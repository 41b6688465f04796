/* Group commit: nobody returns before the disk has it, the lock is free meanwhile, syncs are
 * shared. fdatasync is the test's own: it counts, and holds while the test wants it to. */
#include "../cmocka_.h"

#include "base/arena.h"
#include "platform/os/file.h"
#include "runtime/db/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool hold;
static atomic_int syncs;

int fdatasync(int fd) {
    atomic_fetch_add(&syncs, 1);
    while (atomic_load(&hold)) {
        usleep(200);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

enum { WRITERS = 6 };

struct fixture {
    struct arena arena;
    const char *dir;
    struct db *db;
    struct err err;
    atomic_int returned;
};

static const struct db_schema schema = {"t", "-- migration 1\nCREATE TABLE t(v INTEGER);"};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    atomic_store(&hold, false);
    assert_int_equal(dir_make_temp(&f->arena, "group", &f->dir, &f->err), 0);
    struct str path = str_printf(&f->arena, "%s/db", f->dir);
    if (db_open(path.p, &schema, 1, &f->db, &f->err) < 0) {
        fail_msg("%s", f->err.msg);
    }
    atomic_store(&syncs, 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    db_close(f->db);
    assert_int_equal(tree_remove(f->dir, &f->err), 0);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static void write_row(struct fixture *f) {
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(f->db, &err), 0);
    assert_int_equal(db_run(f->db, &err, "INSERT INTO t VALUES(1)", ""), 0);
    assert_int_equal(db_commit(f->db, &err), 0);
    atomic_fetch_add(&f->returned, 1);
}

static void *writer(void *ud) {
    write_row(ud);
    return NULL;
}

static void *reader(void *ud) {
    struct fixture *f = ud;
    struct err err = ERR_INIT;
    int64_t n = 0;
    assert_int_equal(db_begin(f->db, &err), 0);
    assert_int_equal(db_get_i64(f->db, &n, &err, "SELECT COUNT(*) FROM t", ""), 1);
    db_rollback(f->db);
    atomic_fetch_add(&f->returned, 1);
    return NULL;
}

/* Looks without waiting for the disk. */
static int64_t rows_now(struct fixture *f) {
    struct err err = ERR_INIT;
    int64_t n = 0;
    assert_int_equal(db_begin(f->db, &err), 0);
    assert_int_equal(db_get_i64(f->db, &n, &err, "SELECT COUNT(*) FROM t", ""), 1);
    db_glance(f->db);
    return n;
}

static void wait_for_rows(struct fixture *f, int64_t n) {
    for (int i = 0; i < 20000 && rows_now(f) < n; i++) {
        usleep(200);
    }
    assert_int_equal(rows_now(f), n);
}

static void test_commits_wait_for_the_disk_and_share_it(void **state) {
    struct fixture *f = *state;
    pthread_t threads[WRITERS];
    uint64_t told = db_commits(f->db);
    atomic_store(&hold, true);
    for (int i = 0; i < WRITERS; i++) {
        pthread_create(&threads[i], NULL, writer, f);
    }
    wait_for_rows(f, WRITERS); /* all are written: the lock was free while the disk was busy */
    assert_int_equal(atomic_load(&f->returned), 0);
    assert_true(db_commits(f->db) == told);
    atomic_store(&hold, false);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&f->returned), WRITERS);
    assert_true(db_commits(f->db) == told + WRITERS);
    assert_in_range(atomic_load(&syncs), 1, 2);
}

static void test_what_is_not_on_the_disk_does_not_leave_by_a_read(void **state) {
    struct fixture *f = *state;
    pthread_t threads[2];
    atomic_store(&hold, true);
    pthread_create(&threads[0], NULL, writer, f);
    wait_for_rows(f, 1);
    pthread_create(&threads[1], NULL, reader, f);
    usleep(20000);
    assert_int_equal(atomic_load(&f->returned), 0);
    atomic_store(&hold, false);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(atomic_load(&f->returned), 2);
}

static void test_read_alone_touches_no_disk(void **state) {
    struct fixture *f = *state;
    write_row(f);
    int before = atomic_load(&syncs);
    reader(f);
    assert_int_equal(atomic_load(&syncs), before);
}

static void count_run(void *ud) {
    *(int *)ud += 1;
}

static void test_inner_levels_do_not_wait_and_hooks_run_after_the_disk(void **state) {
    struct fixture *f = *state;
    int ran = 0;
    assert_int_equal(db_begin(f->db, &f->err), 0);
    assert_int_equal(db_begin(f->db, &f->err), 0);
    assert_int_equal(db_run(f->db, &f->err, "INSERT INTO t VALUES(2)", ""), 0);
    db_on_commit(f->db, count_run, &ran);
    assert_int_equal(db_commit(f->db, &f->err), 0);
    assert_int_equal(atomic_load(&syncs), 0);
    assert_int_equal(ran, 0);
    assert_int_equal(db_commit(f->db, &f->err), 0);
    assert_int_equal(atomic_load(&syncs), 1);
    assert_int_equal(ran, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_commits_wait_for_the_disk_and_share_it),
        TEST(test_what_is_not_on_the_disk_does_not_leave_by_a_read),
        TEST(test_read_alone_touches_no_disk),
        TEST(test_inner_levels_do_not_wait_and_hooks_run_after_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
