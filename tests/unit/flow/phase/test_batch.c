/* What a batch says, what is refused, and into which builds it is written out. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/phase/buildspec.h"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct buildspec read_batch(const char *batch) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    struct str text = str_printf(&arena, "version: 0.2\nphases: {}\nbatch:\n%s", batch);
    assert_int_equal(buildspec_read(&arena, "buildspec.yml", text, &spec, &err), 0);
    return spec;
}

static struct buildspec read_good(const char *batch) {
    struct buildspec spec = read_batch(batch);
    if (spec.errors.n > 0) {
        fail_msg("%u: %s", spec.errors.v[0].line, spec.errors.v[0].text.p);
    }
    return spec;
}

static void assert_error(const char *batch, unsigned line, const char *part) {
    struct buildspec spec = read_batch(batch);
    if (spec.errors.n != 1 || spec.errors.v[0].line != line ||
        !strstr(spec.errors.v[0].text.p, part)) {
        fail_msg("wanted '%s' in line %u; %zu errors, first: %u: %s", part, line, spec.errors.n,
                 spec.errors.n ? spec.errors.v[0].line : 0,
                 spec.errors.n ? spec.errors.v[0].text.p : "-");
    }
}

static void test_a_graph_keeps_its_tasks_with_all_their_keys(void **state) {
    (void)state;
    struct buildspec spec = read_good("  fast-fail: true\n"
                                      "  build-graph:\n"
                                      "  - identifier: compile\n"
                                      "    env:\n"
                                      "      compute-type: BUILD_GENERAL1_SMALL\n"
                                      "      image: aws/codebuild/standard:7.0\n"
                                      "      privileged-mode: true\n"
                                      "      type: LINUX_CONTAINER\n"
                                      "      variables: {LEVEL: 007}\n"
                                      "    ignore-failure: yes\n"
                                      "  - identifier: test-1\n"
                                      "    buildspec: test.yml\n"
                                      "    debug-session: true\n"
                                      "    env: {fleet: arn, privileged-mode: no}\n"
                                      "    depend-on: [compile]\n");
    const struct buildspec_batch *batch = &spec.batch;
    assert_int_equal(batch->kind, BATCH_GRAPH);
    assert_true(batch->fast_fail);
    assert_int_equal(batch->tasks.n, 2);
    const struct batch_task *one = &batch->tasks.v[0];
    assert_true(str_is(one->env.image, "aws/codebuild/standard:7.0"));
    assert_true(str_is(one->env.compute_type, "BUILD_GENERAL1_SMALL"));
    assert_true(str_is(str_map_get(&one->env.variables, S("LEVEL")), "007"));
    assert_int_equal(one->env.privileged, BATCH_YES);
    assert_true(one->ignore_failure);
    const struct batch_task *two = &batch->tasks.v[1];
    assert_true(str_is(two->buildspec, "test.yml"));
    assert_true(two->debug_session);
    assert_int_equal(two->env.privileged, BATCH_NO);
    assert_true(str_is(two->env.fleet, "arn"));
    assert_true(two->depend_on.n == 1 && str_is(two->depend_on.v[0], "compile"));
    assert_int_equal(batch_expand(&arena, batch).n, 2);
}

static void test_a_matrix_is_the_product_of_its_dimensions(void **state) {
    (void)state;
    struct buildspec spec = read_good("  build-matrix:\n"
                                      "    static:\n"
                                      "      ignore-failure: true\n"
                                      "      env: {type: ARM_CONTAINER, variables: {A: fixed}}\n"
                                      "    dynamic:\n"
                                      "      buildspec: [a.yml, b.yml]\n"
                                      "      env:\n"
                                      "        image: [one, two]\n"
                                      "        variables: {A: [1, 2, 3], B: x}\n");
    struct batch_tasks tasks = batch_expand(&arena, &spec.batch);
    assert_int_equal(tasks.n, 12);
    for (size_t i = 0; i < tasks.n; i++) {
        const struct batch_task *task = &tasks.v[i];
        assert_true(str_is(task->buildspec, i < 6 ? "a.yml" : "b.yml"));
        assert_true(str_is(task->env.image, i / 3 % 2 == 0 ? "one" : "two"));
        struct str a = str_map_get(&task->env.variables, S("A"));
        assert_true(a.n == 1 && a.p[0] == "123"[i % 3]);
        assert_true(str_is(str_map_get(&task->env.variables, S("B")), "x"));
        assert_int_equal(task->env.variables.n, 2);
        assert_true(task->ignore_failure && str_is(task->env.type, "ARM_CONTAINER"));
        assert_string_equal(task->identifier.p, str_printf(&arena, "matrix_%zu", i + 1).p);
    }
}

static void test_a_fanout_has_one_build_for_each_shard(void **state) {
    (void)state;
    struct buildspec spec = read_good("  build-fanout: {parallelism: 3, ignore-failure: false}\n");
    struct batch_tasks tasks = batch_expand(&arena, &spec.batch);
    assert_int_equal(tasks.n, 3);
    assert_int_equal(tasks.v[2].shard, 2);
    assert_int_equal(tasks.v[2].shards, 3);
    assert_string_equal(tasks.v[2].identifier.p, "fanout_3");
}

static void test_a_batch_that_cannot_be_run_is_refused(void **state) {
    (void)state;
    assert_error("  fast-fail: true\n", 4, "holds no builds");
    assert_error("  build-list: []\n", 4, "1 to 100");
    assert_error("  build-list:\n  - buildspec: a.yml\n", 5, "no identifier");
    assert_error("  build-list:\n  - identifier: a b\n", 5, "not made of letters");
    assert_error("  build-list:\n  - identifier: a\n  - identifier: a\n", 6, "there already");
    assert_error("  build-list:\n  - identifier: a\n  -\n", 6, "empty");
    assert_error("  build-graph:\n  - identifier: a\n    depend-on: [b]\n", 6, "no build of this");
    assert_error("  build-graph:\n  - {identifier: a, depend-on: [a]}\n", 5, "waits for itself");
    assert_error("  build-list:\n  - {identifier: a}\n  build-fanout: {parallelism: 2}\n", 6,
                 "one type");
    assert_error("  build-fanout: {parallelism: 0}\n", 4, "from 1 to 100");
    assert_error("  build-fanout: {parallelism: many}\n", 4, "from 1 to 100");
    assert_error("  build-matrix: {dynamic: {env: {}}}\n", 4, "nothing to combine");
    assert_error("  build-matrix: {dynamic: {env: {variables: {A: [1,2,3,4,5,6,7,8,9,0,1],\n"
                 "   B: [1,2,3,4,5,6,7,8,9,0]}}}}\n",
                 4, "more than 100");
    assert_error("  build-list:\n  - {identifier: a, env: {fleet: f, compute-type: c}}\n", 5,
                 "both fleet and compute-type");
}

static void test_every_build_of_a_circle_is_named(void **state) {
    (void)state;
    struct buildspec spec = read_batch("  build-graph:\n"
                                       "  - {identifier: a}\n"
                                       "  - {identifier: b, depend-on: [a, d]}\n"
                                       "  - {identifier: c, depend-on: [b]}\n"
                                       "  - {identifier: d, depend-on: [c]}\n");
    assert_int_equal(spec.errors.n, 3);
    assert_non_null(strstr(spec.errors.v[0].text.p, "'b' waits for itself"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_graph_keeps_its_tasks_with_all_their_keys),
        cmocka_unit_test(test_a_matrix_is_the_product_of_its_dimensions),
        cmocka_unit_test(test_a_fanout_has_one_build_for_each_shard),
        cmocka_unit_test(test_a_batch_that_cannot_be_run_is_refused),
        cmocka_unit_test(test_every_build_of_a_circle_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
