/* What makes an action a plan stage, and what its policy says. */
#include "../../cmocka_.h"

#include "flow/build/plan_guard.h"
#include "platform/text/json.h"

static void test_plan_is_asked_for_by_the_order_or_else_by_the_project(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct codebuild_environment_variable vars[] = {{S("PLAN"), S("true"), STR_NONE}};
    struct codebuild_project_environment environment = {.environment_variables = {vars, 1}};
    struct codebuild_project project = {.environment = &environment};
    struct build_order order = {0};
    assert_true(plan_guard_wanted(&project, &order));
    env_put(&a, &order.env, (struct env_var){S("PLAN"), S("false"), ENV_PLAINTEXT, true});
    assert_false(plan_guard_wanted(&project, &order));
    environment.environment_variables.n = 0;
    assert_false(plan_guard_wanted(&project, &order));
    env_put(&a, &order.env, (struct env_var){S("PLAN"), S("true"), ENV_PLAINTEXT, true});
    assert_true(plan_guard_wanted(&project, &order));
    arena_done(&a);
}

static void test_the_policy_fits_into_sts_and_names_the_artifacts_buckets(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    char longest[64] = "";
    memset(longest, 'b', 63);
    struct build_order order = {0};
    for (int i = 0; i < 2; i++) {
        *arena_push(&a, &order.inputs) = (struct build_artifact_location){.bucket = str_c(longest)};
        *arena_push(&a, &order.outputs) = (struct build_artifact_location){.bucket = S("other")};
    }
    struct str policy = plan_guard_policy(&a, &order);
    json_t *json cleanup_json = json_parse(policy, &err);
    assert_non_null(json);
    print_message("%zu characters\n", policy.n);
    assert_true(policy.n <= 2048);
    assert_true(str_find(policy, S("arn:aws:s3:::other/*"), 0) != (size_t)-1);
    assert_true(str_find(policy, S("*.tflock"), 0) != (size_t)-1);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_is_asked_for_by_the_order_or_else_by_the_project),
        cmocka_unit_test(test_the_policy_fits_into_sts_and_names_the_artifacts_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
