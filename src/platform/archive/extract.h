/*
 * Unpacking archives that nobody vouches for (zip, tar, tar.gz). The work is done by a process of
 * its own that holds the archive, the target folder and nothing else: no network, no other file
 * (Landlock), few system calls (seccomp), a processor-time limit. What it refuses is named:
 * absolute names, `..`, links that lead out of the folder, hard links, devices, encrypted entries,
 * a name that comes twice, more than the limits allow.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct extract_limits {
    int64_t entries; /* most entries; 0 = 1,000,000 */
    int64_t bytes;   /* most bytes unpacked; 0 = 16 GiB */
    int64_t ratio;   /* unpacked : packed, judged from 64 MiB on; 0 = 200 */
    int timeout_ms;  /* 0 = ten minutes */
};

struct extract_result {
    int64_t entries;
    int64_t bytes;
};

/* Unpacks the archive (a seekable file for zip) into the folder, which should be empty: existing
 * files are never overwritten. Everything made belongs to uid:gid (-1 = ours). Set-id bits are
 * dropped. On failure part of the tree may be there: the caller removes the folder.
 * ERR_INVALID for a bad archive, ERR_LIMIT for one that is too large. */
int archive_extract(int archive_fd, int dir_fd, const struct extract_limits *limits, uid_t uid,
                    gid_t gid, struct extract_result *ret, struct err *err) MUST_USE;
