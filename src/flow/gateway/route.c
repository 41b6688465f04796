/* Decisions of the gateway, see gateway_route.h. */
#include "flow/gateway/route.h"

#include "flow/gateway/mirror.h"
#include "platform/os/fd.h"

#include <netinet/in.h>
#include <string.h>

const char *route_verdict_name(enum route_verdict verdict) {
    static const char *const names[] = {"account", "mirror", "passed", "refused"};
    return names[verdict];
}

static bool below(struct str host, const char *domain) {
    struct str suffix = str_c(domain);
    if (host.n < suffix.n) {
        return false;
    }
    struct str tail = str_sub(host, host.n - suffix.n, suffix.n);
    return str_ieq(tail, suffix) && (host.n == suffix.n || host.p[host.n - suffix.n - 1] == '.');
}

bool route_is_aws(struct str host) {
    return below(host, "amazonaws.com") || below(host, "api.aws") ||
           below(host, "amazonaws.com.cn");
}

bool route_good_host(struct str host) {
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_')) {
            return false;
        }
    }
    return host.n > 0 && host.n <= 253 && host.p[0] != '-' && host.p[0] != '.';
}

const struct plan_registry *route_registry(const struct plan *plan, struct str host) {
    for (size_t i = 0; i < plan->registries.n; i++) {
        if (str_ieq(plan->registries.v[i].name, host)) {
            return &plan->registries.v[i];
        }
    }
    return NULL;
}

enum route_verdict route_of(const struct plan *plan, struct str host) {
    if (route_is_aws(host)) {
        return plan->aws ? ROUTE_PASS : ROUTE_AWS;
    }
    if (plan->policy != PLAN_NONE && route_registry(plan, host) != NULL) {
        return ROUTE_PASS; /* an administrator has named it */
    }
    struct arena a = ARENA_INIT;
    bool mirrored = plan->policy != PLAN_NONE && mirror_has_host(str_z(&a, plan->data_dir), host);
    arena_done(&a);
    if (mirrored) {
        return ROUTE_MIRROR;
    }
    return plan->policy == PLAN_OPEN && route_good_host(host) ? ROUTE_PASS : ROUTE_REFUSE;
}

/* ---- the name in a ClientHello ---- */

/* Reads a number of `bytes` bytes and moves on; false at the end. */
static bool take(struct str *rest, size_t bytes, size_t *ret) {
    *ret = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (rest->n == 0) {
            return false;
        }
        *ret = *ret << 8 | (unsigned char)rest->p[0];
        *rest = str_sub(*rest, 1, rest->n);
    }
    return true;
}

/* Skips a field that begins with its length. */
static bool skip(struct str *rest, size_t length_bytes) {
    size_t n = 0;
    if (!take(rest, length_bytes, &n) || n > rest->n) {
        return false;
    }
    *rest = str_sub(*rest, n, rest->n);
    return true;
}

static int find_name(struct str hello, struct str *ret) {
    size_t n = 0;
    if (hello.n < 34) {
        return -1;
    }
    hello = str_sub(hello, 34, hello.n); /* version and random */
    if (!skip(&hello, 1) || !skip(&hello, 2) || !skip(&hello, 1) || !take(&hello, 2, &n)) {
        return -1;
    }
    while (hello.n >= 4) {
        size_t type = 0;
        size_t size = 0;
        if (!take(&hello, 2, &type) || !take(&hello, 2, &size) || size > hello.n) {
            return -1;
        }
        struct str extension = str_sub(hello, 0, size);
        hello = str_sub(hello, size, hello.n);
        size_t list = 0;
        size_t kind = 0;
        size_t length = 0;
        if (type == 0) {
            if (!take(&extension, 2, &list) || !take(&extension, 1, &kind) || kind != 0 ||
                !take(&extension, 2, &length) || length > extension.n) {
                return -1;
            }
            *ret = str_sub(extension, 0, length);
            return route_good_host(*ret) ? 1 : -1;
        }
    }
    return -1;
}

int route_sni(struct str bytes, struct str *ret) {
    enum { RECORD = 5, HANDSHAKE = 22, CLIENT_HELLO = 1, MAX_RECORD = 16384 };
    if (bytes.n > 0 && (unsigned char)bytes.p[0] != HANDSHAKE) {
        return -1;
    }
    if (bytes.n < RECORD + 4) {
        return 0;
    }
    size_t record = (size_t)(unsigned char)bytes.p[3] << 8 | (unsigned char)bytes.p[4];
    if (record > MAX_RECORD || record < 4 || bytes.p[5] != CLIENT_HELLO) {
        return -1;
    }
    if (bytes.n < RECORD + record) {
        return 0;
    }
    struct str rest = str_sub(bytes, RECORD + 1, record - 1);
    size_t size = 0;
    if (!take(&rest, 3, &size) || size > rest.n) {
        return -1; /* a hello in several records: nobody sends one */
    }
    return find_name(str_sub(rest, 0, size), ret);
}

/* ---- addresses ---- */

static bool public_v4(const unsigned char *p) {
    return !(p[0] == 0 || p[0] == 10 || p[0] == 127 || p[0] >= 224 ||
             (p[0] == 169 && p[1] == 254) || (p[0] == 172 && (p[1] & 0xF0) == 16) ||
             (p[0] == 192 && p[1] == 168) || (p[0] == 100 && (p[1] & 0xC0) == 64) ||
             (p[0] == 192 && p[1] == 0 && p[2] == 0) || (p[0] == 198 && (p[1] & 0xFE) == 18));
}

bool route_public_address(const unsigned char *address, size_t n) {
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (n == 4) {
        return public_v4(address);
    }
    if (memcmp(address, mapped, sizeof(mapped)) == 0) {
        return public_v4(address + 12);
    }
    return (address[0] & 0xE0) == 0x20; /* 2000::/3, the only global unicast there is */
}

bool route_own_address(const struct sockaddr *address, socklen_t n) {
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof(from);
    int fd cleanup_fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, n) < 0 ||
        getsockname(fd, (struct sockaddr *)&from, &size) < 0) {
        return false; /* no way there: nothing of this machine is reached */
    }
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *to = (const struct sockaddr_in *)(const void *)address;
        const struct sockaddr_in *own = (const struct sockaddr_in *)(const void *)&from;
        return to->sin_addr.s_addr == own->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)(const void *)address;
    const struct sockaddr_in6 *own = (const struct sockaddr_in6 *)(const void *)&from;
    return memcmp(&to->sin6_addr, &own->sin6_addr, sizeof(to->sin6_addr)) == 0;
}
