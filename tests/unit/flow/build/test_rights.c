/* A build's rights: kept as given, gone when revoked, and never back. */
#include "../../cmocka_.h"

#include "flow/build/build.h"
#include "flow/build/loose.h"

struct ended {
    int n;
    struct str build;
};

static int note(void *ud, struct db *db, struct str build, struct err *err) {
    (void)db;
    (void)err;
    struct ended *e = ud;
    e->n++;
    e->build = build;
    return 0;
}

static void test_rights_are_kept_and_taken_away_for_good(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ended ended = {0};
    struct db *db = NULL;
    assert_int_equal(db_open("", &build_schema, 1, &db, &err), 0);
    struct flow f = {.db = db, .clock = &clock_system, .revoke = note, .revoke_ud = &ended};
    struct build_rights usual = {0};
    struct build_rights given = {.service = S("codepipeline.amazonaws.com"), .policy = S("{}")};
    struct build_rights got;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(build_rights_put(db, S("one"), &given, &err), 0);
    assert_int_equal(build_rights_put(db, S("two"), &usual, &err), 0);
    assert_int_equal(build_rights_get(db, &a, S("one"), &got, &err), 0);
    assert_true(str_is(got.service, "codepipeline.amazonaws.com") && str_is(got.policy, "{}"));
    assert_true(got.via.p == NULL && !got.revoked);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(build_revoke(&f, S("one"), &err), 0);
        assert_int_equal(build_revoke(&f, S("two"), &err), 0);
    }
    assert_int_equal(ended.n, 4);
    assert_int_equal(build_rights_get(db, &a, S("one"), &got, &err), 0);
    assert_true(got.revoked && str_is(got.policy, "{}"));
    assert_int_equal(build_rights_get(db, &a, S("two"), &got, &err), 0);
    assert_true(got.revoked);
    assert_int_equal(build_rights_get(db, &a, S("three"), &got, &err), 0);
    assert_false(got.revoked);
    assert_int_equal(db_commit(db, &err), 0);
    db_close(db);
    arena_done(&a);
}

static void test_commands_are_a_buildspec_that_says_no_more_than_they_do(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct str lines[] = {S("echo \"a: b\""), S("- x")};
    struct str names[] = {S("OUT")};
    struct build_order order = {0};
    struct loose_build l = {.order = &order, .commands = {lines, 2}};
    assert_true(str_is(loose_buildspec(&a, &l),
                       "{\"version\":\"0.2\",\"phases\":{\"build\":{\"commands\":[\"echo \\\"a: "
                       "b\\\"\",\"- x\"]}}}"));
    l.exported = (struct str_list){names, 1};
    *arena_push(&a, &order.outputs) = (struct build_artifact_location){.name = S("o")};
    assert_true(str_find(loose_buildspec(&a, &l), S("\"exported-variables\":[\"OUT\"]"), 0) !=
                (size_t)-1);
    assert_true(str_find(loose_buildspec(&a, &l), S("\"artifacts\":{\"files\":[\"**/*\"]}"), 0) !=
                (size_t)-1);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_a_buildspec_that_says_no_more_than_they_do),
        cmocka_unit_test(test_rights_are_kept_and_taken_away_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
