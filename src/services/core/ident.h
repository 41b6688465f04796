/* Identifiers as AWS makes them: a prefix that says what it is, then letters and digits. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"

/* `prefix` and n characters of A-Z2-7: "AROA" + 17 for roles, "AKIA" + 16 for access keys. */
struct str ident_make(const struct rng *r, struct arena *a, const char *prefix, size_t n);

/* 40 characters of [A-Za-z0-9+/], as secret keys have. */
struct str ident_secret(const struct rng *r, struct arena *a);
