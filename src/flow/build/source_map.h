/*
 * DATA/trunkline.yml, where repositories really lie:
 *   sources:
 *     https://github.com/: file:///srv/git/{repository}.git
 *     https://gitlab.example.org/team/: https://mirror.example.org/{repository}
 * A key is the beginning of a project's location, {repository} what follows it without ".git"; the
 * longest key counts. The operator's word: such URLs may be files and private addresses.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* 1 mapped, 0 not (or no file). ERR_INVALID with file, line and column. */
int source_map(struct arena *a, const char *data_dir, struct str location, struct str *ret_url,
               struct err *err) MUST_USE;
