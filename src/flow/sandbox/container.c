/* Life of a container: prepare, create, kill, delete; what it uses; its files. */
#include "flow/sandbox/container.h"

#include "base/clock.h"
#include "flow/sandbox/internal.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_MAX = 100, DISK_SHARE = 10 };

extern const char init_binary[];
extern const unsigned long init_binary_size;

static const char *copy(struct arena *a, const char *z) {
    return z ? str_dup(a, str_c(z)).p : NULL;
}

static const char *const *copy_list(struct arena *a, const char *const *v, size_t n) {
    const char **out = arena_new_n(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = copy(a, v[i]);
    }
    return out;
}

static void copy_spec(struct arena *a, const struct sandbox_spec *from, struct sandbox_spec *to) {
    *to = *from;
    to->id = copy(a, from->id);
    to->dir = copy(a, from->dir);
    to->rootfs = copy(a, from->rootfs);
    to->runtime = copy(a, from->runtime);
    to->hostname = from->hostname ? copy(a, from->hostname) : "build";
    to->nameserver = copy(a, from->nameserver);
    to->hosts = str_dup(a, from->hosts);
    to->ca_pem = str_dup(a, from->ca_pem);
    to->folders = copy_list(a, from->folders, from->folders_n);
    to->addresses = copy_list(a, from->addresses, from->addresses_n);
    struct sandbox_mount *mounts = arena_new_n(a, struct sandbox_mount, from->mounts_n);
    for (size_t i = 0; i < from->mounts_n; i++) {
        mounts[i] =
            (struct sandbox_mount){copy(a, from->mounts[i].source), copy(a, from->mounts[i].target),
                                   from->mounts[i].writable, from->mounts[i].shifted};
    }
    to->mounts = mounts;
    struct sandbox_loan *loans = arena_new_n(a, struct sandbox_loan, from->loans_n);
    for (size_t i = 0; i < from->loans_n; i++) {
        loans[i] =
            (struct sandbox_loan){copy(a, from->loans[i].source), copy(a, from->loans[i].target)};
    }
    to->loans = loans;
    struct sandbox_limits *l = &to->limits;
    l->memory_bytes = l->memory_bytes ? l->memory_bytes : (int64_t)3 << 30;
    l->pids = l->pids ? l->pids : 4096;
    l->disk_bytes = l->disk_bytes ? l->disk_bytes : (int64_t)64 << 30;
    l->disk_entries = l->disk_entries ? l->disk_entries : 2 * 1000 * 1000;
    l->shm_bytes = l->shm_bytes ? l->shm_bytes : (int64_t)64 << 20;
}

static int check_spec(const struct sandbox_spec *spec, struct err *err) {
    size_t n = spec->id ? strlen(spec->id) : 0;
    if (n == 0 || n > ID_MAX || spec->id[0] == '.' ||
        strspn(spec->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") !=
            n) {
        return err_set(err, ERR_INVALID, "'%s' cannot be a container's id",
                       spec->id ? spec->id : "");
    }
    for (size_t i = 0; i < spec->mounts_n; i++) {
        if (!file_exists(spec->mounts[i].source)) {
            return err_set(err, ERR_NOT_FOUND, "mount '%s' is not there", spec->mounts[i].source);
        }
        if (spec->mounts[i].target[0] != '/') {
            return err_set(err, ERR_INVALID, "mount target '%s' is not absolute",
                           spec->mounts[i].target);
        }
    }
    return 0;
}

static int make_layer(struct sandbox *s, struct err *err) {
    if (dir_make_new(s->box, 0700, err) < 0) {
        return -1;
    }
    s->made = true;
    if (dir_make_new(s->upper, 0755, err) < 0 || dir_make_new(s->work, 0700, err) < 0) {
        return -1;
    }
    if (chmod(s->upper, 0755) < 0 || chown(s->upper, s->base, s->base) < 0) {
        return err_sys(err, errno, "give %s to the container", s->upper);
    }
    return files_make(s, err);
}

static int make_box(struct sandbox *s, struct err *err) {
    static const char *const folders[] = {BOX_LOW, BOX_ROOT, BOX_BUNDLE};
    if (mount_isolate(err) < 0) {
        return -1;
    }
    s->isolated = true;
    if (runtime_hide_mixed_cgroups(err) < 0 || dir_make(BOX, 0755, err) < 0 ||
        mount_tmpfs(BOX, "mode=0755,size=16m", err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (dir_make_new(folders[i], 0755, err) < 0) {
            return -1;
        }
    }
    return dir_make_new(BOX_STATE, 0711, err) < 0
               ? -1
               : file_write(BOX_INIT, str_n(init_binary, init_binary_size), 0555, err);
}

/* Folders whose owners are ids inside are mounted once with owners shifted; the runtime binds that
 * mount to where it is seen. */
static int shift_mounts(struct sandbox *s, int userns, struct err *err) {
    struct sandbox_mount *mounts = arena_new_n(&s->a, struct sandbox_mount, s->spec.mounts_n);
    for (size_t i = 0; i < s->spec.mounts_n; i++) {
        mounts[i] = s->spec.mounts[i];
        if (mounts[i].shifted) {
            mounts[i].source = str_printf(&s->a, BOX_MOUNT "%zu", i).p;
            if (dir_make_new(mounts[i].source, 0755, err) < 0 ||
                mount_idmapped(s->spec.mounts[i].source, mounts[i].source, userns, err) < 0 ||
                mount_harden(mounts[i].source, err) < 0) {
                return err_wrap(err, "mount for %s", mounts[i].target);
            }
        }
    }
    s->spec.mounts = mounts;
    return 0;
}

/* The image below the layer that is being made. */
static int make_low(struct sandbox *s, struct err *err) {
    /* As long as this lock is held, image_sweep leaves the image alone, replaced or not. */
    s->image_fd = file_open(s->spec.rootfs, O_RDONLY | O_DIRECTORY, 0, err);
    if (s->image_fd < 0) {
        return -1;
    }
    if (flock(s->image_fd, LOCK_SH | LOCK_NB) < 0) {
        return err_sys(err, errno, "use the image %s", s->spec.rootfs);
    }
    int userns cleanup_fd = userns_new(s->base, ID_RANGE, err);
    return userns < 0 || shift_mounts(s, userns, err) < 0 ||
                   mount_idmapped(s->spec.rootfs, BOX_LOW, userns, err) < 0
               ? -1
               : 0;
}

static int make_root(struct sandbox *s, struct err *err) {
    if (mount_overlay(BOX_LOW, s->upper, s->work, BOX_ROOT, err) < 0) {
        return -1;
    }
    s->root_fd = file_open(BOX_ROOT, O_PATH | O_DIRECTORY, 0, err);
    return s->root_fd < 0 ? -1 : 0;
}

/* Below the root as we see it, too: what reads the build's files from outside finds them there. The
 * runtime takes the mounts along. */
static int lend(struct sandbox *s, const struct sandbox_loan *loan, struct err *err) {
    struct stat st;
    if (stat(loan->source, &st) < 0) {
        return err_sys(err, errno, "%s", loan->source);
    }
    int userns cleanup_fd = st.st_uid == 0 ? userns_new(s->base, ID_RANGE, err)
                                           : userns_new_single(st.st_uid, st.st_gid, s->base, err);
    const char *target = str_printf(&s->a, BOX_ROOT "%s", loan->target).p;
    return userns < 0 ? -1 : mount_idmapped(loan->source, target, userns, err);
}

static int lend_all(struct sandbox *s, struct err *err) {
    for (size_t i = 0; i < s->spec.loans_n; i++) {
        if (lend(s, &s->spec.loans[i], err) < 0) {
            return err_wrap(err, "show %s in the container", s->spec.loans[i].source);
        }
    }
    return 0;
}

/* The layer waits for the disk, the mounts wait for the kernel: they are made side by side. The
 * thread stands in the mount namespace that we leave, where the layer's files are the same ones. */
struct layering {
    struct sandbox *s;
    int result;
    struct err err;
};

static void *make_layer_beside(void *ud) {
    struct layering *l = ud;
    l->result = make_layer(l->s, &l->err);
    return NULL;
}

static int make_halves(struct sandbox *s, struct err *err) {
    struct layering l = {.s = s, .err = ERR_INIT};
    pthread_t thread;
    bool beside = pthread_create(&thread, NULL, make_layer_beside, &l) == 0;
    int result = make_box(s, err) < 0 || make_low(s, err) < 0 ? -1 : 0;
    if (beside) {
        pthread_join(thread, NULL);
    } else {
        make_layer_beside(&l);
    }
    if (result == 0 && l.result < 0) {
        *err = l.err;
    }
    return result < 0 ? -1 : l.result;
}

static int prepare(struct sandbox *s, struct err *err) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        return err_sys(err, errno, "become the reaper of descendants");
    }
    umask(022); /* the modes below are meant as they are written */
    cgroup_warm_up();
    return range_take(&s->base, &s->range_fd, err) < 0 || make_halves(s, err) < 0 ||
                   make_root(s, err) < 0 || lend_all(s, err) < 0
               ? -1
               : 0;
}

/* Goes on after a failure and keeps the first. */
static int keep_first(int result, int now, const struct err *from, struct err *err) {
    if (now < 0 && result == 0) {
        *err = *from;
    }
    return now < 0 ? -1 : result;
}

/* Takes away what was made, in reverse. */
static int clear_away(struct sandbox *s, struct err *err) {
    static const char *const mounts[] = {BOX_ROOT, BOX_LOW, BOX};
    struct err e = ERR_INIT;
    int result = 0;
    for (size_t i = 0; s->isolated && i < s->spec.mounts_n; i++) {
        if (s->spec.mounts[i].shifted) {
            result = keep_first(result, mount_detach(s->spec.mounts[i].source, &e), &e, err);
        }
    }
    for (size_t i = 0; s->isolated && i < 3; i++) {
        result = keep_first(result, mount_detach(mounts[i], &e), &e, err);
    }
    if (s->runtime != NULL) {
        result = keep_first(result, cgroup_remove(s->cgroup, &e), &e, err);
    }
    if (s->made) {
        result = keep_first(result, tree_remove(s->box, &e), &e, err);
    }
    if (s->range_fd >= 0 && ftruncate(s->range_fd, 0) < 0) {
        err_sys(&e, errno, "give a range of ids back");
        result = keep_first(result, -1, &e, err);
    }
    return result;
}

static void dispose(struct sandbox *s) {
    fd_closep(&s->root_fd);
    fd_closep(&s->channel);
    fd_closep(&s->range_fd);
    fd_closep(&s->image_fd);
    process_close(&s->init);
    arena_done(&s->a);
    free(s);
}

static void settle(struct sandbox *s, const char *dir) {
    s->spec.dir = copy(&s->a, dir);
    s->box = str_printf(&s->a, "%s/box", dir).p;
    s->upper = str_printf(&s->a, "%s/upper", s->box).p;
    s->work = str_printf(&s->a, "%s/work", s->box).p;
}

void sandbox_moved(struct sandbox *s, const char *dir) {
    settle(s, dir);
}

int sandbox_make_folder(struct sandbox *s, const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    char *part = (char *)str_z(&a, str_dup(&a, str_c(path + 1)));
    int result = path[0] == '/' && strstr(path, "/..") == NULL
                     ? 0
                     : err_set(err, ERR_INVALID, "folder '%s' is not an absolute path", path);
    for (char *end = part; result == 0 && end != NULL;) {
        end = strchr(end, '/');
        if (end != NULL) {
            *end = '\0';
        }
        /* Nothing of the build has run yet: no link that is not the image's is on the way. */
        const char *slash = strrchr(part, '/');
        const char *parent = slash ? str_z(&a, str_n(part, (size_t)(slash - part))) : ".";
        int in cleanup_fd = sandbox_open(s, parent, O_PATH | O_DIRECTORY, 0, err);
        const char *name = slash ? slash + 1 : part;
        if (in < 0) {
            result = -1;
        } else if (mkdirat(in, name, 0755) == 0) {
            result = fchownat(in, name, s->base, s->base, AT_SYMLINK_NOFOLLOW) < 0
                         ? err_sys(err, errno, "give %s to the container", path)
                         : 0;
        } else if (errno != EEXIST) {
            result = err_sys(err, errno, "make folder %s", path);
        }
        if (end != NULL) {
            *end++ = '/';
        }
    }
    arena_done(&a);
    return result;
}

int sandbox_prepare(const struct sandbox_spec *spec, struct sandbox **ret, struct err *err) {
    if (check_spec(spec, err) < 0) {
        return -1;
    }
    struct sandbox *s = mem_alloc(sizeof(*s));
    s->range_fd = s->image_fd = s->root_fd = s->channel = -1;
    s->held[HELD_NET] = s->held[HELD_MNT] = -1;
    s->init = PROCESS_NONE;
    copy_spec(&s->a, spec, &s->spec);
    settle(s, spec->dir);
    s->cgroup = str_printf(&s->a, "/trunkline-%s", s->spec.id).p;
    if (file_exists(s->box)) {
        dispose(s);
        return err_set(err, ERR_EXISTS, "%s has a container already", spec->dir);
    }
    if (prepare(s, err) < 0) {
        err_wrap(err, "prepare a container");
        struct err second = ERR_INIT;
        clear_away(s, &second); /* the first failure is the one to tell */
        dispose(s);
        return -1;
    }
    *ret = s;
    return 0;
}

/* For sandbox_sweep: who lives here, when nobody who knows is left. */
static int note_container(struct sandbox *s, struct err *err) {
    struct process_id id;
    if (process_identify(s->init.pid, &id, err) < 0) {
        return -1;
    }
    struct str text =
        str_printf(&s->a, STR_FMT "%s\n", STR_ARG(process_id_text(&s->a, &id)), s->spec.id);
    return file_write(str_printf(&s->a, "%s/container", s->box).p, text, 0600, err);
}

int sandbox_create(struct sandbox *s, struct err *err) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_sys(err, errno, "make a socket pair");
    }
    s->channel = pair[0];
    int theirs cleanup_fd = pair[1];
    if (runtime_create(s, theirs, err) < 0 || namespaces_hold(s, err) < 0) {
        return -1;
    }
    return range_note_owner(s->range_fd, &s->init, err) < 0 ? -1 : note_container(s, err);
}

bool sandbox_is_gone(const struct sandbox *s) {
    struct err ignored = ERR_INIT;
    return s->init.pidfd < 0 || process_wait_death(&s->init, 0, &ignored) > 0;
}

int sandbox_kill(struct sandbox *s, struct err *err) {
    if (s->init.pidfd < 0) {
        return 0;
    }
    /* The memory figures end with the group's last process on some kernels: take them now. */
    cgroup_memory(s->cgroup, &s->last_usage);
    if (process_signal(&s->init, SIGKILL, err) < 0) {
        return -1;
    }
    /* The kernel reports the death of a pid namespace's first process after that of all others. */
    int ended = process_wait(&s->init, KILL_TIMEOUT_MS, NULL, err);
    return ended == 0  ? err_set(err, ERR_UNAVAILABLE, "the container did not die within %d s",
                                 KILL_TIMEOUT_MS / 1000)
           : ended < 0 ? -1
                       : 0;
}

int sandbox_delete(struct sandbox *s, struct err *err) {
    int result = sandbox_kill(s, err);
    namespaces_release(s);
    fd_closep(&s->root_fd);
    if (result == 0) {
        result = clear_away(s, err);
    }
    dispose(s);
    return result;
}

/* Adds what lies below a folder: no further than it takes to know that it is too much. */
static int add_tree(struct sandbox *s, const char *path, struct sandbox_usage *u, struct err *err) {
    const struct sandbox_limits *l = &s->spec.limits;
    int64_t bytes = 0;
    int64_t entries = 0;
    if (tree_size(path, 2 * l->disk_bytes, l->disk_entries, &bytes, &entries, err) < 0) {
        return -1;
    }
    u->disk_bytes += bytes;
    u->disk_entries += entries;
    return 0;
}

/* What lies in folders of the host that the build may write to. */
static int add_mounts(struct sandbox *s, struct sandbox_usage *u, struct err *err) {
    for (size_t i = 0; i < s->spec.mounts_n; i++) {
        if (s->spec.mounts[i].writable && add_tree(s, s->spec.mounts[i].source, u, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int sandbox_usage(struct sandbox *s, struct sandbox_usage *ret, struct err *err) {
    cgroup_memory(s->cgroup, &s->last_usage);
    int64_t now = clock_mono_ms(&clock_system);
    if (now >= s->next_walk_ms) {
        struct sandbox_usage u = s->last_usage;
        u.disk_bytes = u.disk_entries = 0;
        if (add_tree(s, s->upper, &u, err) < 0 || add_mounts(s, &u, err) < 0) {
            return -1;
        }
        s->last_usage = u;
        int64_t took = clock_mono_ms(&clock_system) - now;
        s->next_walk_ms = now + took * DISK_SHARE;
    }
    *ret = s->last_usage;
    return 0;
}

int sandbox_check_disk(struct sandbox *s, struct err *err) {
    const struct sandbox_limits *l = &s->spec.limits;
    struct sandbox_usage u;
    struct err why = ERR_INIT;
    if (sandbox_usage(s, &u, &why) < 0) {
        /* Deeper than it can be measured is too much; a folder that vanished under us is not. */
        return why.kind == ERR_LIMIT
                   ? err_set(err, ERR_LIMIT,
                             "No space left: the build has made more than %d folders in each "
                             "other",
                             TREE_MEASURE_DEPTH)
                   : 0;
    }
    if (u.disk_bytes > l->disk_bytes || u.disk_entries > l->disk_entries) {
        s->next_walk_ms = 0; /* it may be less the next time */
    }
    if (u.disk_bytes > l->disk_bytes) {
        return err_set(err, ERR_LIMIT, "No space left: the build has written more than %lld MiB",
                       (long long)(l->disk_bytes >> 20));
    }
    return u.disk_entries <= l->disk_entries
               ? 0
               : err_set(err, ERR_LIMIT,
                         "No space left: the build has made more than %lld files and folders",
                         (long long)l->disk_entries);
}

int sandbox_open(struct sandbox *s, const char *path, int flags, mode_t mode, struct err *err) {
    return file_open_beneath(s->root_fd, path, flags, mode, err);
}

int sandbox_write_file(struct sandbox *s, const char *path, struct str bytes, mode_t mode,
                       struct err *err) {
    /* O_NONBLOCK: what was a file may have become a pipe that nobody reads. */
    const int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY;
    int fd cleanup_fd = sandbox_open(s, path, flags, mode, err);
    struct stat st;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_CONFLICT, "%s is not a file", path);
    }
    /* Not O_TRUNC: what is truncated is written to the disk as soon as it is closed. */
    if ((st.st_size > 0 && ftruncate(fd, 0) < 0) || fchown(fd, s->base, s->base) < 0 ||
        fchmod(fd, mode) < 0) {
        return err_sys(err, errno, "give %s to the container", path);
    }
    return fd_write_all(fd, bytes.p, bytes.n, err) < 0 ? err_wrap(err, "%s", path) : 0;
}

int sandbox_read_file(struct sandbox *s, struct arena *a, const char *path, size_t max,
                      struct str *ret, struct err *err) {
    int fd cleanup_fd = sandbox_open(s, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err);
    struct stat st;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_CONFLICT, "%s is not a file", path);
    }
    return fd_read_all(a, fd, max, ret, err) < 0 ? err_wrap(err, "%s", path) : 0;
}

uid_t sandbox_root_id(const struct sandbox *s) {
    return s->base;
}

const char *sandbox_runtime(const struct sandbox *s) {
    return s->runtime;
}
