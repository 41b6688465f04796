/*
 * The container's network namespace from outside. A thread enters it, and ends there: so no other
 * thread ever stands in a namespace that it does not expect.
 */
#include "flow/sandbox/internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct visit {
    struct sandbox *s;
    int netns;
    int (*fn)(void *ud, struct err *err);
    void *ud;
    struct err *err;
    int result;
};

static int request(int socket, unsigned long what, struct ifreq *r, struct err *err) {
    return ioctl(socket, what, r) < 0 ? err_sys(err, errno, "set up loopback (%s)", r->ifr_name)
                                      : 0;
}

static int set_address(int socket, const char *name, unsigned long what, const char *address,
                       struct err *err) {
    struct ifreq r = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        return err_set(err, ERR_INVALID, "'%s' is not an IPv4 address", address);
    }
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    memcpy(&r.ifr_addr, &in, sizeof(in));
    return request(socket, what, &r, err);
}

static int bring_up_loopback(const struct sandbox *s, struct err *err) {
    int socket_fd cleanup_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) {
        return err_sys(err, errno, "make a socket");
    }
    struct ifreq r = {0};
    snprintf(r.ifr_name, sizeof(r.ifr_name), "lo");
    if (request(socket_fd, SIOCGIFFLAGS, &r, err) < 0) {
        return -1;
    }
    r.ifr_flags = (short)(r.ifr_flags | IFF_UP | IFF_RUNNING);
    if (request(socket_fd, SIOCSIFFLAGS, &r, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->spec.addresses_n; i++) {
        char alias[IFNAMSIZ];
        snprintf(alias, sizeof(alias), "lo:%u", (unsigned)i + 1);
        if (set_address(socket_fd, alias, SIOCSIFADDR, s->spec.addresses[i], err) < 0 ||
            set_address(socket_fd, alias, SIOCSIFNETMASK, "255.255.255.255", err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void *visit_netns(void *ud) {
    struct visit *v = ud;
    if (setns(v->netns, CLONE_NEWNET) < 0) {
        v->result = err_sys(v->err, errno, "enter the container's network");
        return NULL;
    }
    if (!v->s->loopback) {
        v->result = bring_up_loopback(v->s, v->err);
        v->s->loopback = v->result == 0;
    }
    if (v->result == 0) {
        v->result = v->fn(v->ud, v->err);
    }
    return NULL;
}

int namespaces_hold(struct sandbox *s, struct err *err) {
    static const char *const names[HELD_KINDS] = {[HELD_NET] = "net", [HELD_MNT] = "mnt"};
    for (size_t i = 0; i < HELD_KINDS; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", s->init.pid, names[i]);
        s->held[i] = file_open(path, O_RDONLY, 0, err);
        if (s->held[i] < 0) {
            return -1;
        }
    }
    return 0;
}

void namespaces_release(struct sandbox *s) {
    for (size_t i = 0; i < HELD_KINDS; i++) {
        fd_closep(&s->held[i]);
    }
}

int sandbox_in_netns(struct sandbox *s, int (*fn)(void *ud, struct err *err), void *ud,
                     struct err *err) {
    struct visit v = {s, s->held[HELD_NET], fn, ud, err, 0};
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, visit_netns, &v);
    if (failed != 0) {
        return err_sys(err, failed, "start a thread");
    }
    pthread_join(thread, NULL);
    return v.result;
}
