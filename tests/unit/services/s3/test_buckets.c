/* Buckets: names, lists and their order, settings with AWS's exact answers when there is none. */
#include "s3_fixture.h"

THUNK(delete_bucket)
THUNK(delete_object)
THUNK(list_buckets)
THUNK(list_objects)
THUNK(list_objects_v2)
THUNK(put_bucket_cors)
THUNK(get_bucket_cors)
THUNK(delete_bucket_cors)
THUNK(get_bucket_encryption)
THUNK(put_bucket_encryption)
THUNK(put_bucket_tagging)
THUNK(get_bucket_tagging)
THUNK(get_bucket_policy)
THUNK(put_bucket_policy)
THUNK(get_bucket_acl)
THUNK(put_bucket_acl)
THUNK(put_bucket_lifecycle_configuration)
THUNK(get_bucket_lifecycle_configuration)
THUNK(get_public_access_block)
THUNK(put_object_tagging)
THUNK(get_object_tagging)

static void test_bucket_names_are_one_space_over_all_accounts(void **state) {
    (void)state;
    struct s3_create_bucket_configuration config = {.location_constraint = S("eu-west-2")};
    struct s3_create_bucket_request in = {.bucket = S("b-1"),
                                          .create_bucket_configuration = &config};
    struct s3_create_bucket_output out;
    make_bucket("b-1");
    refused(RUN(create_bucket, &in, &out), "BucketAlreadyOwnedByYou", 409);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "UPDATE s3_bucket SET account = '222222222222'", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    refused(RUN(create_bucket, &in, &out), "BucketAlreadyExists", 409);
    in.bucket = S("b-2");
    in.create_bucket_configuration = NULL;
    refused(RUN(create_bucket, &in, &out), "IllegalLocationConstraintException", 400);
}

static void test_names_that_aws_refuses_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"ab",      "Bad-Name", "under_score", "10.0.0.1",
                                        "-begins", "ends-",    "two..dots",   "xn--puny"};
    struct s3_create_bucket_configuration config = {.location_constraint = S("eu-west-2")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct s3_create_bucket_request in = {.bucket = str_c(names[i]),
                                              .create_bucket_configuration = &config};
        struct s3_create_bucket_output out;
        refused(RUN(create_bucket, &in, &out), "InvalidBucketName", 400);
    }
}

static void test_a_bucket_goes_only_when_empty(void **state) {
    (void)state;
    struct s3_delete_bucket_request in = {.bucket = S("b-1")};
    struct s3_delete_bucket_output out;
    struct s3_delete_object_request delete = {.bucket = S("b-1"), .key = S("k")};
    struct s3_delete_object_output deleted;
    make_bucket("b-1");
    put("b-1", "k", "x");
    refused(RUN(delete_bucket, &in, &out), "BucketNotEmpty", 409);
    ok(RUN(delete_object, &delete, &deleted));
    ok(RUN(delete_bucket, &in, &out));
    refused(RUN(delete_bucket, &in, &out), "NoSuchBucket", 404);
}

static void test_buckets_are_listed_in_pages(void **state) {
    (void)state;
    make_bucket("b-1");
    make_bucket("b-2");
    make_bucket("c-3");
    struct s3_list_buckets_request in = {.max_buckets = 2, .has_max_buckets = true};
    struct s3_list_buckets_output out;
    ok(RUN(list_buckets, &in, &out));
    assert_int_equal(out.buckets.n, 2);
    in.continuation_token = out.continuation_token;
    ok(RUN(list_buckets, &in, &out));
    assert_int_equal(out.buckets.n, 1);
    assert_null(out.continuation_token.p);
    struct s3_list_buckets_request some = {.prefix = S("b-")};
    ok(RUN(list_buckets, &some, &out));
    assert_int_equal(out.buckets.n, 2);
}

static void put_many(void) {
    static const char *const keys[] = {"a", "b/1", "b/2", "b/c/3", "c", "d/4", "\xC3\xA9"};
    make_bucket("b-1");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        put("b-1", keys[i], "x");
    }
}

/* All pages of a listing as text: keys, and prefixes in brackets. */
static const char *listing(struct s3_list_objects_v2_request in) {
    static char text[256];
    size_t n = 0;
    struct s3_list_objects_v2_output out;
    int pages = 0;
    in.bucket = S("b-1");
    do {
        ok(RUN(list_objects_v2, &in, &out));
        assert_int_equal(out.key_count, out.contents.n + out.common_prefixes.n);
        for (size_t i = 0; i < out.contents.n; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, STR_FMT " ",
                                  STR_ARG(out.contents.v[i].key));
        }
        for (size_t i = 0; i < out.common_prefixes.n; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "[" STR_FMT "] ",
                                  STR_ARG(out.common_prefixes.v[i].prefix));
        }
        in.continuation_token = out.next_continuation_token;
    } while (out.is_truncated && ++pages < 20);
    text[n > 0 ? n - 1 : 0] = '\0';
    return text;
}

static void test_lists_fold_at_the_delimiter_and_page_without_loss(void **state) {
    (void)state;
    put_many();
    struct s3_list_objects_v2_request all = {0};
    assert_string_equal(listing(all), "a b/1 b/2 b/c/3 c d/4 \xC3\xA9");
    struct s3_list_objects_v2_request ones = {.has_max_keys = true, .max_keys = 1};
    assert_string_equal(listing(ones), "a b/1 b/2 b/c/3 c d/4 \xC3\xA9");
    struct s3_list_objects_v2_request folded = {.delimiter = S("/")};
    assert_string_equal(listing(folded), "a c \xC3\xA9 [b/] [d/]");
    struct s3_list_objects_v2_request folded_ones = {
        .delimiter = S("/"), .has_max_keys = true, .max_keys = 1};
    assert_string_equal(listing(folded_ones), "a [b/] c [d/] \xC3\xA9");
    struct s3_list_objects_v2_request under = {.prefix = S("b/"), .delimiter = S("/")};
    assert_string_equal(listing(under), "b/1 b/2 [b/c/]");
    struct s3_list_objects_v2_request after = {.start_after = S("b/2"), .encoding_type = S("url")};
    assert_string_equal(listing(after), "b/c/3 c d/4 %C3%A9");
    struct s3_list_objects_v2_request none = {.has_max_keys = true, .max_keys = 0};
    assert_string_equal(listing(none), "");
}

static void test_old_lists_go_on_behind_their_marker(void **state) {
    (void)state;
    put_many();
    struct s3_list_objects_request in = {
        .bucket = S("b-1"), .delimiter = S("/"), .has_max_keys = true, .max_keys = 2};
    struct s3_list_objects_output out;
    ok(RUN(list_objects, &in, &out));
    assert_true(out.is_truncated);
    assert_str(out.next_marker, "b/");
    in.marker = out.next_marker;
    ok(RUN(list_objects, &in, &out));
    assert_str(out.contents.v[0].key, "c");
    assert_str(out.common_prefixes.v[0].prefix, "d/");
}

static void test_a_wrong_token_is_refused(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_list_objects_v2_request in = {.bucket = S("b-1"), .continuation_token = S("%%")};
    struct s3_list_objects_v2_output out;
    refused(RUN(list_objects_v2, &in, &out), "InvalidArgument", 400);
}

static void test_settings_come_back_as_they_were_put(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_get_bucket_cors_request in = {.bucket = S("b-1")};
    struct s3_get_bucket_cors_output out;
    refused(RUN(get_bucket_cors, &in, &out), "NoSuchCORSConfiguration", 404);
    struct str methods[] = {S("GET"), S("PUT")};
    struct str origins[] = {S("*")};
    struct s3_cors_rule rule = {.allowed_methods = {methods, 2},
                                .allowed_origins = {origins, 1},
                                .max_age_seconds = 60,
                                .has_max_age_seconds = true};
    struct s3_cors_configuration config = {{&rule, 1}};
    struct s3_put_bucket_cors_request put_in = {.bucket = S("b-1"), .cors_configuration = &config};
    struct s3_put_bucket_cors_output put_out;
    ok(RUN(put_bucket_cors, &put_in, &put_out));
    ok(RUN(get_bucket_cors, &in, &out));
    assert_int_equal(out.cors_rules.n, 1);
    assert_str(out.cors_rules.v[0].allowed_methods.v[1], "PUT");
    assert_true(out.cors_rules.v[0].has_max_age_seconds);
    assert_int_equal(out.cors_rules.v[0].max_age_seconds, 60);
    assert_null(out.cors_rules.v[0].id.p);
    struct s3_delete_bucket_cors_request del = {.bucket = S("b-1")};
    struct s3_delete_bucket_cors_output del_out;
    ok(RUN(delete_bucket_cors, &del, &del_out));
    refused(RUN(get_bucket_cors, &in, &out), "NoSuchCORSConfiguration", 404);
}

static void test_a_new_bucket_is_closed_to_the_public(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_get_public_access_block_request in = {.bucket = S("b-1")};
    struct s3_get_public_access_block_output out;
    ok(RUN(get_public_access_block, &in, &out));
    assert_true(out.public_access_block_configuration->block_public_acls);
    assert_true(out.public_access_block_configuration->restrict_public_buckets);
}

static void test_every_bucket_is_encrypted_and_its_default_marks_objects(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_get_bucket_encryption_request in = {.bucket = S("b-1")};
    struct s3_get_bucket_encryption_output out;
    ok(RUN(get_bucket_encryption, &in, &out));
    struct s3_server_side_encryption_configuration *config =
        out.server_side_encryption_configuration;
    assert_str(config->rules.v[0].apply_server_side_encryption_by_default->sse_algorithm, "AES256");
    struct s3_server_side_encryption_by_default by = {.sse_algorithm = S("aws:kms"),
                                                      .kms_master_key_id = S("key-1")};
    struct s3_server_side_encryption_rule rule = {.apply_server_side_encryption_by_default = &by};
    struct s3_server_side_encryption_configuration kms = {{&rule, 1}};
    struct s3_put_bucket_encryption_request put_in = {.bucket = S("b-1"),
                                                      .server_side_encryption_configuration = &kms};
    struct s3_put_bucket_encryption_output put_out;
    ok(RUN(put_bucket_encryption, &put_in, &put_out));
    struct s3_put_object_output p = put("b-1", "k", "x");
    assert_str(p.server_side_encryption, "aws:kms");
    assert_str(p.ssekms_key_id, "key-1");
}

static void test_acls_follow_the_ownership_controls(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_get_bucket_acl_request in = {.bucket = S("b-1")};
    struct s3_get_bucket_acl_output out;
    ok(RUN(get_bucket_acl, &in, &out));
    assert_int_equal(out.grants.n, 1);
    assert_str(out.grants.v[0].permission, "FULL_CONTROL");
    assert_true(str_eq(out.grants.v[0].grantee->id, out.owner->id));
    struct s3_put_bucket_acl_request put_in = {.bucket = S("b-1"), .acl = S("log-delivery-write")};
    struct s3_put_bucket_acl_output put_out;
    refused(RUN(put_bucket_acl, &put_in, &put_out), "AccessControlListNotSupported", 400);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(s3_setting_put(db, S("b-1"), "ownership", STR_NONE, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    ok(RUN(put_bucket_acl, &put_in, &put_out));
    ok(RUN(get_bucket_acl, &in, &out));
    assert_int_equal(out.grants.n, 3);
    put_in.acl = S("public-read");
    refused(RUN(put_bucket_acl, &put_in, &put_out), "AccessDenied", 403);
}

static void test_policies_are_kept_to_the_byte_and_public_ones_blocked(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_get_bucket_policy_request in = {.bucket = S("b-1")};
    struct s3_get_bucket_policy_output out;
    refused(RUN(get_bucket_policy, &in, &out), "NoSuchBucketPolicy", 404);
    struct s3_put_bucket_policy_request put_in = {.bucket = S("b-1"), .policy = S("no json")};
    struct s3_put_bucket_policy_output put_out;
    refused(RUN(put_bucket_policy, &put_in, &put_out), "MalformedPolicy", 400);
    put_in.policy = S("{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"}}]}");
    refused(RUN(put_bucket_policy, &put_in, &put_out), "AccessDenied", 403);
    put_in.policy = S("{ \"Statement\" : [{\"Effect\":\"Deny\",\"Principal\":\"*\"}]}");
    ok(RUN(put_bucket_policy, &put_in, &put_out));
    ok(RUN(get_bucket_policy, &in, &out));
    assert_true(str_eq(out.policy, put_in.policy));
}

static void test_tags_are_checked_and_come_back(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_tag two[] = {{S("a"), S("1")}, {S("a"), S("2")}};
    struct s3_tagging tagging = {{two, 2}};
    struct s3_put_bucket_tagging_request in = {.bucket = S("b-1"), .tagging = &tagging};
    struct s3_put_bucket_tagging_output out;
    refused(RUN(put_bucket_tagging, &in, &out), "InvalidTag", 400);
    two[1].key = S("b");
    ok(RUN(put_bucket_tagging, &in, &out));
    struct s3_get_bucket_tagging_request get_in = {.bucket = S("b-1")};
    struct s3_get_bucket_tagging_output got;
    ok(RUN(get_bucket_tagging, &get_in, &got));
    assert_int_equal(got.tag_set.n, 2);
    put("b-1", "k", "x");
    struct s3_put_object_tagging_request obj = {
        .bucket = S("b-1"), .key = S("k"), .tagging = &tagging};
    struct s3_put_object_tagging_output obj_out;
    ok(RUN(put_object_tagging, &obj, &obj_out));
    struct s3_get_object_tagging_request get_obj = {.bucket = S("b-1"), .key = S("k")};
    struct s3_get_object_tagging_output got_obj;
    ok(RUN(get_object_tagging, &get_obj, &got_obj));
    assert_str(got_obj.tag_set.v[1].key, "b");
}

static void test_lifecycle_rules_get_a_name_and_keep_it(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_lifecycle_expiration expiration = {.days = 7, .has_days = true};
    struct s3_lifecycle_rule_filter filter = {0};
    struct s3_lifecycle_rule rule = {
        .expiration = &expiration, .filter = &filter, .status = S("Enabled")};
    struct s3_bucket_lifecycle_configuration config = {{&rule, 1}};
    struct s3_put_bucket_lifecycle_configuration_request in = {.bucket = S("b-1"),
                                                               .lifecycle_configuration = &config};
    struct s3_put_bucket_lifecycle_configuration_output out;
    ok(RUN(put_bucket_lifecycle_configuration, &in, &out));
    struct s3_get_bucket_lifecycle_configuration_request get_in = {.bucket = S("b-1")};
    struct s3_get_bucket_lifecycle_configuration_output got;
    ok(RUN(get_bucket_lifecycle_configuration, &get_in, &got));
    assert_int_equal(got.rules.v[0].expiration->days, 7);
    assert_non_null(got.rules.v[0].filter);
    assert_int_equal(got.rules.v[0].id.n, 48);
    assert_str(got.transition_default_minimum_object_size, "all_storage_classes_128K");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_bucket_names_are_one_space_over_all_accounts),
        CASE(test_names_that_aws_refuses_are_refused),
        CASE(test_a_bucket_goes_only_when_empty),
        CASE(test_buckets_are_listed_in_pages),
        CASE(test_lists_fold_at_the_delimiter_and_page_without_loss),
        CASE(test_old_lists_go_on_behind_their_marker),
        CASE(test_a_wrong_token_is_refused),
        CASE(test_settings_come_back_as_they_were_put),
        CASE(test_a_new_bucket_is_closed_to_the_public),
        CASE(test_every_bucket_is_encrypted_and_its_default_marks_objects),
        CASE(test_acls_follow_the_ownership_controls),
        CASE(test_policies_are_kept_to_the_byte_and_public_ones_blocked),
        CASE(test_tags_are_checked_and_come_back),
        CASE(test_lifecycle_rules_get_a_name_and_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
