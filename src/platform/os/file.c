/* Implementation of platform/os/file.h: files. Folders and trees are in dir.c. */
#include "platform/os/file.h"

#include "platform/os/fd.h"
#include "platform/os/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPENAT2_TRIES = 64 }; /* EAGAIN: the tree changed while the kernel walked it */

int os_error(struct err *err, int sys, const char *what, const char *path) {
    err_sys(err, sys, "%s %s", what, path);
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        err->kind = ERR_NOT_FOUND;
        break;
    case EEXIST:
        err->kind = ERR_EXISTS;
        break;
    case EACCES:
    case EPERM:
        err->kind = ERR_DENIED;
        break;
    default:
        break;
    }
    return -1;
}

int file_open(const char *path, int flags, mode_t mode, struct err *err) {
    return file_open_at(AT_FDCWD, path, flags, mode, err);
}

int file_open_at(int dir_fd, const char *path, int flags, mode_t mode, struct err *err) {
    int fd = -1;
    do {
        fd = openat(dir_fd, path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? os_error(err, errno, "open", path) : fd;
}

int file_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, struct err *err) {
    struct open_how how = {
        .flags = (uint64_t)flags | O_CLOEXEC,
        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    for (int i = 0; i < OPENAT2_TRIES; i++) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return fd < 0 ? os_error(err, errno, "open", path) : (int)fd;
}

int file_read(struct arena *a, const char *path, size_t max, struct str *ret, struct err *err) {
    int fd cleanup_fd = file_open(path, O_RDONLY, 0, err);
    if (fd < 0) {
        return -1;
    }
    return fd_read_all(a, fd, max, ret, err) < 0 ? err_wrap(err, "%s", path) : 0;
}

/* Writes a temporary file beside `path` and renames it. The name carries pid and a counter, so two
 * writers never share one; O_EXCL would fail on a leftover, which is therefore removed first. */
static int replace(const char *path, struct str bytes, mode_t mode, bool durable, struct err *err) {
    static unsigned counter;
    struct arena a = ARENA_INIT;
    unsigned serial = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
    const char *temp = str_printf(&a, "%s.%d-%u.tmp", path, getpid(), serial).p;
    unlink(temp);
    int fd cleanup_fd = file_open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, err);
    int result = fd < 0 ? -1 : fd_write_all(fd, bytes.p, bytes.n, err);
    if (result == 0 && (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0))) {
        result = os_error(err, errno, "write", path);
    }
    if (result == 0 && rename(temp, path) < 0) {
        result = os_error(err, errno, "rename to", path);
    }
    if (result == 0 && durable) {
        result = file_sync_dir_of(path, err);
    } else if (result < 0 && fd >= 0) {
        unlink(temp);
        err_wrap(err, "write %s", path);
    }
    arena_done(&a);
    return result;
}

int file_write_atomic(const char *path, struct str bytes, mode_t mode, struct err *err) {
    return replace(path, bytes, mode, true, err);
}

int file_write(const char *path, struct str bytes, mode_t mode, struct err *err) {
    return replace(path, bytes, mode, false, err);
}

bool file_exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

bool file_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int file_size(const char *path, int64_t *ret, struct err *err) {
    struct stat st;
    if (stat(path, &st) < 0) {
        return os_error(err, errno, "look at", path);
    }
    *ret = st.st_size;
    return 0;
}

int file_remove(const char *path, struct err *err) {
    if (unlink(path) < 0 && errno != ENOENT) {
        return os_error(err, errno, "remove", path);
    }
    return 0;
}

int file_rename(const char *from, const char *to, struct err *err) {
    return rename(from, to) < 0 ? os_error(err, errno, "rename to", to) : 0;
}

int file_sync_dir_of(const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    size_t slash = str_rfind_c(str_c(path), '/');
    const char *dir = slash == (size_t)-1 ? "." : slash == 0 ? "/" : str_z(&a, str_n(path, slash));
    int fd cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    int result = fd < 0 ? -1 : 0;
    if (result == 0 && fsync(fd) < 0) {
        result = os_error(err, errno, "sync", dir);
    }
    arena_done(&a);
    return result;
}

/* copy_file_range stays in the kernel; where it does not work between two file systems, bytes go
 * through a buffer. */
static int copy_bytes(int in, int out, struct err *err) {
    for (;;) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
        if (n == 0) {
            return 0;
        }
        if (n < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return err_sys(err, errno, "copy");
        }
    }
    char chunk[65536];
    ssize_t n = 0;
    while ((n = read(in, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(err, errno, "read");
        }
        if (fd_write_all(out, chunk, (size_t)n, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int file_copy(const char *from, const char *to, mode_t mode, struct err *err) {
    int in cleanup_fd = file_open(from, O_RDONLY, 0, err);
    if (in < 0) {
        return -1;
    }
    int out cleanup_fd = file_open(to, O_WRONLY | O_CREAT | O_TRUNC, mode, err);
    if (out < 0) {
        return -1;
    }
    enum { FICLONE_REQUEST = _IOW(0x94, 9, int) };
    if (ioctl(out, FICLONE_REQUEST, in) == 0) {
        return 0;
    }
    return copy_bytes(in, out, err) < 0 ? err_wrap(err, "copy %s to %s", from, to) : 0;
}

int file_lock(const char *path, bool wait, struct err *err) {
    int fd cleanup_fd = file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, err);
    if (fd < 0) {
        return -1;
    }
    int failed = 0;
    do {
        failed = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
    } while (failed < 0 && errno == EINTR);
    if (failed < 0 && errno == EWOULDBLOCK) {
        return err_set(err, ERR_CONFLICT, "%s is locked by another process", path);
    }
    if (failed < 0) {
        return os_error(err, errno, "lock", path);
    }
    return TAKE_FD(fd);
}
