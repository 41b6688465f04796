/* Where a build's variables come from, and what in them is expanded. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/phase/env.h"

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

static struct buildspec read_spec(const char *env) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    struct str text = str_printf(&arena, "version: 0.2\nphases: {}\nenv:\n%s", env);
    assert_int_equal(buildspec_read(&arena, "b.yml", text, &spec, &err), 0);
    assert_int_equal(spec.errors.n, 0);
    return spec;
}

static struct env plain(const char *name, const char *value) {
    struct env env = {0};
    env_put(&arena, &env, (struct env_var){str_c(name), str_c(value), ENV_PLAINTEXT, false});
    return env;
}

static void assert_var(const struct env *env, const char *name, const char *value) {
    const struct env_var *var = env_find(env, str_c(name));
    assert_non_null(var);
    assert_string_equal(str_z(&arena, var->value), value);
}

static void test_project_beats_buildspec_and_both_beat_builtins(void **state) {
    (void)state;
    struct buildspec spec = read_spec("  variables: {A: spec, B: spec, AWS_REGION: mine}\n"
                                      "  parameter-store: {C: /p}\n");
    struct env outer = plain("A", "project");
    env_put(&arena, &outer, (struct env_var){S("C"), S("text"), ENV_PLAINTEXT, false});
    struct env builtin = plain("AWS_REGION", "eu-west-2");
    struct env env = env_of_build(&arena, &spec, &outer, &builtin);
    assert_var(&env, "A", "project");
    assert_var(&env, "B", "spec");
    assert_var(&env, "AWS_REGION", "mine");
    assert_var(&env, "C", "text");
    assert_int_equal(env_find(&env, S("C"))->type, ENV_PLAINTEXT);
    assert_int_equal(env.n, 4);
}

static void test_references_expand_both_forms_and_plain_values_only_braces(void **state) {
    (void)state;
    struct buildspec spec =
        read_spec("  variables: {A: '${ENV}', B: $ENV, C: '${NO}x$', D: '${}'}\n"
                  "  parameter-store: {P: '/x/$ENV/${ENV}_y', Q: /$NO/$}\n");
    struct env outer = plain("ENV", "production");
    struct env none = {0};
    struct env env = env_of_build(&arena, &spec, &outer, &none);
    assert_var(&env, "A", "production");
    assert_var(&env, "B", "$ENV");
    assert_var(&env, "C", "${NO}x$");
    assert_var(&env, "D", "${}");
    assert_var(&env, "P", "/x/production/production_y");
    assert_var(&env, "Q", "/$NO/$");
}

static void test_within_a_buildspec_the_store_that_is_loaded_last_wins(void **state) {
    (void)state;
    struct buildspec spec = read_spec("  secrets-manager: {A: s}\n"
                                      "  variables: {A: v}\n"
                                      "  parameter-store: {A: p}\n");
    struct env none = {0};
    struct env env = env_of_build(&arena, &spec, &none, &none);
    assert_int_equal(env.n, 1);
    assert_int_equal(env.v[0].type, ENV_SECRETS_MANAGER);
}

static void test_secrets_of_the_project_and_aws_names_are_not_exported(void **state) {
    (void)state;
    struct buildspec spec = read_spec("  parameter-store: {P: /p}\n");
    struct env none = {0};
    struct env outer = {0};
    env_put(&arena, &outer, (struct env_var){S("S"), S("/s"), ENV_PARAMETER_STORE, false});
    struct env env = env_of_build(&arena, &spec, &outer, &none);
    assert_false(env_may_export(&env, S("S")));
    assert_false(env_may_export(&env, S("AWS_REGION")));
    assert_true(env_may_export(&env, S("P")));
    assert_true(env_may_export(&env, S("SET_LATER")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_project_beats_buildspec_and_both_beat_builtins),
        cmocka_unit_test(test_references_expand_both_forms_and_plain_values_only_braces),
        cmocka_unit_test(test_within_a_buildspec_the_store_that_is_loaded_last_wins),
        cmocka_unit_test(test_secrets_of_the_project_and_aws_names_are_not_exported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
