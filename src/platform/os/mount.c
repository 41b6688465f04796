/* Implementation of platform/os/mount.h. */
#include "platform/os/mount.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int mount_isolate(struct err *err) {
    if (unshare(CLONE_NEWNS) < 0) {
        return err_sys(err, errno, "make a mount namespace");
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        return err_sys(err, errno, "keep mounts to ourselves");
    }
    return 0;
}

/* `count` ids from `inside` on are those from `base` on outside. */
struct id_map {
    uint32_t inside;
    uint32_t base;
    uint32_t count;
};

static int write_map(pid_t pid, const char *file, struct id_map map, struct err *err) {
    char path[64];
    char line[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    int n = snprintf(line, sizeof(line), "%u %u %u\n", map.inside, map.base, map.count);
    int fd cleanup_fd = file_open(path, O_WRONLY, 0, err);
    if (fd < 0) {
        return -1;
    }
    /* One write(2): the kernel takes a map whole or not at all. */
    return write(fd, line, (size_t)n) == n ? 0 : err_sys(err, errno, "write the id map %s", path);
}

/* The namespace exists as long as its first process or a descriptor; that process only waits to
 * be killed. A raw clone: the child touches nothing of ours, so no fork handlers are needed. */
static int make_userns(struct id_map uids, struct id_map gids, struct err *err) {
    long pid = syscall(SYS_clone, (long)(CLONE_NEWUSER | SIGCHLD), NULL, NULL, NULL, NULL);
    if (pid < 0) {
        return err_sys(err, errno, "make a user namespace");
    }
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    int fd cleanup_fd = -1;
    int result = write_map((pid_t)pid, "uid_map", uids, err);
    if (result == 0) {
        result = write_map((pid_t)pid, "gid_map", gids, err);
    }
    if (result == 0) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%ld/ns/user", pid);
        fd = file_open(path, O_RDONLY, 0, err);
    }
    kill((pid_t)pid, SIGKILL);
    while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return TAKE_FD(fd);
}

int userns_new(uint32_t base, uint32_t count, struct err *err) {
    const struct id_map map = {0, base, count};
    return make_userns(map, map, err);
}

int userns_new_single(uint32_t uid, uint32_t gid, uint32_t base, struct err *err) {
    return make_userns((struct id_map){uid, base, 1}, (struct id_map){gid, base, 1}, err);
}

/* A detached copy of the mount of `source`, changed by `attr`. */
static int clone_changed(const char *source, struct mount_attr *attr, struct err *err) {
    int tree cleanup_fd = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) {
        return os_error(err, errno, "clone the mount of", source);
    }
    if (mount_setattr(tree, "", AT_EMPTY_PATH, attr, sizeof(*attr)) < 0) {
        return os_error(err, errno, "change the mount of", source);
    }
    return TAKE_FD(tree);
}

static int attach(int tree, const char *target, struct err *err) {
    return move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0
               ? os_error(err, errno, "mount on", target)
               : 0;
}

static int clone_idmapped(const char *source, int userns_fd, struct err *err) {
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV,
        .userns_fd = (uint64_t)userns_fd,
    };
    return clone_changed(source, &attr, err);
}

int mount_idmapped(const char *source, const char *target, int userns_fd, struct err *err) {
    int tree cleanup_fd = clone_idmapped(source, userns_fd, err);
    return tree < 0 ? -1 : attach(tree, target, err);
}

int mount_harden(const char *target, struct err *err) {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    return mount_setattr(AT_FDCWD, target, 0, &attr, sizeof(attr)) < 0
               ? err_sys(err, errno, "take set-id and devices from %s", target)
               : 0;
}

int mount_readonly(const char *source, const char *target, struct err *err) {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
    int tree cleanup_fd = clone_changed(source, &attr, err);
    return tree < 0 ? -1 : attach(tree, target, err);
}

int mount_idmapped_probe(const char *path, struct err *err) {
    int userns cleanup_fd = userns_new(1000000, 1, err);
    if (userns < 0) {
        return -1;
    }
    int tree cleanup_fd = clone_idmapped(path, userns, err);
    return tree < 0 ? -1 : 0;
}

/* fsopen takes each path by itself, so none needs escaping and none can add an option. */
static int overlay_option(int fs, const char *key, const char *value, struct err *err) {
    enum fsconfig_command command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (fsconfig(fs, command, key, value, 0) < 0) {
        return err_sys(err, errno, "overlay option %s=%s", key, value ? value : "");
    }
    return 0;
}

int mount_overlay(const char *lower, const char *upper, const char *work, const char *target,
                  struct err *err) {
    int fs cleanup_fd = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs < 0) {
        return err_sys(err, errno, "open the overlay file system");
    }
    if (overlay_option(fs, "source", "trunkline", err) < 0 ||
        overlay_option(fs, "lowerdir", lower, err) < 0 ||
        overlay_option(fs, "upperdir", upper, err) < 0 ||
        overlay_option(fs, "workdir", work, err) < 0 ||
        overlay_option(fs, "volatile", NULL, err) < 0) {
        return -1;
    }
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        return os_error(err, errno, "make an overlay on", lower);
    }
    int tree cleanup_fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
    if (tree < 0) {
        return os_error(err, errno, "mount an overlay on", lower);
    }
    return attach(tree, target, err);
}

int mount_tmpfs(const char *target, const char *options, struct err *err) {
    if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) {
        return os_error(err, errno, "mount a tmpfs on", target);
    }
    return 0;
}

int mount_detach(const char *target, struct err *err) {
    if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT) {
        return os_error(err, errno, "unmount", target);
    }
    return 0;
}

bool mount_is_point(const char *path) {
    struct statx st;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
           (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}
