/*
 * What a helper process gives up before it reads the first byte of something that nobody vouches
 * for: other files (Landlock, where the kernel has it), other system calls (seccomp), capabilities
 * but those for owners, memory dumps, processor time. In a process with sanitizers seccomp and the
 * bound on memory are left out: their runtime makes calls and mappings of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct confinement {
    int dir_fd;         /* the one folder it may read and fill; -1: no file at all can be opened */
    int64_t seconds;    /* processor time */
    int64_t file_bytes; /* largest file that it may write */
};

/* False if the kernel refuses: the caller ends without having read anything. */
bool confine(const struct confinement *c);
