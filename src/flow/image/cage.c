/* See cage.h. The child builds its small world as root, gives all of that up, and only then becomes
 * the program. */
#include "flow/image/cage.h"

#include "base/clock.h"
#include "flow/image/door.h"
#include "flow/sandbox/host.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/mount.h"
#include "platform/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 200, MESSAGES_MAX = 1 << 20, MEMORY_MAX = 2000 << 20, FAILED = 125 };

#define PLACE "/run/trunkline"
#define ROOT PLACE "/root"

/* What the child needs, all of it made before the fork. */
struct caged {
    struct arena *a;
    const struct cage *c;
    const char *program; /* its path */
    struct str filter;   /* of system calls */
    int userns;
    int netns;         /* of its door, or -1 */
    int port;          /* of its door */
    int out, messages; /* its standard output and error */
};

/* ---- its world, made as root ---- */

static int make_file(const char *path, struct err *err) {
    return file_write(path, S(""), 0644, err);
}

/* A file or folder of the host, read-only; what the host does not have, it does not have. */
static int show(struct arena *a, const char *path, struct err *err) {
    const char *target = str_printf(a, ROOT "%s", path).p;
    struct stat st;
    if (stat(path, &st) < 0) {
        return 0;
    }
    int made = S_ISDIR(st.st_mode) ? dir_make(target, 0755, err) : make_file(target, err);
    return made < 0 ? -1 : mount_readonly(path, target, err);
}

/* /bin and /lib are links to /usr where it is merged. */
static int show_top(struct arena *a, const char *path, struct err *err) {
    char link[256];
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    if (n <= 0) {
        return show(a, path, err);
    }
    link[n] = '\0';
    return symlink(link, str_printf(a, ROOT "%s", path).p) < 0
               ? err_sys(err, errno, "link %s", path)
               : 0;
}

static int show_device(struct arena *a, const char *path, struct err *err) {
    const char *target = str_printf(a, ROOT "%s", path).p;
    if (make_file(target, err) < 0) {
        return -1;
    }
    return mount(path, target, NULL, MS_BIND, NULL) < 0 ? err_sys(err, errno, "show %s", path) : 0;
}

static int show_host(const struct caged *k, struct err *err) {
    static const char *const tops[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64"};
    static const char *const files[] = {"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl",
                                        "/etc/containers",  "/etc/gai.conf",      "/etc/passwd",
                                        "/etc/group"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/urandom"};
    int result =
        dir_make(ROOT "/etc", 0755, err) < 0 || dir_make(ROOT "/dev", 0755, err) < 0 ? -1 : 0;
    for (size_t i = 0; result == 0 && i < sizeof(tops) / sizeof(tops[0]); i++) {
        result = show_top(k->a, tops[i], err);
    }
    for (size_t i = 0; result == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
        result = show(k->a, files[i], err);
    }
    for (size_t i = 0; result == 0 && i < sizeof(devices) / sizeof(devices[0]); i++) {
        result = show_device(k->a, devices[i], err);
    }
    if (result == 0 && k->c->hosts.n > 0) {
        return file_write(ROOT "/etc/hosts", k->c->hosts, 0644, err);
    }
    return result < 0 ? -1 : show(k->a, "/etc/hosts", err);
}

/* A folder of the caller, with its owners as the caged program's own. */
static int show_folder(const struct caged *k, const char *from, const char *to, bool readonly,
                       struct err *err) {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (dir_make(to, 0755, err) < 0 || mount_idmapped(from, to, k->userns, err) < 0) {
        return -1;
    }
    return readonly && mount_setattr(AT_FDCWD, to, 0, &attr, sizeof(attr)) < 0
               ? err_sys(err, errno, "keep %s read-only", from)
               : 0;
}

static int make_world(const struct caged *k, struct err *err) {
    const struct cage *c = k->c;
    if (mount_isolate(err) < 0 || dir_make(PLACE, 0755, err) < 0 ||
        mount_tmpfs(PLACE, "mode=0755,size=4m", err) < 0 || dir_make(ROOT, 0755, err) < 0 ||
        /* pivot_root wants a mount point */
        mount_tmpfs(ROOT, "mode=0755,size=4m", err) < 0 || show_host(k, err) < 0 ||
        show_folder(k, c->dir, ROOT "/work", false, err) < 0 ||
        (c->source && show_folder(k, c->source, ROOT "/source", true, err) < 0)) {
        return -1;
    }
    int kinds = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (c->network ? 0 : CLONE_NEWNET);
    if (unshare(kinds) < 0 || (k->netns >= 0 && setns(k->netns, CLONE_NEWNET) < 0)) {
        return err_sys(err, errno, "make namespaces");
    }
    if (chdir(ROOT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/work") < 0) {
        return err_sys(err, errno, "change the root");
    }
    return 0;
}

/* ---- giving up ---- */

static void limit(__rlimit_resource_t what, rlim_t most) {
    struct rlimit now;
    if (getrlimit(what, &now) == 0) {
        most = most < now.rlim_max ? most : now.rlim_max;
        setrlimit(what, &(struct rlimit){most, most});
    }
}

static int become_nobody(const struct caged *k, struct err *err) {
    if (setns(k->userns, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
        setresuid(0, 0, 0) < 0) {
        return err_sys(err, errno, "give up the host's ids");
    }
    umask(022);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, (rlim_t)k->c->bytes_max);
    limit(RLIMIT_DATA, MEMORY_MAX);
    return 0;
}

static void __attribute__((noreturn)) become_program(const struct caged *k) {
    const char *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                         "HOME=/work/home",
                         "TMPDIR=/work/tmp",
                         "XDG_RUNTIME_DIR=/work/tmp",
                         "LC_ALL=C.UTF-8",
                         NULL,
                         NULL,
                         NULL,
                         NULL,
                         NULL};
    static const char *const proxies[] = {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"};
    if (k->netns >= 0) {
        env[5] = str_printf(k->a, "HTTPS_PROXY=http://127.0.0.1:%d", k->port).p;
    }
    for (size_t i = 0, n = 5; k->c->network && k->netns < 0 && i < 4; i++) {
        if (getenv(proxies[i]) != NULL) {
            env[n++] = str_printf(k->a, "%s=%s", proxies[i], getenv(proxies[i])).p;
        }
    }
    struct sock_fprog program = {(unsigned short)(k->filter.n / sizeof(struct sock_filter)),
                                 (struct sock_filter *)(void *)k->filter.p};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int nothing = open("/dev/null", O_RDONLY);
    bool ready = nothing >= 0 && dup2(nothing, 0) == 0 && dup2(k->out, 1) == 1 &&
                 dup2(k->messages, 2) == 2 && close_range(3, ~0U, 0) == 0 &&
                 prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                 prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (ready) {
        execve(k->program, (char *const *)k->c->argv, (char *const *)env);
    }
    dprintf(2, "start %s: %s\n", k->program, strerrordesc_np(errno));
    _exit(FAILED);
}

/* The child: makes the world, then its own child, which is process 1 of it. When it is killed, that
 * one dies with it, and with that one all that it has started. */
static int live(void *ud) {
    struct caged *k = ud;
    struct err err = ERR_INIT;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || make_world(k, &err) < 0 ||
        become_nobody(k, &err) < 0) {
        dprintf(k->messages, "%s\n", err.msg);
        return FAILED;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids has cleared it */
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        become_program(k);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

/* ---- watching it ---- */

static int look(const struct cage *c, int64_t since_ms, struct err *err) {
    int64_t bytes = 0;
    int64_t entries = 0;
    if (c->cancelled != NULL && c->cancelled(c->ud)) {
        return err_set(err, ERR_CANCELLED, "stopped");
    }
    if (clock_mono_ms(&clock_system) - since_ms > c->timeout_ms) {
        return err_set(err, ERR_UNAVAILABLE, "%s did not end within %d s", c->argv[0],
                       c->timeout_ms / 1000);
    }
    if (tree_size(c->dir, c->bytes_max, 0, &bytes, &entries, err) < 0) {
        return -1;
    }
    return bytes > c->bytes_max
               ? err_set(err, ERR_LIMIT, "larger than %lld MiB", (long long)(c->bytes_max >> 20))
               : 0;
}

static int watch(const struct cage *c, struct process *p, struct process_exit *ret,
                 struct err *err) {
    int64_t since = clock_mono_ms(&clock_system);
    int64_t next_look = since + LOOK_MS;
    for (;;) {
        int ended = process_wait(p, LOOK_MS, ret, err);
        if (ended != 0) {
            return ended < 0 ? -1 : 0;
        }
        int64_t now = clock_mono_ms(&clock_system);
        if (now >= next_look) {
            if (look(c, since, err) < 0) {
                return -1;
            }
            /* Walking a large tree takes time: a tenth of it at most. */
            next_look = now + 10 * (clock_mono_ms(&clock_system) - now);
        }
    }
}

/* The last line; of Go's log lines (`time=... level=fatal msg="..."`) only what they say. */
static struct str last_words(struct arena *a, int messages) {
    struct str text = STR_NONE;
    struct err ignored = ERR_INIT;
    lseek(messages, 0, SEEK_SET);
    if (fd_read_all(a, messages, MESSAGES_MAX, &text, &ignored) < 0) {
        return S("");
    }
    text = str_trim(text);
    size_t line = str_rfind_c(text, '\n');
    text = str_sub(text, line == (size_t)-1 ? 0 : line + 1, text.n);
    size_t said = str_find(text, S(" msg=\""), 0);
    if (said == (size_t)-1 || !str_ends(text, S("\""))) {
        return text;
    }
    text = str_sub(text, said + 6, text.n - said - 7);
    char *p = (char *)str_z(a, text);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) { /* \" is how Go writes a quote within */
        bool escape = p[i] == '\\' && i + 1 < text.n && (p[i + 1] == '"' || p[i + 1] == '\\');
        i += escape;
        p[n++] = p[i];
    }
    return str_n(p, n);
}

int cage_run(struct arena *a, const struct cage *c, struct str *ret_out, struct err *err) {
    struct caged k = {.a = a, .c = c, .netns = -1, .program = program_find(a, c->argv[0])};
    struct process_exit end = {0};
    uint32_t base = 0;
    int range cleanup_fd = -1;
    if (k.program == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s is not installed (apt install %s)", c->argv[0],
                       c->argv[0]);
    }
    if (geteuid() != 0) {
        return err_set(err, ERR_DENIED, "images are fetched by root only");
    }
    int userns cleanup_fd =
        range_take(&base, &range, err) < 0 ? -1 : userns_new(base, ID_RANGE, err);
    int out cleanup_fd = memfd_create("output", MFD_CLOEXEC);
    int messages cleanup_fd = memfd_create("messages", MFD_CLOEXEC);
    if (userns < 0 || filter_program(a, SECCOMP_BUILD, &k.filter, err) < 0) {
        return -1;
    }
    if (out < 0 || messages < 0) {
        return err_sys(err, errno, "make an anonymous file");
    }
    k.userns = userns;
    k.out = out;
    k.messages = messages;
    struct door door cleanup_door = DOOR_NONE;
    if (c->network && c->door != NULL && door_open(c->door, &door, err) < 0) {
        return -1;
    }
    k.netns = door.netns;
    k.port = door.port;
    struct process p cleanup_process = PROCESS_NONE;
    if (process_fork(live, &k, &p, err) < 0 || watch(c, &p, &end, err) < 0) {
        return -1;
    }
    if (end.code != 0) {
        struct str words = last_words(a, messages);
        return err_set(err, ERR_SYSTEM, "%s: " STR_FMT, c->argv[0],
                       STR_ARG(words.n ? words : S("failed and did not say why")));
    }
    lseek(out, 0, SEEK_SET);
    return ret_out == NULL ? 0 : fd_read_all(a, out, c->output_max, ret_out, err);
}
