/* Implementation of platform/os/fd.h. */
#include "platform/os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

void fd_closep(int *fd) {
    if (*fd >= 0) {
        int kept = errno;
        close(*fd);
        *fd = -1;
        errno = kept;
    }
}

void mem_freep(void *p) {
    free(*(void **)p);
}

/* send(2) for sockets, which cannot raise SIGPIPE; write(2) for everything else. */
static int push_all(int fd, const char *at, size_t n, bool socket, struct err *err) {
    while (n > 0) {
        ssize_t done = socket ? send(fd, at, n, MSG_NOSIGNAL) : write(fd, at, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (fd_wait(fd, POLLOUT, -1, err) < 0) {
                return -1;
            }
            continue;
        }
        if (done < 0) {
            return err_sys(err, errno, "write %zu bytes", n);
        }
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

int fd_write_all(int fd, const void *p, size_t n, struct err *err) {
    return push_all(fd, p, n, false, err);
}

int fd_send_all(int socket, const void *p, size_t n, struct err *err) {
    return push_all(socket, p, n, true, err);
}

/* read(2) that waits on non-blocking descriptors and repeats interrupted calls. */
static ssize_t read_once(int fd, void *p, size_t n, struct err *err) {
    for (;;) {
        ssize_t got = read(fd, p, n);
        if (got >= 0) {
            return got;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (fd_wait(fd, POLLIN, -1, err) < 0) {
                return -1;
            }
        } else if (errno != EINTR) {
            return err_sys(err, errno, "read");
        }
    }
}

int fd_read_exact(int fd, void *p, size_t n, struct err *err) {
    char *at = p;
    while (n > 0) {
        ssize_t got = read_once(fd, at, n, err);
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            return err_set(err, ERR_UNAVAILABLE, "the other side ended %zu bytes early", n);
        }
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int fd_read_all(struct arena *a, int fd, size_t max, struct str *ret, struct err *err) {
    struct buf b cleanup_buf;
    buf_init(&b, max + 1);
    for (;;) {
        size_t room = b.max - b.n;
        if (room == 0) {
            return err_set(err, ERR_LIMIT, "more than %zu bytes", max);
        }
        room = room < 65536 ? room : 65536;
        char *at = buf_room(&b, room);
        ssize_t got = read_once(fd, at, room, err);
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        buf_added(&b, (size_t)got);
    }
    *ret = buf_dup(a, &b);
    return 0;
}

ssize_t fd_read_some(int fd, struct buf *b, size_t most, struct err *err) {
    char *at = buf_room(b, most);
    if (at == NULL) {
        return err_set(err, ERR_LIMIT, "buffer of %zu bytes is full", b->max);
    }
    ssize_t got = 0;
    do {
        got = read(fd, at, most);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return err_set(err, ERR_UNAVAILABLE, "nothing to read now");
    }
    if (got < 0) {
        return err_sys(err, errno, "read");
    }
    buf_added(b, (size_t)got);
    return got;
}

int fd_pipe(int *ret_read, int *ret_write, struct err *err) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return err_sys(err, errno, "make a pipe");
    }
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

int fd_nonblocking(int fd, bool on, struct err *err) {
    int flags = fcntl(fd, F_GETFL);
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (flags < 0 || fcntl(fd, F_SETFL, wanted) < 0) {
        return err_sys(err, errno, "set the blocking mode of a descriptor");
    }
    return 0;
}

int fd_dup(int fd, struct err *err) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? err_sys(err, errno, "duplicate a descriptor") : copy;
}

int fd_wait(int fd, short events, int timeout_ms, struct err *err) {
    struct pollfd p = {fd, events, 0};
    for (;;) {
        int n = poll(&p, 1, timeout_ms);
        if (n > 0) {
            return p.revents;
        }
        if (n == 0) {
            return 0;
        }
        if (errno != EINTR) {
            return err_sys(err, errno, "wait for a descriptor");
        }
    }
}

int fd_from_bytes(const char *name, struct str bytes, struct err *err) {
    int fd cleanup_fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return err_sys(err, errno, "make the anonymous file %s", name);
    }
    if (fd_write_all(fd, bytes.p, bytes.n, err) < 0) {
        return -1;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0) {
        return err_sys(err, errno, "seal the anonymous file %s", name);
    }
    return TAKE_FD(fd);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
};

int fd_send_message(int sock, const void *p, size_t n, const int *fds, size_t fds_n,
                    struct err *err) {
    if (fds_n > FD_MESSAGE_MAX) {
        return err_set(err, ERR_LIMIT, "%zu descriptors in one message", fds_n);
    }
    union control control = {0};
    struct iovec part = {(void *)p, n};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds_n > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
    }
    ssize_t sent = 0;
    do {
        sent = sendmsg(sock, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return err_sys(err, errno, "send a message of %zu bytes", n);
    }
    return 0;
}

/* Takes the descriptors out of the control data; those without room are closed. */
static void take_fds(struct msghdr *message, int *fds, size_t *io_fds) {
    size_t room = *io_fds;
    *io_fds = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (*io_fds < room) {
                fds[(*io_fds)++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

ssize_t fd_receive_message(int sock, void *p, size_t n, int *fds, size_t *io_fds, struct err *err) {
    union control control = {0};
    struct iovec part = {p, n};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t got = 0;
    do {
        got = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        *io_fds = 0;
        return err_set(err, ERR_UNAVAILABLE, "no message now");
    }
    if (got < 0) {
        *io_fds = 0;
        return err_sys(err, errno, "receive a message");
    }
    take_fds(&message, fds, io_fds);
    if (message.msg_flags & MSG_TRUNC) {
        for (size_t i = 0; i < *io_fds; i++) {
            close(fds[i]);
        }
        *io_fds = 0;
        return err_set(err, ERR_LIMIT, "message longer than %zu bytes", n);
    }
    return got;
}
