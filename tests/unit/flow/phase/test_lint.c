/* What lint says: places, surprises of commands, and its stable JSON. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "flow/phase/lint.h"

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

static struct str lint(const char *text) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    assert_int_equal(lint_buildspec(&arena, "b.yml", str_c(text), &spec, &err), 0);
    return lint_text(&arena, "b.yml", &spec);
}

static void test_notes_come_in_the_order_of_the_file(void **state) {
    (void)state;
    struct str said = lint("version: 0.2\n"
                           "phase: {}\n"
                           "phases:\n"
                           "  build:\n"
                           "    commands:\n"
                           "      - echo a: b\n");
    assert_string_equal(str_z(&arena, said),
                        "b.yml:2:1: warning: 'phase' is no key of a buildspec and is ignored; did "
                        "you mean 'phases'?\n"
                        "b.yml:6:9: error: YAML reads this item of phases.build.commands as a "
                        "mapping because of the ': ' after 'echo a'; put the whole command in "
                        "single quotes\n");
}

static void test_commands_that_do_other_than_they_look_are_named(void **state) {
    (void)state;
    struct str said = lint("version: 0.2\n"
                           "phases:\n"
                           "  build:\n"
                           "    commands:\n"
                           "      - set -e\n"
                           "      - make | tee log\n"
                           "      - echo \"a|b\" || true\n"
                           "      - set -o pipefail; make | tee log\n"
                           "  post_build:\n"
                           "    commands: [echo done]\n");
    assert_true(str_find(said, S("b.yml:5:9: warning: 'set -e' has no effect"), 0) != (size_t)-1);
    assert_true(str_find(said, S("b.yml:6:9: warning: only the last part of a pipe"), 0) !=
                (size_t)-1);
    assert_true(str_find(said, S("b.yml:7:"), 0) == (size_t)-1);
    assert_true(str_find(said, S("b.yml:8:"), 0) == (size_t)-1);
    assert_true(str_find(said, S("warning: post_build runs after a failed build"), 0) !=
                (size_t)-1);
}

static void test_guarded_post_build_and_plain_commands_are_quiet(void **state) {
    (void)state;
    struct str said =
        lint("version: 0.2\n"
             "phases:\n"
             "  build: {commands: [make]}\n"
             "  post_build:\n"
             "    commands: ['[ $CODEBUILD_BUILD_SUCCEEDING -eq 1 ]', 'echo done']\n");
    assert_string_equal(str_z(&arena, said), "");
}

static void test_json_shows_the_file_as_it_was_read(void **state) {
    (void)state;
    struct buildspec spec;
    struct err err = ERR_INIT;
    const char *text = "version: 0.2\n"
                       "env: {variables: {A: 0755, B: true}}\n"
                       "phases: {build: {commands: make, finally: [clean]}}\n"
                       "artifacts: {files: out}\n"
                       "cache: {paths: [x]}\n";
    assert_int_equal(lint_buildspec(&arena, "b.yml", str_c(text), &spec, &err), 0);
    json_t *json cleanup_json = lint_json("b.yml", &spec);
    assert_string_equal(
        str_z(&arena, json_dump_str(&arena, json)),
        "{\"file\":\"b.yml\",\"valid\":true,\"errors\":[],\"warnings\":[],\"buildspec\":{"
        "\"version\":\"0.2\",\"env\":{\"shell\":\"sh\",\"variables\":{\"A\":\"0755\",\"B\":"
        "\"true\"}"
        ",\"parameter-store\":{},\"secrets-manager\":{},\"exported-variables\":[]},\"phases\":{"
        "\"build\":{\"commands\":[\"make\"],\"finally\":[\"clean\"]}},\"artifacts\":{\"files\":["
        "\"out\"],\"exclude-paths\":[]},\"cache\":{\"paths\":[\"x\"],\"fallback-keys\":[]}}}");
}

static void test_broken_yaml_is_one_error_with_its_place(void **state) {
    (void)state;
    assert_string_equal(str_z(&arena, lint("version: 0.2\nphases: [\n")),
                        "b.yml:3:1: error: did not find expected node content\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_come_in_the_order_of_the_file),
        cmocka_unit_test(test_commands_that_do_other_than_they_look_are_named),
        cmocka_unit_test(test_guarded_post_build_and_plain_commands_are_quiet),
        cmocka_unit_test(test_json_shows_the_file_as_it_was_read),
        cmocka_unit_test(test_broken_yaml_is_one_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
