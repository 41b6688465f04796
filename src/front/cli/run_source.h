/* The working tree as the source of a build: what git would commit, else everything but .git. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* Zips `dir` into a new file; returns its descriptor at position 0 (-1 on failure). The file has no
 * name any more. *ret_size is its size. */
int run_source_zip(struct arena *a, const char *dir, int64_t *ret_size, struct err *err) MUST_USE;

/* Whether there are files of that ending ("*.tf") not too deep in the tree. */
bool run_source_has(struct arena *a, const char *dir, const char *ending);
