/*
 * A source from git, as a build finds it: a repository of its own with .git, the wanted version
 * checked out, submodules if wanted. Written straight into the build's folder by a confined git
 * (tool.h) that runs as the folder's owner. No credential stays behind: remote.origin.url is the
 * project's location, whatever URL was fetched.
 */
#pragma once

#include "runtime/http/egress.h"

#include <stdint.h>
#include <sys/types.h>

/* How a repository is reached. */
struct checkout_remote {
    struct str url;      /* what git fetches */
    struct str username; /* with a password only */
    struct str password; /* or absent */
    bool trusted;        /* the operator wrote the URL: any address, also file:// */
    bool insecure_ssl;   /* certificates are not checked */
};

struct checkout {
    struct checkout_remote remote;
    struct str location; /* as the project names it */
    struct str version;  /* commit, branch, tag, refs/..., pr/N, REF^{COMMIT}; absent = HEAD */
    int64_t depth;       /* commits of history; 0 = all */
    bool submodules;
    const char *home;    /* DATA/git: our configuration of git */
    const char *ca_file; /* PEM: authorities that are believed; NULL = this machine's */
    const char *mirror;  /* a bare mirror that is kept for the next time, or NULL */
    int dir_fd;          /* an empty folder that exists */
    uid_t owner;         /* of everything made in it */
    int64_t bytes;       /* most bytes of files checked out, and of one pack */
    int timeout_ms;      /* of one step of git */
    const int *cancel;   /* NULL, or a descriptor that becomes readable when the build is to stop */
    const struct egress *egress; /* private addresses that are allowed */
    /* How a submodule is reached. */
    int (*find)(void *ud, struct arena *a, struct str url, struct checkout_remote *ret,
                struct err *err);
    void *ud;
};

/* Fetches and checks out. *ret_commit has 40 digits. ERR_NOT_FOUND: no such version;
 * ERR_UNAVAILABLE: git's last words; ERR_DENIED: the host may not be reached; ERR_LIMIT: too large;
 * ERR_CANCELLED.
 * On failure part of the tree may be there. */
int checkout_git(struct arena *a, const struct checkout *c, struct str *ret_commit,
                 struct err *err) MUST_USE;
