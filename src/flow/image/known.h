/*
 * What references were found to mean: IMAGES/.refs/<sha256 of the reference>, a file each.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct known_ref {
    struct str text;    /* canonical reference */
    struct str digest;  /* "sha256:<64>" */
    bool kept;          /* a person pulled it: good without asking again */
    bool credentials;   /* credentials were needed, or at least given */
    int64_t created_ms; /* when it was last asked */
};

struct known_refs {
    struct known_ref *v;
    size_t n;
};

/* 1 found, 0 not. */
int known_find(struct arena *a, struct str text, struct known_ref *ret, struct err *err) MUST_USE;
/* Replaces what was there; `kept` stays when it was. */
int known_put(struct arena *a, const struct known_ref *ref, struct err *err) MUST_USE;
int known_remove(struct arena *a, struct str text, struct err *err) MUST_USE;
/* All, by reference. */
int known_list(struct arena *a, struct known_refs *ret, struct err *err) MUST_USE;

/* "sha256:<64>" as the name that the image is kept under, "sha256-<64>". */
const char *known_name(struct arena *a, struct str digest);
