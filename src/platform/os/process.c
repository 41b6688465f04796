/* Implementation of platform/os/process.h: start, wait, signal, identity. */
#include "platform/os/process.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

extern char **environ;

enum { KEEP_MAX = 16 };

static int open_pidfd(pid_t pid, struct process *ret, struct err *err) {
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        int sys = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return err_sys(err, sys, "open a handle on process %d", pid);
    }
    *ret = (struct process){pid, fd};
    return 0;
}

/* Descriptors wanted as 0..n-1 in the child are first copied above that range, so that no copy
 * overwrites one that is still needed. */
static int arrange_fds(const struct process_spec *spec, posix_spawn_file_actions_t *actions,
                       int *copies, struct err *err) {
    const int wanted = 3 + (int)spec->keep_n;
    for (int i = 0; i < wanted; i++) {
        int source = i == 0   ? spec->in
                     : i == 1 ? spec->out
                     : i == 2 ? spec->err
                              : spec->keep[i - 3];
        copies[i] = -1;
        if (source >= 0) {
            copies[i] = fcntl(source, F_DUPFD_CLOEXEC, wanted);
            if (copies[i] < 0) {
                return err_sys(err, errno, "pass descriptor %d to a program", source);
            }
            posix_spawn_file_actions_adddup2(actions, copies[i], i);
        } else {
            posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
        }
    }
    posix_spawn_file_actions_addclosefrom_np(actions, wanted);
    if (spec->dir != NULL) {
        posix_spawn_file_actions_addchdir_np(actions, spec->dir);
    }
    return 0;
}

static void set_attributes(const struct process_spec *spec, posix_spawnattr_t *attributes) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (spec->session) {
        flags = (short)(flags | POSIX_SPAWN_SETSID);
    }
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, flags);
}

int process_spawn(const struct process_spec *spec, struct process *ret, struct err *err) {
    if (spec->keep_n > KEEP_MAX) {
        return err_set(err, ERR_LIMIT, "%zu descriptors for one program", spec->keep_n);
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_attributes(spec, &attributes);
    int copies[3 + KEEP_MAX];
    memset(copies, -1, sizeof(copies));
    int result = arrange_fds(spec, &actions, copies, err);
    pid_t pid = 0;
    if (result == 0) {
        char *const *env = spec->envp ? (char *const *)spec->envp : environ;
        const char *program = spec->program ? spec->program : spec->argv[0];
        int sys =
            posix_spawnp(&pid, program, &actions, &attributes, (char *const *)spec->argv, env);
        if (sys != 0) {
            result = os_error(err, sys, "start", program);
        }
    }
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        fd_closep(&copies[i]);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return result < 0 ? -1 : open_pidfd(pid, ret, err);
}

int process_fork(int (*fn)(void *ud), void *ud, struct process *ret, struct err *err) {
    pid_t pid = fork();
    if (pid < 0) {
        return err_sys(err, errno, "fork");
    }
    if (pid == 0) {
        _exit(fn(ud));
    }
    return open_pidfd(pid, ret, err);
}

static struct process_exit exit_of(const siginfo_t *info) {
    if (info->si_code == CLD_EXITED) {
        return (struct process_exit){info->si_status, 0};
    }
    return (struct process_exit){128 + info->si_status, info->si_status};
}

int process_wait(struct process *p, int timeout_ms, struct process_exit *ret, struct err *err) {
    int ended = process_wait_death(p, timeout_ms, err);
    if (ended <= 0) {
        return ended;
    }
    siginfo_t info = {0};
    int failed = 0;
    do {
        failed = waitid((idtype_t)P_PIDFD, (id_t)p->pidfd, &info, WEXITED);
    } while (failed < 0 && errno == EINTR);
    if (failed < 0 && errno != ECHILD) {
        return err_sys(err, errno, "wait for process %d", p->pid);
    }
    if (ret != NULL) {
        *ret = failed < 0 ? (struct process_exit){-1, 0} : exit_of(&info);
    }
    process_close(p);
    return 1;
}

int process_wait_death(const struct process *p, int timeout_ms, struct err *err) {
    int events = fd_wait(p->pidfd, POLLIN, timeout_ms, err);
    return events < 0 ? -1 : events != 0;
}

void process_reap(void) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

int process_signal(const struct process *p, int signal, struct err *err) {
    if (pidfd_send_signal(p->pidfd, signal, NULL, 0) < 0 && errno != ESRCH) {
        return err_sys(err, errno, "send signal %d to process %d", signal, p->pid);
    }
    return 0;
}

void process_close(struct process *p) {
    fd_closep(&p->pidfd);
    p->pid = 0;
}

void process_end(struct process *p) {
    if (p->pidfd >= 0 && p->pid > 0) {
        struct err ignored = ERR_INIT;
        if (process_signal(p, SIGKILL, &ignored) < 0 || process_wait(p, -1, NULL, &ignored) < 0) {
            process_close(p);
        }
    }
}

/* Field 22 of /proc/PID/stat. The second field is the program's name in parentheses and may hold
 * anything, so fields are counted from the last ')'. */
static bool start_time(struct str stat, uint64_t *ret) {
    size_t paren = str_rfind_c(stat, ')');
    if (paren == (size_t)-1) {
        return false;
    }
    struct str rest = str_trim(str_sub(stat, paren + 1, stat.n));
    struct str field = STR_NONE;
    for (int number = 3; number <= 22; number++) {
        if (!str_cut(&rest, ' ', &field)) {
            return false;
        }
    }
    unsigned long long value = 0;
    bool ok = str_to_u64(field, &value);
    *ret = value;
    return ok;
}

static char boot[PROCESS_BOOT_MAX];

static void read_boot(void) {
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    struct err ignored = ERR_INIT;
    if (file_read(&a, "/proc/sys/kernel/random/boot_id", 64, &text, &ignored) == 0) {
        snprintf(boot, sizeof(boot), "%.*s", STR_ARG(str_trim(text)));
    }
    arena_done(&a);
}

const char *process_boot(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_boot);
    return boot;
}

int process_identify(pid_t pid, struct process_id *ret, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str text = STR_NONE;
    *ret = (struct process_id){.pid = pid};
    int result = file_read(&a, str_printf(&a, "/proc/%d/stat", pid).p, 4096, &text, err);
    if (result == 0 && !start_time(text, &ret->start)) {
        result = err_set(err, ERR_INTERNAL, "/proc/%d/stat cannot be read", pid);
    }
    snprintf(ret->boot, sizeof(ret->boot), "%s", process_boot());
    if (result < 0 && err->kind == ERR_SYSTEM && err->sys == ESRCH) {
        err->kind = ERR_NOT_FOUND;
    }
    arena_done(&a);
    return result;
}

struct str process_id_text(struct arena *a, const struct process_id *id) {
    return str_printf(a, "%d %llu %s\n", id->pid, (unsigned long long)id->start, id->boot);
}

bool process_id_parse(struct str text, struct process_id *ret) {
    struct str rest = str_trim(text);
    struct str pid = STR_NONE;
    struct str start = STR_NONE;
    long long number = 0;
    unsigned long long ticks = 0;
    *ret = (struct process_id){0};
    if (!str_cut(&rest, ' ', &pid) || !str_to_i64(pid, &number) || number <= 0 ||
        number > INT_MAX || !str_cut(&rest, ' ', &start) || !str_to_u64(start, &ticks)) {
        return false;
    }
    ret->pid = (pid_t)number;
    ret->start = ticks;
    if (rest.p != NULL && rest.n < sizeof(ret->boot)) {
        memcpy(ret->boot, rest.p, rest.n);
    }
    return true;
}

int process_attach(const struct process_id *id, struct process *ret, struct err *err) {
    int fd cleanup_fd = pidfd_open(id->pid, 0);
    if (fd < 0) {
        return errno == ESRCH || errno == EINVAL
                   ? err_set(err, ERR_NOT_FOUND, "process %d has ended", id->pid)
                   : err_sys(err, errno, "open a handle on process %d", id->pid);
    }
    /* The handle is held now: if the start time agrees, it is a handle on that process. */
    struct process_id now;
    if (process_identify(id->pid, &now, err) < 0) {
        return -1;
    }
    if (now.start != id->start || (id->boot[0] && strcmp(now.boot, id->boot) != 0)) {
        return err_set(err, ERR_NOT_FOUND, "process %d is another one now", id->pid);
    }
    *ret = (struct process){id->pid, TAKE_FD(fd)};
    return 0;
}

const char *program_find(struct arena *a, const char *name) {
    const char *path = getenv("PATH");
    struct str rest = str_printf(a, "%s:/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "/usr/bin");
    struct str part = STR_NONE;
    while (str_cut(&rest, ':', &part)) {
        const char *full = str_printf(a, STR_FMT "/%s", STR_ARG(part), name).p;
        if (full[0] == '/' && access(full, X_OK) == 0 && !file_is_dir(full)) {
            return full;
        }
    }
    return NULL;
}
