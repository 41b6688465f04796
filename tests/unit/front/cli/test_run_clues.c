/* What a build's log tells `trunkline run` about what is missing. */
#include "../../cmocka_.h"

#include "front/cli/run_hints.h"

static struct arena arena;

static void assert_program(const char *line, const char *program) {
    struct str found = run_missing_program(str_c(line));
    assert_string_equal(str_z(&arena, found.p ? found : S("")), program);
}

static void test_shells_make_and_env_say_which_program_is_missing(void **state) {
    (void)state;
    assert_program("/codebuild/output/tmp/script.sh: 4: npm: not found", "npm");
    assert_program("/codebuild/output/tmp/script.sh: line 4: npm: command not found", "npm");
    assert_program("./scripts/init.sh: 22: apk: not found\r\n", "apk");
    assert_program("sh: g++: not found", "g++");
    assert_program("make: gcc: No such file or directory", "gcc");
    assert_program("/usr/bin/env: 'node': No such file or directory", "node");
    assert_program("/usr/bin/env: \u2018node\u2019: No such file or directory", "node");
    assert_program("script.sh: 4: [[: not found", "[[");
}

static void test_other_lines_name_no_program(void **state) {
    (void)state;
    assert_program("cat: notes.txt: No such file or directory", "");
    assert_program("/codebuild/script.sh: 4: ./build.sh: not found", "");
    assert_program("Error: Page not found", "");
    assert_program(": not found", "");
    assert_program("not found", "");
    assert_program("x: a b: not found", "");
    assert_program("", "");
}

static void test_programs_lead_to_packages_in_the_order_of_the_alphabet(void **state) {
    (void)state;
    static const char *const names[] = {
#define PROGRAM(name, package) name,
#include "front/cli/programs.def"
#undef PROGRAM
    };
    assert_string_equal(run_program_package(S("pip")), "python3-pip");
    assert_null(run_program_package(S("no-such-program")));
    assert_null(run_program_package(STR_NONE));
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(strcmp(names[i - 1], names[i]) < 0);
    }
}

static void test_hosts_are_told_once_and_only_by_the_builds_own_lines(void **state) {
    (void)state;
    struct run_clues clues = {0};
    for (int i = 0; i < 3; i++) {
        run_clues_see(
            &arena, &clues,
            S("[Container] 2026/11/28 17:36:44.592 Egress refused: a.org (no such host)"));
    }
    run_clues_see(&arena, &clues, S("line 1: `Egress refused: b.org (no such host).'"));
    assert_int_equal(clues.refused.n, 1);
    assert_string_equal(str_z(&arena, clues.refused.v[0]), "a.org (no such host)");
    run_clues_see(&arena, &clues, S("[Container] Egress failed: c.org: GET https://c.org/x: why"));
    assert_string_equal(str_z(&arena, clues.refused.v[1]), "c.org: GET https://c.org/x: why");
    for (int i = 0; i < 2 * RUN_CLUES_HOSTS; i++) {
        run_clues_see(&arena, &clues,
                      str_printf(&arena, "[Container] Egress refused: h%d.org (no)", i));
    }
    assert_int_equal(clues.refused.n, RUN_CLUES_HOSTS);
    assert_false(clues.no_git);
    run_clues_see(&arena, &clues,
                  S("fatal: not a git repository (or any of the parent directories)"));
    assert_true(clues.no_git);
}

static void test_packages_that_apt_does_not_find_are_kept(void **state) {
    (void)state;
    struct run_clues clues = {0};
    run_clues_see(&arena, &clues, S("E: Unable to locate package gcc"));
    run_clues_see(&arena, &clues, S("E: Package 'make' has no installation candidate\r"));
    run_clues_see(&arena, &clues, S("E: Unable to locate package gcc"));
    run_clues_see(&arena, &clues, S("E: Unable to locate package a;b"));
    run_clues_see(&arena, &clues, S("echo E: Unable to locate package x"));
    assert_int_equal(clues.apt.n, 2);
    assert_string_equal(str_z(&arena, clues.apt.v[1]), "make");
    assert_false(clues.apt_updated);
    run_clues_see(&arena, &clues, S("Get:1 http://deb.debian.org/debian bookworm InRelease"));
    assert_true(clues.apt_updated);
}

static int free_arena(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static void test_the_first_right_that_a_role_misses_is_kept(void **state) {
    (void)state;
    struct run_clues clues = {0};
    run_clues_see(&arena, &clues,
                  S("User: arn:aws:sts::111111111111:assumed-role/app/s is not authorized to "
                    "perform: ssm:GetParameters on resource: arn:x with an explicit deny"));
    assert_null(clues.denied_action.p);
    run_clues_see(
        &arena, &clues,
        S("An error occurred (AccessDenied): User: arn:aws:sts::111111111111:assumed-role/app/s is "
          "not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-2:"
          "111111111111:parameter/x because no identity-based policy allows the "
          "ssm:GetParameters action"));
    run_clues_see(&arena, &clues,
                  S("User: arn:aws:sts::111111111111:assumed-role/b/s is not authorized to "
                    "perform: s3:GetObject on resource: arn:y because no identity-based policy"));
    assert_string_equal(str_z(&arena, clues.denied_role), "app");
    assert_string_equal(str_z(&arena, clues.denied_action), "ssm:GetParameters");
    assert_string_equal(str_z(&arena, clues.denied_resource),
                        "arn:aws:ssm:eu-west-2:111111111111:parameter/x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shells_make_and_env_say_which_program_is_missing),
        cmocka_unit_test(test_other_lines_name_no_program),
        cmocka_unit_test(test_programs_lead_to_packages_in_the_order_of_the_alphabet),
        cmocka_unit_test(test_packages_that_apt_does_not_find_are_kept),
        cmocka_unit_test(test_the_first_right_that_a_role_misses_is_kept),
        cmocka_unit_test(test_hosts_are_told_once_and_only_by_the_builds_own_lines),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
