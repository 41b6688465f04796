/*
 * A shell in the container of a build that failed: DIR/shell.sock waits for `trunkline run
 * --shell`, which sends one message, the name of its terminal's kind, with the descriptor of a
 * terminal. The shell has the directory and the variables that the last command left. What it
 * prints goes to that terminal and to no log.
 */
#include "flow/build/supervision.h"

#include "flow/build/shell.h"
#include "flow/command/script.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NEW ".new"

enum { TICK_MS = 500 };

static const char script[] = "cd \"$(cat " SCRIPT_CWD ")\" || cd /\n"
                             "set -a; . " SCRIPT_ENV "; set +a\n"
                             "for shell in /bin/bash /bin/sh; do\n"
                             "  [ -x $shell ] && exec $shell -i\n"
                             "done\n";

int shell_address(const char *dir, struct sockaddr_un *ret, int *ret_dir, struct err *err) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    *ret_dir = file_open(dir, O_PATH | O_DIRECTORY, 0, err);
    if (*ret_dir < 0) {
        return -1;
    }
    /* Through the descriptor: the path may be longer than an address can be. */
    snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" SHELL_SOCKET, *ret_dir);
    return 0;
}

static int listen_here(struct supervision *s, struct err *err) {
    struct sockaddr_un address;
    int dir cleanup_fd = -1;
    if (shell_address(s->dir, &address, &dir, err) < 0) {
        return -1;
    }
    /* It has its name only once it listens: who sees it can connect. */
    size_t n = strlen(address.sun_path);
    snprintf(address.sun_path + n, sizeof(address.sun_path) - n, NEW);
    int fd cleanup_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
        renameat(dir, SHELL_SOCKET NEW, dir, SHELL_SOCKET) < 0) {
        return err_sys(err, errno, "wait for a shell");
    }
    return TAKE_FD(fd);
}

/* The person, or -1: the build was stopped meanwhile. */
static int wait_for_person(struct supervision *s, int listener) {
    struct phase_end ignored;
    while (!phase_interrupted(s, &ignored)) {
        struct pollfd fds[] = {{listener, POLLIN, 0}, {s->signal_fd, POLLIN, 0}};
        if (poll(fds, 2, TICK_MS) > 0 && fds[0].revents != 0) {
            return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        }
    }
    return -1;
}

static int start(struct supervision *s, int terminal, const char *kind, uint32_t *ret_id,
                 struct err *err) {
    struct arena a = ARENA_INIT;
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    size_t n = 0;
    while (s->base_env[n] != NULL) {
        n++;
    }
    const char **env = arena_new_n(&a, const char *, n + 2);
    memcpy(env, s->base_env, n * sizeof(*env));
    env[n] = str_printf(&a, "TERM=%s", kind).p;
    struct sandbox_command command = {.argv = argv,
                                      .envp = env,
                                      .cwd = s->source_dir,
                                      .in = terminal,
                                      .out = terminal,
                                      .err = terminal};
    uid_t root = sandbox_root_id(s->box);
    int result = fchown(terminal, root, root) < 0 ? err_sys(err, errno, "terminal")
                                                  : sandbox_run(s->box, &command, ret_id, err);
    arena_done(&a);
    return result;
}

/* Until the shell ends, the person goes, or the build is stopped. */
static void accompany(struct supervision *s, int person, uint32_t id) {
    struct err err = ERR_INIT;
    struct phase_end ignored;
    struct sandbox_event event;
    while (!phase_interrupted(s, &ignored)) {
        struct pollfd fds[] = {
            {sandbox_fd(s->box), POLLIN, 0}, {person, POLLIN, 0}, {s->signal_fd, POLLIN, 0}};
        if (poll(fds, 3, TICK_MS) < 0 && errno != EINTR) {
            return;
        }
        int got = fds[0].revents != 0 ? sandbox_next(s->box, 0, &event, &err) : 0;
        s->box_gone = s->box_gone || (got > 0 && event.kind == SANDBOX_GONE);
        if (got < 0 || s->box_gone || (got > 0 && event.id == id)) {
            return;
        }
        if (fds[1].revents != 0) {
            (void)!sandbox_signal(s->box, id, SIGHUP, &err);
            return;
        }
    }
}

static int serve_person(struct supervision *s, int person, struct err *err) {
    char kind[SHELL_KIND_MAX + 1] = "";
    int terminal cleanup_fd = -1;
    size_t fds = 1;
    uint32_t id = 0;
    ssize_t n = fd_receive_message(person, kind, SHELL_KIND_MAX, &terminal, &fds, err);
    if (n <= 0 || fds != 1) {
        return n < 0 ? -1 : err_set(err, ERR_INVALID, "no terminal came");
    }
    kind[n] = '\0';
    if (start(s, terminal, kind, &id, err) < 0) {
        return -1;
    }
    fd_closep(&terminal);
    accompany(s, person, id);
    return 0;
}

void offer_shell(struct supervision *s) {
    struct err err = ERR_INIT;
    if (!s->plan.shell || s->box == NULL || s->box_gone || s->stopping || s->timed_out) {
        return;
    }
    int64_t deadline = s->deadline_ms;
    s->deadline_ms = INT64_MAX; /* a person looks around: the build's time is over anyway */
    int listener cleanup_fd = listen_here(s, &err);
    int person cleanup_fd = listener < 0 ? -1 : wait_for_person(s, listener);
    if (listener < 0 || (person >= 0 && serve_person(s, person, &err) < 0)) {
        build_log_line(s->log, "No shell: %s", err.msg);
    }
    s->deadline_ms = deadline;
}
