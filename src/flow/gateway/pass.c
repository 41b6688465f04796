/* Connections that pass through: to the real host, byte by byte, counted. Only to addresses that
 * are not of this machine or its network. */
#include "flow/gateway/internal.h"

#include "platform/os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 10 * 1000 };

static bool is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return route_public_address((const unsigned char *)&in->sin_addr, 4);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)address;
        return route_public_address((const unsigned char *)&in->sin6_addr, 16);
    }
    return false;
}

static bool may_connect(const struct addrinfo *to) {
    return is_public(to->ai_addr) && !route_own_address(to->ai_addr, to->ai_addrlen);
}

static int connect_one(const struct addrinfo *to) {
    int fd cleanup_fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    stream_set_timeout(fd, CONNECT_MS);
    return connect(fd, to->ai_addr, to->ai_addrlen) < 0 ? -1 : TAKE_FD(fd);
}

/* "https://127.0.0.1:5000" -> host and port; an account's own endpoint may be anywhere. */
static void endpoint_of(struct arena *a, struct str url, struct str *io_host,
                        const char **io_port) {
    size_t begin = str_find(url, S("://"), 0);
    struct str rest = begin == (size_t)-1 ? url : str_sub(url, begin + 3, url.n);
    size_t slash = str_find_c(rest, '/', 0);
    rest = slash == (size_t)-1 ? rest : str_sub(rest, 0, slash);
    size_t colon = str_rfind_c(rest, ':');
    *io_host = colon == (size_t)-1 ? rest : str_sub(rest, 0, colon);
    if (colon != (size_t)-1) {
        *io_port = str_z(a, str_sub(rest, colon + 1, rest.n));
    }
}

static int connect_host(struct gateway *g, struct str host, int port, const char **ret_why) {
    struct arena a = ARENA_INIT;
    const struct plan *plan = g->config.plan;
    bool ours = plan->aws && plan->endpoint.n > 0 && route_is_aws(host);
    const char *service = str_printf(&a, "%d", port).p;
    struct str name = host;
    if (ours) {
        endpoint_of(&a, plan->endpoint, &name, &service);
    }
    const struct plan_registry *registry = route_registry(plan, host);
    if (registry != NULL && registry->address.n > 0) {
        endpoint_of(&a, registry->address, &name, &service);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int fd = -1;
    *ret_why = "no such host";
    if (getaddrinfo(str_z(&a, name), service, &hints, &list) == 0) {
        for (const struct addrinfo *one = list; one != NULL && fd < 0; one = one->ai_next) {
            bool allowed = ours || registry != NULL || may_connect(one);
            *ret_why = allowed ? "no connection" : "an address of this machine or its network";
            fd = allowed ? connect_one(one) : -1;
        }
        freeaddrinfo(list);
    }
    arena_done(&a);
    return fd;
}

/* Moves what is there from one side to the other; 0 when that side has ended. */
static ssize_t move(int from, int to, char *buffer) {
    ssize_t n = recv(from, buffer, STREAM_BUFFER, 0);
    if (n <= 0) {
        shutdown(to, SHUT_WR);
        return 0;
    }
    for (ssize_t sent = 0; sent < n;) {
        ssize_t out = send(to, buffer + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (out <= 0) {
            return 0;
        }
        sent += out;
    }
    return n;
}

static int64_t pump(struct gateway *g, int client, int host) {
    char *buffer = mem_alloc(STREAM_BUFFER);
    struct pollfd fds[] = {{client, POLLIN, 0}, {host, POLLIN, 0}};
    int64_t total = 0;
    while ((fds[0].fd >= 0 || fds[1].fd >= 0) && !g->stopping) {
        int ready = poll(fds, 2, GATEWAY_IDLE_MS);
        if (ready <= 0 && !(ready < 0 && errno == EINTR)) {
            break;
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0) {
                ssize_t n = move(fds[i].fd, i == 0 ? host : client, buffer);
                total += n;
                fds[i].fd = n == 0 ? -1 : fds[i].fd;
            }
        }
    }
    free(buffer);
    return total;
}

bool gateway_pass(struct gateway *g, struct stream *client, struct str host, int port,
                  const char **ret_why) {
    int fd cleanup_fd = connect_host(g, host, port, ret_why);
    if (fd < 0) {
        return false;
    }
    stream_set_timeout(fd, GATEWAY_IDLE_MS);
    struct str first = stream_data(client);
    struct stream to = {.fd = fd};
    if (first.n == 0 || stream_write(&to, first)) {
        gateway_record(g, host, ROUTE_PASS, (int64_t)first.n + pump(g, client->fd, fd));
    }
    return true;
}
