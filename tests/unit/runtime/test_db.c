/* Transactions, savepoints, hooks and migrations of the store. */
#include "../cmocka_.h"

#include "runtime/db/db.h"

#include <stdlib.h>
#include <unistd.h>

static const struct db_schema schema = {"test", "-- migration 1\nCREATE TABLE t(k TEXT PRIMARY KEY, "
                                                "v INTEGER);\n-- migration 2\nALTER TABLE t ADD "
                                                "COLUMN w TEXT;\n"};

static struct db *open_store(void) {
    struct db *db = NULL;
    struct err err = ERR_INIT;
    if (db_open("", &schema, 1, &db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return db;
}

static int64_t count(struct db *db) {
    struct err err = ERR_INIT;
    int64_t n = -1;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_get_i64(db, &n, &err, "SELECT count(*) FROM t", ""), 1);
    db_rollback(db);
    return n;
}

static void test_inner_rollback_keeps_what_the_outer_level_wrote(void **state) {
    (void)state;
    struct db *db = open_store();
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO t VALUES (?, ?, ?)", "zis", "a", (int64_t)1,
                            STR_NONE),
                     0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO t VALUES (?, ?, ?)", "zis", "b", (int64_t)2,
                            S("x")),
                     0);
    db_rollback(db);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(count(db), 1);
    db_close(db);
}

/* As after a failed commit, which has rolled back already. */
static void test_rollback_without_a_transaction_does_nothing(void **state) {
    (void)state;
    struct db *db = open_store();
    struct err err = ERR_INIT;
    db_rollback(db);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_depth(db), 1);
    db_rollback(db);
    assert_int_equal(count(db), 0);
    db_close(db);
}

static void bump(void *ud) {
    ++*(int *)ud;
}

static void test_hooks_run_once_after_commit_and_never_after_rollback(void **state) {
    (void)state;
    struct db *db = open_store();
    struct err err = ERR_INIT;
    int ran = 0;
    assert_int_equal(db_begin(db, &err), 0);
    db_on_commit(db, bump, &ran);
    db_on_commit(db, bump, &ran);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(ran, 1);
    assert_int_equal(db_begin(db, &err), 0);
    db_on_commit(db, bump, &ran);
    db_rollback(db);
    assert_int_equal(ran, 1);
    db_close(db);
}

static void test_constraint_violation_says_exists(void **state) {
    (void)state;
    struct db *db = open_store();
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO t(k) VALUES (?)", "z", "a"), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO t(k) VALUES (?)", "z", "a"), -1);
    assert_int_equal(err.kind, ERR_EXISTS);
    db_rollback(db);
    db_close(db);
}

static void test_same_query_may_be_open_twice(void **state) {
    (void)state;
    struct db *db = open_store();
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "INSERT INTO t(k) VALUES ('a'), ('b')", ""), 0);
    struct db_rows one cleanup_rows = {0};
    struct db_rows two cleanup_rows = {0};
    assert_int_equal(db_query(db, &one, &err, "SELECT k FROM t ORDER BY k", ""), 0);
    assert_int_equal(db_next(&one, &err), 1);
    assert_int_equal(db_query(db, &two, &err, "SELECT k FROM t ORDER BY k", ""), 0);
    assert_int_equal(db_next(&two, &err), 1);
    struct arena a = ARENA_INIT;
    assert_int_equal(db_next(&one, &err), 1);
    assert_true(str_is(db_str(&one, &a, 0), "b"));
    assert_true(str_is(db_str(&two, &a, 0), "a"));
    arena_done(&a);
    db_done(&one);
    db_done(&two);
    db_rollback(db);
    db_close(db);
}

static void test_store_of_a_newer_version_is_refused(void **state) {
    (void)state;
    char path[] = "/tmp/trunkline-test-db-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct db *db = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(db_open(path, &schema, 1, &db, &err), 0);
    db_close(db);
    const struct db_schema old = {"test", "-- migration 1\nCREATE TABLE t(k TEXT PRIMARY KEY);\n"};
    assert_int_equal(db_open(path, &old, 1, &db, &err), -1);
    assert_non_null(strstr(err.msg, "newer trunkline"));
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner_rollback_keeps_what_the_outer_level_wrote),
        cmocka_unit_test(test_rollback_without_a_transaction_does_nothing),
        cmocka_unit_test(test_hooks_run_once_after_commit_and_never_after_rollback),
        cmocka_unit_test(test_constraint_violation_says_exists),
        cmocka_unit_test(test_same_query_may_be_open_twice),
        cmocka_unit_test(test_store_of_a_newer_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
