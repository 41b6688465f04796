/* See door.h. One thread a connection; the whole process is killed at the end. */
#include "flow/image/door.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    HEAD_MAX = 4096,
    CONNECTIONS_MAX = 32,
    CHUNK = 64 * 1024,
    CONNECT_S = 10,
    HEAD_S = 20,
    IDLE_MS = 5 * 60 * 1000,
};

/* What the process serves. */
struct keeper {
    int socket;
    const struct egress *allowed;
    atomic_int connections;
};

struct guest {
    struct keeper *keeper;
    int fd;
};

/* ---- one connection ---- */

static void set_timeout(int fd, int seconds) {
    struct timeval t = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* Reads to the empty line and takes "CONNECT HOST:PORT HTTP/1.1" apart; clients send nothing behind
 * it before they have the answer. */
static bool read_head(int fd, char head[HEAD_MAX], struct str *ret_host, struct str *ret_port) {
    size_t n = 0;
    while (n < HEAD_MAX) {
        ssize_t got = recv(fd, head + n, HEAD_MAX - n, 0);
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        if (str_ends(str_n(head, n), S("\r\n\r\n"))) {
            break;
        }
    }
    struct str rest = str_n(head, n);
    struct str line = STR_NONE;
    struct str method = STR_NONE;
    struct str target = STR_NONE;
    unsigned long long port = 0;
    if (!str_ends(rest, S("\r\n\r\n")) || !str_cut(&rest, '\r', &line) ||
        !str_cut(&line, ' ', &method) || !str_is(method, "CONNECT") ||
        !str_cut(&line, ' ', &target)) {
        return false;
    }
    size_t colon = str_rfind_c(target, ':');
    *ret_host = str_sub(target, 0, colon == (size_t)-1 ? 0 : colon);
    *ret_port = str_sub(target, colon == (size_t)-1 ? 0 : colon + 1, target.n);
    if (str_starts(*ret_host, S("[")) && str_ends(*ret_host, S("]"))) {
        *ret_host = str_sub(*ret_host, 1, ret_host->n - 2);
    }
    return ret_host->n > 0 && ret_host->n <= 253 && str_to_u64(*ret_port, &port) && port > 0 &&
           port <= 65535;
}

/* A public address may be this machine's own: then both ends are the same one. */
static bool is_own(int fd) {
    struct sockaddr_storage ends[2] = {0};
    socklen_t sizes[2] = {sizeof(ends[0]), sizeof(ends[1])};
    if (getsockname(fd, (struct sockaddr *)&ends[0], &sizes[0]) < 0 ||
        getpeername(fd, (struct sockaddr *)&ends[1], &sizes[1]) < 0) {
        return true;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)ends;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)ends;
    return ends[0].ss_family == AF_INET
               ? v4->sin_addr.s_addr ==
                     ((const struct sockaddr_in *)(const void *)&ends[1])->sin_addr.s_addr
               : memcmp(&v6->sin6_addr,
                        &((const struct sockaddr_in6 *)(const void *)&ends[1])->sin6_addr,
                        sizeof(v6->sin6_addr)) == 0;
}

static int connect_to(const struct addrinfo *to) {
    struct egress none = {0};
    int fd cleanup_fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    set_timeout(fd, CONNECT_S);
    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 ||
        (egress_may_connect(&none, to->ai_addr) && is_own(fd))) {
        return -1;
    }
    return TAKE_FD(fd);
}

/* The status of the answer; 200 with the connection. */
static int reach(const struct egress *allowed, struct str host, struct str port, int *ret_fd) {
    struct arena a = ARENA_INIT;
    struct egress networks = *allowed;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int status = 502;
    *ret_fd = -1;
    if (getaddrinfo(str_z(&a, host), str_z(&a, port), &hints, &list) == 0) {
        for (const struct addrinfo *one = list; one != NULL && *ret_fd < 0; one = one->ai_next) {
            bool may = egress_may_connect(&networks, one->ai_addr);
            status = may ? 502 : status == 502 ? 403 : status;
            *ret_fd = may ? connect_to(one) : -1;
        }
        freeaddrinfo(list);
    }
    arena_done(&a);
    return *ret_fd >= 0 ? 200 : status;
}

/* False at the end of that side. */
static bool move(int from, int to, char *chunk) {
    struct err ignored = ERR_INIT;
    ssize_t n = recv(from, chunk, CHUNK, 0);
    if (n <= 0 || fd_send_all(to, chunk, (size_t)n, &ignored) < 0) {
        shutdown(to, SHUT_WR);
        return false;
    }
    return true;
}

static void pass(int one, int other) {
    char *chunk = mem_alloc(CHUNK);
    struct pollfd fds[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int ready = poll(fds, 2, IDLE_MS);
        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            break;
        }
        for (int i = 0; ready > 0 && i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 &&
                !move(fds[i].fd, i == 0 ? other : one, chunk)) {
                fds[i].fd = -1;
            }
        }
    }
    free(chunk);
}

static void serve(const struct keeper *k, int client) {
    char head[HEAD_MAX];
    struct str host = STR_NONE;
    struct str port = STR_NONE;
    int fd cleanup_fd = -1;
    struct err ignored = ERR_INIT;
    set_timeout(client, HEAD_S);
    int status = read_head(client, head, &host, &port) ? reach(k->allowed, host, port, &fd) : 400;
    struct str answer = status == 200   ? S("HTTP/1.1 200 Connected\r\n\r\n")
                        : status == 403 ? S("HTTP/1.1 403 an address of this machine or its "
                                            "network\r\nContent-Length: 0\r\n\r\n")
                        : status == 502 ? S("HTTP/1.1 502 no connection\r\n"
                                            "Content-Length: 0\r\n\r\n")
                                        : S("HTTP/1.1 400 CONNECT only\r\n"
                                            "Content-Length: 0\r\n\r\n");
    if (fd_send_all(client, answer.p, answer.n, &ignored) == 0 && status == 200) {
        pass(client, fd);
    }
}

static void *serve_guest(void *ud) {
    struct guest *g = ud;
    serve(g->keeper, g->fd);
    close(g->fd);
    atomic_fetch_sub(&g->keeper->connections, 1);
    free(g);
    return NULL;
}

/* ---- the process ---- */

static int keep(void *ud) {
    struct keeper *k = ud;
    pthread_attr_t detached;
    signal(SIGPIPE, SIG_IGN);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || pthread_attr_init(&detached) != 0 ||
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0) {
        return 1;
    }
    for (;;) {
        pthread_t thread;
        int fd = accept4(k->socket, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) {
                continue;
            }
            return 1;
        }
        struct guest *g = mem_alloc(sizeof(*g));
        *g = (struct guest){k, fd};
        bool full = atomic_fetch_add(&k->connections, 1) >= CONNECTIONS_MAX;
        if (full || pthread_create(&thread, &detached, serve_guest, g) != 0) {
            atomic_fetch_sub(&k->connections, 1);
            close(fd);
            free(g);
        }
    }
}

/* ---- the namespace ---- */

static int raise_loopback(int socket, struct err *err) {
    struct ifreq r = {.ifr_name = "lo"};
    if (ioctl(socket, SIOCGIFFLAGS, &r) == 0) {
        r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
        if (ioctl(socket, SIOCSIFFLAGS, &r) == 0) {
            return 0;
        }
    }
    return err_sys(err, errno, "set up loopback");
}

static int listen_inside(int *ret_port, struct err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd cleanup_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_sys(err, errno, "make a socket");
    }
    if (raise_loopback(fd, err) < 0) {
        return -1;
    }
    if (bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, CONNECTIONS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) < 0) {
        return err_sys(err, errno, "listen");
    }
    *ret_port = ntohs(at.sin_port);
    return TAKE_FD(fd);
}

/* Makes the namespace and the socket in it, and comes back. */
static int make_inside(struct door *d, struct err *err) {
    int home cleanup_fd = file_open("/proc/thread-self/ns/net", O_RDONLY, 0, err);
    if (home < 0) {
        return -1;
    }
    if (unshare(CLONE_NEWNET) < 0) {
        return err_sys(err, errno, "make a network namespace");
    }
    d->netns = file_open("/proc/thread-self/ns/net", O_RDONLY, 0, err);
    int socket = d->netns < 0 ? -1 : listen_inside(&d->port, err);
    if (setns(home, CLONE_NEWNET) < 0) {
        abort(); /* nothing else may be done in there */
    }
    return socket;
}

int door_open(const struct egress *allowed, struct door *ret, struct err *err) {
    *ret = DOOR_NONE;
    int socket cleanup_fd = make_inside(ret, err);
    struct keeper k = {.socket = socket, .allowed = allowed};
    if (socket < 0 || process_fork(keep, &k, &ret->process, err) < 0) {
        door_close(ret);
        return -1;
    }
    return 0;
}

void door_close(struct door *d) {
    process_end(&d->process);
    fd_closep(&d->netns);
}
