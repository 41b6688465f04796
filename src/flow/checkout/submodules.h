/*
 * Submodules of a checkout, one after the other: each URL is judged like the project's own before
 * git hears of it. Shared by the files of this folder.
 */
#pragma once

#include "flow/checkout/tool.h"

enum { SUBMODULES_MAX = 200, SUBMODULES_DEPTH = 8 };

/* All of them, and those inside them. ERR_LIMIT beyond the numbers above. */
int submodules_update(struct arena *a, const struct checkout *c, struct err *err) MUST_USE;
