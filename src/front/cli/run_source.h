/* The working tree as the source of a build: what git would commit, else everything but .git. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* Zips `dir` into the new file `path`. */
int run_source_zip(struct arena *a, const char *dir, const char *path, struct err *err) MUST_USE;

/* A digest of what would be zipped: names, sizes, times of change. */
int run_source_state(struct arena *a, const char *dir, uint64_t *ret, struct err *err) MUST_USE;

/* Whether there are files of that ending ("*.tf") not too deep in the tree. */
bool run_source_has(struct arena *a, const char *dir, const char *ending);
