/* See spawner.h. One message an order, with three descriptors; one message an answer, with the
 * handle of the new process. */
#include "flow/build/spawner.h"

#include "flow/build/supervise.h"
#include "flow/gateway/authority.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/title.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ORDER_FDS = 3, END_MS = 5000, TRIES = 2 };

/* Room for the name of the longest folder: process_title has no more than what we start with. */
#define NAME_ROOM "/builds/------------------------------------"

struct order {
    uint32_t ahead;
    char dir[PATH_MAX];
};

struct answer {
    int32_t pid; /* negative: it could not be */
    char text[200];
};

/* ---- of serve ---- */

struct spawner {
    const char *program;
    const char *data_dir;
    pthread_mutex_t lock; /* one order at a time */
    struct process process;
    int socket; /* -1 = not started */
};

struct spawner *spawner_new(const char *program, const char *data_dir) {
    struct spawner *s = mem_alloc(sizeof(*s));
    *s = (struct spawner){
        .program = program, .data_dir = data_dir, .process = PROCESS_NONE, .socket = -1};
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void end(struct spawner *s) {
    struct err ignored = ERR_INIT;
    fd_closep(&s->socket);
    if (s->process.pid > 0 && process_wait(&s->process, END_MS, NULL, &ignored) <= 0) {
        process_end(&s->process);
    }
}

void spawner_free(struct spawner *s) {
    if (s != NULL) {
        end(s);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

static int start(struct spawner *s, struct err *err) {
    struct arena a = ARENA_INIT;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_sys(err, errno, "make a socket pair");
    }
    int theirs cleanup_fd = pair[1];
    const char *room = str_printf(&a, "%s" NAME_ROOM, s->data_dir).p;
    const char *argv[] = {s->program, "supervise", "--fork", room, NULL};
    struct process_spec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    spec.in = theirs;
    spec.err = STDERR_FILENO;
    spec.session = true; /* what the terminal sends to serve is serve's */
    int result = process_spawn(&spec, &s->process, err);
    s->socket = pair[0];
    if (result < 0) {
        fd_closep(&s->socket);
    }
    arena_done(&a);
    return result;
}

void spawner_prepare(struct spawner *s) {
    struct err ignored = ERR_INIT; /* who needs it tries again, and tells */
    pthread_mutex_lock(&s->lock);
    if (s->socket < 0) {
        (void)!start(s, &ignored);
    }
    pthread_mutex_unlock(&s->lock);
}

static int exchange(struct spawner *s, const struct order *order, const int fds[ORDER_FDS],
                    struct process *ret, struct err *err) {
    struct answer answer;
    int handle = -1;
    size_t handles = 1;
    if (fd_send_message(s->socket, order, sizeof(*order), fds, ORDER_FDS, err) < 0) {
        return -1;
    }
    ssize_t n = fd_receive_message(s->socket, &answer, sizeof(answer), &handle, &handles, err);
    if (n != sizeof(answer)) {
        return n < 0 ? -1 : err_set(err, ERR_UNAVAILABLE, "it has ended");
    }
    if (answer.pid < 0 || handles != 1) {
        return err_set(err, ERR_SYSTEM, "%.*s", (int)sizeof(answer.text), answer.text);
    }
    *ret = (struct process){answer.pid, handle};
    return 0;
}

int spawner_start(struct spawner *s, const struct spawner_order *o, struct process *ret,
                  struct err *err) {
    struct order order = {.ahead = o->ahead};
    int nothing cleanup_fd = file_open("/dev/null", O_RDWR, 0, err);
    const int fds[ORDER_FDS] = {o->in < 0 ? nothing : o->in, o->out < 0 ? nothing : o->out, o->err};
    if (nothing < 0) {
        return -1;
    }
    if (strlen(o->dir) >= sizeof(order.dir)) {
        return err_set(err, ERR_LIMIT, "the path %s is too long", o->dir);
    }
    memcpy(order.dir, o->dir, strlen(o->dir) + 1);
    pthread_mutex_lock(&s->lock);
    int result = -1;
    for (int i = 0; i < TRIES && result < 0; i++) { /* somebody may have killed it */
        *err = ERR_INIT;
        if (s->socket >= 0 || start(s, err) == 0) {
            result = exchange(s, &order, fds, ret, err);
        }
        if (result < 0) {
            end(s);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return result < 0 ? err_wrap(err, "start a supervisor") : 0;
}

/* ---- the spawner ---- */

struct child {
    const struct order *order;
    const int *fds;
};

static int be_supervisor(void *ud) {
    const struct child *c = ud;
    const char *dir = c->order->dir;
    const char *const ahead[] = {"supervise", "--pool", dir, NULL};
    const char *const now[] = {"supervise", dir, NULL};
    const struct supervise_options options = {.tee_fd = -1};
    struct err err = ERR_INIT;
    sigset_t none;
    sigemptyset(&none);
    for (int i = 0; i < ORDER_FDS; i++) {
        if (dup2(c->fds[i], i) < 0) {
            return 1;
        }
    }
    close_range(ORDER_FDS, ~0U, 0);
    setsid();
    sigprocmask(SIG_SETMASK, &none, NULL);
    process_title(c->order->ahead ? ahead : now);
    int result = c->order->ahead ? supervise_ahead(dir, &err) : supervise(dir, &options, &err);
    if (result < 0) {
        fprintf(stderr, "trunkline supervise: %s\n", err.msg);
    }
    fflush(NULL);
    return result < 0 ? 1 : 0;
}

/* 1, or 0 at the end. */
static int serve_one(struct err *err) {
    static struct order order;
    struct answer answer = {0};
    struct process p = PROCESS_NONE;
    struct err why = ERR_INIT;
    int fds[ORDER_FDS] = {-1, -1, -1};
    size_t n_fds = ORDER_FDS;
    ssize_t n = fd_receive_message(STDIN_FILENO, &order, sizeof(order), fds, &n_fds, err);
    if (n <= 0) {
        return (int)n;
    }
    struct child child = {&order, fds};
    if (n != sizeof(order) || n_fds != ORDER_FDS ||
        process_fork(be_supervisor, &child, &p, &why) < 0) {
        answer.pid = -1;
        snprintf(answer.text, sizeof(answer.text), "%.190s", why.msg);
    } else {
        answer.pid = p.pid;
    }
    int result =
        fd_send_message(STDIN_FILENO, &answer, sizeof(answer), &p.pidfd, p.pidfd >= 0, err);
    process_close(&p);
    for (int i = 0; i < ORDER_FDS; i++) {
        fd_closep(&fds[i]);
    }
    return result < 0 ? -1 : 1;
}

/* What every supervisor would do for the first time: libraries find their configuration and make
 * their tables once, here. */
static void warm_up(void) {
    struct arena a = ARENA_INIT;
    (void)authority_of_machine(&a, NULL);
    arena_done(&a);
}

int spawner_serve(struct err *err) {
    static const char *const words[] = {"supervise", "--fork", NULL};
    sigset_t children;
    int result = 1;
    process_title(words);
    warm_up();
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    int ended cleanup_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (ended < 0) {
        return err_sys(err, errno, "signals");
    }
    while (result > 0) {
        struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {ended, POLLIN, 0}};
        struct signalfd_siginfo info;
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return err_sys(err, errno, "wait for orders");
        }
        if (read(ended, &info, sizeof(info)) > 0) {
            process_reap();
        }
        result = fds[0].revents != 0 ? serve_one(err) : 1;
    }
    return result;
}
