/* Which actions and resources a call needs. */
#include "../../cmocka_.h"

#include <stdlib.h>

#include "aws/shape/rights.h"
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/kms.h"
#include "gen/lambda.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/ssm.h"
#include "gen/sts.h"

static int set_up(void **state) {
    struct arena *a = mem_alloc(sizeof *a);
    arena_init(a);
    *state = a;
    return 0;
}

static int tear_down(void **state) {
    arena_done(*state);
    free(*state);
    return 0;
}

/* All needs as "action resource" lines, so that one comparison says everything. */
static const char *needs(struct arena *a, const struct shape_op *op, const void *in) {
    struct shape_need_list list = shape_needs(a, op, in, S("111111111111"), S("eu-west-2"));
    struct str text = S("");
    for (size_t i = 0; i < list.n; i++) {
        text = str_printf(a, STR_FMT STR_FMT " " STR_FMT "\n", STR_ARG(text),
                          STR_ARG(list.v[i].action), STR_ARG(list.v[i].resource));
    }
    return str_z(a, text);
}

static void test_parameter_has_one_slash_and_no_version(void **state) {
    struct arena *a = *state;
    struct ssm_get_parameter_request in = {.name = S("/app/dev/key:3")};
    assert_string_equal(
        needs(a, &ssm_op_get_parameter, &in),
        "ssm:GetParameter arn:aws:ssm:eu-west-2:111111111111:parameter/app/dev/key\n");
    in.name = S("plain");
    assert_string_equal(needs(a, &ssm_op_get_parameter, &in),
                        "ssm:GetParameter arn:aws:ssm:eu-west-2:111111111111:parameter/plain\n");
    in.name = S("arn:aws:ssm:us-east-1:222222222222:parameter/x:label");
    assert_string_equal(needs(a, &ssm_op_get_parameter, &in),
                        "ssm:GetParameter arn:aws:ssm:us-east-1:222222222222:parameter/x\n");
}

static void test_each_element_of_a_list_is_a_resource(void **state) {
    struct arena *a = *state;
    struct str names[] = {S("/a"), S("b")};
    struct ssm_get_parameters_request in = {.names = {names, 2}};
    assert_string_equal(needs(a, &ssm_op_get_parameters, &in),
                        "ssm:GetParameters arn:aws:ssm:eu-west-2:111111111111:parameter/a\n"
                        "ssm:GetParameters arn:aws:ssm:eu-west-2:111111111111:parameter/b\n");
}

static void test_nested_lists_and_map_keys_are_found(void **state) {
    struct arena *a = *state;
    struct s3_object_identifier objects[] = {{.key = S("x")}, {.key = S("y/z")}};
    struct s3_delete delete_ = {.objects = {objects, 2}};
    struct s3_delete_objects_request s3_in = {.bucket = S("b"), .delete = &delete_};
    assert_string_equal(needs(a, &s3_op_delete_objects, &s3_in),
                        "s3:DeleteObject arn:aws:s3:::b/x\ns3:DeleteObject arn:aws:s3:::b/y/z\n");
    struct dynamodb_keys_and_attributes_map_entry entries[] = {{.key = S("t1")}, {.key = S("t2")}};
    struct dynamodb_batch_get_item_input db_in = {.request_items = {entries, 2}};
    assert_string_equal(needs(a, &dynamodb_op_batch_get_item, &db_in),
                        "dynamodb:BatchGetItem arn:aws:dynamodb:eu-west-2:111111111111:table/t1\n"
                        "dynamodb:BatchGetItem arn:aws:dynamodb:eu-west-2:111111111111:table/t2\n");
}

static void test_several_rights_are_needed_together(void **state) {
    struct arena *a = *state;
    struct codepipeline_pipeline_declaration pipeline = {
        .name = S("release"), .role_arn = S("arn:aws:iam::111111111111:role/p")};
    struct codepipeline_create_pipeline_input in = {.pipeline = &pipeline};
    assert_string_equal(
        needs(a, &codepipeline_op_create_pipeline, &in),
        "codepipeline:CreatePipeline arn:aws:codepipeline:eu-west-2:111111111111:release\n"
        "iam:PassRole arn:aws:iam::111111111111:role/p\n");
}

static void test_conditions_choose_between_actions(void **state) {
    struct arena *a = *state;
    struct s3_get_object_request in = {.bucket = S("b"), .key = S("k")};
    assert_string_equal(needs(a, &s3_op_get_object, &in), "s3:GetObject arn:aws:s3:::b/k\n");
    in.version_id = S("v1");
    assert_string_equal(needs(a, &s3_op_get_object, &in), "s3:GetObjectVersion arn:aws:s3:::b/k\n");
}

static void test_object_key_that_looks_like_an_arn_is_only_a_key(void **state) {
    struct arena *a = *state;
    struct s3_get_object_request in = {.bucket = S("b"), .key = S("arn:aws:s3:::other/k")};
    assert_string_equal(needs(a, &s3_op_get_object, &in),
                        "s3:GetObject arn:aws:s3:::b/arn:aws:s3:::other/k\n");
}

static void test_copy_needs_the_source_decoded(void **state) {
    struct arena *a = *state;
    struct s3_copy_object_request in = {
        .bucket = S("b"), .key = S("k"), .copy_source = S("/src/a%20b%2Fc?versionId=7")};
    assert_string_equal(needs(a, &s3_op_copy_object, &in),
                        "s3:PutObject arn:aws:s3:::b/k\ns3:GetObject arn:aws:s3:::src/a b/c\n");
    in.copy_source = S("src/100%");
    assert_string_equal(needs(a, &s3_op_copy_object, &in),
                        "s3:PutObject arn:aws:s3:::b/k\ns3:GetObject arn:aws:s3:::src/100%\n");
}

static void test_builds_stand_for_their_project(void **state) {
    struct arena *a = *state;
    struct codebuild_stop_build_input in = {.id = S("app:0af1")};
    const char *want = "codebuild:StopBuild arn:aws:codebuild:eu-west-2:111111111111:project/app\n";
    assert_string_equal(needs(a, &codebuild_op_stop_build, &in), want);
    in.id = S("arn:aws:codebuild:eu-west-2:111111111111:build/app:0af1");
    assert_string_equal(needs(a, &codebuild_op_stop_build, &in), want);
}

static void test_keys_groups_and_functions_in_all_their_forms(void **state) {
    struct arena *a = *state;
    struct kms_describe_key_request key = {.key_id = S("1234")};
    assert_string_equal(needs(a, &kms_op_describe_key, &key),
                        "kms:DescribeKey arn:aws:kms:eu-west-2:111111111111:key/1234\n");
    key.key_id = S("alias/app");
    assert_string_equal(needs(a, &kms_op_describe_key, &key),
                        "kms:DescribeKey arn:aws:kms:eu-west-2:111111111111:alias/app\n");
    struct logs_filter_log_events_request group = {
        .log_group_identifier = S("arn:aws:logs:eu-west-2:111111111111:log-group:/x/y:*")};
    assert_string_equal(
        needs(a, &logs_op_filter_log_events, &group),
        "logs:FilterLogEvents arn:aws:logs:eu-west-2:111111111111:log-group:/x/y:log-stream:\n");
    struct lambda_invocation_request function = {.function_name = S("111111111111:function:f")};
    assert_string_equal(needs(a, &lambda_op_invoke, &function),
                        "lambda:InvokeFunction arn:aws:lambda:eu-west-2:111111111111:function:f\n");
}

static void test_global_service_has_no_region_and_path_defaults_to_slash(void **state) {
    struct arena *a = *state;
    struct iam_create_role_request in = {.role_name = S("r")};
    assert_string_equal(needs(a, &iam_op_create_role, &in),
                        "iam:CreateRole arn:aws:iam::111111111111:role/r\n");
    in.path = S("/team/");
    assert_string_equal(needs(a, &iam_op_create_role, &in),
                        "iam:CreateRole arn:aws:iam::111111111111:role/team/r\n");
}

static void test_table_arn_keeps_the_index_behind_it(void **state) {
    struct arena *a = *state;
    struct dynamodb_query_input in = {
        .table_name = S("arn:aws:dynamodb:eu-west-2:222222222222:table/t"), .index_name = S("i")};
    assert_string_equal(needs(a, &dynamodb_op_query, &in),
                        "dynamodb:Query arn:aws:dynamodb:eu-west-2:222222222222:table/t/index/i\n");
}

static void test_transaction_asks_for_what_it_does_and_never_for_nothing(void **state) {
    struct arena *a = *state;
    struct dynamodb_delete delete_ = {.table_name = S("t")};
    struct dynamodb_transact_write_item item = {.delete = &delete_};
    struct dynamodb_transact_write_items_input in = {.transact_items = {&item, 1}};
    assert_string_equal(needs(a, &dynamodb_op_transact_write_items, &in),
                        "dynamodb:DeleteItem arn:aws:dynamodb:eu-west-2:111111111111:table/t\n");
    in.transact_items.n = 0;
    assert_string_equal(needs(a, &dynamodb_op_transact_write_items, &in), "dynamodb:PutItem *\n");
}

static void test_everyone_may_ask_who_they_are(void **state) {
    struct arena *a = *state;
    struct sts_get_caller_identity_request in = {0};
    assert_string_equal(needs(a, &sts_op_get_caller_identity, &in), "");
    struct sts_get_access_key_info_request key = {.access_key_id = S("AKIAEXAMPLE")};
    assert_string_equal(needs(a, &sts_op_get_access_key_info, &key), "sts:GetAccessKeyInfo *\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_has_one_slash_and_no_version),
        cmocka_unit_test(test_each_element_of_a_list_is_a_resource),
        cmocka_unit_test(test_nested_lists_and_map_keys_are_found),
        cmocka_unit_test(test_several_rights_are_needed_together),
        cmocka_unit_test(test_conditions_choose_between_actions),
        cmocka_unit_test(test_object_key_that_looks_like_an_arn_is_only_a_key),
        cmocka_unit_test(test_copy_needs_the_source_decoded),
        cmocka_unit_test(test_builds_stand_for_their_project),
        cmocka_unit_test(test_keys_groups_and_functions_in_all_their_forms),
        cmocka_unit_test(test_global_service_has_no_region_and_path_defaults_to_slash),
        cmocka_unit_test(test_table_arn_keeps_the_index_behind_it),
        cmocka_unit_test(test_everyone_may_ask_who_they_are),
        cmocka_unit_test(test_transaction_asks_for_what_it_does_and_never_for_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
