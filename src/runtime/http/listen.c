/* Listening sockets. Bound here and not by libmicrohttpd, so that a taken port has its own error.
 */
#include "runtime/http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uint16_t bound_port(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t size) {
    return bind(fd, address, size) == 0 ? listen(fd, SOMAXCONN) : -1;
}

int http_listen_tcp(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port,
                    struct err *err) {
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed != 0) {
        return err_set(err, ERR_INVALID, "cannot listen on host '%s': %s", host,
                       gai_strerror(failed));
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
              bind_and_listen(fd, found->ai_addr, found->ai_addrlen) == 0;
    int why = errno;
    freeaddrinfo(found);
    if (ok) {
        *ret_fd = fd;
        *ret_port = bound_port(fd);
        return 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (why == EADDRINUSE) {
        return err_set(err, ERR_CONFLICT,
                       "%s:%u is in use by another program; choose another port, or port 0 for any "
                       "free one",
                       host, (unsigned)port);
    }
    return err_sys(err, why, "listen on %s:%u", host, (unsigned)port);
}

/* An address holds 107 bytes of path; longer ones go through the directory's descriptor. */
static int unix_address(const char *path, struct sockaddr_un *address, int *ret_dir) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *ret_dir = -1;
    if (strlen(path) < sizeof(address->sun_path)) {
        memcpy(address->sun_path, path, strlen(path) + 1);
        return 0;
    }
    const char *name = strrchr(path, '/');
    if (name == NULL) {
        errno = ENAMETOOLONG;
        return -1;
    }
    char *dir = strndup(path, (size_t)(name - path));
    *ret_dir = dir != NULL ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    free(dir);
    int n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *ret_dir,
                     name);
    if (*ret_dir >= 0 && n >= (int)sizeof(address->sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return *ret_dir >= 0 ? 0 : -1;
}

int http_listen_unix(const char *path, int *ret_fd, struct err *err) {
    struct sockaddr_un address;
    int dir = -1;
    int fd = -1;
    bool ok = unix_address(path, &address, &dir) == 0;
    if (ok) {
        unlink(path); /* left by a server that was killed; a living one holds the store's lock */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* The mode that the file is created with: nobody else may connect, not even for a moment.
         */
        ok = fd >= 0 && fchmod(fd, 0600) == 0 &&
             bind_and_listen(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    }
    int why = errno;
    if (dir >= 0) {
        close(dir);
    }
    if (ok) {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return err_sys(err, why, "listen on %s", path);
}
