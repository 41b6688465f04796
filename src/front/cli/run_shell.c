/*
 * A shell in the container of a build that failed: our side of flow/build/shell.h. The build gets
 * one end of a pseudo terminal of ours; what passes through the other end is the person's terminal,
 * in raw mode as long as it lasts.
 */
#include "front/cli/run.h"

#include "flow/build/shell.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static const char *build_dir(const struct run *r, struct arena *a) {
    size_t colon = str_find_c(r->build_id, ':', 0);
    return str_printf(a, "%s/builds/" STR_FMT, r->server.dir,
                      STR_ARG(str_sub(r->build_id, colon + 1, r->build_id.n)))
        .p;
}

bool run_shell_offered(const struct run *r) {
    struct arena a = ARENA_INIT;
    bool there = cli_has(r->c, "shell") && r->build_id.n > 0 &&
                 file_exists(str_printf(&a, "%s/" SHELL_SOCKET, build_dir(r, &a)).p);
    arena_done(&a);
    return there;
}

static int open_terminal(int *ret_ours, int *ret_theirs, struct err *err) {
    char name[128];
    int ours cleanup_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ours < 0 || grantpt(ours) < 0 || unlockpt(ours) < 0 ||
        ptsname_r(ours, name, sizeof(name)) != 0) {
        return err_sys(err, errno, "make a terminal");
    }
    *ret_theirs = file_open(name, O_RDWR | O_NOCTTY, 0, err);
    *ret_ours = *ret_theirs < 0 ? -1 : TAKE_FD(ours);
    return *ret_theirs < 0 ? -1 : 0;
}

static void copy_size(int terminal) {
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
        ioctl(terminal, TIOCSWINSZ, &size);
    }
}

static int connect_build(const struct run *r, int theirs, struct err *err) {
    struct arena a = ARENA_INIT;
    struct sockaddr_un address;
    int dir cleanup_fd = -1;
    const char *term = getenv("TERM");
    struct str kind = str_c(term && *term ? term : "dumb");
    kind.n = kind.n < SHELL_KIND_MAX ? kind.n : SHELL_KIND_MAX;
    int fd cleanup_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int result = shell_address(build_dir(r, &a), &address, &dir, err);
    arena_done(&a);
    if (result < 0) {
        return -1;
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return err_sys(err, errno, "reach the build's shell");
    }
    return fd_send_message(fd, kind.p, kind.n, &theirs, 1, err) < 0 ? -1 : TAKE_FD(fd);
}

/* False when there is nothing more. */
static bool move(int from, int to) {
    char bytes[4096];
    struct err ignored = ERR_INIT;
    ssize_t n = read(from, bytes, sizeof(bytes));
    return n > 0 ? fd_write_all(to, bytes, (size_t)n, &ignored) == 0 : n < 0 && errno == EINTR;
}

/* Until the supervisor closes its end: the shell is over. */
static void pass_through(int terminal, int build) {
    bool input = true;
    struct winsize last = {0};
    for (;;) {
        struct winsize now;
        struct pollfd fds[] = {
            {terminal, POLLIN, 0}, {build, POLLIN, 0}, {input ? STDIN_FILENO : -1, POLLIN, 0}};
        if (poll(fds, 3, 250) < 0 && errno != EINTR) {
            return;
        }
        if (ioctl(STDIN_FILENO, TIOCGWINSZ, &now) == 0 && memcmp(&now, &last, sizeof(now)) != 0) {
            last = now;
            copy_size(terminal);
        }
        if (fds[2].revents != 0) {
            input = move(STDIN_FILENO, terminal);
        }
        if (fds[0].revents != 0 && !move(terminal, STDOUT_FILENO) && fds[1].revents == 0) {
            poll(NULL, 0, 10); /* EIO while nobody has the other end open: its end comes soon */
        }
        if (fds[1].revents != 0 && (fds[0].revents & POLLIN) == 0) {
            return;
        }
    }
}

int run_shell(struct run *r, struct err *err) {
    struct termios before;
    struct termios raw;
    int ours cleanup_fd = -1;
    int theirs cleanup_fd = -1;
    if (tcgetattr(STDIN_FILENO, &before) < 0) {
        return err_sys(err, errno, "terminal");
    }
    if (open_terminal(&ours, &theirs, err) < 0) {
        return -1;
    }
    copy_size(ours);
    int build cleanup_fd = connect_build(r, theirs, err);
    if (build < 0) {
        return -1;
    }
    fd_closep(&theirs);
    fprintf(stderr, "\nThe build has failed; this is its container. `exit` ends it.\n");
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    pass_through(ours, build);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    return 0;
}
