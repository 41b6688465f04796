/* IAM's operations as clients see them. */
#include "../fixture.h"

#include "gen/iam.h"
#include "services/iam/iam_store.h"
#include "services/iam/policy.h"

#define ALLOW(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," rest "}]}"
#define TRUST                                                                                      \
    ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}")
#define READ ALLOW("\"Action\":\"s3:GetObject\",\"Resource\":\"*\"")

static int create_role(struct fixture *f, const char *name, const char *trust,
                       struct iam_create_role_response *out) {
    struct iam_tag tag = {S("team"), S("logging")};
    struct iam_create_role_request in = {
        .role_name = str_c(name),
        .path = S("/app/"),
        .assume_role_policy_document = str_c(trust),
        .tags = {&tag, 1},
    };
    return iam_call_create_role(&f->admin, &f->arena, &in, out, &f->err);
}

static void test_a_role_comes_back_with_its_encoded_document_and_tags(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    struct iam_get_role_response got;
    assert_done(f, create_role(f, "shipper", TRUST, &created));
    struct iam_get_role_request in = {.role_name = S("shipper")};
    assert_done(f, iam_call_get_role(&f->admin, &f->arena, &in, &got, &f->err));
    assert_true(str_is(got.role->arn, "arn:aws:iam::111111111111:role/app/shipper"));
    assert_true(str_starts(got.role->assume_role_policy_document, S("%7B%22Version%22%3A%22")));
    assert_int_equal(got.role->max_session_duration, 3600);
    assert_int_equal(got.role->tags.n, 1);
    assert_true(str_is(got.role->tags.v[0].value, "logging"));
    assert_true(str_starts(got.role->role_id, S("AROA")));
    assert_int_equal(got.role->role_id.n, 21);
}

static void test_names_are_taken_once_and_without_regard_to_case(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    assert_done(f, create_role(f, "shipper", TRUST, &created));
    assert_refused(f, create_role(f, "Shipper", TRUST, &created), "EntityAlreadyExistsException");
    assert_string_equal(f->err.msg, "Role with name Shipper already exists.");
    assert_int_equal(f->err.api->http_status, 409);
    assert_string_equal(f->err.api->code, "EntityAlreadyExists");
}

static void test_malformed_trust_policies_are_refused(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response out;
    assert_refused(f, create_role(f, "x", "{", &out), "MalformedPolicyDocumentException");
    assert_refused(f, create_role(f, "x", READ, &out), "MalformedPolicyDocumentException");
    assert_refused(f,
                   create_role(f, "x",
                               ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":"
                                     "\"arn:aws:iam::222222222222:role/absent\"}"),
                               &out),
                   "MalformedPolicyDocumentException");
    assert_string_equal(f->err.msg, "Invalid principal in policy: "
                                    "\"AWS\":\"arn:aws:iam::222222222222:role/absent\"");
    /* An account that is not ours cannot be looked into. */
    assert_done(f, create_role(f, "x",
                               ALLOW("\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":"
                                     "\"arn:aws:iam::999999999999:role/absent\"}"),
                               &out));
}

static int put_inline(struct fixture *f, const char *name, struct str document) {
    struct iam_put_role_policy_request in = {S("shipper"), str_c(name), document};
    struct iam_put_role_policy_output out;
    return iam_call_put_role_policy(&f->admin, &f->arena, &in, &out, &f->err);
}

static int delete_role(struct fixture *f, const char *name) {
    struct iam_delete_role_request in = {str_c(name)};
    struct iam_delete_role_output out;
    return iam_call_delete_role(&f->admin, &f->arena, &in, &out, &f->err);
}

static void test_a_role_goes_only_after_its_policies(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    assert_done(f, create_role(f, "shipper", TRUST, &created));
    assert_done(f, put_inline(f, "read", S(READ)));
    struct iam_attach_role_policy_request attach = {
        S("shipper"), S("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")};
    struct iam_attach_role_policy_output attached;
    assert_done(f, iam_call_attach_role_policy(&f->admin, &f->arena, &attach, &attached, &f->err));
    assert_refused(f, delete_role(f, "shipper"), "DeleteConflictException");
    assert_string_equal(f->err.msg, "Cannot delete entity, must detach all policies first.");
    struct iam_detach_role_policy_request detach = {attach.role_name, attach.policy_arn};
    struct iam_detach_role_policy_output detached;
    assert_done(f, iam_call_detach_role_policy(&f->admin, &f->arena, &detach, &detached, &f->err));
    assert_refused(f,
                   iam_call_detach_role_policy(&f->admin, &f->arena, &detach, &detached, &f->err),
                   "NoSuchEntityException");
    assert_refused(f, delete_role(f, "shipper"), "DeleteConflictException");
    struct iam_delete_role_policy_request drop = {S("shipper"), S("read")};
    struct iam_delete_role_policy_output dropped;
    assert_done(f, iam_call_delete_role_policy(&f->admin, &f->arena, &drop, &dropped, &f->err));
    assert_done(f, delete_role(f, "shipper"));
    assert_refused(f, delete_role(f, "shipper"), "NoSuchEntityException");
    assert_string_equal(f->err.msg, "The role with name shipper cannot be found.");
}

static void test_a_role_in_an_instance_profile_stays(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    struct iam_create_instance_profile_request create = {.instance_profile_name = S("p")};
    struct iam_create_instance_profile_response made;
    struct iam_add_role_to_instance_profile_request add = {S("p"), S("shipper")};
    struct iam_add_role_to_instance_profile_output added;
    assert_done(f, create_role(f, "shipper", TRUST, &created));
    assert_done(f, iam_call_create_instance_profile(&f->admin, &f->arena, &create, &made, &f->err));
    assert_done(f,
                iam_call_add_role_to_instance_profile(&f->admin, &f->arena, &add, &added, &f->err));
    assert_refused(
        f, iam_call_add_role_to_instance_profile(&f->admin, &f->arena, &add, &added, &f->err),
        "LimitExceededException");
    assert_refused(f, delete_role(f, "shipper"), "DeleteConflictException");
    struct iam_list_instance_profiles_for_role_request in = {.role_name = S("shipper")};
    struct iam_list_instance_profiles_for_role_response out;
    assert_done(f,
                iam_call_list_instance_profiles_for_role(&f->admin, &f->arena, &in, &out, &f->err));
    assert_int_equal(out.instance_profiles.n, 1);
    assert_true(str_is(out.instance_profiles.v[0].roles.v[0].role_name, "shipper"));
}

static void test_inline_policies_share_a_quota(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    assert_done(f, create_role(f, "shipper", TRUST, &created));
    char *big = arena_alloc(&f->arena, 9000);
    memset(big, 'a', 8999);
    struct str document = str_printf(
        &f->arena, ALLOW("\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/%s\""), big);
    assert_done(f, put_inline(f, "one", document));
    assert_done(f, put_inline(f, "one", document)); /* replaces: counts once */
    assert_refused(f, put_inline(f, "two", document), "LimitExceededException");
    assert_string_equal(f->err.msg, "Maximum policy size of 10240 bytes exceeded for role shipper");
}

static void test_lists_go_on_from_their_marker(void **state) {
    struct fixture *f = *state;
    struct iam_create_role_response created;
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof(name), "role-%d", i);
        assert_done(f, create_role(f, name, TRUST, &created));
    }
    struct iam_list_roles_request in = {.max_items = 2, .has_max_items = true};
    struct iam_list_roles_response out;
    size_t seen = 0, pages = 0;
    do {
        assert_done(f, iam_call_list_roles(&f->admin, &f->arena, &in, &out, &f->err));
        for (size_t i = 0; i < out.roles.n; i++) {
            assert_int_equal(out.roles.v[i].role_name.p[5], '0' + (int)seen);
            seen++;
        }
        pages++;
        in.marker = out.marker;
    } while (out.is_truncated);
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
    in.marker = S("bm90IG91cnM");
    assert_refused(f, iam_call_list_roles(&f->admin, &f->arena, &in, &out, &f->err),
                   "ValidationError");
}

static void test_the_default_version_of_a_managed_policy_decides(void **state) {
    struct fixture *f = *state;
    struct iam_create_policy_request create = {.policy_name = S("p"), .policy_document = S(READ)};
    struct iam_create_policy_response created;
    assert_done(f, iam_call_create_policy(&f->admin, &f->arena, &create, &created, &f->err));
    assert_refused(f, iam_call_create_policy(&f->admin, &f->arena, &create, &created, &f->err),
                   "EntityAlreadyExistsException");
    struct str arn = S("arn:aws:iam::111111111111:policy/p");
    struct iam_create_policy_version_request more = {
        .policy_arn = arn,
        .policy_document = S(ALLOW("\"Action\":\"s3:PutObject\",\"Resource\":\"*\"")),
        .set_as_default = true,
        .has_set_as_default = true,
    };
    struct iam_create_policy_version_response version;
    for (int i = 0; i < 4; i++) {
        assert_done(f,
                    iam_call_create_policy_version(&f->admin, &f->arena, &more, &version, &f->err));
    }
    assert_true(str_is(version.policy_version->version_id, "v5"));
    assert_refused(f,
                   iam_call_create_policy_version(&f->admin, &f->arena, &more, &version, &f->err),
                   "LimitExceededException");
    struct iam_delete_policy_version_request drop = {arn, S("v5")};
    struct iam_delete_policy_version_output dropped;
    assert_refused(f,
                   iam_call_delete_policy_version(&f->admin, &f->arena, &drop, &dropped, &f->err),
                   "DeleteConflictException");
    drop.version_id = S("v2");
    assert_done(f, iam_call_delete_policy_version(&f->admin, &f->arena, &drop, &dropped, &f->err));
    struct iam_get_policy_request get = {arn};
    struct iam_get_policy_response got;
    assert_done(f, iam_call_get_policy(&f->admin, &f->arena, &get, &got, &f->err));
    assert_true(str_is(got.policy->default_version_id, "v5"));
    struct iam_delete_policy_request remove = {arn};
    struct iam_delete_policy_output removed;
    assert_refused(f, iam_call_delete_policy(&f->admin, &f->arena, &remove, &removed, &f->err),
                   "DeleteConflictException");
}

static void test_awss_own_policies_all_parse_and_cannot_be_changed(void **state) {
    struct fixture *f = *state;
    size_t n = 0;
    for (const struct iam_managed *m; (m = iam_managed_at(n)) != NULL; n++) {
        struct policy policy;
        if (policy_parse(&f->arena, str_c(m->document), POLICY_IDENTITY, &policy, &f->err) < 0) {
            fail_msg("%s: %s", m->name, f->err.msg);
        }
    }
    assert_true(n > 30);
    struct iam_delete_policy_request in = {S("arn:aws:iam::aws:policy/ReadOnlyAccess")};
    struct iam_delete_policy_output out;
    assert_refused(f, iam_call_delete_policy(&f->admin, &f->arena, &in, &out, &f->err),
                   "AccessDenied");
}

static void test_access_keys_are_two_at_most_and_belong_to_their_user(void **state) {
    struct fixture *f = *state;
    struct iam_create_user_request create = {.user_name = S("ann")};
    struct iam_create_user_response user;
    struct iam_create_access_key_request key = {S("ann")};
    struct iam_create_access_key_response made;
    assert_done(f, iam_call_create_user(&f->admin, &f->arena, &create, &user, &f->err));
    assert_done(f, iam_call_create_access_key(&f->admin, &f->arena, &key, &made, &f->err));
    struct aws_target ann = fixture_key(f, made.access_key->access_key_id);
    struct iam_get_user_request me = {STR_NONE};
    struct iam_get_user_response who;
    assert_int_equal(iam_call_get_user(&ann, &f->arena, &me, &who, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_DENIED);
    assert_done(f, iam_call_create_access_key(&f->admin, &f->arena, &key, &made, &f->err));
    assert_refused(f, iam_call_create_access_key(&f->admin, &f->arena, &key, &made, &f->err),
                   "LimitExceededException");
    struct iam_delete_user_request drop = {S("ann")};
    struct iam_delete_user_output dropped;
    assert_refused(f, iam_call_delete_user(&f->admin, &f->arena, &drop, &dropped, &f->err),
                   "DeleteConflictException");
    assert_string_equal(f->err.msg, "Cannot delete entity, must delete access keys first.");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_role_comes_back_with_its_encoded_document_and_tags),
        TEST(test_names_are_taken_once_and_without_regard_to_case),
        TEST(test_malformed_trust_policies_are_refused),
        TEST(test_a_role_goes_only_after_its_policies),
        TEST(test_a_role_in_an_instance_profile_stays),
        TEST(test_inline_policies_share_a_quota),
        TEST(test_lists_go_on_from_their_marker),
        TEST(test_the_default_version_of_a_managed_policy_decides),
        TEST(test_awss_own_policies_all_parse_and_cannot_be_changed),
        TEST(test_access_keys_are_two_at_most_and_belong_to_their_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
