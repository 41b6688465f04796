/* Shared by the files of flow/sandbox only. */
#pragma once

#include "flow/sandbox/container.h"
#include "flow/sandbox/host.h"

#include "platform/os/process.h"

#include <jansson.h>

/* Fixed places in the supervisor's own mount namespace: a tmpfs hides whatever the host has there,
 * and vanishes with the namespace. Every parent is open to the container's ids, as the runtimes
 * need it. */
#define BOX "/run/trunkline"
#define BOX_LOW BOX "/low"         /* the image, owners shifted */
#define BOX_ROOT BOX "/root"       /* what the container sees as / */
#define BOX_BUNDLE BOX "/bundle"   /* config.json */
#define BOX_STATE BOX "/state"     /* the runtime's own */
#define BOX_INIT BOX "/init"       /* trunkline-init */
#define BOX_MOUNT BOX "/mount"     /* with a number behind it: a folder with owners shifted */
#define BOX_RUNTIME BOX "/runtime" /* crun or runc, read-only */

#define INIT_INSIDE SANDBOX_INIT
#define TOOLS_INSIDE "/usr/local/bin/codebuild-" /* programs that init is under other names */

enum { KILL_TIMEOUT_MS = 60000 };
enum { HELD_NET, HELD_MNT, HELD_KINDS };

struct sandbox {
    struct arena a;           /* everything below that is a string */
    struct sandbox_spec spec; /* owned copy */
    const char *box;          /* DIR/box */
    const char *upper;        /* DIR/box/upper */
    const char *work;         /* DIR/box/work */
    const char *cgroup;       /* "/trunkline-ID" */
    const char *runtime;      /* "crun" or "runc" */
    int range_fd;             /* lock on our uid range */
    uint32_t base;            /* first id of the range */
    int image_fd;             /* the image's root, with a shared lock */
    int root_fd;              /* BOX_ROOT */
    int channel;              /* to trunkline-init */
    struct process init;      /* trunkline-init, as the host sees it */
    int held[HELD_KINDS];     /* its network and its mounts, see netns.c; or -1 */
    uint32_t last_id;         /* of commands */
    bool ready;               /* READY was seen */
    bool unheard;             /* it has ended and left something unread */
    bool made;                /* DIR/box is ours */
    bool isolated;            /* this process has a mount namespace for it */
    bool loopback;            /* addresses are there */
    struct sandbox_usage last_usage;
    int64_t next_walk_ms; /* not before that is the disk measured again */
};

/* base.c, beside what host.h says. */
int range_note_owner(int lock, const struct process *init, struct err *err) MUST_USE;

/* files.c: the upper layer's first content. Beside s->spec and where the layer is it uses nothing
 * of s: another thread may work on the rest. */
int files_make(const struct sandbox *s, struct err *err) MUST_USE;

/* bundle.c, seccomp.c, filter.c */
int bundle_write(struct sandbox *s, const char *runtime, struct err *err) MUST_USE;
json_t *seccomp_profile(enum seccomp_kind kind, struct err *err); /* OCI form; NULL on error */
#define SECCOMP_SOURCE "/usr/share/containers/seccomp.json"

/* netns.c. The kernel takes a namespace apart when the last one lets go of it, and whoever kills
 * the container would wait for its mounts: they stay until somebody has time, in sandbox_delete. */
int namespaces_hold(struct sandbox *s, struct err *err) MUST_USE;
void namespaces_release(struct sandbox *s);

/* runtime.c */
int runtime_hide_mixed_cgroups(struct err *err) MUST_USE;
int runtime_create(struct sandbox *s, int init_socket, struct err *err) MUST_USE;
int runtime_version(struct arena *a, const char *name, struct str *ret, struct err *err) MUST_USE;

/* cgroup.c: the container's group is CGROUP_ROOT/[controller]/<path>. */
#define CGROUP_ROOT "/sys/fs/cgroup"
bool cgroup_is_v2(void);
int cgroup_remove(const char *path, struct err *err) MUST_USE;
void cgroup_memory(const char *path, struct sandbox_usage *io_usage);
bool cgroup_has(const char *controller);
void cgroup_warm_up(void);
