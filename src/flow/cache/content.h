/*
 * What is in a cache. The archive is a zip: files below `src/` are relative to the source directory
 * (whose name differs from build to build), those below `root/` to the container's root; `links`
 * lists symbolic links (name, target, each ended by NUL), which are kept as they are.
 *
 * Taking one apart is done in two steps: its files go into a stage, a folder inside the container;
 * then whatever lies within the paths of the buildspec, and nothing else, is put where it belongs
 * by trunkline-init's `place` (init/place.h), inside the container.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* One cache and the build that it is for. */
struct cache_content {
    int root_fd;                  /* the container's whole file system */
    struct str source_dir;        /* inside, absolute */
    const struct str_list *paths; /* of the buildspec, variables expanded */
    void (*say)(void *ud, struct str line);
    void *ud;
};

/* Writes the archive to a file. *ret_files: how many files and links; with none nothing is written
 * and 0 returned. */
int cache_pack(struct arena *a, const struct cache_content *c, int out_fd, size_t *ret_files,
               struct err *err) MUST_USE;

/* `stage` holds the unpacked archive, links its file `links`. *ret_list is what `place` is to do;
 * what lies outside the paths is left out and said. */
int cache_placement(struct arena *a, const struct cache_content *c, struct str stage,
                    struct str links, struct str *ret_list, size_t *ret_files,
                    struct err *err) MUST_USE;
