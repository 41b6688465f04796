/* What a buildspec says, and what is said about a bad one. */
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

static struct buildspec read_text(const char *text) {
    struct buildspec spec;
    struct err err = ERR_INIT;
    assert_int_equal(buildspec_read(&arena, "buildspec.yml", str_c(text), &spec, &err), 0);
    return spec;
}

static struct buildspec read_good(const char *text) {
    struct buildspec spec = read_text(text);
    if (spec.errors.n > 0) {
        fail_msg("%u: %s", spec.errors.v[0].line, spec.errors.v[0].text.p);
    }
    return spec;
}

static void assert_error(const char *text, unsigned line, const char *code, const char *part) {
    struct buildspec spec = read_text(text);
    for (size_t i = 0; i < spec.errors.n; i++) {
        const struct buildspec_note *note = &spec.errors.v[i];
        if (note->line == line && strcmp(note->code, code) == 0 && strstr(note->text.p, part)) {
            return;
        }
    }
    fail_msg("no error %s in line %u with '%s'; first of %zu: %s", code, line, part, spec.errors.n,
             spec.errors.n ? spec.errors.v[0].text.p : "-");
}

static void assert_warning(const char *text, unsigned line, const char *code, const char *part) {
    struct buildspec spec = read_good(text);
    for (size_t i = 0; i < spec.warnings.n; i++) {
        const struct buildspec_note *note = &spec.warnings.v[i];
        if (note->line == line && strcmp(note->code, code) == 0 && strstr(note->text.p, part)) {
            return;
        }
    }
    fail_msg("no warning %s in line %u with '%s'", code, line, part);
}

static void test_all_of_env_is_read_as_written(void **state) {
    (void)state;
    struct buildspec spec = read_good("version: 0.2\n"
                                      "run-as: builder\n"
                                      "env:\n"
                                      "  shell: /bin/bash\n"
                                      "  variables:\n"
                                      "    A: 012\n"
                                      "    B: yes\n"
                                      "    C:\n"
                                      "    D: 1e3\n"
                                      "  parameter-store: {P: /x/$ENV/p}\n"
                                      "  secrets-manager: {S: 'db:password::id'}\n"
                                      "  exported-variables: [A, B]\n"
                                      "  git-credential-helper: yes\n"
                                      "phases: {}\n");
    assert_int_equal(spec.version, 2);
    assert_true(str_is(spec.shell, "bash"));
    assert_true(str_is(spec.run_as, "builder"));
    assert_true(str_is(str_map_get(&spec.variables, S("A")), "012"));
    assert_true(str_is(str_map_get(&spec.variables, S("B")), "yes"));
    assert_true(str_is(str_map_get(&spec.variables, S("C")), ""));
    assert_true(str_is(str_map_get(&spec.variables, S("D")), "1e3"));
    assert_true(str_is(str_map_get(&spec.parameters, S("P")), "/x/$ENV/p"));
    assert_true(str_is(str_map_get(&spec.secrets, S("S")), "db:password::id"));
    assert_int_equal(spec.exported.n, 2);
    assert_true(spec.git_credential_helper);
    assert_int_equal(spec.phases, 0);
}

static void test_phases_keep_the_order_of_the_file(void **state) {
    (void)state;
    struct buildspec spec = read_good("version: '0.2'\n"
                                      "phases:\n"
                                      "  build:\n"
                                      "    on-failure: CONTINUE\n"
                                      "    commands: make all\n"
                                      "    finally:\n"
                                      "      - |\n"
                                      "        one\n"
                                      "        two\n"
                                      "  install:\n"
                                      "    runtime-versions: {python: 3.11}\n"
                                      "    run-as: bob\n"
                                      "    commands:\n"
                                      "      - 5\n"
                                      "      - 'echo \"a: b\"'\n");
    assert_int_equal(spec.phases, 2);
    assert_int_equal(spec.order[0], BUILDSPEC_BUILD);
    assert_int_equal(spec.order[1], BUILDSPEC_INSTALL);
    const struct buildspec_phase *build = &spec.phase[BUILDSPEC_BUILD];
    assert_int_equal(build->on_failure.kind, ON_FAILURE_CONTINUE);
    assert_int_equal(build->commands.n, 1);
    assert_true(str_is(build->commands.v[0], "make all"));
    assert_true(str_is(build->finally.v[0], "one\ntwo\n"));
    const struct buildspec_phase *install = &spec.phase[BUILDSPEC_INSTALL];
    assert_true(str_is(install->commands.v[0], "5"));
    assert_true(str_is(install->commands.v[1], "echo \"a: b\""));
    assert_true(str_is(install->runtimes.v[0].value, "3.11"));
    assert_true(str_is(install->run_as, "bob"));
    assert_false(spec.phase[BUILDSPEC_POST_BUILD].present);
}

static void test_artifacts_cache_and_reports_are_read(void **state) {
    (void)state;
    struct buildspec spec =
        read_good("version: 0.2\n"
                  "phases: {build: {commands: [make]}}\n"
                  "artifacts:\n"
                  "  files: '**/*'\n"
                  "  name: app-$(date)\n"
                  "  discard-paths: yes\n"
                  "  base-directory: out\n"
                  "  exclude-paths: ['**/.git/**/*']\n"
                  "  secondary-artifacts:\n"
                  "    docs: {files: [a, b]}\n"
                  "cache: {paths: [/root/.m2/**/*], key: k}\n"
                  "reports: {unit: {files: ['*.xml'], file-format: JunitXml}}\n"
                  "batch: {fast-fail: true, build-list: [{identifier: one}]}\n");
    assert_true(spec.has_artifacts);
    assert_true(str_is(spec.artifact.files.v[0], "**/*"));
    assert_true(spec.artifact.discard_paths);
    assert_true(str_is(spec.artifact.base_directory, "out"));
    assert_int_equal(spec.artifact.exclude.n, 1);
    assert_int_equal(spec.secondary.n, 1);
    assert_true(str_is(spec.secondary.v[0].id, "docs"));
    assert_int_equal(spec.secondary.v[0].files.n, 2);
    assert_int_equal(spec.cache.paths.n, 1);
    assert_true(str_is(spec.reports.v[0].format_text, "JunitXml"));
    assert_int_equal(spec.reports.v[0].format, REPORT_JUNITXML);
    assert_int_equal(spec.batch.kind, BATCH_LIST);
}

static void test_on_failure_takes_each_of_its_forms(void **state) {
    (void)state;
    struct on_failure f;
    assert_true(on_failure_parse(&arena, S("RETRY"), &f) && f.count == 3 && str_is(f.regex, ".*"));
    assert_true(on_failure_parse(&arena, S("RETRY-4"), &f) && f.count == 4);
    assert_true(on_failure_parse(&arena, S("RETRY-invalid+"), &f) && f.count == 3);
    assert_true(str_is(f.regex, "invalid+"));
    assert_true(on_failure_parse(&arena, S("RETRY-3-.*connection timed out.*"), &f));
    assert_true(f.count == 3 && str_is(f.regex, ".*connection timed out.*"));
    assert_true(on_failure_parse(&arena, S("RETRY-5xx"), &f) && str_is(f.regex, "5xx"));
    assert_false(on_failure_parse(&arena, S("RETRY-101"), &f));
    assert_false(on_failure_parse(&arena, S("RETRY-"), &f));
    assert_false(on_failure_parse(&arena, S("MAYBE"), &f));
}

static void test_errors_name_their_line_and_what_to_do(void **state) {
    (void)state;
    assert_error("version: 0.3\nphases: {}\n", 1, "version", "it is 0.1 or 0.2");
    assert_error("phases: {}\n", 1, "version", "write 'version: 0.2'");
    assert_error("version: 0.2\n", 1, "phases", "phases is missing");
    assert_error("", 1, "empty", "empty");
    assert_error("- a\n", 1, "type", "must be a mapping, not a list");
    assert_error("version: 0.2\nphases:\n  build:\n  - a\n", 4, "type", "must be a mapping");
    assert_error("version: 0.2\nphases:\n\tbuild:\n", 3, "yaml", "found a tab");
    assert_error("version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n", 5,
                 "map-command", "single quotes");
    assert_error("version: 0.2\nphases:\n  build:\n    commands:\n      - [a]\n", 5, "type",
                 "not a list");
    assert_error("version: 0.2\nphases: {build: {commands: [\"a\\0b\"]}}\n", 2, "nul", "NUL");
    assert_error("version: 0.2\nphases: {build: {on-failure: MAYBE}}\n", 2, "on-failure", "MAYBE");
    assert_error("version: 0.2\nenv:\n  shell: powershell.exe\nphases: {}\n", 3, "shell",
                 "Linux only");
    assert_error("version: 0.2\nenv:\n  variables:\n    1BAD: x\nphases: {}\n", 4, "variable-name",
                 "1BAD");
    assert_error("version: 0.2\nenv:\n  variables:\n    A: [1]\nphases: {}\n", 4, "type",
                 "must be plain text, not a list");
    assert_error("version: 0.2\nphases: {}\ncache: {action: keep}\n", 3, "cache",
                 "restore or save");
}

static void test_every_error_of_a_file_is_told_at_once(void **state) {
    (void)state;
    struct buildspec spec = read_text("version: 9\n"
                                      "env: {shell: fish}\n"
                                      "phases: {build: {commands: [{a: b}]}}\n");
    assert_int_equal(spec.errors.n, 3);
}

static void test_surprises_are_warnings(void **state) {
    (void)state;
    assert_warning("version: 0.2\nphases:\n  pre-build: {commands: [a]}\n", 3, "unknown-key",
                   "did you mean 'pre_build'?");
    assert_warning("version: 0.2\nphases: {}\nphases: {}\n", 3, "duplicate-key", "line 2");
    assert_warning("version: 0.2\nenv: {variables: {A: $ENV}}\nphases: {}\n", 2, "literal-variable",
                   "write ${NAME}");
    assert_warning("version: 0.2\nenv: {variables: {CODEBUILD_X: 1}}\nphases: {}\n", 2,
                   "reserved-name", "CODEBUILD_X");
    assert_warning("version: 0.2\nphases: {}\nartifacts: {name: x}\n", 3, "no-files", "no files");
    assert_warning("version: 0.2\nphases: {build: {commands: [a, null]}}\n", 2, "empty-command",
                   "item 2");
}

static void test_version_1_has_its_own_environment_section(void **state) {
    (void)state;
    struct buildspec spec = read_good("version: 0.1\n"
                                      "environment_variables:\n"
                                      "  plaintext: {A: b}\n"
                                      "phases: {build: {commands: [make]}}\n");
    assert_int_equal(spec.version, 1);
    assert_true(str_is(str_map_get(&spec.variables, S("A")), "b"));
    assert_int_equal(spec.warnings.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_env_is_read_as_written),
        cmocka_unit_test(test_phases_keep_the_order_of_the_file),
        cmocka_unit_test(test_artifacts_cache_and_reports_are_read),
        cmocka_unit_test(test_on_failure_takes_each_of_its_forms),
        cmocka_unit_test(test_errors_name_their_line_and_what_to_do),
        cmocka_unit_test(test_every_error_of_a_file_is_told_at_once),
        cmocka_unit_test(test_surprises_are_warnings),
        cmocka_unit_test(test_version_1_has_its_own_environment_section),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
