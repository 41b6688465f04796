/* What is told of a request, and that its digest depends on everything but secrets. */
#include "../../cmocka_.h"

#include "aws/shape/told.h"
#include "base/arena.h"
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/secretsmanager.h"
#include "gen/sts.h"

#include <stdio.h>
#include <stdlib.h>

static void test_scalars_are_told_and_those_of_structs_too(void **state) {
    struct arena a = ARENA_INIT;
    struct codepipeline_approval_result result = {.summary = S("looks good"),
                                                  .status = S("Approved")};
    struct codepipeline_put_approval_result_input in = {.pipeline_name = S("site"),
                                                        .stage_name = S("Approve"),
                                                        .action_name = S("Person"),
                                                        .result = &result,
                                                        .token = S("8a1c")};
    struct str told = shape_brief(&a, &codepipeline_op_put_approval_result, &in, NULL);
    assert_string_equal(told.p, "pipelineName=site stageName=Approve actionName=Person "
                                "result.summary=looks good result.status=Approved");
    (void)state;
    arena_done(&a);
}

static void test_names_and_passwords_in_urls_are_not_told(void **state) {
    struct arena a = ARENA_INIT;
    static const char *const urls[][2] = {
        {"https://ann:hidden@git.example.org/a@b.git", "https://***@git.example.org/a@b.git"},
        {"https://hidden@git.example.org", "https://***@git.example.org"},
        {"https://ann:p@ss@git.example.org/x", "https://***@git.example.org/x"},
        {"https://git.example.org/a@b", "https://git.example.org/a@b"},
        {"git@example.org:x.git", "git@example.org:x.git"},
        {"://", "://"},
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct codebuild_start_build_input in = {.source_location_override = str_c(urls[i][0])};
        struct str told = shape_brief(&a, &codebuild_op_start_build, &in, NULL);
        assert_string_equal(told.p, str_printf(&a, "sourceLocationOverride=%s", urls[i][1]).p);
    }
    (void)state;
    arena_done(&a);
}

static void test_ids_of_the_answer_are_told_but_no_credentials(void **state) {
    struct arena a = ARENA_INIT;
    struct sts_assume_role_request in = {.role_arn = S("arn:r"), .role_session_name = S("s")};
    struct sts_credentials keys = {.access_key_id = S("ASIA1"),
                                   .secret_access_key = S("hidden"),
                                   .session_token = S("hidden")};
    struct sts_assume_role_response out = {.credentials = &keys};
    struct str told = shape_brief(&a, &sts_op_assume_role, &in, &out);
    assert_string_equal(told.p, "RoleArn=arn:r RoleSessionName=s -> Credentials.AccessKeyId=ASIA1");
    (void)state;
    arena_done(&a);
}

static void test_long_values_are_told_by_their_size_and_lists_by_their_number(void **state) {
    struct arena a = ARENA_INIT;
    char spec[3000];
    memset(spec, 'x', sizeof(spec));
    struct codebuild_environment_variable v[2] = {{.name = S("A"), .value = S("secret")},
                                                  {.name = S("B"), .value = S("secret")}};
    struct codebuild_start_build_input in = {.project_name = S("site"),
                                             .environment_variables_override = {v, 2},
                                             .buildspec_override = str_n(spec, sizeof(spec))};
    struct str told = shape_brief(&a, &codebuild_op_start_build, &in, NULL);
    assert_string_equal(told.p, "projectName=site environmentVariablesOverride[2] "
                                "buildspecOverride=(3000 bytes)");
    (void)state;
    arena_done(&a);
}

static void test_a_text_of_many_long_values_is_bounded(void **state) {
    struct arena a = ARENA_INIT;
    char text[SHAPE_BRIEF_VALUE_MAX];
    memset(text, 'x', sizeof(text));
    struct str v = str_n(text, sizeof(text));
    struct codebuild_start_build_input in = {.project_name = v,
                                             .source_version = v,
                                             .source_location_override = v,
                                             .buildspec_override = v,
                                             .image_override = v,
                                             .certificate_override = v,
                                             .service_role_override = v};
    struct str told = shape_brief(&a, &codebuild_op_start_build, &in, NULL);
    assert_true(told.n <= SHAPE_BRIEF_MAX + 3);
    assert_true(str_ends(told, S("...")));
    (void)state;
    arena_done(&a);
}

static void assert_same(bool same, const struct shape *s, const void *x, const void *y) {
    unsigned char one[32];
    unsigned char two[32];
    shape_digest(s, x, one);
    shape_digest(s, y, two);
    assert_int_equal(memcmp(one, two, sizeof(one)) == 0, same);
}

static void test_a_digest_depends_on_every_value_that_is_no_secret(void **state) {
    const struct shape *s = codebuild_op_start_build.in;
    struct codebuild_environment_variable v[2] = {{.name = S("A"), .value = S("1")},
                                                  {.name = S("B"), .value = S("2")}};
    struct codebuild_environment_variable w[2] = {{.name = S("A"), .value = S("1")},
                                                  {.name = S("B"), .value = S("3")}};
    struct codebuild_start_build_input one = {.project_name = S("site"),
                                              .environment_variables_override = {v, 2}};
    struct codebuild_start_build_input two = one;
    assert_same(true, s, &one, &two);
    two.environment_variables_override.v = w;
    assert_same(false, s, &one, &two);
    two.environment_variables_override.v = v;
    two.environment_variables_override.n = 1;
    assert_same(false, s, &one, &two);
    two = one;
    two.privileged_mode_override = true;
    two.has_privileged_mode_override = true;
    assert_same(false, s, &one, &two);
    two = one;
    two.source_version = S(""); /* empty is not absent */
    assert_same(false, s, &one, &two);
    (void)state;
}

static void test_a_digest_says_of_a_secret_only_that_it_is_there(void **state) {
    const struct shape *s = secretsmanager_op_create_secret.in;
    struct secretsmanager_create_secret_request one = {.name = S("x"), .secret_string = S("1")};
    struct secretsmanager_create_secret_request two = {.name = S("x"), .secret_string = S("2")};
    assert_same(true, s, &one, &two);
    two.secret_string = STR_NONE;
    assert_same(false, s, &one, &two);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_are_told_and_those_of_structs_too),
        cmocka_unit_test(test_names_and_passwords_in_urls_are_not_told),
        cmocka_unit_test(test_ids_of_the_answer_are_told_but_no_credentials),
        cmocka_unit_test(test_long_values_are_told_by_their_size_and_lists_by_their_number),
        cmocka_unit_test(test_a_text_of_many_long_values_is_bounded),
        cmocka_unit_test(test_a_digest_depends_on_every_value_that_is_no_secret),
        cmocka_unit_test(test_a_digest_says_of_a_secret_only_that_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
