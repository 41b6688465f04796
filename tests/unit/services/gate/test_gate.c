/* The gate: who may do what, across accounts too; journal; what is noted of a refusal. */
#include "../fixture.h"

#include "gen/s3.h"
#include "gen/sts.h"
#include "services/iam/iam_store.h"
#include "services/sts/sts_store.h"

#define ALLOW(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," rest "}]}"
#define TRUST(principal) ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":" principal)

/* A role with one inline policy (or none). */
static struct str role(struct fixture *f, const char *account, const char *name, const char *trust,
                       const char *policy) {
    struct iam_role_row r = {
        .account = str_c(account),
        .name = str_c(name),
        .path = S("/"),
        .id = str_printf(&f->arena, "AROA%s", name),
        .trust = str_c(trust),
        .max_session = 7200,
    };
    struct iam_owner owner = {"role", r.account, r.name};
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, iam_role_insert(f->db, &r, &f->err));
    if (policy != NULL) {
        assert_done(f, iam_inline_put(f->db, &owner, S("p"), str_c(policy), &f->err));
    }
    assert_done(f, db_commit(f->db, &f->err));
    return iam_arn(&f->arena, "role", r.account, r.path, r.name);
}

static int assume(struct fixture *f, const struct aws_target *as, struct str arn,
                  struct sts_assume_role_response *out) {
    struct sts_assume_role_request in = {.role_arn = arn, .role_session_name = S("session")};
    return sts_call_assume_role(as, &f->arena, &in, out, &f->err);
}

/* A session of the role, assumed by CodeBuild. */
static struct aws_target session(struct fixture *f, struct str arn) {
    struct sts_assume_role_response out;
    struct aws_target service = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    assert_done(f, assume(f, &service, arn, &out));
    return fixture_key(f, out.credentials->access_key_id);
}

static const char by_codebuild[] = TRUST("{\"Service\":\"codebuild.amazonaws.com\"}");

static void make_bucket(struct fixture *f, const struct aws_target *t, const char *name) {
    struct s3_create_bucket_request in = {.bucket = str_c(name)};
    struct s3_create_bucket_configuration where = {.location_constraint = S("eu-west-2")};
    struct s3_create_bucket_output out;
    in.create_bucket_configuration = &where;
    assert_done(f, s3_call_create_bucket(t, &f->arena, &in, &out, &f->err));
}

static int head_bucket(struct fixture *f, const struct aws_target *t, const char *name) {
    struct s3_head_bucket_request in = {.bucket = str_c(name)};
    struct s3_head_bucket_output out;
    return s3_call_head_bucket(t, &f->arena, &in, &out, &f->err);
}

static void test_a_role_may_what_its_policy_says_and_nothing_else(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    make_bucket(f, &f->admin, "two");
    struct aws_target t =
        session(f, role(f, "111111111111", "build", by_codebuild,
                        ALLOW("\"Action\":\"s3:ListBucket\",\"Resource\":\"arn:aws:s3:::one\"")));
    assert_done(f, head_bucket(f, &t, "one"));
    assert_int_equal(head_bucket(f, &t, "two"), -1);
    assert_int_equal(f->err.kind, ERR_DENIED);
    assert_string_equal(f->err.msg,
                        "User: arn:aws:sts::111111111111:assumed-role/build/session is not "
                        "authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::two\" "
                        "because no identity-based policy allows the s3:ListBucket action");
    assert_string_equal(f->err.api->code, "AccessDenied");
}

static void test_a_refusal_is_noted_with_the_statement_that_was_missing(void **state) {
    struct fixture *f = *state;
    struct aws_target t =
        session(f, role(f, "111111111111", "build", by_codebuild,
                        ALLOW("\"Action\":\"s3:ListBucket\",\"Resource\":\"arn:aws:s3:::one\"")));
    assert_int_equal(head_bucket(f, &t, "two"), -1);
    assert_int_equal(head_bucket(f, &t, "two"), -1);
    struct gate_denial_list list;
    assert_done(f, gate_denials(f->db, &f->arena, S("111111111111"), 10, &list, &f->err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].count, 2);
    assert_true(str_is(list.v[0].missing, "{\"Effect\":\"Allow\",\"Action\":\"s3:ListBucket\","
                                          "\"Resource\":\"arn:aws:s3:::two\"}"));
    assert_true(str_is(list.v[0].hint, "statement 1 of a policy of the caller allows the action "
                                       "on other resources"));
}

static void test_who_did_not_sign_is_no_service_of_ours(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    struct aws_target service = fixture_service(f, "111111111111", "codepipeline.amazonaws.com");
    assert_done(f, head_bucket(f, &service, "one"));
    struct aws_target other = fixture_service(f, "222222222222", "codepipeline.amazonaws.com");
    assert_int_equal(head_bucket(f, &other, "one"), -1);
    struct aws_target anonymous = fixture_service(f, "111111111111", "anonymous");
    assert_int_equal(head_bucket(f, &anonymous, "one"), -1);
    assert_int_equal(f->err.kind, ERR_DENIED);
}

static void test_a_trust_condition_that_fails_is_named_in_the_note(void **state) {
    struct fixture *f = *state;
    struct str arn = role(f, "111111111111", "partner",
                          ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":"
                                "\"111111111111\"},\"Condition\":{\"StringEquals\":{"
                                "\"sts:ExternalId\":\"right\"}}"),
                          NULL);
    struct sts_assume_role_response out;
    struct gate_denial_list list;
    assert_int_equal(assume(f, &f->admin, arn, &out), -1);
    assert_done(f, gate_denials(f->db, &f->arena, STR_NONE, 10, &list, &f->err));
    assert_true(str_is(list.v[0].hint,
                       "statement 1 of the resource's own policy would allow it, but "
                       "its condition on sts:ExternalId is not met"));
}

static void test_policies_count_as_soon_as_they_change(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    struct str arn = role(f, "111111111111", "build", by_codebuild, NULL);
    struct aws_target t = session(f, arn);
    struct iam_owner owner = {"role", S("111111111111"), S("build")};
    assert_int_equal(head_bucket(f, &t, "one"), -1);
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, iam_attach(f->db, &owner, S("arn:aws:iam::aws:policy/ReadOnlyAccess"), &f->err));
    assert_done(f, head_bucket(f, &t, "one")); /* inside the transaction that grants it */
    db_rollback(f->db);
    assert_int_equal(head_bucket(f, &t, "one"), -1);
}

static void test_a_role_made_anew_is_not_the_old_sessions_role(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    const char *all = ALLOW("\"Action\":\"*\",\"Resource\":\"*\"");
    struct aws_target t = session(f, role(f, "111111111111", "build", by_codebuild, all));
    assert_done(f, head_bucket(f, &t, "one"));
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, db_run(f->db, &f->err, "UPDATE iam_role SET id = 'AROAOTHER'", ""));
    iam_changed();
    assert_done(f, db_commit(f->db, &f->err));
    assert_int_equal(head_bucket(f, &t, "one"), -1);
}

static void test_across_accounts_both_sides_must_allow(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "shared");
    struct aws_target other = fixture_root(f, "222222222222");
    assert_int_equal(head_bucket(f, &other, "shared"), -1);
    struct s3_put_bucket_policy_request in = {
        .bucket = S("shared"),
        .policy = S(ALLOW("\"Principal\":{\"AWS\":\"222222222222\"},\"Action\":\"s3:*\","
                          "\"Resource\":[\"arn:aws:s3:::shared\",\"arn:aws:s3:::shared/*\"]"))};
    struct s3_put_bucket_policy_output out;
    assert_done(f, s3_call_put_bucket_policy(&f->admin, &f->arena, &in, &out, &f->err));
    assert_done(f, head_bucket(f, &other, "shared"));
    struct str arn = role(f, "222222222222", "plain", by_codebuild, NULL);
    struct aws_target service = fixture_service(f, "222222222222", "codebuild.amazonaws.com");
    struct sts_assume_role_response assumed;
    assert_done(f, assume(f, &service, arn, &assumed));
    struct aws_target plain = fixture_key(f, assumed.credentials->access_key_id);
    assert_int_equal(head_bucket(f, &plain, "shared"), -1);
}

static void test_a_permissions_boundary_limits_what_policies_allow(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    struct str arn = role(f, "111111111111", "build", by_codebuild,
                          ALLOW("\"Action\":\"*\",\"Resource\":\"*\""));
    struct aws_target t = session(f, arn);
    assert_done(f, head_bucket(f, &t, "one"));
    struct iam_role_row row = {0};
    assert_done(f, db_begin(f->db, &f->err));
    assert_int_equal(iam_role_by_arn(f->db, &f->arena, arn, &row, &f->err), 1);
    row.boundary = S("arn:aws:iam::aws:policy/CloudWatchLogsFullAccess");
    assert_done(f, iam_role_update(f->db, &row, &f->err));
    assert_done(f, db_commit(f->db, &f->err));
    assert_int_equal(head_bucket(f, &t, "one"), -1);
    assert_non_null(strstr(f->err.msg, "because no permissions boundary allows the s3:ListBucket"));
    assert_done(f, db_begin(f->db, &f->err));
    row.boundary = S("arn:aws:iam::111111111111:policy/gone");
    assert_done(f, iam_role_update(f->db, &row, &f->err));
    assert_done(f, db_commit(f->db, &f->err));
    assert_int_equal(head_bucket(f, &t, "one"), -1); /* a lost boundary allows nothing */
}

static void test_explicit_denial_wins_over_the_accounts_root(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "locked");
    struct s3_put_bucket_policy_request in = {
        .bucket = S("locked"),
        .policy = S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\","
                    "\"Principal\":\"*\",\"Action\":\"s3:ListBucket\","
                    "\"Resource\":\"arn:aws:s3:::locked\"}}")};
    struct s3_put_bucket_policy_output out;
    assert_done(f, s3_call_put_bucket_policy(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(head_bucket(f, &f->admin, "locked"), -1);
    assert_non_null(strstr(f->err.msg, "with an explicit deny in a resource-based policy"));
    struct s3_delete_bucket_policy_request drop = {.bucket = S("locked")};
    struct s3_delete_bucket_policy_output dropped;
    assert_done(f, s3_call_delete_bucket_policy(&f->admin, &f->arena, &drop, &dropped, &f->err));
    assert_done(f, head_bucket(f, &f->admin, "locked"));
}

static int answer(void *ud, const struct gate_call *c, struct gate_answer *ret, struct err *err) {
    (void)ud;
    (void)err;
    ret->status = 200;
    http_header_add(c->arena, &ret->headers, S("x-amzn-requestid"), c->request_id);
    ret->body = S("made");
    return 0;
}

static void test_a_journalled_write_is_answered_again_from_the_journal(void **state) {
    struct fixture *f = *state;
    struct s3_create_bucket_request in = {.bucket = S("once")};
    struct s3_create_bucket_configuration where = {.location_constraint = S("eu-west-2")};
    struct s3_create_bucket_output out = {0};
    in.create_bucket_configuration = &where;
    struct gate_call c = {
        .arena = &f->arena,
        .service = gate_service_named(f->gate, S("s3")),
        .op = &s3_op_create_bucket,
        .principal = f->admin.principal,
        .account = f->admin.account,
        .region = f->admin.region,
        .request_id = S("r-1"),
        .body = AWS_BODY_NONE,
        .in = &in,
        .out = &out,
        .journal_id = S("build/1"),
        .answer = answer,
    };
    struct gate_answer kept = {0};
    assert_int_equal(gate_journal_find(f->gate, &f->arena, S("build/1"), &kept, &f->err), 0);
    assert_done(f, gate_invoke(f->gate, &c, &f->err));
    assert_int_equal(gate_journal_find(f->gate, &f->arena, S("build/1"), &kept, &f->err), 1);
    assert_int_equal(kept.status, 200);
    assert_true(str_is(kept.body, "made"));
    assert_true(str_is(http_header(&kept.headers, S("X-Amzn-RequestId")), "r-1"));
    assert_done(f, gate_journal_drop(f->gate, S("build/1"), &f->err));
    assert_int_equal(gate_journal_find(f->gate, &f->arena, S("build/1"), &kept, &f->err), 0);
}

static void test_what_wrote_nothing_leaves_no_journal(void **state) {
    struct fixture *f = *state;
    make_bucket(f, &f->admin, "one");
    struct s3_head_bucket_request in = {.bucket = S("one")};
    struct s3_head_bucket_output out = {0};
    struct gate_call c = {
        .arena = &f->arena,
        .service = gate_service_named(f->gate, S("s3")),
        .op = &s3_op_head_bucket,
        .principal = f->admin.principal,
        .account = f->admin.account,
        .region = f->admin.region,
        .body = AWS_BODY_NONE,
        .in = &in,
        .out = &out,
        .journal_id = S("build/2"),
        .answer = answer,
    };
    struct gate_answer kept = {0};
    assert_done(f, gate_invoke(f->gate, &c, &f->err));
    assert_int_equal(gate_journal_find(f->gate, &f->arena, S("build/2"), &kept, &f->err), 0);
}

static void test_keys_lead_to_users_and_inactive_ones_to_nobody(void **state) {
    struct fixture *f = *state;
    struct str key, secret;
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, iam_make_administrator(f->db, &f->arena, &rng_system, 1, S("111111111111"),
                                          S("admin"), &key, &secret, &f->err));
    assert_done(f, db_commit(f->db, &f->err));
    struct gate_key found;
    assert_int_equal(gate_find_key(f->gate, &f->arena, key, &found, &f->err), 1);
    assert_true(str_eq(found.secret_key, secret));
    assert_true(str_is(found.principal.arn, "arn:aws:iam::111111111111:user/admin"));
    struct aws_target admin = fixture_as(f, &found.principal);
    make_bucket(f, &admin, "by-admin");
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, iam_key_set_active(f->db, key, false, &f->err));
    assert_done(f, db_commit(f->db, &f->err));
    assert_int_equal(gate_find_key(f->gate, &f->arena, key, &found, &f->err), 0);
    assert_int_equal(gate_find_key(f->gate, &f->arena, S("AKIANOBODY"), &found, &f->err), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_role_may_what_its_policy_says_and_nothing_else),
        TEST(test_a_refusal_is_noted_with_the_statement_that_was_missing),
        TEST(test_who_did_not_sign_is_no_service_of_ours),
        TEST(test_a_trust_condition_that_fails_is_named_in_the_note),
        TEST(test_policies_count_as_soon_as_they_change),
        TEST(test_a_role_made_anew_is_not_the_old_sessions_role),
        TEST(test_across_accounts_both_sides_must_allow),
        TEST(test_a_permissions_boundary_limits_what_policies_allow),
        TEST(test_explicit_denial_wins_over_the_accounts_root),
        TEST(test_a_journalled_write_is_answered_again_from_the_journal),
        TEST(test_what_wrote_nothing_leaves_no_journal),
        TEST(test_keys_lead_to_users_and_inactive_ones_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
