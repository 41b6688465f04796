/* Connections under both services' names, their handshake, and the URLs behind them. */
#include "../direct.h"

#include "gen/codeconnections.h"
#include "gen/codestar_connections.h"
#include "services/codeconnections/connections.h"

static int setup(void **state) {
    const struct db_schema *schemas[] = {&connections_schema};
    *state = direct_new(schemas, 1);
    return 0;
}

static int teardown(void **state) {
    direct_free(*state);
    return 0;
}

static struct str make(struct direct *d, const char *name) {
    struct codestar_connections_create_connection_input in = {.connection_name = str_c(name),
                                                              .provider_type = S("GitHub")};
    struct codestar_connections_create_connection_output out;
    ASSERT_OK(d, CALL(d, codestar_connections, create_connection, &in, &out));
    return out.connection_arn;
}

static struct str status(struct direct *d, struct str arn) {
    struct codeconnections_get_connection_input in = {.connection_arn = arn};
    struct codeconnections_get_connection_output out;
    ASSERT_OK(d, CALL(d, codeconnections, get_connection, &in, &out));
    return out.connection->connection_status;
}

static void test_connection_is_pending_until_it_is_completed(void **state) {
    struct direct *d = *state;
    struct str arn = make(d, "trunk");
    struct str url = STR_NONE;
    assert_true(str_starts(arn, S("arn:aws:codestar-connections:eu-west-2:111111111111:"
                                  "connection/")));
    assert_true(str_is(status(d, arn), "PENDING"));
    assert_int_equal(
        connections_resolve(d->db, &d->arena, S("111111111111"), arn, S("a/b"), &url, &d->err), -1);
    assert_int_equal(d->err.kind, ERR_CONFLICT);
    assert_int_equal(connections_complete(d->db, &rng_system, S("trunk"),
                                          S("file:///srv/{repository}.git"), &d->err),
                     0);
    assert_true(str_is(status(d, arn), "AVAILABLE"));
    assert_int_equal(
        connections_resolve(d->db, &d->arena, S("111111111111"), arn, S("a/b"), &url, &d->err), 0);
    assert_true(str_is(url, "file:///srv/a/b.git"));
}

static void test_connection_of_another_account_is_none(void **state) {
    struct direct *d = *state;
    struct str arn = make(d, "trunk");
    struct str url = STR_NONE;
    assert_int_equal(connections_complete(d->db, &rng_system, S("trunk"),
                                          S("file:///srv/{repository}.git"), &d->err),
                     0);
    assert_int_equal(
        connections_resolve(d->db, &d->arena, S("222222222222"), arn, S("a/b"), &url, &d->err), -1);
    assert_int_equal(d->err.kind, ERR_NOT_FOUND);
    assert_null(url.p);
}

static void test_repository_id_can_not_lead_elsewhere(void **state) {
    struct direct *d = *state;
    struct str arn = make(d, "trunk");
    struct str url = STR_NONE;
    const char *bad[] = {"../etc", "a/../b", "", "/a", "a/", "a//b", "a b", "-x/y", "a/\n"};
    assert_int_equal(
        connections_complete(d->db, &rng_system, arn, S("file:///srv/{repository}"), &d->err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(connections_resolve(d->db, &d->arena, S("111111111111"), arn,
                                             str_c(bad[i]), &url, &err),
                         -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_complete_refuses_unknown_and_ambiguous_names_and_odd_urls(void **state) {
    struct direct *d = *state;
    make(d, "twice");
    make(d, "twice");
    struct str url = S("https://example.org/{repository}");
    assert_int_equal(connections_complete(d->db, &rng_system, S("none"), url, &d->err), -1);
    assert_int_equal(d->err.kind, ERR_NOT_FOUND);
    assert_int_equal(connections_complete(d->db, &rng_system, S("twice"), url, &d->err), -1);
    assert_int_equal(d->err.kind, ERR_CONFLICT);
    assert_int_equal(
        connections_complete(d->db, &rng_system, S("none"), S("ext::sh -c x"), &d->err), -1);
    assert_int_equal(d->err.kind, ERR_INVALID);
}

static void test_list_goes_on_by_its_token(void **state) {
    struct direct *d = *state;
    for (int i = 0; i < 3; i++) {
        make(d, "c");
    }
    struct codeconnections_list_connections_input in = {.max_results = 2, .has_max_results = true};
    struct codeconnections_list_connections_output out;
    ASSERT_OK(d, CALL(d, codeconnections, list_connections, &in, &out));
    assert_int_equal(out.connections.n, 2);
    assert_non_null(out.next_token.p);
    in.next_token = out.next_token;
    ASSERT_OK(d, CALL(d, codeconnections, list_connections, &in, &out));
    assert_int_equal(out.connections.n, 1);
    assert_null(out.next_token.p);
    in.next_token = S("nonsense");
    ASSERT_API(d, CALL(d, codeconnections, list_connections, &in, &out),
               codeconnections_ValidationException);
}

static void test_deleted_connection_and_foreign_account_are_not_found(void **state) {
    struct direct *d = *state;
    struct str arn = make(d, "gone");
    struct codestar_connections_delete_connection_input in = {.connection_arn = arn};
    struct codestar_connections_delete_connection_output out;
    d->principal.account = S("222222222222");
    ASSERT_API(d, CALL(d, codestar_connections, delete_connection, &in, &out),
               codestar_connections_ResourceNotFoundException);
    d->principal.account = S("111111111111");
    ASSERT_OK(d, CALL(d, codestar_connections, delete_connection, &in, &out));
    ASSERT_API(d, CALL(d, codestar_connections, delete_connection, &in, &out),
               codestar_connections_ResourceNotFoundException);
}

static int64_t count(struct direct *d, const char *sql) {
    int64_t n = 0;
    assert_int_equal(db_begin(d->db, &d->err), 0);
    assert_int_equal(db_get_i64(d->db, &n, &d->err, sql, ""), 1);
    db_rollback(d->db);
    return n;
}

#define OPEN_URL "https://ada:s3cretWord@example.org/{repository}"

/* As a version wrote it that sealed nothing. */
static void write_open(struct direct *d, struct str arn) {
    assert_int_equal(db_begin(d->db, &d->err), 0);
    assert_int_equal(db_run(d->db, &d->err,
                            "UPDATE connection SET url = '" OPEN_URL
                            "', sealed_url = NULL, status = 'AVAILABLE' WHERE arn = ?",
                            "s", arn),
                     0);
    assert_int_equal(db_commit(d->db, &d->err), 0);
}

static void test_url_lies_sealed_and_that_of_an_older_store_is_sealed_at_a_start(void **state) {
    struct direct *d = *state;
    struct str arn = make(d, "trunk");
    struct str other = make(d, "other");
    struct str url = STR_NONE;
    assert_int_equal(connections_complete(d->db, &rng_system, S("other"), str_c(OPEN_URL), &d->err),
                     0);
    write_open(d, arn);
    assert_int_equal(count(d, "SELECT count(*) FROM connection WHERE url LIKE '%s3cretWord%'"), 1);
    for (int starts = 0; starts < 2; starts++) {
        if (connections_seal(d->db, &rng_system, &d->err) < 0) {
            fail_msg("%s", d->err.msg);
        }
        assert_int_equal(count(d, "SELECT count(*) FROM connection WHERE url IS NULL AND "
                                  "instr(sealed_url, CAST('s3cretWord' AS BLOB)) = 0"),
                         2);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(connections_resolve(d->db, &d->arena, S("111111111111"),
                                                 i ? arn : other, S("a/b"), &url, &d->err),
                             0);
            assert_true(str_is(url, "https://ada:s3cretWord@example.org/a/b"));
        }
    }
}

static void test_refused_url_is_not_told(void **state) {
    struct direct *d = *state;
    make(d, "trunk");
    static const char *const bad[] = {"ftp://ada:s3cretWord@h/x", "https://ada:s3cret Word@h/x",
                                      "s3cretWord"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        d->err = ERR_INIT;
        assert_int_equal(
            connections_complete(d->db, &rng_system, S("trunk"), str_c(bad[i]), &d->err), -1);
        assert_int_equal(d->err.kind, ERR_INVALID);
        assert_null(strstr(d->err.msg, "s3cret"));
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_connection_is_pending_until_it_is_completed),
        TEST(test_connection_of_another_account_is_none),
        TEST(test_repository_id_can_not_lead_elsewhere),
        TEST(test_complete_refuses_unknown_and_ambiguous_names_and_odd_urls),
        TEST(test_url_lies_sealed_and_that_of_an_older_store_is_sealed_at_a_start),
        TEST(test_refused_url_is_not_told),
        TEST(test_list_goes_on_by_its_token),
        TEST(test_deleted_connection_and_foreign_account_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
