/* Programs that are locked up, as they see it themselves. */
#include "../../cmocka_.h"

#include "platform/os/locked.h"
#include "platform/os/file.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct world {
    struct arena arena;
    const char *dir;
    struct err err;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    *state = w;
    assert_int_equal(dir_make_temp(&w->arena, "trunkline-test-confined", &w->dir, &w->err), 0);
    const char *inside = str_printf(&w->arena, "%s/inside", w->dir).p;
    assert_int_equal(dir_make(inside, 0777, &w->err), 0);
    assert_int_equal(chmod(inside, 0777), 0);
    return file_write(str_printf(&w->arena, "%s/secret", w->dir).p, S("secret\n"), 0600, &w->err);
}

static int tear_down(void **state) {
    struct world *w = *state;
    int removed = tree_remove(w->dir, &w->err);
    arena_done(&w->arena);
    free(w);
    return removed;
}

static bool has_landlock(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* The exit code of a script that runs confined to "inside". */
static int run_as(struct world *w, const char *script, struct locked c, struct str *ret_out) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    struct process_run run = {.timeout_ms = 20000, .merge = true};
    struct process_exit end = {0};
    spec.argv = argv;
    spec.dir = str_printf(&w->arena, "%s/inside", w->dir).p;
    locked_system(&w->arena, &c);
    *arena_push(&w->arena, &c.write) = str_c(spec.dir);
    if (locked_spec(&w->arena, &spec, &c, &run.spec, &w->err) < 0 ||
        process_run(&w->arena, &run, ret_out, NULL, &end, &w->err) < 0) {
        fail_msg("%s", w->err.msg);
    }
    return end.code;
}

static int run(struct world *w, const char *script) {
    struct str out = STR_NONE;
    return run_as(w, script, (struct locked){.uid = (uid_t)-1}, &out);
}

static void test_its_own_folder_is_its_to_change(void **state) {
    assert_int_equal(run(*state, "echo x > a && mkdir d && mv a d/b && ln -s d l && cat d/b && rm "
                                 "-r d l"),
                     0);
}

static void test_other_files_are_not_there_to_read_or_write(void **state) {
    struct world *w = *state;
    if (!has_landlock()) {
        skip();
    }
    assert_int_not_equal(run(w, "cat ../secret"), 0);
    assert_int_not_equal(run(w, "echo x > ../new"), 0);
    assert_int_not_equal(run(w, "rm -f ../secret"), 0);
    assert_int_not_equal(run(w, "cat /etc/shadow"), 0);
    assert_int_not_equal(run(w, "ls /root"), 0);
    assert_int_not_equal(run(w, "cat /proc/1/environ"), 0);
    assert_int_not_equal(run(w, "echo x > /usr/lib/x"), 0);
    assert_int_not_equal(run(w, "ln -s ../secret s && cat s"), 0);
    assert_false(file_exists(str_printf(&w->arena, "%s/new", w->dir).p));
    assert_true(file_exists(str_printf(&w->arena, "%s/secret", w->dir).p));
}

static void test_it_runs_as_the_other_user_and_gains_nothing(void **state) {
    struct world *w = *state;
    struct str out = STR_NONE;
    if (geteuid() != 0) {
        skip();
    }
    struct locked c = {.uid = 234567};
    assert_int_equal(chmod(w->dir, 0700), 0);
    assert_int_equal(
        run_as(w, "id -u; echo y > mine; grep -h NoNewPrivs /proc/self/status 2>&1", c, &out),
        has_landlock() ? 2 : 0);
    assert_true(str_starts(out, S("234567\n")));
    struct stat st;
    assert_int_equal(stat(str_printf(&w->arena, "%s/inside/mine", w->dir).p, &st), 0);
    assert_int_equal(st.st_uid, 234567);
}

static void test_limits_end_it(void **state) {
    struct world *w = *state;
    struct str out = STR_NONE;
    struct locked files = {.uid = (uid_t)-1, .file_bytes = 4096};
    struct locked time = {.uid = (uid_t)-1, .seconds = 1};
    assert_int_not_equal(run_as(w, "head -c 100000 /dev/zero > big", files, &out), 0);
    assert_int_not_equal(run_as(w, "while :; do :; done", time, &out), 0);
}

static void test_a_program_that_is_not_there_is_named(void **state) {
    struct world *w = *state;
    const char *const argv[] = {"no-such-program", NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    struct process_spec out;
    struct locked c = {.uid = (uid_t)-1};
    spec.argv = argv;
    assert_int_equal(locked_spec(&w->arena, &spec, &c, &out, &w->err), -1);
    assert_int_equal(w->err.kind, ERR_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_own_folder_is_its_to_change),
        cmocka_unit_test(test_other_files_are_not_there_to_read_or_write),
        cmocka_unit_test(test_it_runs_as_the_other_user_and_gains_nothing),
        cmocka_unit_test(test_limits_end_it),
        cmocka_unit_test(test_a_program_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
