/* The command wrapper, run by the shells of this machine in a private directory. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "base/buf.h"
#include "flow/command/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static char dir[64];

static void write_file(const char *name, struct str text) {
    FILE *f = fopen(str_printf(&arena, "%s/%s", dir, name).p, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
}

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    snprintf(dir, sizeof(dir), "/tmp/test_script.XXXXXX");
    assert_non_null(mkdtemp(dir));
    struct str_pair start[] = {{S("GREETING"), S("it's \"$HOME\"\nand `more`")},
                               {S("bad-name"), S("x")}};
    write_file("env.sh", script_env_file(&arena, &(struct str_map){start, 2}));
    write_file("dir.txt", str_printf(&arena, "%s\n", dir));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    static const char *const names[] = {"env.sh", "dir.txt", "script.sh", "sub/x", "sub", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        remove(str_printf(&arena, "%s/%s", dir, names[i]).p);
    }
    arena_done(&arena);
    return 0;
}

/* The scripts name the build's directory; here they run in ours. */
static struct str moved(struct str script) {
    struct buf out cleanup_buf;
    buf_init(&out, 100000);
    struct str from = S(SCRIPT_DIR);
    for (size_t i = 0; i < script.n;) {
        if (str_starts(str_sub(script, i, script.n), from)) {
            buf_add_z(&out, dir);
            i += from.n;
        } else {
            buf_add_c(&out, script.p[i++]);
        }
    }
    return buf_dup(&arena, &out);
}

static struct str output;

static int run_script(const char *shell, struct str script) {
    write_file("script.sh", moved(script));
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    const char *path = str_printf(&arena, "%s/script.sh", dir).p;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        char *env[] = {"PATH=/usr/bin:/bin", NULL};
        char *argv[] = {(char *)shell, (char *)path, NULL};
        execve(shell, argv, env);
        _exit(126);
    }
    close(fds[1]);
    struct buf out cleanup_buf;
    buf_init(&out, 100000);
    char chunk[4096];
    ssize_t n = 0;
    while ((n = read(fds[0], chunk, sizeof(chunk))) > 0) {
        buf_add(&out, str_n(chunk, (size_t)n));
    }
    close(fds[0]);
    output = buf_dup(&arena, &out);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static int run_command(const char *shell, const char *command) {
    return run_script(shell,
                      script_of_command(&arena, str_c(command), &(struct str_map){0}, STR_NONE));
}

static void carries_on(const char *shell) {
    assert_int_equal(run_command(shell, "printf %s \"$GREETING\""), 0);
    assert_true(str_is(output, "it's \"$HOME\"\nand `more`"));
    assert_int_equal(run_command(shell, "mkdir sub; cd sub; PLAIN=\"x y'z\n\"; f() { :; }; set -e"),
                     0);
    assert_int_equal(
        run_command(shell, "printf '%s|%s|' \"${PWD##*/}\" \"$PLAIN\"; false; echo on"), 0);
    assert_true(str_is(output, "sub|x y'z\n|on\n"));
    assert_int_equal(run_command(shell, "f 2>/dev/null"), 127);
    assert_int_equal(run_command(shell, "unset PLAIN"), 0);
    assert_int_equal(run_command(shell, "echo ${PLAIN-gone} $CODEBUILD_LAST_EXIT"), 0);
    assert_true(str_is(output, "gone 0\n"));
    assert_int_equal(run_command(shell, "LOST=1; exit 0"), 0);
    assert_int_equal(run_command(shell, "test -z \"$LOST\""), 0);
    assert_int_equal(run_command(shell, "false | true"), 0);
    assert_int_equal(run_command(shell, "(exit 42)"), 42);
    assert_int_equal(run_command(shell, "if true; then"), 2);
    assert_int_equal(run_command(shell, "true"), 0);
}

static void test_directory_and_variables_live_on_in_sh(void **state) {
    (void)state;
    carries_on("/bin/sh");
}

static void test_directory_and_variables_live_on_in_bash(void **state) {
    (void)state;
    carries_on("/bin/bash");
}

static void test_errors_cite_line_four_as_on_aws(void **state) {
    (void)state;
    struct str_pair set[] = {{S("CODEBUILD_BUILD_SUCCEEDING"), S("0")}};
    struct str script = script_of_command(&arena, S("no-such-command $CODEBUILD_BUILD_SUCCEEDING"),
                                          &(struct str_map){set, 1}, S("/"));
    assert_int_equal(run_script("/bin/bash", script), 127);
    assert_true(str_ends(output, S("script.sh: line 4: no-such-command: command not found\n")));
}

static void test_a_directory_that_is_known_is_not_asked_for(void **state) {
    (void)state;
    const struct str_map none = {0};
    struct str known = script_of_command(&arena, S(":"), &none, S("/it's here"));
    struct str odd = script_of_command(&arena, S(":"), &none, S("/two\nlines"));
    assert_true(str_starts(known, S("cd '/it'\\''s here'\nset -a\n")));
    assert_true(str_starts(odd, S("cd \"$(cat ")));
    assert_int_equal(run_script("/bin/sh", script_of_command(&arena, S("pwd"), &none, S("/usr"))),
                     0);
    assert_true(str_is(output, "/usr\n"));
}

static void test_assignments_before_a_command_are_exported(void **state) {
    (void)state;
    struct str_pair set[] = {{S("CODEBUILD_BUILD_SUCCEEDING"), S("0")}};
    struct str_map map = {set, 1};
    assert_int_equal(run_script("/bin/sh", script_of_command(&arena, S("env"), &map, STR_NONE)), 0);
    assert_true(str_find(output, S("CODEBUILD_BUILD_SUCCEEDING=0\n"), 0) != (size_t)-1);
}

static void test_environment_is_read_back_whole(void **state) {
    (void)state;
    assert_int_equal(run_command("/bin/bash", "X=$'a\\nb=c'; export Y="), 0);
    assert_int_equal(run_script("/bin/bash", script_print_env(&arena)), 0);
    struct str_map env = script_read_env(&arena, output);
    assert_true(str_is(str_map_get(&env, S("X")), "a\nb=c"));
    assert_true(str_map_get(&env, S("Y")).p != NULL);
    assert_int_equal(str_map_get(&env, S("Y")).n, 0);
    assert_true(str_is(str_map_get(&env, S("GREETING")), "it's \"$HOME\"\nand `more`"));
    assert_true(str_map_get(&env, S("bad-name")).p == NULL);
    struct str_map cut = script_read_env(&arena, S("A=1\0B=2"));
    assert_int_equal(cut.n, 1);
}

static void test_version_1_carries_nothing(void **state) {
    (void)state;
    struct str_map none = {0};
    struct str first = script_of_command_1(&arena, S("A=1; cd /"), str_c(dir), &none);
    assert_int_equal(run_script("/bin/sh", first), 0);
    struct str second =
        script_of_command_1(&arena, S("echo ${A-none} \"$PWD\""), str_c(dir), &none);
    assert_int_equal(run_script("/bin/sh", second), 0);
    assert_true(str_eq(output, str_printf(&arena, "none %s\n", dir)));
}

static void test_artifact_names_are_evaluated_by_the_shell(void **state) {
    (void)state;
    assert_int_equal(run_command("/bin/sh", "V=1.2"), 0);
    assert_int_equal(run_script("/bin/sh", script_evaluate(&arena, S("app-$V-$(echo x)"))), 0);
    assert_true(str_is(output, "app-1.2-x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_directory_and_variables_live_on_in_sh, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_directory_and_variables_live_on_in_bash, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_errors_cite_line_four_as_on_aws, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_known_is_not_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_assignments_before_a_command_are_exported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_environment_is_read_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_1_carries_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_artifact_names_are_evaluated_by_the_shell, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
