/*
 * Mounts and user namespaces: the few kernel calls that a container needs before its runtime
 * starts. All of them need root; all of them act on the mount namespace of the calling thread.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* A mount namespace of our own: what we mount stays here and dies with the last process in it;
 * unmounts of the host still arrive. Only before the process makes threads. */
int mount_isolate(struct err *err) MUST_USE;

/* A new user namespace in which ids 0..count-1 are base..base+count-1 outside. The descriptor
 * keeps it alive. */
int userns_new(uint32_t base, uint32_t count, struct err *err) MUST_USE;

/* The same with one id of each kind inside: uid and gid are base outside. For showing the files of
 * one user of this machine as those of a container's root. */
int userns_new_single(uint32_t uid, uint32_t gid, uint32_t base, struct err *err) MUST_USE;

/* Mounts the tree `source` at the folder `target` with its owners shifted by the user namespace. */
int mount_idmapped(const char *source, const char *target, int userns_fd, struct err *err) MUST_USE;

/* Shows the file or folder `source` read-only at `target`, which must exist. */
int mount_readonly(const char *source, const char *target, struct err *err) MUST_USE;

/* From here on neither set-id programs nor devices count below the mount point `target`. */
int mount_harden(const char *target, struct err *err) MUST_USE;

/* Whether the kernel and the file system of `path` can do that. */
int mount_idmapped_probe(const char *path, struct err *err) MUST_USE;

/* An overlay that is thrown away afterwards: written back only under memory pressure, no fsync. */
int mount_overlay(const char *lower, const char *upper, const char *work, const char *target,
                  struct err *err) MUST_USE;

int mount_tmpfs(const char *target, const char *options, struct err *err) MUST_USE;

/* Detaches whatever is mounted there; not a mount point is no error. */
int mount_detach(const char *target, struct err *err) MUST_USE;
bool mount_is_point(const char *path);
