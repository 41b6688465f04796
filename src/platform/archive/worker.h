/* The helper process of platform/archive/extract.h: what it is told, and its whole life. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct extract_job {
    int archive_fd;  /* read from */
    int dir_fd;      /* unpack into */
    int report_fd;   /* one line about the end */
    uid_t uid;       /* owner of what is made, or -1 */
    gid_t gid;       /* its group, or -1 */
    int64_t entries; /* limits, see struct extract_limits */
    int64_t bytes;
    int64_t ratio;
    int64_t seconds; /* processor time */
};

/* Locks the process up, unpacks, reports. Returns the exit code. */
int extract_work(const struct extract_job *job);

/* The unpacking alone, without locking up anything: for fuzzing. */
int extract_unpack(const struct extract_job *job, int64_t *ret_entries, int64_t *ret_bytes,
                   struct err *err) MUST_USE;
