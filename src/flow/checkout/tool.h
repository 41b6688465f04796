/*
 * The git program for repositories and servers that nobody vouches for: confined to the folders of
 * one checkout, no hooks, no configuration but ours, no protocol but the remote's own, no
 * redirects, only the address that was judged, and credentials that reach neither its arguments nor
 * a file. Shared by the files of this folder.
 */
#pragma once

#include "flow/checkout/checkout.h"
#include "platform/os/process.h"

struct tool {
    struct arena *arena;
    const struct checkout *c;
    const char *dir; /* "/proc/self/fd/3" or a folder below, where git runs */
    bool as_owner;   /* as the checkout's owner; otherwise as ourselves, in the mirror */
    struct str_map config;
    const char *protocol; /* what GIT_ALLOW_PROTOCOL says */
    struct str remote;    /* the URL that git is given: never with a password */
    struct str_list read; /* further folders that may be read */
};

/* A tool for the checkout's own folder. */
int tool_open(struct arena *a, const struct checkout *c, struct tool *ret,
              struct err *err) MUST_USE;

/* Prepares it to speak to this remote: address, credentials, certificate checks. */
int tool_reach(struct tool *t, const struct checkout_remote *remote, struct err *err) MUST_USE;

/* Runs "git <argv>" with NULL at the end. ret_out may be NULL. ERR_UNAVAILABLE carries git's last
 * words. */
int tool_run(struct tool *t, const char *const *argv, struct str *ret_out,
             struct err *err) MUST_USE;
