/*
 * A real container around a test: made, used, taken away. Included by the tests of this folder;
 * needs the build image, which box_main makes when it is not there yet.
 */
#pragma once

#include "../unit/cmocka_.h"

#include "flow/sandbox/container.h"
#include "flow/sandbox/doctor.h"
#include "flow/sandbox/image.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static struct image image;
static struct arena image_arena;

struct box {
    struct arena a;
    struct err err;
    const char *dir;
    struct sandbox *s;
    struct str out; /* of the last command */
    uid_t base;     /* first id of the container */
    char cgroup[160];
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s: %s", #call, b->err.msg);                                                 \
        }                                                                                          \
    } while (0)

static struct sandbox_spec spec_of(struct box *b) {
    static int count;
    OK(dir_make_temp(&b->a, "test-container", &b->dir, &b->err));
    return (struct sandbox_spec){
        .id = str_printf(&b->a, "test-%d-%d", getpid(), ++count).p,
        .dir = b->dir,
        .rootfs = image.rootfs.p,
        .runtime = getenv("TEST_RUNTIME"),
    };
}

static int box_setup(void **state) {
    static struct box b;
    b = (struct box){.a = ARENA_INIT, .err = ERR_INIT};
    *state = &b;
    return 0;
}

static void open_box(struct box *b, const struct sandbox_spec *spec) {
    OK(sandbox_prepare(spec, &b->s, &b->err));
    b->base = sandbox_root_id(b->s);
    snprintf(b->cgroup, sizeof(b->cgroup), "/trunkline-%s", spec->id);
    OK(sandbox_create(b->s, &b->err));
    OK(sandbox_start(b->s, &b->err));
}

static int box_teardown(void **state) {
    struct box *b = *state;
    if (b->s != NULL && sandbox_delete(b->s, &b->err) < 0) {
        print_error("%s\n", b->err.msg);
        return -1;
    }
    int result = b->dir ? tree_remove(b->dir, &b->err) : 0;
    arena_done(&b->a);
    return result;
}

/* Runs argv and gives its exit code, or 1000 + event for another end. Output is in b->out. */
static int run_as(struct box *b, const char *const *argv, const char *cwd, const char *user) {
    static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "GIVEN=a b", NULL};
    int out cleanup_fd = -1;
    int end cleanup_fd = -1;
    OK(fd_pipe(&out, &end, &b->err));
    const struct sandbox_command c = {
        .argv = argv, .envp = env, .cwd = cwd, .user = user, .in = -1, .out = end, .err = end};
    uint32_t id = 0;
    OK(sandbox_run(b->s, &c, &id, &b->err));
    fd_closep(&end);
    OK(fd_read_all(&b->a, out, 1 << 20, &b->out, &b->err));
    struct sandbox_event e;
    int got = sandbox_next(b->s, 60000, &e, &b->err);
    OK(got);
    assert_int_equal(got, 1);
    if (e.kind != SANDBOX_EXITED) {
        b->out = str_dup(&b->a, str_c(e.text));
        return 1000 + (int)e.kind;
    }
    assert_int_equal(e.id, id);
    return e.code;
}

static int sh(struct box *b, const char *script) {
    const char *argv[] = {"/bin/bash", "-c", script, NULL};
    return run_as(b, argv, "/", NULL);
}

static void __attribute__((unused)) expect(struct box *b, const char *script, const char *output) {
    int code = sh(b, script);
    if (code != 0 || !str_is(str_trim(b->out), output)) {
        fail_msg("%s: code %d, output '" STR_FMT "', wanted '%s'", script, code, STR_ARG(b->out),
                 output);
    }
}

/* Living processes of the host whose uid lies in the container's range. */
static int processes_of(struct box *b) {
    struct str_list names = {0};
    OK(dir_list(&b->a, "/proc", &names, &b->err));
    int count = 0;
    for (size_t i = 0; i < names.n; i++) {
        struct str text = STR_NONE;
        struct err gone = ERR_INIT;
        unsigned long long pid = 0;
        if (!str_to_u64(names.v[i], &pid) ||
            file_read(&b->a, str_printf(&b->a, "/proc/%llu/status", pid).p, 65536, &text, &gone) <
                0) {
            continue;
        }
        size_t at = str_find(text, S("\nUid:\t"), 0);
        unsigned long uid = at == (size_t)-1 ? 0 : strtoul(text.p + at + 6, NULL, 10);
        bool dead = str_find(text, S("\nState:\tZ"), 0) != (size_t)-1;
        count += !dead && uid >= b->base && uid < b->base + 65536;
    }
    return count;
}

static bool mounts_mention(struct box *b, const char *text) {
    struct str mounts = STR_NONE;
    OK(file_read(&b->a, "/proc/self/mountinfo", 1 << 20, &mounts, &b->err));
    return str_find(mounts, str_c(text), 0) != (size_t)-1;
}

static bool is_cgroup(const char *path) {
    struct statfs fs;
    return statfs(path, &fs) == 0 &&
           (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static bool cgroup_is_there(struct box *b) {
    struct str_list names = {0};
    if (b->cgroup[0] == '\0') {
        return false;
    }
    bool there = is_cgroup(str_printf(&b->a, "/sys/fs/cgroup%s", b->cgroup).p);
    OK(dir_list(&b->a, "/sys/fs/cgroup", &names, &b->err));
    for (size_t i = 0; i < names.n; i++) {
        there = there || is_cgroup(str_printf(&b->a, "/sys/fs/cgroup/" STR_FMT "%s",
                                              STR_ARG(names.v[i]), b->cgroup)
                                       .p);
    }
    return there;
}

static void __attribute__((unused)) assert_nothing_left(struct box *b) {
    assert_int_equal(processes_of(b), 0);
    assert_false(cgroup_is_there(b));
    assert_false(mounts_mention(b, b->dir));
    assert_false(mounts_mention(b, "/run/trunkline"));
    struct str_list names = {0};
    OK(dir_list(&b->a, b->dir, &names, &b->err));
    assert_int_equal(names.n, 0);
    OK(dir_list(&b->a, "/run/trunkline", &names, &b->err));
    assert_int_equal(names.n, 0);
}

static void show_progress(void *ud, struct str line) {
    (void)ud;
    fprintf(stderr, "image: " STR_FMT "\n", STR_ARG(line));
}

#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

/* Skips with the doctor's sentence, or makes sure of the image and goes on. */
#define BOX_MAIN(tests)                                                                            \
    do {                                                                                           \
        struct err err_ = ERR_INIT;                                                                \
        if (sandbox_available(&err_) < 0) {                                                        \
            printf("SKIP: %s\n", err_.msg);                                                        \
            return 77;                                                                             \
        }                                                                                          \
        if (image_build(&image_arena, IMAGE_DEFAULT, false, show_progress, NULL, &image, &err_) <  \
            0) {                                                                                   \
            printf("SKIP: no build image: %s\n", err_.msg);                                        \
            return 77;                                                                             \
        }                                                                                          \
        int failed_ = cmocka_run_group_tests(tests, NULL, NULL);                                   \
        arena_done(&image_arena);                                                                  \
        return failed_;                                                                            \
    } while (0)
