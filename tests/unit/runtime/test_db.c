/* Transactions, savepoints, hooks and migrations of the store. */
#include "../cmocka_.h"

#include "platform/os/file.h"
#include "runtime/db/db.h"

#include <stdlib.h>
#include <unistd.h>

static const struct db_schema schema = {"test",
                                        "-- migration 1\nCREATE TABLE t(k TEXT PRIMARY KEY, "
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
    assert_int_equal(
        db_run(db, &err, "INSERT INTO t VALUES (?, ?, ?)", "zis", "a", (int64_t)1, STR_NONE), 0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(
        db_run(db, &err, "INSERT INTO t VALUES (?, ?, ?)", "zis", "b", (int64_t)2, S("x")), 0);
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

static bool in_file(const char *path, const char *word) {
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    struct err err = ERR_INIT;
    bool found = file_read(&a, path, 1 << 20, &text, &err) == 0 &&
                 str_find(text, str_c(word), 0) != (size_t)-1;
    arena_done(&a);
    return found;
}

static void write_one(struct db *db, const char *sql, const char *value) {
    struct err err = ERR_INIT;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, sql, "z", value), 0);
    assert_int_equal(db_commit(db, &err), 0);
}

static void test_what_was_written_over_is_scrubbed_from_the_files(void **state) {
    (void)state;
    static const char *const files[] = {"store", "store-wal"};
    struct arena a = ARENA_INIT;
    struct db *db = NULL;
    struct err err = ERR_INIT;
    const char *dir = NULL;
    int found = 0;
    assert_int_equal(dir_make_temp(&a, "trunkline-test-db", &dir, &err), 0);
    assert_int_equal(db_open(str_printf(&a, "%s/store", dir).p, &schema, 1, &db, &err), 0);
    write_one(db, "INSERT INTO t(k, w) VALUES ('a', ?)", "s3cretWord");
    write_one(db, "UPDATE t SET w = ?", "sealed");
    for (int i = 0; i < 2; i++) {
        found += in_file(str_printf(&a, "%s/%s", dir, files[i]).p, "s3cretWord");
    }
    assert_true(found > 0); /* or there would be nothing to scrub */
    if (db_scrub(db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (int i = 0; i < 2; i++) {
        assert_false(in_file(str_printf(&a, "%s/%s", dir, files[i]).p, "s3cretWord"));
    }
    assert_int_equal(count(db), 1);
    write_one(db, "INSERT INTO t(k) VALUES (?)", "b"); /* and it goes on */
    assert_int_equal(count(db), 2);
    db_close(db);
    assert_int_equal(tree_remove(dir, &err), 0);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner_rollback_keeps_what_the_outer_level_wrote),
        cmocka_unit_test(test_rollback_without_a_transaction_does_nothing),
        cmocka_unit_test(test_hooks_run_once_after_commit_and_never_after_rollback),
        cmocka_unit_test(test_constraint_violation_says_exists),
        cmocka_unit_test(test_same_query_may_be_open_twice),
        cmocka_unit_test(test_store_of_a_newer_version_is_refused),
        cmocka_unit_test(test_what_was_written_over_is_scrubbed_from_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
