/* Descriptors, files, trees, processes. Everything happens in a temporary folder per test. */
#include "../../cmocka_.h"

#include "platform/os/confine.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"
#include "platform/os/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct arena a;
    struct err err;
    const char *dir;
};

static int setup(void **state) {
    static struct fixture f;
    f = (struct fixture){ARENA_INIT, ERR_INIT, NULL};
    *state = &f;
    return dir_make_temp(&f.a, "test-os", &f.dir, &f.err);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    int result = tree_remove(f->dir, &f->err);
    arena_done(&f->a);
    return result;
}

static const char *in_dir(struct fixture *f, const char *name) {
    return str_printf(&f->a, "%s/%s", f->dir, name).p;
}

static void test_atomic_write_replaces_content_and_leaves_no_temporary_file(void **state) {
    struct fixture *f = *state;
    const char *path = in_dir(f, "record");
    assert_int_equal(file_write_atomic(path, S("one"), 0600, &f->err), 0);
    assert_int_equal(file_write_atomic(path, S("three"), 0640, &f->err), 0);
    struct str text = STR_NONE;
    assert_int_equal(file_read(&f->a, path, 100, &text, &f->err), 0);
    assert_true(str_is(text, "three"));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    struct str_list names;
    assert_int_equal(dir_list(&f->a, f->dir, &names, &f->err), 0);
    assert_int_equal(names.n, 1);
}

static void test_reading_more_than_the_limit_is_refused(void **state) {
    struct fixture *f = *state;
    const char *path = in_dir(f, "big");
    assert_int_equal(file_write(path, S("12345678"), 0600, &f->err), 0);
    struct str text = STR_NONE;
    assert_int_equal(file_read(&f->a, path, 8, &text, &f->err), 0);
    assert_int_equal(file_read(&f->a, path, 7, &text, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    assert_int_equal(file_read(&f->a, in_dir(f, "absent"), 7, &text, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

static void test_removing_a_tree_never_follows_links_out_of_it(void **state) {
    struct fixture *f = *state;
    assert_int_equal(dir_make(in_dir(f, "outside"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "outside/kept"), S("x"), 0600, &f->err), 0);
    assert_int_equal(dir_make(in_dir(f, "tree/a/b/c"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "tree/a/b/file"), S("x"), 0, &f->err), 0);
    assert_int_equal(symlink(in_dir(f, "outside"), in_dir(f, "tree/a/link")), 0);
    assert_int_equal(symlink("/nowhere", in_dir(f, "tree/dangling")), 0);
    assert_int_equal(tree_remove(in_dir(f, "tree"), &f->err), 0);
    assert_false(file_exists(in_dir(f, "tree")));
    assert_true(file_exists(in_dir(f, "outside/kept")));
    assert_int_equal(symlink(in_dir(f, "outside"), in_dir(f, "top")), 0);
    assert_int_equal(tree_remove(in_dir(f, "top"), &f->err), 0);
    assert_true(file_exists(in_dir(f, "outside/kept")));
    assert_int_equal(tree_remove(in_dir(f, "absent"), &f->err), 0);
}

/* Deeper than descriptors and paths reach, with the names that moving up would use in its way. */
static void test_a_tree_of_any_depth_is_removed_and_none_is_measured_without_end(void **state) {
    struct fixture *f = *state;
    enum { DEPTH = 5000 };
    assert_int_equal(dir_make(in_dir(f, "deep/.lifted-0/x"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "deep/.lifted-1"), S("x"), 0600, &f->err), 0);
    int at = file_open(in_dir(f, "deep"), O_RDONLY | O_DIRECTORY, 0, &f->err);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    close(at);
    int64_t bytes = 0;
    int64_t entries = 0;
    assert_int_equal(tree_size(in_dir(f, "deep"), 0, 0, &bytes, &entries, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    f->err = ERR_INIT;
    assert_int_equal(tree_remove(in_dir(f, "deep"), &f->err), 0);
    assert_false(file_exists(in_dir(f, "deep")));
}

static void test_tree_size_counts_blocks_and_stops_at_its_limit(void **state) {
    struct fixture *f = *state;
    char chunk[65536];
    memset(chunk, 'x', sizeof(chunk));
    assert_int_equal(dir_make(in_dir(f, "t/u"), 0755, &f->err), 0);
    for (int i = 0; i < 4; i++) {
        const char *path = in_dir(f, str_printf(&f->a, "t/u/%d", i).p);
        assert_int_equal(file_write_atomic(path, str_n(chunk, sizeof(chunk)), 0600, &f->err), 0);
    }
    int64_t bytes = 0;
    int64_t entries = 0;
    assert_int_equal(tree_size(in_dir(f, "t"), 0, 0, &bytes, &entries, &f->err), 0);
    assert_int_equal(entries, 6);
    assert_true(bytes >= 4 * 65536 && bytes < 5 * 65536);
    assert_int_equal(tree_size(in_dir(f, "t"), 0, 1, &bytes, &entries, &f->err), 0);
    assert_int_equal(entries, 4); /* two, their folder, and the top */
    assert_int_equal(tree_size(in_dir(f, "t"), 70000, 0, &bytes, &entries, &f->err), 0);
    assert_true(entries < 6);
}

static void test_opening_beneath_a_folder_cannot_leave_it(void **state) {
    struct fixture *f = *state;
    assert_int_equal(dir_make(in_dir(f, "root/etc"), 0755, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "secret"), S("host"), 0600, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "root/secret"), S("inside"), 0600, &f->err), 0);
    assert_int_equal(symlink("../../../../secret", in_dir(f, "root/etc/link")), 0);
    assert_int_equal(symlink(in_dir(f, "secret"), in_dir(f, "root/absolute")), 0);
    int root cleanup_fd = file_open(in_dir(f, "root"), O_PATH | O_DIRECTORY, 0, &f->err);
    assert_true(root >= 0);
    int fd cleanup_fd = file_open_beneath(root, "/etc/link", O_RDONLY, 0, &f->err);
    assert_true(fd >= 0);
    struct str text = STR_NONE;
    assert_int_equal(fd_read_all(&f->a, fd, 100, &text, &f->err), 0);
    assert_true(str_is(text, "inside"));
    assert_int_equal(file_open_beneath(root, "absolute", O_RDONLY, 0, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

static void test_lock_is_exclusive_and_ends_with_its_descriptor(void **state) {
    struct fixture *f = *state;
    const char *path = in_dir(f, "lock");
    int first = file_lock(path, false, &f->err);
    assert_true(first >= 0);
    assert_int_equal(file_lock(path, false, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_CONFLICT);
    close(first);
    int second cleanup_fd = file_lock(path, false, &f->err);
    assert_true(second >= 0);
}

static void test_program_output_and_exit_code_are_collected(void **state) {
    struct fixture *f = *state;
    const char *argv[] = {"sh", "-c", "cat; echo problem >&2; exit 7", NULL};
    struct process_run run = {.spec = {.argv = argv, .in = -1, .out = -1, .err = -1},
                              .input = S("through")};
    struct str out = STR_NONE;
    struct str errors = STR_NONE;
    struct process_exit end = {0};
    assert_int_equal(process_run(&f->a, &run, &out, &errors, &end, &f->err), 0);
    assert_true(str_is(out, "through"));
    assert_true(str_is(errors, "problem\n"));
    assert_int_equal(end.code, 7);
    assert_int_equal(process_run(&f->a, &run, NULL, NULL, NULL, &f->err), -1);
    assert_string_equal(f->err.msg, "sh ended with code 7: problem");
}

static void test_program_that_prints_too_much_or_runs_too_long_is_ended(void **state) {
    struct fixture *f = *state;
    const char *noisy[] = {"yes", NULL};
    struct process_run run = {.spec = {.argv = noisy, .in = -1, .out = -1, .err = -1},
                              .output_max = 100000};
    assert_int_equal(process_run(&f->a, &run, NULL, NULL, NULL, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_LIMIT);
    const char *slow[] = {"sleep", "1000", NULL};
    run.spec.argv = slow;
    run.timeout_ms = 20;
    assert_int_equal(process_run(&f->a, &run, NULL, NULL, NULL, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
    const char *none[] = {"no-such-program-here", NULL};
    run.spec.argv = none;
    assert_int_equal(process_run(&f->a, &run, NULL, NULL, NULL, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

static void test_child_gets_only_the_descriptors_it_was_given(void **state) {
    struct fixture *f = *state;
    int leaked = open("/dev/zero", O_RDONLY); /* not close-on-exec, on purpose */
    int given cleanup_fd = fd_from_bytes("given", S("hello"), &f->err);
    const char *argv[] = {"sh", "-c", "cat <&3; ls /proc/self/fd | tr '\\n' ' '", NULL};
    struct process_run run = {.spec = {.argv = argv, .keep = &given, .keep_n = 1}};
    struct str out = STR_NONE;
    assert_int_equal(process_run(&f->a, &run, &out, NULL, NULL, &f->err), 0);
    close(leaked);
    /* 4 (or so) is ls's own descriptor on the folder that it lists. */
    assert_true(str_starts(out, S("hello0 1 2 3 4 ")));
    assert_int_equal(str_find(out, S("5"), 0), (size_t)-1);
}

static void test_process_is_known_by_its_start_time(void **state) {
    struct fixture *f = *state;
    const char *argv[] = {"sleep", "1000", NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    struct process child cleanup_process = PROCESS_NONE;
    assert_int_equal(process_spawn(&spec, &child, &f->err), 0);
    struct process_id id;
    assert_int_equal(process_identify(child.pid, &id, &f->err), 0);
    struct process_id again;
    assert_true(process_id_parse(process_id_text(&f->a, &id), &again));
    assert_memory_equal(&id, &again, sizeof(id));
    struct process attached = PROCESS_NONE;
    assert_int_equal(process_attach(&id, &attached, &f->err), 0);
    process_close(&attached);
    again.start++;
    assert_int_equal(process_attach(&again, &attached, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_int_equal(process_wait(&child, 0, NULL, &f->err), 0);
    assert_int_equal(process_signal(&child, SIGTERM, &f->err), 0);
    struct process_exit end = {0};
    assert_int_equal(process_wait(&child, -1, &end, &f->err), 1);
    assert_int_equal(end.signal, SIGTERM);
    assert_int_equal(process_attach(&id, &attached, &f->err), -1);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

static void test_messages_carry_descriptors(void **state) {
    struct fixture *f = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int file cleanup_fd = fd_from_bytes("x", S("content"), &f->err);
    int sent[3] = {file, file, file};
    assert_int_equal(fd_send_message(pair[0], "abc", 3, sent, 3, &f->err), 0);
    char text[8];
    int fds[2] = {-1, -1};
    size_t n = 2;
    assert_int_equal(fd_receive_message(pair[1], text, sizeof(text), fds, &n, &f->err), 3);
    assert_int_equal(n, 2);
    assert_true(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
    struct str content = STR_NONE;
    assert_int_equal(fd_read_all(&f->a, fds[0], 100, &content, &f->err), 0);
    assert_true(str_is(content, "content"));
    close(fds[0]);
    close(fds[1]);
    close(pair[0]);
    n = 2;
    assert_int_equal(fd_receive_message(pair[1], text, sizeof(text), fds, &n, &f->err), 0);
    close(pair[1]);
}

static void test_sealed_bytes_cannot_be_changed(void **state) {
    struct fixture *f = *state;
    int fd cleanup_fd = fd_from_bytes("x", S("content"), &f->err);
    assert_int_equal(write(fd, "y", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
}

static void test_write_to_a_closed_socket_is_an_error_and_no_signal(void **state) {
    struct fixture *f = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    close(pair[1]);
    assert_int_equal(fd_send_all(pair[0], "x", 1, &f->err), -1);
    close(pair[0]);
}

static void test_watch_wakes_on_a_new_file(void **state) {
    struct fixture *f = *state;
    int watch cleanup_fd = watch_new(&f->err);
    assert_int_equal(watch_add(watch, f->dir, &f->err), 0);
    assert_int_equal(watch_drain(watch, &f->err), 0);
    assert_int_equal(file_write(in_dir(f, "new"), S("x"), 0600, &f->err), 0);
    assert_int_equal(fd_wait(watch, POLLIN, 1000, &f->err), POLLIN);
    assert_true(watch_drain(watch, &f->err) > 0);
}

/* 0: confined, and a file that everybody may read was not opened. */
static int open_when_confined(void *ud) {
    const struct confinement nothing = {.dir_fd = -1, .seconds = 5};
    const char *path = ud;
    if (!confine(&nothing)) {
        return 2;
    }
    return open(path, O_RDONLY) < 0 ? 0 : 1;
}

/* Ends by the system call itself (seccomp), or is refused the file where sanitizers keep that out.
 */
static void test_a_confined_process_opens_no_file(void **state) {
    struct fixture *f = *state;
    struct process p = PROCESS_NONE;
    struct process_exit end = {0};
    const char *path = str_printf(&f->a, "%s/readable", f->dir).p;
    assert_int_equal(file_write(path, S("x"), 0644, &f->err), 0);
    assert_int_equal(process_fork(open_when_confined, (void *)(uintptr_t)path, &p, &f->err), 0);
    assert_int_equal(process_wait(&p, 10000, &end, &f->err), 1);
    assert_true(end.signal == SIGSYS || (end.signal == 0 && end.code == 0));
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_a_confined_process_opens_no_file),
        WITH_DIR(test_atomic_write_replaces_content_and_leaves_no_temporary_file),
        WITH_DIR(test_reading_more_than_the_limit_is_refused),
        WITH_DIR(test_removing_a_tree_never_follows_links_out_of_it),
        WITH_DIR(test_a_tree_of_any_depth_is_removed_and_none_is_measured_without_end),
        WITH_DIR(test_tree_size_counts_blocks_and_stops_at_its_limit),
        WITH_DIR(test_opening_beneath_a_folder_cannot_leave_it),
        WITH_DIR(test_lock_is_exclusive_and_ends_with_its_descriptor),
        WITH_DIR(test_program_output_and_exit_code_are_collected),
        WITH_DIR(test_program_that_prints_too_much_or_runs_too_long_is_ended),
        WITH_DIR(test_child_gets_only_the_descriptors_it_was_given),
        WITH_DIR(test_process_is_known_by_its_start_time),
        WITH_DIR(test_messages_carry_descriptors),
        WITH_DIR(test_sealed_bytes_cannot_be_changed),
        WITH_DIR(test_write_to_a_closed_socket_is_an_error_and_no_signal),
        WITH_DIR(test_watch_wakes_on_a_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
