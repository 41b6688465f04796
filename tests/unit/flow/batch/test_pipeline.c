/* Which of an action's outputs each build of a batch makes. */
#include "../../cmocka_.h"

#include "flow/batch/pipeline.h"

static struct build_order order_of(struct arena *a, const char *const *names) {
    struct build_order order = {.resolved_version = S("abc"), .rights = {.policy = S("{}")}};
    *arena_push(a, &order.inputs) = (struct build_artifact_location){
        .name = S("Source"), .bucket = S("b"), .key = S("k"), .sha256 = S("00")};
    for (; *names != NULL; names++) {
        *arena_push(a, &order.outputs) = (struct build_artifact_location){
            .name = str_c(*names), .bucket = S("b"), .key = str_c(*names)};
    }
    return order;
}

static void test_outputs_are_given_by_name_and_the_primary_one_stands_first(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    const char *const names[] = {"a_x", "b", "ab_x", "a", NULL};
    struct build_order all = order_of(&a, names);
    struct build_order one;
    batch_pipeline_group(&a, &all, S("a"), false, &one);
    assert_int_equal(one.outputs.n, 2);
    assert_true(str_is(one.outputs.v[0].name, "a") && one.outputs.v[0].id.n == 0);
    assert_true(str_is(one.outputs.v[1].name, "a_x") && str_is(one.outputs.v[1].id, "x"));
    batch_pipeline_group(&a, &all, S("c"), false, &one);
    assert_int_equal(one.outputs.n, 0);
    assert_int_equal(one.inputs.n, 1);
    arena_done(&a);
}

static void test_what_is_combined_lies_below_the_output(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    const char *const names[] = {"all", NULL};
    struct build_order all = order_of(&a, names);
    struct build_order one;
    batch_pipeline_group(&a, &all, S("a"), true, &one);
    assert_int_equal(one.outputs.n, 1);
    assert_true(str_is(one.outputs.v[0].key, "all/a") && one.outputs.v[0].id.n == 0);
    arena_done(&a);
}

static void test_an_order_survives_the_store(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const char *const names[] = {"a", "a_x", NULL};
    struct build_order all = order_of(&a, names);
    struct build_order back;
    struct str text = batch_pipeline_json(&a, &all);
    assert_int_equal(batch_pipeline_parse(&a, text, &back, &err), 0);
    assert_true(str_eq(batch_pipeline_json(&a, &back), text));
    assert_true(str_is(back.rights.policy, "{}") && back.rights.via.p == NULL);
    assert_int_equal(batch_pipeline_parse(&a, S("{"), &back, &err), -1);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_are_given_by_name_and_the_primary_one_stands_first),
        cmocka_unit_test(test_what_is_combined_lies_below_the_output),
        cmocka_unit_test(test_an_order_survives_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
