/*
 * trunkline-init: process 1 of a build's container. It runs the commands that the supervisor sends
 * over one inherited socket, reaps whatever ends, and ends the container when it is told to or when
 * the supervisor is gone. It is a static program, bound read-only into every container, and takes
 * nothing from the image but /etc/passwd and /etc/group. It does not log, mask, wait for output or
 * know what a phase is.
 *
 * usage: trunkline-init SOCKET-DESCRIPTOR
 */
#include "init/protocol.h"
#include "init/tools.h"

#include "init/user.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FDS_MAX = 4, ARGS_MAX = 65536 };

/* A command that runs. */
struct command {
    uint32_t id; /* 0 = free */
    pid_t pid;
};

static struct command commands[INIT_COMMANDS_MAX];
static int channel = -1;

static void put_text(char *to, size_t size, const char *a, const char *b, const char *c) {
    const char *parts[] = {a, b, c};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t length = parts[i] ? strlen(parts[i]) : 0;
        length = length < size - 1 - n ? length : size - 1 - n;
        memcpy(to + n, parts[i] ? parts[i] : "", length);
        n += length;
    }
    to[n] = '\0';
}

static void reply(enum init_event event, uint32_t id, int32_t code, int32_t signal,
                  const char *text) {
    struct init_reply r = {.magic = INIT_MAGIC, .event = event, .id = id};
    r.code = code;
    r.signal = signal;
    put_text(r.text, sizeof(r.text), text, NULL, NULL);
    ssize_t sent = 0;
    do {
        sent = send(channel, &r, sizeof(r), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        _exit(1); /* nobody is left to report to */
    }
}

/* What a new command needs, as pointers into the mapped blob. */
struct program {
    const char *cwd;
    const char *user;
    char **argv;
    char **envp;
};

/* Cuts the blob into strings. Every string must end inside it. */
static bool parse_blob(const struct init_request *q, char *blob, size_t size, char **pointers,
                       struct program *ret) {
    size_t wanted = 2 + (size_t)q->argc + q->envc;
    char *at = blob;
    char *end = blob + size;
    size_t slot = 0;
    for (size_t i = 0; i < wanted; i++) {
        char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        if (nul == NULL) {
            return false;
        }
        if (i == 0) {
            ret->cwd = at;
        } else if (i == 1) {
            ret->user = at;
        } else {
            if (i == 2 + (size_t)q->argc) {
                pointers[slot++] = NULL;
            }
            pointers[slot++] = at;
        }
        at = nul + 1;
    }
    if (q->envc == 0) {
        pointers[slot++] = NULL;
    }
    pointers[slot] = NULL;
    ret->argv = pointers;
    ret->envp = pointers + q->argc + 1;
    return true;
}

/* In the child, after fork: reports why the command cannot start, and ends. */
static void __attribute__((noreturn))
give_up(int report, const char *what, const char *which, int sys) {
    char text[INIT_TEXT_MAX];
    put_text(text, sizeof(text), what, which, NULL);
    size_t n = strlen(text);
    const char *why = sys ? strerrordesc_np(sys) : NULL;
    if (why != NULL) {
        put_text(text + n, sizeof(text) - n, ": ", why, NULL);
    }
    ssize_t ignored = write(report, text, strlen(text));
    (void)ignored;
    _exit(127);
}

/* Builds are the first to go when memory runs out; this process, which tells of it, the last. */
static void volunteer_for_oom(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t ignored = write(fd, "900", 3);
        (void)ignored;
        close(fd);
    }
}

static void __attribute__((noreturn)) become(const struct program *p, const int *fds, int report) {
    volunteer_for_oom();
    setsid();
    umask(022);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++) {
        signal(s, SIG_DFL);
    }
    int in = fds[3] >= 0 ? fds[3] : open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0) {
        give_up(report, "connect the output", "", errno);
    }
    if (isatty(0)) {
        ioctl(0, TIOCSCTTY, 0); /* a shell for a person: interrupts of the terminal are its */
    }
    const char *why = NULL;
    if (p->user[0] != '\0' && !user_become(p->user, &why)) {
        give_up(report, why, p->user, 0);
    }
    if (chdir(p->cwd) < 0) {
        give_up(report, "change to folder ", p->cwd, errno);
    }
    /* `report` stays open until execve closes it: that is how the parent knows. */
    if (report != 3) {
        dup3(report, 3, O_CLOEXEC);
    }
    close_range(4, ~0U, 0);
    execve(p->argv[0], p->argv, p->envp);
    give_up(3, "start ", p->argv[0], errno);
}

/* Reads the child's report: nothing when execve took place. */
static bool started(int report, char *text, size_t size) {
    ssize_t n = 0;
    do {
        n = read(report, text, size - 1);
    } while (n < 0 && errno == EINTR);
    text[n > 0 ? n : 0] = '\0';
    return n == 0;
}

static void launch(const struct init_request *q, const struct program *p, const int *fds) {
    struct command *free_slot = NULL;
    for (size_t i = 0; i < INIT_COMMANDS_MAX; i++) {
        free_slot = commands[i].id == 0 ? &commands[i] : free_slot;
    }
    int report[2];
    if (free_slot == NULL || pipe2(report, O_CLOEXEC) < 0) {
        reply(INIT_REFUSED, q->id, 0, 0, "too many commands at once");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(report[0]);
        become(p, fds, report[1]);
    }
    close(report[1]);
    char text[INIT_TEXT_MAX] = "no process can be made (limit of processes reached)";
    bool ok = pid > 0 && started(report[0], text, sizeof(text));
    close(report[0]);
    if (!ok) {
        if (pid > 0) {
            waitpid(pid, NULL, 0);
        }
        reply(INIT_REFUSED, q->id, 0, 0, text);
        return;
    }
    *free_slot = (struct command){q->id, pid};
}

static void run(const struct init_request *q, const int *fds, size_t fds_n) {
    struct stat st;
    if (fds_n < 3 || q->id == 0 || q->argc == 0 || q->argc > ARGS_MAX || q->envc > ARGS_MAX ||
        fstat(fds[0], &st) < 0 || st.st_size <= 0 || st.st_size > INIT_BLOB_MAX) {
        reply(INIT_REFUSED, q->id, 0, 0, "malformed request");
        return;
    }
    size_t size = (size_t)st.st_size;
    char *blob = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[0], 0);
    char **pointers = malloc(sizeof(char *) * ((size_t)q->argc + q->envc + 3));
    struct program p = {0};
    if (blob == MAP_FAILED || pointers == NULL) {
        reply(INIT_REFUSED, q->id, 0, 0, "no memory for the command");
    } else if (!parse_blob(q, blob, size, pointers, &p)) {
        reply(INIT_REFUSED, q->id, 0, 0, "malformed request");
    } else {
        launch(q, &p, fds);
    }
    free(pointers);
    if (blob != MAP_FAILED) {
        munmap(blob, size);
    }
}

static void send_signal(const struct init_request *q) {
    if (q->id == 0) {
        kill(-1, q->signal);
        return;
    }
    for (size_t i = 0; i < INIT_COMMANDS_MAX; i++) {
        if (commands[i].id == q->id) {
            kill(-commands[i].pid, q->signal);
        }
    }
}

static void reap(void) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < INIT_COMMANDS_MAX; i++) {
            if (commands[i].id != 0 && commands[i].pid == pid) {
                uint32_t id = commands[i].id;
                commands[i].id = 0;
                int killer = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
                reply(INIT_EXITED, id, killer ? 128 + killer : WEXITSTATUS(status), killer, NULL);
            }
        }
    }
}

/* One request. Anything that is not one ends the container: the other side is not our supervisor,
 * or it is gone. */
static void serve(void) {
    struct init_request q;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control;
    struct iovec part = {&q, sizeof(q)};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(channel, &m, MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n != (ssize_t)sizeof(q) || q.magic != INIT_MAGIC || q.op == INIT_END) {
        _exit(0); /* the kernel ends everybody else in this pid namespace */
    }
    int fds[FDS_MAX] = {-1, -1, -1, -1};
    size_t fds_n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            fds_n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            fds_n = fds_n < FDS_MAX ? fds_n : FDS_MAX;
            memcpy(fds, CMSG_DATA(c), fds_n * sizeof(int));
        }
    }
    if (q.op == INIT_RUN) {
        run(&q, fds, fds_n);
    } else if (q.op == INIT_SIGNAL) {
        send_signal(&q);
    }
    for (size_t i = 0; i < fds_n; i++) {
        close(fds[i]);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } tools[] = {{"codebuild-hash-files", hash_files},
                 {"codebuild-glob-search", glob_search},
                 {"codebuild-tests-run", tests_run}};
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    for (size_t i = 0; argc > 0 && i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (strcmp(slash ? slash + 1 : argv[0], tools[i].name) == 0) {
            return tools[i].run(argc, argv);
        }
    }
    if (argc == 4 && strcmp(argv[1], "git-credential") == 0) {
        return git_credential(argv[2], argv[3]);
    }
    if (argc == 3 && strcmp(argv[1], "place") == 0) {
        return place(argv[2]);
    }
    channel = argc == 2 ? atoi(argv[1]) : -1;
    if (channel < 3 || fcntl(channel, F_SETFD, FD_CLOEXEC) < 0) {
        return 2;
    }
    /* Nobody else in the container may look into this process or borrow its descriptors. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (ended < 0) {
        return 2;
    }
    reply(INIT_READY, 0, 0, 0, NULL);
    for (;;) {
        struct pollfd fds[2] = {{channel, POLLIN, 0}, {ended, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        if (fds[1].revents) {
            struct signalfd_siginfo info[8];
            while (read(ended, info, sizeof(info)) > 0) {
            }
            reap();
        }
        if (fds[0].revents) {
            serve();
        }
    }
}
