/* Implementation of runtime/http/egress.h: all addresses are compared as IPv6. */
#include "runtime/http/egress.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static void map_v4(unsigned char ret[16], const void *v4) {
    memset(ret, 0, 10);
    ret[10] = ret[11] = 0xFF;
    memcpy(ret + 12, v4, 4);
}

static bool within(const unsigned char address[16], const struct egress_net *net) {
    int whole = net->bits / 8;
    int rest = net->bits % 8;
    if (memcmp(address, net->address, (size_t)whole) != 0) {
        return false;
    }
    return rest == 0 || (address[whole] ^ net->address[whole]) >> (8 - rest) == 0;
}

static bool parse(struct str text, struct egress_net *ret) {
    char copy[INET6_ADDRSTRLEN];
    size_t slash = str_find_c(text, '/', 0);
    struct str host = slash == (size_t)-1 ? text : str_sub(text, 0, slash);
    unsigned long long bits = 0;
    if (host.n == 0 || host.n >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, host.p, host.n);
    copy[host.n] = '\0';
    unsigned char v4[4];
    int most = 128;
    if (inet_pton(AF_INET, copy, v4) == 1) {
        map_v4(ret->address, v4);
        most = 32;
    } else if (inet_pton(AF_INET6, copy, ret->address) != 1) {
        return false;
    }
    bits = (unsigned long long)most;
    if (slash != (size_t)-1 &&
        (!str_to_u64(str_sub(text, slash + 1, text.n), &bits) || bits > (unsigned)most)) {
        return false;
    }
    ret->bits = (int)bits + (128 - most);
    return true;
}

int egress_allow(struct arena *a, struct egress *e, struct str cidr, struct err *err) {
    struct egress_net net;
    if (!parse(cidr, &net)) {
        return err_set(err, ERR_INVALID,
                       "'" STR_FMT "' is no network: write 127.0.0.1, 10.0.0.0/8 or fd00::/8",
                       STR_ARG(cidr));
    }
    *arena_push(a, e) = net;
    return 0;
}

bool egress_lists(const struct egress *e, struct str address) {
    struct egress_net one;
    bool listed = false;
    bool good = str_find_c(address, '/', 0) == (size_t)-1 && parse(address, &one);
    for (size_t i = 0; good && i < e->n; i++) {
        listed = listed || within(one.address, &e->v[i]);
    }
    return listed;
}

/* IANA's special-purpose registries: nothing that a public service answers at. */
static const char *const special[] = {
    "0.0.0.0/8",       "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",  "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",   "::/127",         "64:ff9b::/96",
    "64:ff9b:1::/48",  "100::/64",       "2001::/23",     "2001:db8::/32",  "2002::/16",
    "fc00::/7",        "fe80::/9",       "ff00::/8",
};

bool egress_may_connect(void *ud, const struct sockaddr *address) {
    const struct egress *e = ud;
    unsigned char bytes[16];
    if (address->sa_family == AF_INET) {
        map_v4(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    } else {
        return false;
    }
    for (size_t i = 0; i < e->n; i++) {
        if (within(bytes, &e->v[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        struct egress_net net;
        if (!parse(str_c(special[i]), &net)) {
            abort(); /* the table is ours */
        }
        if (within(bytes, &net)) {
            return false;
        }
    }
    return true;
}
