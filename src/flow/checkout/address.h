/*
 * Where a repository lies, as a URL says it: taken apart, judged, and pinned to the address that
 * was judged, so that no name can point elsewhere between check and use.
 */
#pragma once

#include "runtime/http/egress.h"

struct address {
    struct str scheme;   /* "http", "https", "file" */
    struct str user;     /* in front of '@', or absent; decoded */
    struct str password; /* behind it, or absent; decoded */
    struct str host;     /* lower case, without brackets */
    int port;            /* of the scheme when the URL has none */
    bool has_port;
    struct str path; /* without the slash in front; as it stands in the URL */
};

/* ERR_INVALID names what is wrong: another scheme, control characters, no host, a broken port. */
int address_parse(struct arena *a, struct str url, struct address *ret, struct err *err) MUST_USE;

/* The URL without user and password. */
struct str address_url(struct arena *a, const struct address *at);
/* "https://host/" or "https://host:8443/": all that shares a server. */
struct str address_server(struct arena *a, const struct address *at);
/* The path without ".git" and slashes at its ends: "owner/name". */
struct str address_repository(const struct address *at);
/* "github.com/owner/name", made of nothing but [A-Za-z0-9._/-]: a folder for it; "repository" when
 * that cannot be made. */
struct str address_folder(struct arena *a, const struct address *at);

/* Looks the host up and gives "host:port:address" for curl's table of addresses, with an address
 * that `allowed` permits. ERR_DENIED when it has none, ERR_UNAVAILABLE when the name has no
 * address. */
int address_pin(struct arena *a, const struct address *at, const struct egress *allowed,
                struct str *ret, struct err *err) MUST_USE;

/* What a relative URL of a submodule ("../other.git") means beside `base`; others stay as they are.
 */
struct str address_relative(struct arena *a, struct str base, struct str url);
