/*
 * What everybody who confines a process on this machine shares: the program's own folder, ranges of
 * ids that nobody else has, and the filter of system calls.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { ID_RANGE = 65536 };

/* /var/lib/trunkline, or the user's. */
const char *sandbox_home(struct arena *a);

/* ID_RANGE ids from *ret_base on, ours as long as *ret_lock is open anywhere. */
int range_take(uint32_t *ret_base, int *ret_lock, struct err *err) MUST_USE;

/* Which system calls are left: see seccomp.c. */
enum seccomp_kind {
    SECCOMP_BUILD,      /* of every build */
    SECCOMP_PRIVILEGED, /* of privileged ones: mounts and namespaces, too */
};

/* The filter as a compiled BPF program; arena-owned. */
int filter_program(struct arena *a, enum seccomp_kind kind, struct str *ret,
                   struct err *err) MUST_USE;
