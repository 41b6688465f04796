/* The policy language: what documents are refused, what statements match. */
#include "../../cmocka_.h"

#include "services/iam/policy.h"

#include <stdio.h>

struct request {
    struct arena arena;
    struct str_map keys; /* condition keys; several values by repeating the key */
    struct policy_request r;
};

static bool value(void *ud, struct str key, struct str_list *ret) {
    struct request *q = ud;
    *ret = (struct str_list){NULL, 0};
    for (size_t i = 0; i < q->keys.n; i++) {
        if (str_ieq(q->keys.v[i].key, key)) {
            *arena_push(&q->arena, ret) = q->keys.v[i].value;
        }
    }
    return ret->n > 0;
}

static void key(struct request *q, const char *name, const char *text) {
    *arena_push(&q->arena, &q->keys) = (struct str_pair){str_c(name), str_c(text)};
}

static void start(struct request *q, const char *action, const char *resource) {
    *q = (struct request){.arena = ARENA_INIT};
    q->r = (struct policy_request){
        .action = str_c(action),
        .resource = str_c(resource),
        .principal_arn = S("arn:aws:sts::111111111111:assumed-role/build/session"),
        .principal_role = S("arn:aws:iam::111111111111:role/build"),
        .principal_account = S("111111111111"),
        .value = value,
        .ud = q,
        .arena = &q->arena,
    };
}

static struct policy_result run(struct request *q, enum policy_use use, const char *text) {
    struct policy policy;
    struct err err = ERR_INIT;
    q->r.ud = q;
    q->r.arena = &q->arena;
    if (policy_parse(&q->arena, str_c(text), use, &policy, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return policy_evaluate(&policy, &q->r);
}

#define ALLOW(rest) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," rest "}}"
#define DENY(rest) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\"," rest "}}"

static bool allows(struct request *q, const char *text) {
    struct policy_result result = run(q, POLICY_IDENTITY, text);
    return !result.deny && result.allow == POLICY_MATCH;
}

static void test_actions_match_without_case_and_with_wildcards(void **state) {
    (void)state;
    struct request q;
    start(&q, "ssm:GetParameter", "arn:aws:ssm:eu-west-2:111111111111:parameter/a/b");
    assert_true(allows(&q, ALLOW("\"Action\":\"SSM:getparameter\",\"Resource\":\"*\"")));
    assert_true(allows(&q, ALLOW("\"Action\":\"ssm:Get*\",\"Resource\":\"*\"")));
    assert_true(allows(&q, ALLOW("\"Action\":\"ssm:?etParameter\",\"Resource\":\"*\"")));
    assert_false(allows(&q, ALLOW("\"Action\":\"ssm:GetParameters\",\"Resource\":\"*\"")));
    assert_false(allows(&q, ALLOW("\"NotAction\":\"ssm:*\",\"Resource\":\"*\"")));
    assert_true(allows(&q, ALLOW("\"NotAction\":\"s3:*\",\"Resource\":\"*\"")));
    arena_done(&q.arena);
}

static void test_resources_match_by_segment_and_with_case(void **state) {
    (void)state;
    struct request q;
    start(&q, "ssm:GetParameter", "arn:aws:ssm:eu-west-2:111111111111:parameter/a/b");
    assert_true(allows(
        &q, ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:ssm:*:111111111111:parameter/a/*\"")));
    assert_false(allows(
        &q, ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:ssm:*:111111111111:parameter/A/*\"")));
    assert_false(allows(&q, ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:*:*:*:x/*\"")));
    assert_false(
        allows(&q, ALLOW("\"Action\":\"*\",\"NotResource\":\"arn:aws:ssm:*:*:parameter/a/*\"")));
    arena_done(&q.arena);
}

static void test_a_near_miss_names_the_condition_that_failed(void **state) {
    (void)state;
    struct request q;
    start(&q, "sts:AssumeRole", "arn:aws:iam::222222222222:role/deploy");
    key(&q, "sts:ExternalId", "wrong");
    struct policy_result r =
        run(&q, POLICY_IDENTITY,
            ALLOW("\"Sid\":\"Deploy\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\","
                  "\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"right\"}}"));
    assert_int_equal(r.allow, POLICY_MISS_CONDITION);
    assert_true(str_is(r.condition_key, "sts:ExternalId"));
    assert_true(str_is(r.statement->sid, "Deploy"));
    arena_done(&q.arena);
}

static void test_deny_wins_over_allow_in_any_order(void **state) {
    (void)state;
    struct request q;
    start(&q, "s3:DeleteObject", "arn:aws:s3:::b/k");
    struct policy_result r =
        run(&q, POLICY_IDENTITY,
            "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
            "\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"s3:Delete*\","
            "\"Resource\":\"arn:aws:s3:::b/*\"}]}");
    assert_true(r.deny);
    assert_int_equal(r.statement->index, 1);
    arena_done(&q.arena);
}

static bool condition(struct request *q, const char *text) {
    char policy[1024];
    snprintf(policy, sizeof(policy), ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s"),
             text);
    return allows(q, policy);
}

static void test_operators_compare_as_their_names_say(void **state) {
    (void)state;
    struct request q;
    start(&q, "s3:ListBucket", "arn:aws:s3:::b");
    key(&q, "s3:prefix", "home/ann");
    key(&q, "s3:max-keys", "10");
    key(&q, "aws:SourceIp", "10.1.2.3");
    key(&q, "aws:CurrentTime", "2026-11-24T01:52:00Z");
    key(&q, "aws:SecureTransport", "false");
    key(&q, "aws:PrincipalArn", "arn:aws:iam::111111111111:role/build");
    assert_true(condition(&q, "{\"StringLike\":{\"s3:prefix\":[\"x\",\"home/*\"]}}"));
    assert_false(condition(&q, "{\"StringEquals\":{\"s3:prefix\":\"home/*\"}}"));
    assert_false(condition(&q, "{\"StringNotLike\":{\"s3:prefix\":[\"x\",\"home/*\"]}}"));
    assert_true(condition(&q, "{\"StringEqualsIgnoreCase\":{\"s3:prefix\":\"HOME/ann\"}}"));
    assert_true(condition(&q, "{\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}}"));
    assert_false(condition(&q, "{\"NumericLessThan\":{\"s3:max-keys\":10}}"));
    assert_true(condition(&q, "{\"IpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}}"));
    assert_false(condition(&q, "{\"NotIpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}}"));
    assert_true(
        condition(&q, "{\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01T00:00:00Z\"}}"));
    assert_false(condition(&q, "{\"Bool\":{\"aws:SecureTransport\":true}}"));
    assert_true(condition(&q, "{\"ArnLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:role/b*\"}}"));
    assert_true(condition(&q, "{\"StringEquals\":{\"S3:PREFIX\":\"home/ann\"}}"));
    arena_done(&q.arena);
}

static void test_absent_keys_fail_unless_the_operator_is_negated_or_if_exists(void **state) {
    (void)state;
    struct request q;
    start(&q, "s3:ListBucket", "arn:aws:s3:::b");
    key(&q, "aws:username", "ann");
    assert_false(condition(&q, "{\"StringEquals\":{\"s3:prefix\":\"a\"}}"));
    assert_true(condition(&q, "{\"StringNotEquals\":{\"s3:prefix\":\"a\"}}"));
    assert_true(condition(&q, "{\"StringEqualsIfExists\":{\"s3:prefix\":\"a\"}}"));
    assert_true(condition(&q, "{\"Null\":{\"s3:prefix\":\"true\"}}"));
    assert_false(condition(&q, "{\"Null\":{\"aws:username\":\"true\"}}"));
    assert_true(condition(&q, "{\"Null\":{\"aws:username\":false}}"));
    arena_done(&q.arena);
}

static void test_set_operators_look_at_every_value_of_the_request(void **state) {
    (void)state;
    struct request q;
    start(&q, "ssm:AddTagsToResource", "*");
    key(&q, "aws:TagKeys", "team");
    key(&q, "aws:TagKeys", "cost");
    assert_true(condition(&q, "{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}"));
    assert_false(condition(&q, "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}"));
    assert_true(
        condition(&q, "{\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\",\"cost\"]}}"));
    assert_false(condition(&q, "{\"ForAnyValue:StringEquals\":{\"aws:Absent\":[\"x\"]}}"));
    assert_true(condition(&q, "{\"ForAllValues:StringEquals\":{\"aws:Absent\":[\"x\"]}}"));
    arena_done(&q.arena);
}

static void test_what_a_variable_stands_for_is_no_wildcard(void **state) {
    (void)state;
    struct request q;
    start(&q, "s3:GetObject", "arn:aws:s3:::b/ann/x");
    key(&q, "aws:username", "*");
    const char *own = ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::b/${aws:username}/*\"");
    assert_false(allows(&q, own));
    q.keys.v[0].value = S("ann");
    assert_true(allows(&q, own));
    q.keys.n = 0;
    assert_false(allows(&q, own));
    assert_true(allows(
        &q, ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::b/${aws:username, 'ann'}/*\"")));
    /* The old version of the language has no variables. */
    assert_false(allows(&q, "{\"Version\":\"2008-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                            "\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::b/${aws:username, "
                            "'ann'}/*\"}}"));
    arena_done(&q.arena);
}

static enum policy_match trusts(struct request *q, const char *principal) {
    char text[512];
    snprintf(text, sizeof(text), ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":%s"),
             principal);
    return run(q, POLICY_TRUST, text).allow;
}

static void test_principals_match_session_role_account_and_service(void **state) {
    (void)state;
    struct request q;
    start(&q, "sts:AssumeRole", "arn:aws:iam::222222222222:role/deploy");
    assert_int_equal(trusts(&q, "{\"AWS\":\"111111111111\"}"), POLICY_MATCH_ACCOUNT);
    assert_int_equal(trusts(&q, "{\"AWS\":\"arn:aws:iam::111111111111:root\"}"),
                     POLICY_MATCH_ACCOUNT);
    assert_int_equal(
        trusts(&q, "{\"AWS\":[\"222222222222\",\"arn:aws:iam::111111111111:role/build\"]}"),
        POLICY_MATCH_ROLE);
    assert_int_equal(
        trusts(&q, "{\"AWS\":\"arn:aws:sts::111111111111:assumed-role/build/session\"}"),
        POLICY_MATCH);
    assert_int_equal(trusts(&q, "\"*\""), POLICY_MATCH_ROLE);
    assert_int_equal(trusts(&q, "{\"AWS\":\"arn:aws:iam::111111111111:role/other\"}"),
                     POLICY_MISS_PRINCIPAL);
    assert_int_equal(trusts(&q, "{\"Service\":\"codebuild.amazonaws.com\"}"),
                     POLICY_MISS_PRINCIPAL);
    q.r.principal_service = S("codebuild.amazonaws.com");
    assert_int_equal(trusts(&q, "{\"Service\":\"codebuild.amazonaws.com\"}"), POLICY_MATCH);
    assert_int_equal(trusts(&q, "{\"AWS\":\"111111111111\"}"), POLICY_MISS_PRINCIPAL);
    arena_done(&q.arena);
}

static void test_malformed_documents_are_refused_with_iams_sentence(void **state) {
    (void)state;
    static const struct {
        enum policy_use use;
        const char *text, *message;
    } cases[] = {
        {POLICY_IDENTITY, "{", "This policy contains invalid Json"},
        {POLICY_IDENTITY, "[]", "This policy contains invalid Json"},
        {POLICY_IDENTITY, "{\"Statement\":[]}", "Syntax errors in policy."},
        {POLICY_IDENTITY, "{\"Statement\":{\"Effect\":\"Allow\",\"Acton\":\"*\"}}",
         "Syntax errors in policy."},
        {POLICY_IDENTITY, "{\"Statement\":{\"Action\":\"*\",\"Resource\":\"*\"}}",
         "Missing required field Effect"},
        {POLICY_IDENTITY, ALLOW("\"Action\":\"GetObject\",\"Resource\":\"*\""),
         "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
        {POLICY_IDENTITY, ALLOW("\"Action\":\"s3:*\",\"Resource\":\"bucket\""),
         "Resource bucket must be in ARN format or \"*\"."},
        {POLICY_IDENTITY, ALLOW("\"Action\":\"s3:*\",\"Resource\":\"arn:aws:ssm:*:parameter/a\""),
         "The policy failed legacy parsing"},
        {POLICY_IDENTITY, ALLOW("\"Action\":\"s3:*\",\"Resource\":\"*\",\"Principal\":\"*\""),
         "Policy document should not specify a principal."},
        {POLICY_TRUST,
         ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":\"*\",\"Resource\":\"*\""),
         "Has prohibited field Resource"},
        {POLICY_TRUST, ALLOW("\"Action\":\"sts:AssumeRole\""), "Missing required field Principal"},
        {POLICY_TRUST, ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"somebody\"}"),
         "Invalid principal in policy: \"AWS\":\"somebody\""},
        {POLICY_IDENTITY,
         ALLOW(
             "\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":{\"StringIs\":{\"a:b\":\"c\"}}"),
         "Invalid Condition type : StringIs."},
    };
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct policy policy;
        struct err err = ERR_INIT;
        assert_int_equal(policy_parse(&a, str_c(cases[i].text), cases[i].use, &policy, &err), -1);
        assert_string_equal(err.msg, cases[i].message);
    }
    arena_done(&a);
}

static void test_globs_take_linear_time_on_hostile_patterns(void **state) {
    (void)state;
    char text[4096], pattern[200];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    pattern[sizeof(pattern) - 1] = 'b';
    assert_false(policy_glob(str_n(pattern, sizeof(pattern)), str_n(text, sizeof(text)), false));
    assert_true(policy_glob(S("a*b?c"), S("axxbyc"), false));
    assert_false(policy_glob(S("a*b?c"), S("axxbc"), false));
    assert_true(policy_glob(S("a\x01*"), S("a*"), false));
    assert_false(policy_glob(S("a\x01*"), S("ab"), false));
    assert_true(policy_glob(S("*"), S(""), false));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions_match_without_case_and_with_wildcards),
        cmocka_unit_test(test_resources_match_by_segment_and_with_case),
        cmocka_unit_test(test_a_near_miss_names_the_condition_that_failed),
        cmocka_unit_test(test_deny_wins_over_allow_in_any_order),
        cmocka_unit_test(test_operators_compare_as_their_names_say),
        cmocka_unit_test(test_absent_keys_fail_unless_the_operator_is_negated_or_if_exists),
        cmocka_unit_test(test_set_operators_look_at_every_value_of_the_request),
        cmocka_unit_test(test_what_a_variable_stands_for_is_no_wildcard),
        cmocka_unit_test(test_principals_match_session_role_account_and_service),
        cmocka_unit_test(test_malformed_documents_are_refused_with_iams_sentence),
        cmocka_unit_test(test_globs_take_linear_time_on_hostile_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
