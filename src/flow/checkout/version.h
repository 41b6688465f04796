/* What a sourceVersion means: which references of the remote it may name, and which commit. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct version {
    struct str refs[4]; /* full names to try, in this order */
    size_t refs_n;
    struct str commit; /* 40 digits, or fewer with `abbreviated`; absent = the reference's own */
    bool abbreviated;
};

/* "" or absent: HEAD (refs_n 0, no commit). ERR_INVALID: no name that git takes. */
int version_parse(struct arena *a, struct str text, struct version *ret, struct err *err) MUST_USE;

bool version_is_commit(struct str text); /* 40 hexadecimal digits */
