/*
 * One build's container. A supervisor process owns exactly one: it is prepared in a mount namespace
 * of the process's own, made by an OCI runtime (crun or runc), and run through trunkline-init,
 * which takes commands over a socket. When the supervisor ends, however it ends, the container
 * ends.
 *
 *   prepare -> create -> in_netns -> start -> run ... -> kill -> delete
 *
 * Inside: own user, pid, mount, net, ipc, uts and cgroup namespaces, an uid range that no other
 * container of this machine has, an overlay on the image, ten capabilities, no new privileges, a
 * seccomp filter, limits. Its network is loopback only. Paths inside are given as inside; the
 * functions here open them so that no link made by the build leads out.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct sandbox;

/* trunkline-init inside, for those of its programs that a supervisor runs (init/tools.h). */
#define SANDBOX_INIT "/codebuild/readonly/trunkline-init"

/* A folder or file of the host that is seen inside. */
struct sandbox_mount {
    const char *source; /* on the host; must exist */
    const char *target; /* inside, absolute; made if missing */
    bool writable;      /* read-only otherwise; counts for the limit of the disk */
    bool shifted;       /* owners in it are ids inside the container: 0 there is root here */
};

/* A folder of the host that is the build's own: what its owner there has made belongs to root
 * inside, and what root makes inside, to that owner. Files of others are nobody's. */
struct sandbox_loan {
    const char *source; /* on the host */
    const char *target; /* inside, absolute; one of `folders` */
};

struct sandbox_limits {
    int64_t memory_bytes; /* with page cache and tmpfs; 0 = 3 GiB */
    int64_t pids;         /* processes and threads; 0 = 4096 */
    int64_t cpu_milli;    /* 1000 = one processor; 0 = no limit */
    int64_t disk_bytes;   /* of the upper layer, judged by sandbox_check_disk; 0 = 64 GiB */
    int64_t disk_entries; /* files and folders in it, the same; 0 = 2,000,000 */
    int64_t shm_bytes;    /* /dev/shm; 0 = 64 MiB */
};

struct sandbox_spec {
    const char *id;       /* unique on the machine, [A-Za-z0-9_.-], 100 characters at most */
    const char *dir;      /* the build's folder; `box` is made in it, exclusively */
    const char *rootfs;   /* the image's root file system (image_find) */
    const char *runtime;  /* "crun", "runc", or NULL = whichever works */
    const char *hostname; /* NULL = "build" */
    struct sandbox_limits limits; /* zeros = the defaults */
    const struct sandbox_mount *mounts;
    size_t mounts_n;
    const struct sandbox_loan *loans;
    size_t loans_n;
    const char *const *folders; /* made inside, owned by root; /codebuild's own are there anyway */
    size_t folders_n;
    const char *const *addresses; /* IPv4 addresses of the loopback device beside 127.0.0.1 */
    size_t addresses_n;
    const char *nameserver; /* for /etc/resolv.conf; NULL = none */
    struct str hosts;       /* lines for /etc/hosts behind localhost's; may be absent */
    bool privileged;        /* mounts and namespaces, within its own user namespace */
    struct str ca_pem;      /* authority that is trusted inside besides the usual ones */
};

/* Mounts, ids, files, the runtime's configuration. The process gets its own mount namespace and
 * becomes the reaper of its descendants; call it before making threads. On failure nothing stays.
 */
int sandbox_prepare(const struct sandbox_spec *spec, struct sandbox **ret,
                    struct err *err) MUST_USE;

/* Makes the container: afterwards process 1 waits for commands and nothing of the build runs. */
int sandbox_create(struct sandbox *s, struct err *err) MUST_USE;

/* Runs fn in a thread inside the container's network namespace, after loopback is up and has its
 * addresses: sockets made there belong to the container, and any thread may use them. */
int sandbox_in_netns(struct sandbox *s, int (*fn)(void *ud, struct err *err), void *ud,
                     struct err *err) MUST_USE;

/* Waits until process 1 says that it is ready. */
int sandbox_start(struct sandbox *s, struct err *err) MUST_USE;

/* A program to run inside. */
struct sandbox_command {
    const char *const *argv; /* argv[0] is a path */
    const char *const *envp; /* the whole environment, NAME=VALUE */
    const char *cwd;         /* inside */
    const char *user;        /* name or number in the image; NULL or "" = root */
    int in;                  /* its standard input; negative = /dev/null */
    int out;                 /* its standard output */
    int err;                 /* its standard error; may be the same as out */
};

/* Starts it and gives it a number; its end comes as an event. The descriptors stay the caller's. */
int sandbox_run(struct sandbox *s, const struct sandbox_command *c, uint32_t *ret_id,
                struct err *err) MUST_USE;

enum sandbox_event_kind {
    SANDBOX_EXITED,  /* the command's own process has ended; children of it may live on */
    SANDBOX_REFUSED, /* it could not be started: `text` says why */
    SANDBOX_GONE,    /* the container has ended (killed, or out of memory) */
};

struct sandbox_event {
    enum sandbox_event_kind kind;
    uint32_t id;    /* of the command */
    int code;       /* EXITED: as a shell counts */
    int signal;     /* EXITED: that ended it, or 0 */
    bool unheard;   /* GONE: it died before it took what was sent last */
    char text[160]; /* REFUSED */
};

/* Readable when an event is there: for poll(2). */
int sandbox_fd(const struct sandbox *s);

/* The next event: 1, or 0 when none came within timeout_ms (-1 = for ever). */
int sandbox_next(struct sandbox *s, int timeout_ms, struct sandbox_event *ret,
                 struct err *err) MUST_USE;

/* Sends a signal to the command and all of its session; id 0 = to everything but process 1. */
int sandbox_signal(struct sandbox *s, uint32_t id, int signal, struct err *err) MUST_USE;

/* Whether the container has died, whoever killed it. */
bool sandbox_is_gone(const struct sandbox *s);

/* SIGKILL to all, and waits for their death: afterwards no process of the container runs. Fine at
 * any time, also twice. */
int sandbox_kill(struct sandbox *s, struct err *err) MUST_USE;

/* Kills if need be and takes everything away: mounts, cgroups, runtime state, the upper layer.
 * Frees s even on failure. */
int sandbox_delete(struct sandbox *s, struct err *err) MUST_USE;

/* The build's folder has been renamed: it is `dir` now. */
void sandbox_moved(struct sandbox *s, const char *dir);

/* Makes a folder inside and its missing parents, owned by root; a path as in spec.folders. */
int sandbox_make_folder(struct sandbox *s, const char *path, struct err *err) MUST_USE;

/* What a supervisor that was killed left running: 1, and *ret its process 1, which is about to die
 * and with it all of the container; 0, *ret is none, when nothing runs. From outside. */
struct process;
int sandbox_kill_left(const char *dir, struct process *ret, struct err *err) MUST_USE;

/* What a supervisor that was killed left behind in the build's folder: kills the container, waits,
 * removes, however much that is. Nothing there is no error. For the server, from outside. */
int sandbox_sweep(const char *dir, struct err *err) MUST_USE;

struct sandbox_usage {
    int64_t memory_bytes;      /* now */
    int64_t memory_peak_bytes; /* highest so far */
    int64_t disk_bytes;        /* upper layer */
    int64_t disk_entries;      /* files and folders in it */
    int64_t oom_kills;         /* processes killed because the memory limit was reached */
};

/* Measures. The disk is walked at most about a tenth of the time: in between, the last figures. */
int sandbox_usage(struct sandbox *s, struct sandbox_usage *ret, struct err *err) MUST_USE;

/* ERR_LIMIT, in words for the build's owner, when it holds more on the disk than it may, by the
 * last walk over it. */
int sandbox_check_disk(struct sandbox *s, struct err *err) MUST_USE;

/* Opens a path inside; links are followed as inside, never out. What O_CREAT makes belongs to the
 * container's root only after fchown to sandbox_root_id: sandbox_write_file does that. */
int sandbox_open(struct sandbox *s, const char *path, int flags, mode_t mode,
                 struct err *err) MUST_USE;
int sandbox_write_file(struct sandbox *s, const char *path, struct str bytes, mode_t mode,
                       struct err *err) MUST_USE;
int sandbox_read_file(struct sandbox *s, struct arena *a, const char *path, size_t max,
                      struct str *ret, struct err *err) MUST_USE;

uid_t sandbox_root_id(const struct sandbox *s);       /* host uid and gid of the container's root */
const char *sandbox_runtime(const struct sandbox *s); /* "crun" or "runc", once created */
