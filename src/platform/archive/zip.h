/*
 * Writing zip files. The same content gives the same bytes: no times, no owners, entries in the
 * order in which the caller adds them (sort them). Files are opened beneath a root folder without
 * following a link out of it, because the tree may be a build's.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum zip_links {
    ZIP_LINKS_KEEP,   /* a symbolic link is stored as one */
    ZIP_LINKS_FOLLOW, /* what it points to is stored; it must lie beneath the root */
};

struct zip_limits {
    int64_t entries; /* most entries; 0 = 1,000,000 */
    int64_t bytes;   /* most bytes before compression; 0 = 64 GiB */
    bool store;      /* no compression: for what is read once, near by */
};

struct zip_writer;

/* Begins a zip on a descriptor that stays the caller's. */
int zip_begin(int out_fd, const struct zip_limits *limits, struct zip_writer **ret,
              struct err *err) MUST_USE;

/* Adds what lies at `path` beneath root_fd under `name`: a file, a folder (alone, without its
 * content) or a link. Devices, sockets and pipes are refused. */
int zip_add(struct zip_writer *z, int root_fd, const char *path, const char *name,
            enum zip_links links, struct err *err) MUST_USE;

/* Adds bytes as a file. */
int zip_add_bytes(struct zip_writer *z, const char *name, const void *p, size_t n, unsigned mode,
                  struct err *err) MUST_USE;

/* Adds everything below the folder `path` ("." for the root), sorted by name, each under `prefix`
 * ("" or "dir/"). `skip` (may be NULL) says which relative names to leave out, with all that is
 * below them. */
int zip_add_tree(struct zip_writer *z, int root_fd, const char *path, const char *prefix,
                 enum zip_links links, bool (*skip)(void *ud, const char *name), void *ud,
                 struct err *err) MUST_USE;

/* Writes the central directory. Afterwards only zip_free is allowed. */
int zip_end(struct zip_writer *z, struct err *err) MUST_USE;
int64_t zip_entries(const struct zip_writer *z);
void zip_free(struct zip_writer *z); /* NULL ok; without zip_end the file is not a zip */

static inline void zip_freep(struct zip_writer **z) {
    zip_free(*z);
}
#define cleanup_zip __attribute__((cleanup(zip_freep)))
