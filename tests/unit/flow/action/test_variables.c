/* References in configurations: what they mean, what they must not break, and their limits. */
#include "../../cmocka_.h"

#include "flow/action/content_type.h"
#include "flow/action/running.h"
#include "flow/action/variables.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct variable_scope scope;
    struct err err;
};

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    *arena_push(&b->arena, &b->scope.values) =
        (struct str_pair){S("Source.Message"), S("say \"hi\"\nto all")};
    *arena_push(&b->arena, &b->scope.values) =
        (struct str_pair){S("codepipeline.PipelineExecutionId"), S("e-1")};
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    arena_done(&b->arena);
    free(b);
    return 0;
}

static void expect(struct bench *b, const char *text, const char *wanted) {
    struct str got = STR_NONE;
    b->err = ERR_INIT;
    if (variables_resolve(&b->arena, &b->scope, str_c(text), &got, &b->err) < 0) {
        fail_msg("%s: %s", text, b->err.msg);
    }
    if (!str_is(got, wanted)) {
        fail_msg("%s: '" STR_FMT "', not '%s'", text, STR_ARG(got), wanted);
    }
}

static void test_references_are_replaced_wherever_they_stand(void **state) {
    struct bench *b = *state;
    expect(b, "a #{codepipeline.PipelineExecutionId} b", "a e-1 b");
    expect(b, "#{codepipeline.PipelineExecutionId}#{ codepipeline.PipelineExecutionId }", "e-1e-1");
    expect(b, "${HOME} #notone #{", "${HOME} #notone #{");
    expect(b, "", "");
}

static void test_a_value_cannot_break_the_json_around_it(void **state) {
    expect(*state, "[{\"name\": \"M\", \"value\": \"#{Source.Message}\"}]",
           "[{\"name\":\"M\",\"value\":\"say \\\"hi\\\"\\nto all\"}]");
    expect(*state, "[not json #{codepipeline.PipelineExecutionId}", "[not json e-1");
    expect(*state, "{\"a\":  1}", "{\"a\":  1}"); /* nothing to resolve: not touched */
}

static void test_an_unset_reference_is_named(void **state) {
    struct bench *b = *state;
    struct str got = STR_NONE;
    assert_int_equal(variables_resolve(&b->arena, &b->scope, S("x #{Build.Nope}"), &got, &b->err),
                     -1);
    assert_int_equal(b->err.kind, ERR_INVALID);
    assert_non_null(strstr(b->err.msg, "#{Build.Nope} is not set"));
    assert_int_equal(variables_resolve(&b->arena, &b->scope, S("#{source.Message}"), &got, &b->err),
                     -1); /* names are case-sensitive */
}

static void test_a_configuration_has_its_limit_in_all(void **state) {
    struct bench *b = *state;
    char *half = calloc(1, VARIABLES_RESOLVED_MAX);
    struct str_map from = {0};
    struct str_map to;
    memset(half, 'x', VARIABLES_RESOLVED_MAX / 2);
    struct str value = {half, VARIABLES_RESOLVED_MAX / 2};
    *arena_push(&b->arena, &from) = (struct str_pair){S("A"), value};
    *arena_push(&b->arena, &from) = (struct str_pair){S("B"), value};
    assert_int_equal(variables_resolve_map(&b->arena, &b->scope, &from, &to, &b->err), 0);
    *arena_push(&b->arena, &from) = (struct str_pair){S("C"), S("y")};
    assert_int_equal(variables_resolve_map(&b->arena, &b->scope, &from, &to, &b->err), -1);
    assert_int_equal(b->err.kind, ERR_LIMIT);
    free(half);
}

static void test_output_variables_have_their_limit(void **state) {
    struct bench *b = *state;
    char *text = calloc(1, VARIABLES_OUTPUT_MAX + 16);
    memcpy(text, "{\"k\":\"", 6);
    memset(text + 6, 'v', VARIABLES_OUTPUT_MAX - 1);
    memcpy(text + 6 + VARIABLES_OUTPUT_MAX - 1, "\"}", 2);
    assert_int_equal(variables_check_output(str_c(text), &b->err), 0);
    memcpy(text + 6 + VARIABLES_OUTPUT_MAX - 1, "v\"}", 3);
    assert_int_equal(variables_check_output(str_c(text), &b->err), -1);
    assert_int_equal(b->err.kind, ERR_LIMIT);
    assert_int_equal(variables_check_output(STR_NONE, &b->err), 0);
    free(text);
}

static void test_work_that_runs_is_told_to_stop_and_work_that_does_not_is_not_waited_for(
    void **state) {
    (void)state;
    assert_false(action_stop(S("a")));
    {
        struct action_running one cleanup_running;
        struct action_running two cleanup_running;
        action_enter(&one, S("a"));
        action_enter(&two, S("b"));
        assert_false(action_stopping(S("a")));
        assert_true(action_stop(S("a")));
        assert_true(action_stopping(S("a")));
        assert_false(action_stopping(S("b")));
    }
    assert_false(action_stop(S("a")));
}

static void test_a_file_is_what_the_end_of_its_name_says(void **state) {
    (void)state;
    assert_true(str_is(content_type_of(S("a/b.HTML")), "text/html"));
    assert_true(str_is(content_type_of(S("a.html/b")), "application/octet-stream"));
    assert_true(str_is(content_type_of(S("b")), "application/octet-stream"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(test_references_are_replaced_wherever_they_stand),
        T(test_a_value_cannot_break_the_json_around_it),
        T(test_an_unset_reference_is_named),
        T(test_a_configuration_has_its_limit_in_all),
        T(test_output_variables_have_their_limit),
        T(test_work_that_runs_is_told_to_stop_and_work_that_does_not_is_not_waited_for),
        T(test_a_file_is_what_the_end_of_its_name_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
