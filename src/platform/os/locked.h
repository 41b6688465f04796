/*
 * A program that reads bytes nobody vouches for, or speaks to a host that nobody vouches for: it
 * runs with the folders that it is given and no others (Landlock), as another user if wanted,
 * without privileges to gain, without memory dumps, and within limits; it ends when we do.
 * Processes are started as by process.h; this only changes the description of what is started.
 *
 * The program begins as a copy of this executable that a constructor recognises before main (as the
 * unpacking of archives does): it locks itself up, then becomes the wanted program.
 */
#pragma once

#include "platform/os/process.h"

struct locked {
    struct str_list read;  /* paths that may be read and executed, with all that is below */
    struct str_list write; /* paths below which everything may be made, changed, removed */
    uid_t uid;             /* runs as this user and group, which may read and search everything
                              that Landlock leaves; (uid_t)-1 = as ourselves */
    int64_t file_bytes;    /* most bytes of one file; 0 = no limit */
    int64_t memory_bytes;  /* of its own, files that it maps aside; 0 = no limit */
    int64_t seconds;       /* processor time; 0 = no limit */
};

/* Paths that programs of the system need to run and to speak TLS: libraries, certificates, name
 * resolution, /dev/null. Those that are not there are left out when the program starts. */
void locked_system(struct arena *a, struct locked *c);

/* *ret starts what `spec` describes, confined; everything else of it stays. Paths are looked up
 * when the program starts, by our rights; keep[i] can be named "/proc/self/fd/<3+i>", also as
 * spec->dir. The program is searched in PATH now: ERR_NOT_FOUND. Where the kernel has no Landlock
 * the rest still holds (doctor says that it is missing); anything else that cannot be locked up
 * ends the process with code 126 and a line on its standard error. */
int locked_spec(struct arena *a, const struct process_spec *spec, const struct locked *c,
                struct process_spec *ret, struct err *err) MUST_USE;
