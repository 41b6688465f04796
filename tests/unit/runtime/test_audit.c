/* The audit chain: what a check says of one that is whole, and of ones that somebody was at. */
#include "../cmocka_.h"

#include "platform/os/file.h"
#include "runtime/audit/audit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    const char *dir;
    struct db *db;
    int64_t keep;
    struct err err;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s: %s", #call, b->err.msg);                                                 \
        }                                                                                          \
    } while (0)

static const char *in_dir(struct bench *b, const char *name) {
    return str_printf(&b->arena, "%s/%s", b->dir, name).p;
}

static int try_open(struct bench *b) {
    struct audit_config config = {
        .data_dir = b->dir, .clock = &b->clock, .rng = &rng_system, .keep = b->keep};
    OK(db_open(in_dir(b, "trunkline.db"), &audit_schema, 1, &b->db, &b->err));
    config.db = b->db;
    return audit_start(&config, &b->err);
}

static void open_chain(struct bench *b) {
    OK(try_open(b));
}

static void close_chain(struct bench *b) {
    audit_stop();
    db_close(b->db);
    b->db = NULL;
}

static void act_in_open(struct bench *b, const char *operation) {
    struct audit_act act = {
        .at_ms = b->time.now_ms++,
        .account = S("111111111111"),
        .principal = S("arn:aws:iam::111111111111:user/ann"),
        .source = S("api"),
        .operation = str_c(operation),
        .resource = S("arn:aws:codepipeline:eu-west-2:111111111111:site"),
        .outcome = S("Success"),
        .detail = S("stageName=Build"),
    };
    OK(audit_add(b->db, &act, &b->err));
}

static void act(struct bench *b, const char *operation) {
    OK(db_begin(b->db, &b->err));
    act_in_open(b, operation);
    OK(db_commit(b->db, &b->err));
}

static void acts(struct bench *b, int n) {
    OK(db_begin(b->db, &b->err));
    for (int i = 0; i < n; i++) {
        act_in_open(b, "codepipeline:StopPipelineExecution");
    }
    OK(db_commit(b->db, &b->err));
}

/* By hand, as with sqlite3(1) on a stopped server's store. */
static void tamper(struct bench *b, const char *sql) {
    struct db *db = NULL;
    OK(db_open(in_dir(b, "trunkline.db"), NULL, 0, &db, &b->err));
    OK(db_begin(db, &b->err));
    OK(db_run(db, &b->err, sql, ""));
    OK(db_commit(db, &b->err));
    db_close(db);
}

static struct audit_checked check_with(struct bench *b, const struct audit_head *kept) {
    struct audit_evidence evidence;
    struct audit_checked found;
    struct db *db = NULL;
    OK(audit_evidence_read(b->dir, &evidence, &b->err));
    evidence.kept = kept;
    OK(db_open_view(in_dir(b, "trunkline.db"), &db, &b->err));
    OK(db_begin(db, &b->err));
    OK(audit_check(db, &b->arena, &evidence, &found, &b->err));
    db_glance(db);
    db_close(db);
    return found;
}

static struct audit_checked check(struct bench *b) {
    return check_with(b, NULL);
}

static void assert_whole(struct bench *b, int64_t rows) {
    struct audit_checked found = check(b);
    if (found.findings.n > 0) {
        fail_msg("%.*s", STR_ARG(found.findings.v[0].text));
    }
    assert_int_equal(found.rows, rows);
}

/* The first finding is about this row and has these words in it. */
static void assert_found(struct audit_checked found, int64_t seq, const char *words) {
    if (found.findings.n == 0) {
        fail_msg("nothing was found");
    }
    if (str_find(found.findings.v[0].text, str_c(words), 0) == (size_t)-1) {
        fail_msg("found instead: %.*s", STR_ARG(found.findings.v[0].text));
    }
    assert_int_equal(found.findings.v[0].seq, seq);
}

static struct audit_head head_of(struct bench *b) {
    struct audit_evidence evidence;
    OK(audit_evidence_read(b->dir, &evidence, &b->err));
    assert_int_equal(evidence.head_is, AUDIT_HEAD_READ);
    return evidence.head;
}

/* ---- whole chains ---- */

static void test_acts_make_a_chain_that_verifies(void **state) {
    struct bench *b = *state;
    for (int i = 0; i < 5; i++) {
        act(b, "codepipeline:StartPipelineExecution");
    }
    assert_whole(b, 5);
    close_chain(b);
    assert_whole(b, 5);
    assert_int_equal(head_of(b).seq, 5);
}

static void test_a_chain_goes_on_after_a_restart(void **state) {
    struct bench *b = *state;
    act(b, "a:One");
    close_chain(b);
    open_chain(b);
    act(b, "a:Two");
    close_chain(b);
    assert_whole(b, 2);
}

static void test_what_is_rolled_back_leaves_no_row_and_no_gap(void **state) {
    struct bench *b = *state;
    act(b, "a:One");
    OK(db_begin(b->db, &b->err));
    act_in_open(b, "a:Never");
    db_rollback(b->db);
    OK(db_begin(b->db, &b->err)); /* an inner level only */
    OK(db_begin(b->db, &b->err));
    act_in_open(b, "a:Never");
    db_rollback(b->db);
    act_in_open(b, "a:Two");
    OK(db_commit(b->db, &b->err));
    close_chain(b);
    assert_whole(b, 2);
    assert_int_equal(head_of(b).seq, 2);
}

static void test_the_head_follows_while_the_server_runs(void **state) {
    struct bench *b = *state;
    acts(b, 3);
    for (int tries = 0; head_of(b).seq != 3 && tries < 6000; tries++) {
        poll(NULL, 0, 10);
    }
    assert_int_equal(head_of(b).seq, 3);
    assert_whole(b, 3);
}

static void test_the_same_act_has_another_hash_by_another_key(void **state) {
    struct bench *b = *state;
    act(b, "a:One");
    close_chain(b);
    struct audit_head one = head_of(b);
    OK(tree_remove(b->dir, &b->err));
    OK(dir_make(b->dir, 0700, &b->err));
    b->time.now_ms--;
    open_chain(b);
    act(b, "a:One");
    close_chain(b);
    assert_int_equal(head_of(b).seq, one.seq);
    assert_memory_not_equal(head_of(b).hash, one.hash, AUDIT_HASH_BYTES);
}

static void test_a_long_text_is_shortened_and_still_verifies(void **state) {
    struct bench *b = *state;
    char *text = mem_alloc(100000);
    memset(text, 'x', 99999);
    struct audit_act long_one = {.operation = S("a:Long"), .outcome = S("Success")};
    long_one.detail = str_c(text);
    OK(db_begin(b->db, &b->err));
    OK(audit_add(b->db, &long_one, &b->err));
    struct audit_row_list list;
    OK(audit_list(b->db, &b->arena, &(struct audit_filter){.limit = 1}, &list, &b->err));
    OK(db_commit(b->db, &b->err));
    free(text);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].act.detail.n, AUDIT_MAX_TEXT);
    assert_true(str_ends(list.v[0].act.detail, S("x...")));
    close_chain(b);
    assert_whole(b, 1);
}

static void test_a_store_without_a_chain_is_no_finding(void **state) {
    struct bench *b = *state;
    close_chain(b);
    OK(tree_remove(b->dir, &b->err));
    OK(dir_make(b->dir, 0700, &b->err));
    tamper(b, "CREATE TABLE old(x)"); /* what an older version has left */
    assert_whole(b, 0);
    open_chain(b);
    act(b, "a:One");
    close_chain(b);
    assert_whole(b, 1);
}

/* ---- retention ---- */

static void test_old_rows_are_cut_and_the_rest_verifies(void **state) {
    struct bench *b = *state;
    close_chain(b);
    b->keep = 100;
    open_chain(b);
    for (int i = 0; i < 5; i++) {
        acts(b, AUDIT_CUT_EVERY);
        struct audit_checked found = check(b);
        assert_int_equal(found.findings.n, 0);
        assert_true(found.rows <= b->keep + AUDIT_CUT_EVERY + 1);
    }
    struct audit_checked found = check(b);
    assert_true(found.first > 1);
    assert_true(found.last > 5 * AUDIT_CUT_EVERY); /* cuts are rows, too */
    close_chain(b);
    assert_int_equal(check(b).findings.n, 0);
}

static void test_more_cut_than_the_chain_says_is_found(void **state) {
    struct bench *b = *state;
    close_chain(b);
    b->keep = 100;
    open_chain(b);
    acts(b, 2 * AUDIT_CUT_EVERY);
    close_chain(b);
    int64_t first = check(b).first;
    tamper(b, "DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)");
    assert_found(check(b), first, "missing");
}

/* ---- tampering ---- */

static void test_a_changed_column_is_found(void **state) {
    struct bench *b = *state;
    static const char *const changes[] = {
        "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 3",
        "UPDATE audit SET account = '222222222222' WHERE seq = 3",
        "UPDATE audit SET principal = 'arn:aws:iam::111111111111:user/bob' WHERE seq = 3",
        "UPDATE audit SET source = 'cli' WHERE seq = 3",
        "UPDATE audit SET operation = 'a:Other' WHERE seq = 3",
        "UPDATE audit SET resource = NULL WHERE seq = 3",
        "UPDATE audit SET outcome = 'AccessDenied' WHERE seq = 3",
        "UPDATE audit SET request_id = '' WHERE seq = 3", /* it was absent */
        "UPDATE audit SET detail = detail || ' ' WHERE seq = 3",
        "UPDATE audit SET digest = x'00' WHERE seq = 3",
        "UPDATE audit SET hash = zeroblob(32) WHERE seq = 3",
        "UPDATE audit SET hash = x'' WHERE seq = 3",
    };
    acts(b, 5);
    close_chain(b);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        tamper(b, "CREATE TABLE saved AS SELECT * FROM audit");
        tamper(b, changes[i]);
        assert_found(check(b), 3, "row 3 was changed");
        tamper(b, "DELETE FROM audit");
        tamper(b, "INSERT INTO audit SELECT * FROM saved");
        tamper(b, "DROP TABLE saved");
        assert_whole(b, 5);
    }
}

static void test_a_removed_row_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit WHERE seq = 3");
    assert_found(check(b), 3, "rows 3 to 3 are missing");
}

static void test_a_removed_row_whose_number_is_given_again_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit WHERE seq = 3");
    tamper(b, "UPDATE audit SET seq = seq - 1 WHERE seq > 3");
    assert_found(check(b), 3, "row 3 does not follow");
}

static void test_a_removed_beginning_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit WHERE seq < 3");
    assert_found(check(b), 1, "rows 1 to 2 are missing");
}

static void test_a_removed_tail_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit WHERE seq > 3");
    assert_found(check(b), 4, "rows 4 to 5 are missing from the end");
}

static void test_a_removed_chain_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit");
    assert_found(check(b), 1, "rows 1 to 5 are missing from the end");
    tamper(b, "DROP TABLE audit");
    assert_found(check(b), 0, "no audit chain");
}

static void test_exchanged_rows_are_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "UPDATE audit SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3)");
    tamper(b, "UPDATE audit SET seq = -seq WHERE seq < 0");
    assert_found(check(b), 2, "row 2");
}

static void test_a_row_of_another_chain_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    tamper(b, "INSERT INTO audit SELECT 3, at_ms, account, principal, source, operation, resource, "
              "outcome, request_id, detail, digest, hash, hash FROM audit WHERE seq = 2");
    assert_found(check(b), 3, "row 3 was changed, or written by somebody without the key");
}

static void test_a_tail_that_was_removed_before_a_start_stays_found(void **state) {
    struct bench *b = *state;
    acts(b, 5);
    close_chain(b);
    tamper(b, "DELETE FROM audit WHERE seq > 3");
    open_chain(b);
    acts(b, 4); /* more than were removed */
    close_chain(b);
    struct audit_checked found = check(b);
    assert_found(found, 4, "rows 4 to 5 are missing");
    assert_int_equal(found.findings.n, 2);
    assert_int_equal(found.findings.v[1].seq, 6);
    assert_non_null(strstr(str_z(&b->arena, found.findings.v[1].text), "were gone from the end"));
}

static void test_an_older_copy_of_the_store_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 3);
    close_chain(b);
    OK(file_copy(in_dir(b, "trunkline.db"), in_dir(b, "copy"), 0600, &b->err));
    open_chain(b);
    acts(b, 2);
    close_chain(b);
    OK(file_copy(in_dir(b, "copy"), in_dir(b, "trunkline.db"), 0600, &b->err));
    assert_found(check(b), 4, "rows 4 to 5 are missing from the end");
}

static void test_a_head_kept_elsewhere_finds_what_was_removed_with_the_head(void **state) {
    struct bench *b = *state;
    struct audit_head kept;
    acts(b, 3);
    close_chain(b);
    OK(file_copy(in_dir(b, "trunkline.db"), in_dir(b, "copy"), 0600, &b->err));
    OK(file_copy(in_dir(b, "audit.head"), in_dir(b, "copy.head"), 0600, &b->err));
    open_chain(b);
    acts(b, 2);
    close_chain(b);
    struct audit_head now = head_of(b);
    assert_true(audit_head_parse(audit_head_text(&b->arena, &now), &kept));
    OK(file_copy(in_dir(b, "copy"), in_dir(b, "trunkline.db"), 0600, &b->err));
    OK(file_copy(in_dir(b, "copy.head"), in_dir(b, "audit.head"), 0600, &b->err));
    assert_whole(b, 3);
    assert_found(check_with(b, &kept), 4, "the head that was given");
    kept.seq = 2;
    assert_found(check_with(b, &kept), 2, "row 2 is not the one");
}

/* ---- key and head ---- */

static void test_a_missing_head_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    OK(file_remove(in_dir(b, "audit.head"), &b->err));
    assert_found(check(b), 0, "audit.head is missing");
    open_chain(b);
    close_chain(b);
    assert_found(check(b), 3, "audit.head was gone");
}

static void test_a_head_written_by_hand_is_found(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    struct audit_head head = head_of(b);
    head.seq = 1;
    struct str text =
        str_printf(&b->arena, STR_FMT " %064d\n", STR_ARG(audit_head_text(&b->arena, &head)), 0);
    OK(file_write_atomic(in_dir(b, "audit.head"), text, 0600, &b->err));
    assert_found(check(b), 0, "audit.head is damaged");
}

static void test_a_torn_writing_of_the_head_leaves_the_one_before(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    struct str text;
    OK(file_read(&b->arena, in_dir(b, "audit.head"), 4096, &text, &b->err));
    char *torn = arena_memdup(&b->arena, text.p, text.n);
    memset(torn, 0, 200);
    OK(file_write_atomic(in_dir(b, "audit.head"), str_n(torn, text.n), 0600, &b->err));
    assert_int_equal(check(b).findings.n, 0);
}

static void test_without_its_key_a_chain_is_not_started_nor_checked(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    OK(file_rename(in_dir(b, "audit.key"), in_dir(b, "away"), &b->err));
    assert_found(check(b), 0, "audit.key is missing");
    assert_int_equal(try_open(b), -1);
    assert_int_equal(b->err.kind, ERR_INVALID);
    close_chain(b);
    OK(file_write_atomic(in_dir(b, "audit.key"), S("short"), 0600, &b->err));
    assert_int_equal(try_open(b), -1);
    assert_non_null(strstr(b->err.msg, "damaged"));
    close_chain(b);
    OK(file_rename(in_dir(b, "away"), in_dir(b, "audit.key"), &b->err));
    assert_whole(b, 2);
}

static void test_another_key_finds_every_row_changed(void **state) {
    struct bench *b = *state;
    acts(b, 2);
    close_chain(b);
    OK(file_write_atomic(in_dir(b, "audit.key"), S("0123456789abcdef0123456789abcdef"), 0600,
                         &b->err));
    assert_found(check(b), 1, "row 1 was changed");
}

static void test_before_a_start_nothing_is_kept(void **state) {
    struct bench *b = *state;
    close_chain(b);
    OK(db_open(in_dir(b, "trunkline.db"), &audit_schema, 1, &b->db, &b->err));
    act(b, "a:One");
    db_close(b->db);
    b->db = NULL;
    assert_whole(b, 0);
}

/* ---- listing ---- */

static void test_rows_are_listed_newest_first_by_account_and_time(void **state) {
    struct bench *b = *state;
    struct audit_row_list list;
    b->time.now_ms = 1000;
    acts(b, 3);
    OK(db_begin(b->db, &b->err));
    struct audit_filter filter = {.account = S("111111111111"), .since_ms = 1001, .limit = 10};
    OK(audit_list(b->db, &b->arena, &filter, &list, &b->err));
    assert_int_equal(list.n, 2);
    assert_int_equal(list.v[0].seq, 3);
    assert_string_equal(str_z(&b->arena, list.v[0].act.principal),
                        "arn:aws:iam::111111111111:user/ann");
    filter = (struct audit_filter){.before_seq = 3, .limit = 1};
    OK(audit_list(b->db, &b->arena, &filter, &list, &b->err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].seq, 2);
    filter = (struct audit_filter){.account = S("222222222222"), .limit = 10};
    OK(audit_list(b->db, &b->arena, &filter, &list, &b->err));
    assert_int_equal(list.n, 0);
    db_rollback(b->db);
}

static int setup(void **state) {
    struct bench *b = mem_alloc(sizeof(*b));
    b->err = ERR_INIT;
    b->time.now_ms = 1795485120000;
    b->clock = clock_fake(&b->time);
    OK(dir_make_temp(&b->arena, "trunkline-audit", &b->dir, &b->err));
    open_chain(b);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    if (b->db != NULL) {
        close_chain(b);
    }
    OK(tree_remove(b->dir, &b->err));
    arena_done(&b->arena);
    free(b);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_acts_make_a_chain_that_verifies),
        T(test_a_chain_goes_on_after_a_restart),
        T(test_what_is_rolled_back_leaves_no_row_and_no_gap),
        T(test_the_head_follows_while_the_server_runs),
        T(test_the_same_act_has_another_hash_by_another_key),
        T(test_a_long_text_is_shortened_and_still_verifies),
        T(test_a_store_without_a_chain_is_no_finding),
        T(test_old_rows_are_cut_and_the_rest_verifies),
        T(test_more_cut_than_the_chain_says_is_found),
        T(test_a_changed_column_is_found),
        T(test_a_removed_row_is_found),
        T(test_a_removed_row_whose_number_is_given_again_is_found),
        T(test_a_removed_beginning_is_found),
        T(test_a_removed_tail_is_found),
        T(test_a_removed_chain_is_found),
        T(test_exchanged_rows_are_found),
        T(test_a_row_of_another_chain_is_found),
        T(test_a_tail_that_was_removed_before_a_start_stays_found),
        T(test_an_older_copy_of_the_store_is_found),
        T(test_a_head_kept_elsewhere_finds_what_was_removed_with_the_head),
        T(test_a_missing_head_is_found),
        T(test_a_head_written_by_hand_is_found),
        T(test_a_torn_writing_of_the_head_leaves_the_one_before),
        T(test_without_its_key_a_chain_is_not_started_nor_checked),
        T(test_another_key_finds_every_row_changed),
        T(test_before_a_start_nothing_is_kept),
        T(test_rows_are_listed_newest_first_by_account_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
