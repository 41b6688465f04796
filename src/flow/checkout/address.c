/* Implementation of address.h. */
#include "flow/checkout/address.h"

#include "runtime/http/http.h"

#include <arpa/inet.h>
#include <netdb.h>

enum { URL_MAX = 2048 };

/* What stands in front of the last '@' may be a password: it is not told. */
static int wrong(struct err *err, struct str url, const char *why) {
    size_t at = str_rfind_c(url, '@');
    return err_set(err, ERR_INVALID, "'%s" STR_FMT "' is no repository that can be fetched: %s",
                   at == (size_t)-1 ? "" : "...",
                   STR_ARG(at == (size_t)-1 ? url : str_sub(url, at, url.n)), why);
}

static bool is_clean(struct str url) {
    for (size_t i = 0; i < url.n; i++) {
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7F || url.p[i] == '\\') {
            return false;
        }
    }
    return url.n > 0 && url.n <= URL_MAX;
}

/* "user:password@", and what is behind it. False: broken percent-coding. */
static bool take_user(struct arena *a, struct str *io_authority, struct address *ret) {
    size_t at = str_rfind_c(*io_authority, '@');
    if (at == (size_t)-1) {
        return true;
    }
    struct str info = str_sub(*io_authority, 0, at);
    *io_authority = str_sub(*io_authority, at + 1, io_authority->n);
    size_t colon = str_find_c(info, ':', 0);
    bool has_password = colon != (size_t)-1;
    return http_url_decode(a, has_password ? str_sub(info, 0, colon) : info, false, &ret->user) &&
           (!has_password ||
            http_url_decode(a, str_sub(info, colon + 1, info.n), false, &ret->password));
}

static bool take_port(struct str *io_host, struct address *ret) {
    size_t colon = str_rfind_c(*io_host, ':');
    if (colon == (size_t)-1 || str_ends(*io_host, S("]"))) {
        return true;
    }
    unsigned long long port = 0;
    struct str text = str_sub(*io_host, colon + 1, io_host->n);
    *io_host = str_sub(*io_host, 0, colon);
    ret->has_port = true;
    ret->port = str_to_u64(text, &port) && port <= 65535 ? (int)port : 0;
    return ret->port > 0;
}

static bool is_host(struct str host) {
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '-' && c != '_' && c != ':') {
            return false;
        }
    }
    return host.n > 0 && host.n <= 253 && host.p[0] != '-';
}

static int parse_authority(struct arena *a, struct str url, struct str authority,
                           struct address *ret, struct err *err) {
    if (!take_user(a, &authority, ret)) {
        return wrong(err, STR_NONE, "its user or password has broken percent-coding");
    }
    if (!take_port(&authority, ret)) {
        return wrong(err, url, "its port is no number from 1 to 65535");
    }
    if (str_starts(authority, S("[")) && str_ends(authority, S("]"))) {
        authority = str_sub(authority, 1, authority.n - 2);
    }
    ret->host = str_lower(a, authority);
    return is_host(ret->host) ? 0 : wrong(err, url, "it names no host");
}

int address_parse(struct arena *a, struct str url, struct address *ret, struct err *err) {
    static const struct {
        const char *scheme;
        int port;
    } schemes[] = {{"https", 443}, {"http", 80}, {"file", 0}};
    *ret = (struct address){0};
    if (!is_clean(url)) {
        return wrong(err, str_find_c(url, '@', 0) == (size_t)-1 ? str_sub(url, 0, 60) : STR_NONE,
                     "it is empty, too long or has blanks in it");
    }
    size_t colon = str_find(url, S("://"), 0);
    for (size_t i = 0; colon != (size_t)-1 && i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!str_ieq(str_sub(url, 0, colon), str_c(schemes[i].scheme))) {
            continue;
        }
        struct str rest = str_sub(url, colon + 3, url.n);
        size_t slash = str_find_c(rest, '/', 0);
        ret->scheme = str_c(schemes[i].scheme);
        ret->port = schemes[i].port;
        ret->path = slash == (size_t)-1 ? S("") : str_sub(rest, slash + 1, rest.n);
        struct str authority = slash == (size_t)-1 ? rest : str_sub(rest, 0, slash);
        if (schemes[i].port > 0) {
            return parse_authority(a, url, authority, ret, err);
        }
        return authority.n == 0 && ret->path.n > 0
                   ? 0
                   : wrong(err, url, "a file URL has three slashes and a path");
    }
    return wrong(err, url, "its URL begins with https:// or http://");
}

struct str address_server(struct arena *a, const struct address *at) {
    bool v6 = str_find_c(at->host, ':', 0) != (size_t)-1;
    struct str host = v6 ? str_printf(a, "[" STR_FMT "]", STR_ARG(at->host)) : str_dup(a, at->host);
    return at->has_port
               ? str_printf(a, STR_FMT "://" STR_FMT ":%d/", STR_ARG(at->scheme), STR_ARG(host),
                            at->port)
               : str_printf(a, STR_FMT "://" STR_FMT "/", STR_ARG(at->scheme), STR_ARG(host));
}

struct str address_url(struct arena *a, const struct address *at) {
    return str_concat(a, address_server(a, at), at->path);
}

struct str address_repository(const struct address *at) {
    struct str path = at->path;
    while (str_ends(path, S("/"))) {
        path.n--;
    }
    if (str_ends(path, S(".git"))) {
        path.n -= 4;
    }
    while (str_starts(path, S("/"))) {
        path = str_sub(path, 1, path.n);
    }
    return path;
}

struct str address_folder(struct arena *a, const struct address *at) {
    struct str repository = address_repository(at);
    struct str rest = repository;
    struct str part = STR_NONE;
    bool fine = repository.n > 0 && str_find_c(at->host, ':', 0) == (size_t)-1;
    while (fine && str_cut(&rest, '/', &part)) {
        fine = part.n > 0 && part.p[0] != '.' && part.p[0] != '-';
        for (size_t i = 0; fine && i < part.n; i++) {
            char c = part.p[i];
            fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '.' || c == '_' || c == '-';
        }
    }
    return !fine ? S("repository")
           : at->host.n > 0
               ? str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(at->host), STR_ARG(repository))
               : str_dup(a, repository);
}

static bool is_allowed(const struct egress *allowed, const struct sockaddr *address) {
    struct egress copy = *allowed;
    return egress_may_connect(&copy, address);
}

static struct str text_of(struct arena *a, const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN];
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
        return str_dup(a, str_c(text));
    }
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)address;
    inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
    return str_printf(a, "[%s]", text);
}

int address_pin(struct arena *a, const struct address *at, const struct egress *allowed,
                struct str *ret, struct err *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(str_z(a, at->host), NULL, &hints, &list);
    if (failed != 0) {
        return err_set(err, ERR_UNAVAILABLE, "host " STR_FMT ": %s", STR_ARG(at->host),
                       gai_strerror(failed));
    }
    *ret = STR_NONE;
    for (const struct addrinfo *one = list; one != NULL && ret->p == NULL; one = one->ai_next) {
        if (is_allowed(allowed, one->ai_addr)) {
            *ret = str_printf(a, STR_FMT ":%d:" STR_FMT, STR_ARG(at->host), at->port,
                              STR_ARG(text_of(a, one->ai_addr)));
        }
    }
    freeaddrinfo(list);
    return ret->p != NULL
               ? 0
               : err_set(
                     err, ERR_DENIED,
                     "host " STR_FMT " is at an address of this machine or its network: list "
                     "it under 'notify' in trunkline.yml, or map the repository under 'sources'",
                     STR_ARG(at->host));
}

struct str address_relative(struct arena *a, struct str base, struct str url) {
    if (!str_starts(url, S("./")) && !str_starts(url, S("../"))) {
        return url;
    }
    while (str_ends(base, S("/"))) {
        base.n--;
    }
    while (str_starts(url, S("./")) || str_starts(url, S("../"))) {
        bool up = url.p[1] == '.';
        size_t slash = str_rfind_c(base, '/');
        if (up && slash != (size_t)-1) {
            base = str_sub(base, 0, slash);
        }
        url = str_sub(url, up ? 3 : 2, url.n);
    }
    return str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(base), STR_ARG(url));
}
