/* Who may assume which role, and what the session then is. */
#include "../fixture.h"

#include "gen/sts.h"
#include "services/iam/iam_store.h"
#include "services/sts/sts_store.h"

#define ALLOW(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," rest "}]}"
#define TRUST(rest) ALLOW("\"Action\":[\"sts:AssumeRole\",\"sts:TagSession\"]," rest)

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

static struct sts_assume_role_request request(struct str arn) {
    return (struct sts_assume_role_request){.role_arn = arn, .role_session_name = S("ci-build-7")};
}

static int assume_with(struct fixture *f, const struct aws_target *as,
                       const struct sts_assume_role_request *in, struct aws_target *ret) {
    struct sts_assume_role_response out;
    if (sts_call_assume_role(as, &f->arena, in, &out, &f->err) < 0) {
        return -1;
    }
    *ret = fixture_key(f, out.credentials->access_key_id);
    return 0;
}

static int assume(struct fixture *f, const struct aws_target *as, struct str arn,
                  struct aws_target *ret) {
    struct sts_assume_role_request in = request(arn);
    return assume_with(f, as, &in, ret);
}

static const char by_codebuild[] = TRUST("\"Principal\":{\"Service\":\"codebuild.amazonaws.com\"}");

static struct str identity(struct fixture *f, const struct aws_target *t) {
    struct sts_get_caller_identity_request in = {0};
    struct sts_get_caller_identity_response out;
    assert_done(f, sts_call_get_caller_identity(t, &f->arena, &in, &out, &f->err));
    return out.arn;
}

static void test_a_build_becomes_the_target_accounts_deploy_role(void **state) {
    struct fixture *f = *state;
    struct aws_target build, deploy;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str build_role = role(f, "111111111111", "build", by_codebuild,
                                 ALLOW("\"Action\":\"sts:AssumeRole\",\"Resource\":"
                                       "\"arn:aws:iam::222222222222:role/deploy\""));
    struct str deploy_role =
        role(f, "222222222222", "deploy",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    assert_done(f, assume(f, &codebuild, build_role, &build));
    assert_done(f, assume(f, &build, deploy_role, &deploy));
    assert_true(
        str_is(identity(f, &deploy), "arn:aws:sts::222222222222:assumed-role/deploy/ci-build-7"));
    assert_true(str_is(deploy.principal->user_id, "AROAdeploy:ci-build-7"));
}

/* A build's denials go on holding in the sessions that it opens, whatever policy it asks for. */
static void test_what_holds_a_build_back_holds_its_further_sessions_back(void **state) {
    struct fixture *f = *state;
    struct aws_target build, deploy, narrowed;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str build_role = role(f, "111111111111", "build", by_codebuild,
                                 ALLOW("\"Action\":\"*\",\"Resource\":\"*\""));
    struct str deploy_role =
        role(f, "222222222222", "deploy",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"),
             ALLOW("\"Action\":\"*\",\"Resource\":\"*\""));
    struct sts_assume_role_request in = request(build_role);
    in.policy =
        S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
          "\"Resource\":\"*\"},{\"Sid\":\"PlanStage\",\"Effect\":\"Deny\",\"NotAction\":"
          "\"sts:*\",\"Resource\":\"*\"},{\"Sid\":\"Other\",\"Effect\":\"Deny\",\"Action\":"
          "\"sqs:*\",\"Resource\":\"*\"}]}");
    assert_done(f, assume_with(f, &codebuild, &in, &build));
    assert_done(f, assume(f, &build, deploy_role, &deploy));
    struct str policy = deploy.principal->session_policy;
    assert_true(str_find(policy, S("\"Sid\":\"PlanStage\""), 0) != (size_t)-1);
    assert_true(str_find(policy, S("sqs:*"), 0) == (size_t)-1);
    assert_true(str_find(policy, S("\"Effect\":\"Allow\",\"Action\":\"*\""), 0) != (size_t)-1);
    in = request(deploy_role);
    in.policy = str_c(ALLOW("\"Action\":\"s3:*\",\"Resource\":\"*\""));
    assert_done(f, assume_with(f, &build, &in, &narrowed));
    policy = narrowed.principal->session_policy;
    assert_true(str_find(policy, S("\"Sid\":\"PlanStage\""), 0) != (size_t)-1);
    assert_true(str_find(policy, S("\"Action\":\"*\""), 0) == (size_t)-1);
}

static void test_another_build_role_is_refused_by_the_trust_policy(void **state) {
    struct fixture *f = *state;
    struct aws_target other, none;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str other_role = role(f, "111111111111", "other", by_codebuild,
                                 ALLOW("\"Action\":\"*\",\"Resource\":\"*\""));
    struct str deploy_role =
        role(f, "222222222222", "deploy",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    assert_done(f, assume(f, &codebuild, other_role, &other));
    assert_refused(f, assume(f, &other, deploy_role, &none), "AccessDenied");
    assert_string_equal(f->err.msg,
                        "User: arn:aws:sts::111111111111:assumed-role/other/ci-build-7 is not "
                        "authorized to perform: sts:AssumeRole on resource: "
                        "arn:aws:iam::222222222222:role/deploy");
    assert_refused(f, assume(f, &other, S("arn:aws:iam::222222222222:role/absent"), &none),
                   "AccessDenied");
}

static void test_across_accounts_the_caller_needs_the_right_too(void **state) {
    struct fixture *f = *state;
    struct aws_target build, none;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str build_role = role(f, "111111111111", "build", by_codebuild, NULL);
    struct str deploy_role =
        role(f, "222222222222", "deploy",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    assert_done(f, assume(f, &codebuild, build_role, &build));
    assert_refused(f, assume(f, &build, deploy_role, &none), "AccessDenied");
    struct str near =
        role(f, "111111111111", "near",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    assert_done(f, assume(f, &build, near, &none)); /* one's own account names the role: enough */
    struct str by_account = role(f, "111111111111", "by-account",
                                 TRUST("\"Principal\":{\"AWS\":\"111111111111\"}"), NULL);
    assert_refused(f, assume(f, &build, by_account, &none), "AccessDenied");
}

static void test_a_service_assumes_only_roles_that_trust_it(void **state) {
    struct fixture *f = *state;
    struct aws_target none;
    struct str arn = role(f, "111111111111", "build", by_codebuild, NULL);
    struct aws_target pipeline = fixture_service(f, "111111111111", "codepipeline.amazonaws.com");
    assert_refused(f, assume(f, &pipeline, arn, &none), "AccessDenied");
}

static void test_external_id_and_session_name_are_conditions_of_trust(void **state) {
    struct fixture *f = *state;
    struct aws_target none;
    struct str arn = role(f, "111111111111", "partner",
                          TRUST("\"Principal\":{\"AWS\":\"111111111111\"},\"Condition\":{"
                                "\"StringEquals\":{\"sts:ExternalId\":\"right\"},"
                                "\"StringLike\":{\"sts:RoleSessionName\":\"ci-*\"}}"),
                          NULL);
    struct sts_assume_role_request in = request(arn);
    assert_refused(f, assume_with(f, &f->admin, &in, &none), "AccessDenied");
    in.external_id = S("wrong");
    assert_refused(f, assume_with(f, &f->admin, &in, &none), "AccessDenied");
    in.external_id = S("right");
    assert_done(f, assume_with(f, &f->admin, &in, &none));
    in.role_session_name = S("me");
    assert_refused(f, assume_with(f, &f->admin, &in, &none), "AccessDenied");
}

static void test_chained_sessions_last_one_hour_at_most(void **state) {
    struct fixture *f = *state;
    struct aws_target build, next;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str arn = role(f, "111111111111", "build", by_codebuild, NULL);
    struct str near =
        role(f, "111111111111", "near",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    struct sts_assume_role_request in = request(arn);
    in.duration_seconds = 7200;
    in.has_duration_seconds = true;
    assert_done(f, assume_with(f, &codebuild, &in, &build));
    in.role_arn = near;
    in.duration_seconds = 3601;
    assert_refused(f, assume_with(f, &build, &in, &next), "ValidationError");
    assert_non_null(strstr(f->err.msg, "role chaining"));
    in.duration_seconds = 3600;
    assert_done(f, assume_with(f, &build, &in, &next));
    in.role_arn = arn;
    in.duration_seconds = 7201;
    assert_refused(f, assume_with(f, &codebuild, &in, &next), "ValidationError");
    assert_non_null(strstr(f->err.msg, "MaxSessionDuration"));
}

static void test_a_session_policy_only_narrows(void **state) {
    struct fixture *f = *state;
    struct aws_target narrow, none;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct str arn = role(f, "111111111111", "build", by_codebuild,
                          ALLOW("\"Action\":\"sts:*\",\"Resource\":\"*\""));
    struct str target =
        role(f, "111111111111", "target", TRUST("\"Principal\":{\"AWS\":\"111111111111\"}"), NULL);
    struct sts_assume_role_request in = request(arn);
    in.policy = S(ALLOW("\"Action\":\"s3:*\",\"Resource\":\"*\""));
    assert_done(f, assume_with(f, &codebuild, &in, &narrow));
    assert_refused(f, assume(f, &narrow, target, &none), "AccessDenied");
    in.policy = S(ALLOW("\"Action\":\"*\",\"Resource\":\"*\""));
    assert_done(f, assume_with(f, &codebuild, &in, &narrow));
    assert_done(f, assume(f, &narrow, target, &none));
    in.policy = S("{\"Statement\":1}");
    assert_refused(f, assume_with(f, &codebuild, &in, &narrow), "MalformedPolicyDocumentException");
}

static void test_bad_session_names_are_refused_in_awss_words(void **state) {
    struct fixture *f = *state;
    struct aws_target none;
    struct str arn =
        role(f, "111111111111", "r", TRUST("\"Principal\":{\"AWS\":\"111111111111\"}"), NULL);
    struct sts_assume_role_request in = request(arn);
    in.role_session_name = S("a b");
    assert_refused(f, assume_with(f, &f->admin, &in, &none), "ValidationError");
    assert_non_null(strstr(f->err.msg, "[\\w+=,.@-]*"));
}

static void test_sessions_of_a_build_end_with_it_chained_ones_too(void **state) {
    struct fixture *f = *state;
    struct aws_target build, next;
    struct aws_target codebuild = fixture_service(f, "111111111111", "codebuild.amazonaws.com");
    struct aws_principal p = *codebuild.principal;
    p.build_id = S("project:0001");
    codebuild.principal = &p;
    struct str arn = role(f, "111111111111", "build", by_codebuild, NULL);
    struct str near =
        role(f, "111111111111", "near",
             TRUST("\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/build\"}"), NULL);
    assert_done(f, assume(f, &codebuild, arn, &build));
    assert_done(f, assume(f, &build, near, &next));
    assert_true(str_is(next.principal->build_id, "project:0001"));
    assert_done(f, db_begin(f->db, &f->err));
    assert_done(f, sts_session_end_build(f->db, S("project:0001"), &f->err));
    assert_done(f, db_commit(f->db, &f->err));
    struct gate_key key;
    assert_int_equal(gate_find_key(f->gate, &f->arena, build.principal->access_key, &key, &f->err),
                     0);
    assert_int_equal(gate_find_key(f->gate, &f->arena, next.principal->access_key, &key, &f->err),
                     0);
}

static void test_expired_sessions_are_still_found_so_that_they_can_be_named(void **state) {
    struct fixture *f = *state;
    struct aws_target t;
    struct str arn =
        role(f, "111111111111", "r", TRUST("\"Principal\":{\"AWS\":\"111111111111\"}"), NULL);
    assert_done(f, assume(f, &f->admin, arn, &t));
    struct gate_key key;
    assert_int_equal(gate_find_key(f->gate, &f->arena, t.principal->access_key, &key, &f->err), 1);
    assert_int_equal(key.expires_ms, f->time.now_ms + 3600 * 1000);
    assert_true(key.session_token.n > 100);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_build_becomes_the_target_accounts_deploy_role),
        TEST(test_what_holds_a_build_back_holds_its_further_sessions_back),
        TEST(test_another_build_role_is_refused_by_the_trust_policy),
        TEST(test_across_accounts_the_caller_needs_the_right_too),
        TEST(test_a_service_assumes_only_roles_that_trust_it),
        TEST(test_external_id_and_session_name_are_conditions_of_trust),
        TEST(test_chained_sessions_last_one_hour_at_most),
        TEST(test_a_session_policy_only_narrows),
        TEST(test_bad_session_names_are_refused_in_awss_words),
        TEST(test_sessions_of_a_build_end_with_it_chained_ones_too),
        TEST(test_expired_sessions_are_still_found_so_that_they_can_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
