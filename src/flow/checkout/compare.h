/*
 * What a pull request brings, asked of its repository: the host's event does not say it. Kept in a
 * mirror (origin.h), so that the next question costs what is new.
 */
#pragma once

#include "flow/checkout/checkout.h"

enum { COMPARE_MAX_MESSAGE = 8192 };

struct compare {
    struct str head;         /* sourceVersion of the pull request: "pr/7", or a commit */
    struct str head_commit;  /* as the event names it; absent: the tip of `head` */
    struct str base_commit;  /* where it goes: the base's commit, or absent */
    struct str base_ref;     /* "refs/heads/main": without a commit that is known */
    struct str merge_commit; /* of one that is merged, or absent: its first parent is the base */
    size_t max_paths;
};

struct compared {
    struct str_list paths; /* changed since the two parted; at most max_paths, in order */
    struct str message;    /* of the head commit, cut at COMPARE_MAX_MESSAGE */
};

/* `c` says how the repository is reached, where its mirror is, and how long git may take; nothing
 * is checked out. ERR_NOT_FOUND: no such head or base; ERR_UNAVAILABLE: git's last words;
 * ERR_DENIED: the host may not be reached. */
int checkout_compare(struct arena *a, const struct checkout *c, const struct compare *asked,
                     struct compared *ret, struct err *err) MUST_USE;
