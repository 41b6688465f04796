/*
 * Processes. A process is held by a pidfd, or named by pid and start time; never by a bare pid,
 * which the kernel gives to somebody else. Children get the descriptors that they are given and
 * no others, default signals, no inherited signal mask.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid; /* 0 = none */
    int pidfd; /* owned; -1 = none */
};
#define PROCESS_NONE ((struct process){0, -1})

/* How a process ended: `signal` is 0 when it exited by itself. */
struct process_exit {
    int code;   /* exit code; 128 + signal when killed, as shells count */
    int signal; /* signal that ended it, or 0 */
};

struct process_spec {
    const char *program;     /* what to run; NULL = argv[0]. Searched in PATH unless it has a '/' */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated; NULL = our own environment */
    const char *dir;         /* working folder; NULL = ours */
    int in, out, err;        /* descriptors for 0, 1, 2; negative = /dev/null */
    const int *keep;         /* these become 3, 4, ... in the child */
    size_t keep_n;           /* how many */
    bool session;            /* own session (setsid): survives us, no terminal */
};
#define PROCESS_SPEC_INIT ((struct process_spec){.in = -1, .out = -1, .err = -1})

/* Starts a program. ERR_NOT_FOUND when there is no such program. */
int process_spawn(const struct process_spec *spec, struct process *ret, struct err *err) MUST_USE;

/* Runs fn in a forked copy of this process that ends with fn's result as exit code. For work that
 * needs namespaces of its own; only from a process with one thread. */
int process_fork(int (*fn)(void *ud), void *ud, struct process *ret, struct err *err) MUST_USE;

/* Waits for our child (or grandchild, for a subreaper): 1 ended (it is reaped, *p is empty), 0 not
 * yet after timeout_ms (-1 = for ever). Somebody else's child: the same, with the code -1. */
int process_wait(struct process *p, int timeout_ms, struct process_exit *ret,
                 struct err *err) MUST_USE;

/* Reaps all children that have ended, for who has forgotten their handles. */
void process_reap(void);

/* For processes that are not our children: 1 when it is dead, 0 not yet, -1 error. */
int process_wait_death(const struct process *p, int timeout_ms, struct err *err) MUST_USE;

/* Sends a signal; a process that has ended is no error. */
int process_signal(const struct process *p, int signal, struct err *err) MUST_USE;

void process_close(struct process *p); /* forgets it without waiting */

/* SIGKILL, wait, forget; for cleanup_process. */
void process_end(struct process *p);
#define cleanup_process __attribute__((cleanup(process_end)))

/* Which boot of the machine this is (/proc/sys/kernel/random/boot_id); empty where the kernel does
 * not say. */
enum { PROCESS_BOOT_MAX = 37 };
const char *process_boot(void);

/* Who a process is, over time: valid in this boot only. */
struct process_id {
    pid_t pid;                   /* as seen in our pid namespace */
    uint64_t start;              /* start time in ticks since boot (/proc/PID/stat) */
    char boot[PROCESS_BOOT_MAX]; /* process_boot */
};
int process_identify(pid_t pid, struct process_id *ret, struct err *err) MUST_USE;
struct str process_id_text(struct arena *a, const struct process_id *id); /* "PID START BOOT" */
bool process_id_parse(struct str text, struct process_id *ret);           /* BOOT may be missing */

/* Opens the process if it is still that one; ERR_NOT_FOUND when it is gone. */
int process_attach(const struct process_id *id, struct process *ret, struct err *err) MUST_USE;

/* Runs a program to its end and collects what it printed. One with a session of its own is killed
 * with all that it started, when it is killed. */
struct process_run {
    struct process_spec spec; /* in, out and err are set by the call */
    struct str input;         /* for its standard input */
    size_t output_max;        /* most bytes of output kept; more is ERR_LIMIT; 0 = 1 MiB */
    int timeout_ms;           /* then it is killed: ERR_UNAVAILABLE; 0 = for ever */
    bool merge;               /* standard error goes into the output too */
    const int *cancel;        /* NULL, or a descriptor: when it becomes readable the program is
                                 killed: ERR_CANCELLED; nothing is read from it */
    void (*line)(void *ud, struct str line); /* called for each line of standard error, or NULL */
    void *ud;                                /* for `line` */
};
/* ret_out, ret_err and ret_exit may be NULL; with ret_exit NULL a failed program is an error whose
 * text holds the last line of its standard error. Strings are arena-owned. */
int process_run(struct arena *a, const struct process_run *run, struct str *ret_out,
                struct str *ret_err, struct process_exit *ret_exit, struct err *err) MUST_USE;

/* Full path of a program in PATH (and /usr/sbin, /sbin); arena-owned, NULL when there is none. */
const char *program_find(struct arena *a, const char *name);
