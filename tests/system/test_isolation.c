/* What a build cannot do: to other builds, to the machine, and after its end. */
#include "box.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Another container, alive in a process of its own until it is killed. */
struct neighbour {
    pid_t pid;
    const char *dir;
    uid_t base;
};

static struct neighbour start_neighbour(struct box *b, const char *script) {
    static struct box other;
    int ready cleanup_fd = -1;
    int ready_end cleanup_fd = -1;
    OK(fd_pipe(&ready, &ready_end, &b->err));
    struct sandbox_spec spec = spec_of(b);
    struct neighbour n = {.dir = spec.dir};
    n.pid = fork();
    if (n.pid == 0) {
        other = (struct box){.a = ARENA_INIT, .err = ERR_INIT, .dir = spec.dir};
        spec.id = str_printf(&other.a, "%s-other", spec.id).p;
        open_box(&other, &spec);
        sh(&other, script);
        fd_closep(&ready);
        if (write(ready_end, &other.base, sizeof(other.base)) != sizeof(other.base)) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    fd_closep(&ready_end);
    OK(fd_read_exact(ready, &n.base, sizeof(n.base), &b->err));
    return n;
}

static void end_neighbour(struct box *b, struct neighbour *n) {
    kill(n->pid, SIGKILL);
    waitpid(n->pid, NULL, 0);
    OK(sandbox_sweep(n->dir, &b->err));
    struct box seen = {.a = ARENA_INIT, .err = ERR_INIT, .dir = n->dir, .base = n->base};
    assert_int_equal(processes_of(&seen), 0);
    arena_done(&seen.a);
    OK(tree_remove(n->dir, &b->err));
}

static void test_two_containers_share_nothing(void **state) {
    struct box *b = *state;
    struct neighbour n = start_neighbour(
        b, "echo x >/tmp/secret; echo x >/dev/shm/secret; hostname changed 2>/dev/null;"
           "(exec -a other-container sleep 1000) >/dev/null 2>&1 & "
           "python3 -c 'import socket,time;s=socket.socket(socket.AF_UNIX);"
           "s.bind(\"\\0shared\");s.listen();"
           "t=socket.socket();t.bind((\"127.0.0.1\",7777));t.listen();time.sleep(1000)' "
           ">/dev/null 2>&1 & "
           "for i in $(seq 200); do grep -q @shared /proc/net/unix && break; sleep 0.05; done");
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    assert_true(b->base >= n.base + 65536 || n.base >= b->base + 65536);
    expect(b, "ls /tmp/secret /dev/shm/secret 2>/dev/null | wc -l", "0");
    expect(b, "ps -ef | grep '[o]ther-container' | wc -l", "0");
    expect(b, "grep @shared /proc/net/unix | wc -l", "0");
    expect(b, "(echo >/dev/tcp/127.0.0.1/7777) 2>/dev/null || echo refused", "refused");
    expect(b, "hostname", "build");
    /* Even with its pid, which is not visible here, nothing of it can be reached. */
    expect(b, "ls /proc | grep -c '^[0-9]' | xargs test 10 -gt && echo few", "few");
    end_neighbour(b, &n);
    expect(b, "echo unharmed", "unharmed");
}

static int listen_on(const char *address, struct err *err) {
    int fd cleanup_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &in.sin_addr);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(fd, 8) < 0) {
        return err_set(err, ERR_SYSTEM, "listen on %s", address);
    }
    return TAKE_FD(fd);
}

static unsigned port_of(int fd) {
    struct sockaddr_in in;
    socklen_t n = sizeof(in);
    return getsockname(fd, (struct sockaddr *)&in, &n) == 0 ? ntohs(in.sin_port) : 0;
}

static void expect_connect(struct box *b, const char *address, unsigned port, const char *want) {
    const char *script =
        str_printf(&b->a, "(echo hello >/dev/tcp/%s/%u) 2>/dev/null && echo open || echo refused",
                   address, port)
            .p;
    expect(b, script, want);
}

static int listen_inside(void *ud, struct err *err) {
    *(int *)ud = listen_on("169.254.170.2", err);
    return *(int *)ud < 0 ? -1 : 0;
}

static void test_only_the_sockets_made_for_it_are_reachable(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    const char *const addresses[] = {"169.254.170.2", "169.254.170.3"};
    spec.addresses = addresses;
    spec.addresses_n = 2;
    open_box(b, &spec);
    int host cleanup_fd = listen_on("127.0.0.1", &b->err);
    OK(host);
    int inside cleanup_fd = -1;
    OK(sandbox_in_netns(b->s, listen_inside, &inside, &b->err));
    expect_connect(b, "127.0.0.1", port_of(host), "refused");
    expect_connect(b, "169.254.170.2", port_of(inside), "open");
    expect_connect(b, "169.254.170.3", port_of(inside), "refused");
    expect_connect(b, "192.0.2.1", 80U, "refused");
    int peer cleanup_fd = accept4(inside, NULL, NULL, SOCK_CLOEXEC);
    struct str text = STR_NONE;
    OK(fd_read_all(&b->a, peer, 100, &text, &b->err));
    assert_true(str_is(text, "hello\n"));
    assert_int_equal(fd_wait(host, POLLIN, 0, &b->err), 0);
    expect(b, "ls /sys/class/net", "lo");
}

static void test_machine_and_kernel_are_out_of_reach(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    expect(b, "unshare -U true 2>/dev/null || echo refused", "refused");
    expect(b, "mount -t tmpfs x /mnt 2>/dev/null || echo refused", "refused");
    expect(b, "mknod /tmp/sda b 8 0 2>/dev/null || echo refused", "refused");
    expect(b, "(echo 1 >/proc/sys/kernel/hostname) 2>/dev/null || echo refused", "refused");
    expect(b, "(echo x >/proc/sysrq-trigger) 2>/dev/null || echo refused", "refused");
    expect(b, "head -c 1 /proc/kcore 2>/dev/null | wc -c", "0");
    expect(b, "head -c 1 /proc/kallsyms | wc -c", "0");
    expect(b, "ls -A /sys/fs/cgroup /sys/kernel | grep -v : | grep -c . | xargs echo", "0");
    expect(b, "hostname other 2>/dev/null || echo refused", "refused");
    expect(b, "date -s 2001-01-01 >/dev/null 2>&1 || echo refused", "refused");
    expect(b, "ls /proc/1/root/ >/dev/null 2>&1 || echo refused", "refused");
    expect(b, "for i in 0 1 2 3 4; do readlink /proc/1/fd/$i; done 2>/dev/null | wc -l", "0");
    expect(b, "cat /proc/1/environ /proc/1/mem /proc/1/fd/2 >/dev/null 2>&1 || echo refused",
           "refused");
    expect(b, "kill -9 1; kill -TERM 1; sleep 0.1; echo alive", "alive");
    /* name, number, first argument; errno EPERM or ENOSYS each */
    const char *script =
        str_printf(
            &b->a,
            "import ctypes\n"
            "c=ctypes.CDLL(None,use_errno=True)\n"
            "for name,nr,arg in (('keyctl',%d,0),('bpf',%d,0),('userfaultfd',%d,0),"
            "('io_uring_setup',%d,1),('setns',%d,0),('unshare',%d,0x10000000),('ptrace',%d,0),"
            "('clone',%d,0x10000011),('clone3',%d,0),('perf_event_open',%d,0),('add_key',%d,0),"
            "('open_by_handle_at',%d,0),('process_vm_readv',%d,1),('fsopen',%d,0)):\n"
            "  r=c.syscall(nr,arg,0,0,0,0)\n"
            "  e=ctypes.get_errno()\n"
            "  if r!=-1 or e not in (1,38): print(name,r,e)\n",
            SYS_keyctl, SYS_bpf, SYS_userfaultfd, SYS_io_uring_setup, SYS_setns, SYS_unshare,
            SYS_ptrace, SYS_clone, SYS_clone3, SYS_perf_event_open, SYS_add_key,
            SYS_open_by_handle_at, SYS_process_vm_readv, SYS_fsopen)
            .p;
    const char *argv[] = {"/usr/bin/python3", "-c", script, NULL};
    assert_int_equal(run_as(b, argv, "/", NULL), 0);
    if (b->out.n > 0) {
        fail_msg("not refused: " STR_FMT, STR_ARG(b->out));
    }
}

static void test_fork_bomb_stays_inside_its_limit(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    spec.limits.pids = 64;
    open_box(b, &spec);
    const char *argv[] = {"/bin/bash", "-c", "bomb() { bomb | bomb & }; bomb; wait", NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    int null cleanup_fd = file_open("/dev/null", O_RDWR, 0, &b->err);
    const struct sandbox_command c = {
        .argv = argv, .envp = env, .cwd = "/", .in = -1, .out = null, .err = null};
    uint32_t id = 0;
    OK(sandbox_run(b->s, &c, &id, &b->err));
    int highest = 0;
    for (int64_t end = clock_mono_ms(&clock_system) + 2000; clock_mono_ms(&clock_system) < end;) {
        int count = processes_of(b);
        highest = count > highest ? count : highest;
    }
    assert_true(highest > 20 && highest <= 64);
    OK(sandbox_kill(b->s, &b->err));
    assert_int_equal(processes_of(b), 0);
}

static void test_memory_hog_is_ended_and_the_container_goes_on(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    spec.limits.memory_bytes = (int64_t)96 << 20;
    open_box(b, &spec);
    expect(b, "echo before", "before");
    const char *argv[] = {"/usr/bin/python3", "-c", "x = bytearray(400 << 20); print(len(x))",
                          NULL};
    assert_int_equal(run_as(b, argv, "/", NULL), 137);
    struct sandbox_usage u;
    OK(sandbox_usage(b->s, &u, &b->err));
    assert_true(u.oom_kills >= 1);
    assert_true(u.memory_peak_bytes > (64 << 20) && u.memory_peak_bytes <= (96 << 20));
    expect(b, "echo after", "after");
}

static void test_disk_use_is_measured(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    spec.limits.disk_bytes = 16 << 20;
    open_box(b, &spec);
    struct sandbox_usage before;
    OK(sandbox_usage(b->s, &before, &b->err));
    assert_int_equal(sh(b, "dd if=/dev/zero of=/root/big bs=1M count=20 status=none; sync"), 0);
    struct sandbox_usage after;
    do {
        OK(sandbox_usage(b->s, &after, &b->err));
    } while (after.disk_entries == before.disk_entries);
    assert_true(after.disk_bytes - before.disk_bytes >= 20 << 20);
    struct err full = ERR_INIT;
    assert_int_equal(sandbox_check_disk(b->s, &full), -1);
    assert_string_equal(full.msg, "No space left: the build has written more than 16 MiB");
    assert_true(before.disk_bytes < 4 << 20);
}

static void test_files_are_counted_too(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    spec.limits.disk_entries = 1000;
    open_box(b, &spec);
    OK(sandbox_check_disk(b->s, &b->err));
    assert_int_equal(sh(b, "mkdir /tmp/d && cd /tmp/d && seq 2000 | xargs touch"), 0);
    struct err full = ERR_INIT;
    for (int i = 0; i < 600 && sandbox_check_disk(b->s, &full) == 0; i++) {
        poll(NULL, 0, 20); /* it walks a tenth of the time */
    }
    assert_string_equal(full.msg,
                        "No space left: the build has made more than 1000 files and folders");
    assert_int_equal(sh(b, "rm -r /tmp/d"), 0);
    OK(sandbox_check_disk(b->s, &b->err));
}

static void test_tree_that_ignores_term_dies_and_nothing_is_left(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    assert_int_equal(sh(b, "for i in 1 2 3 4 5; do (trap '' TERM INT HUP; setsid bash -c "
                           "'trap \"\" TERM; sleep 1000 & sleep 1000' >/dev/null 2>&1 &); done; "
                           "for i in $(seq 200); do test $(ps -e | grep -c sleep) -ge 10 && break; "
                           "sleep 0.05; done; ps -e | grep -c sleep | xargs test 10 -le"),
                     0);
    OK(sandbox_signal(b->s, 0, SIGTERM, &b->err));
    assert_true(processes_of(b) >= 10);
    assert_true(cgroup_is_there(b));
    OK(sandbox_kill(b->s, &b->err));
    assert_int_equal(processes_of(b), 0);
    OK(sandbox_kill(b->s, &b->err));
    struct sandbox *s = TAKE_PTR(b->s);
    OK(sandbox_delete(s, &b->err));
    assert_nothing_left(b);
}

static void test_signal_reaches_a_command_with_its_children_only(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    const char *argv[] = {"/bin/bash", "-c", "sleep 1000 | sleep 1000", NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    int null cleanup_fd = file_open("/dev/null", O_RDWR, 0, &b->err);
    const struct sandbox_command c = {
        .argv = argv, .envp = env, .cwd = "/", .in = -1, .out = null, .err = null};
    uint32_t first = 0;
    uint32_t second = 0;
    OK(sandbox_run(b->s, &c, &first, &b->err));
    OK(sandbox_run(b->s, &c, &second, &b->err));
    expect(b,
           "for i in $(seq 200); do test $(ps -e | grep -c sleep) = 4 && break; sleep 0.05; "
           "done; ps -e | grep -c sleep",
           "4");
    OK(sandbox_signal(b->s, first, SIGTERM, &b->err));
    struct sandbox_event e;
    OK(sandbox_next(b->s, 60000, &e, &b->err));
    assert_int_equal(e.id, first);
    assert_int_equal(e.signal, SIGTERM);
    expect(b,
           "for i in $(seq 200); do test $(ps -e | grep -c sleep) = 2 && break; sleep 0.05; "
           "done; ps -e | grep -c sleep",
           "2");
}

static void test_container_ends_with_its_supervisor_and_can_be_swept(void **state) {
    struct box *b = *state;
    struct neighbour n = start_neighbour(b, "(setsid sleep 1000) >/dev/null 2>&1 &");
    struct box seen = {.a = ARENA_INIT, .err = ERR_INIT, .dir = n.dir, .base = n.base};
    assert_true(processes_of(&seen) >= 2);
    kill(n.pid, SIGKILL);
    waitpid(n.pid, NULL, 0);
    OK(sandbox_sweep(n.dir, &b->err));
    snprintf(seen.cgroup, sizeof(seen.cgroup), "/trunkline-%s",
             str_printf(&b->a, "test-%d", getpid()).p);
    assert_nothing_left(&seen);
    OK(sandbox_sweep(n.dir, &b->err));
    arena_done(&seen.a);
    b->dir = n.dir;
}

static void test_event_says_when_the_container_is_gone(void **state) {
    struct box *b = *state;
    struct sandbox_spec spec = spec_of(b);
    open_box(b, &spec);
    OK(sandbox_kill(b->s, &b->err));
    struct sandbox_event e;
    OK(sandbox_next(b->s, 10000, &e, &b->err));
    assert_int_equal(e.kind, SANDBOX_GONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_BOX(test_two_containers_share_nothing),
        WITH_BOX(test_only_the_sockets_made_for_it_are_reachable),
        WITH_BOX(test_machine_and_kernel_are_out_of_reach),
        WITH_BOX(test_fork_bomb_stays_inside_its_limit),
        WITH_BOX(test_memory_hog_is_ended_and_the_container_goes_on),
        WITH_BOX(test_disk_use_is_measured),
        WITH_BOX(test_files_are_counted_too),
        WITH_BOX(test_tree_that_ignores_term_dies_and_nothing_is_left),
        WITH_BOX(test_signal_reaches_a_command_with_its_children_only),
        WITH_BOX(test_container_ends_with_its_supervisor_and_can_be_swept),
        WITH_BOX(test_event_says_when_the_container_is_gone),
    };
    BOX_MAIN(tests);
}
