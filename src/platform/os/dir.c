/* Folders and trees of platform/os/file.h. Every step below a tree's top is relative to an open
 * folder and never follows a link: the tree may be an attacker's, and alive. */
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMOVE_DEPTH_MAX = 128 }; /* what lies deeper is moved up, to need few open descriptors */

int dir_make(const char *path, mode_t mode, struct err *err) {
    if (mkdir(path, mode) == 0) {
        return 0;
    }
    if (errno == EEXIST) {
        return file_is_dir(path) ? 0 : os_error(err, ENOTDIR, "make folder", path);
    }
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (errno != ENOENT || n >= sizeof(part) || n == 0) {
        return os_error(err, errno, "make folder", path);
    }
    memcpy(part, path, n + 1);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST) {
            return os_error(err, errno, "make folder", part);
        }
        *slash = '/';
    }
    if (mkdir(path, mode) < 0 && errno != EEXIST) {
        return os_error(err, errno, "make folder", path);
    }
    return file_is_dir(path) ? 0 : os_error(err, ENOTDIR, "make folder", path);
}

int dir_make_new(const char *path, mode_t mode, struct err *err) {
    return mkdir(path, mode) < 0 ? os_error(err, errno, "make folder", path) : 0;
}

static bool is_dots(const char *name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* One walk over a tree; `dir` is called for folders after their content. */
struct walk {
    int (*entry)(struct walk *w, int dir_fd, const char *name, const struct stat *st,
                 struct err *err);
    dev_t device;         /* of the top: others are mounts */
    bool removing;        /* lend ourselves the rights to enter; move up what is too deep */
    int top_fd;           /* of the tree, while it is walked */
    unsigned lifted;      /* folders moved up so far: their names' numbers */
    bool again;           /* one was: the top has more to be walked */
    int64_t bytes;        /* tree_size */
    int64_t entries;      /* tree_size */
    int64_t stop_bytes;   /* tree_size; 0 = never */
    int64_t stop_entries; /* tree_size; 0 = never */
};

static int walk_dir(struct walk *w, int parent_fd, const char *name, int depth, struct err *err);

/* Moves a folder to the top, so that a tree of any depth is removed with few descriptors. The names
 * may be taken by entries of the tree itself: then by the next number. */
static int lift(struct walk *w, int dir_fd, const char *name, struct err *err) {
    char to[32];
    int sys = EEXIST;
    bool lent = false;
    while (sys == EEXIST || sys == ENOTEMPTY || sys == ENOTDIR) {
        snprintf(to, sizeof(to), ".lifted-%u", w->lifted++);
        sys = renameat(dir_fd, name, w->top_fd, to) == 0 ? 0 : errno;
        if (sys == EACCES && !lent && fchmodat(dir_fd, name, 0700, 0) == 0) {
            lent = true; /* a plain user needs it: the folder's ".." changes */
            sys = EEXIST;
        }
    }
    w->again = w->again || sys == 0;
    return sys == 0 || sys == ENOENT ? 0 : os_error(err, sys, "move folder", name);
}

static int walk_entry(struct walk *w, int dir_fd, const char *name, int depth, struct err *err) {
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
        return errno == ENOENT ? 0 : os_error(err, errno, "look at", name);
    }
    if (S_ISDIR(st.st_mode) && st.st_dev != w->device) {
        return w->removing ? err_set(err, ERR_CONFLICT, "%s is a mount point", name) : 0;
    }
    if (S_ISDIR(st.st_mode) && w->removing && depth >= REMOVE_DEPTH_MAX) {
        return lift(w, dir_fd, name, err);
    }
    if (S_ISDIR(st.st_mode) && walk_dir(w, dir_fd, name, depth + 1, err) < 0) {
        return -1;
    }
    return w->entry(w, dir_fd, name, &st, err);
}

static int walk_dir(struct walk *w, int parent_fd, const char *name, int depth, struct err *err) {
    if (depth > TREE_MEASURE_DEPTH) {
        return err_set(err, ERR_LIMIT, "more than %d folders in each other", TREE_MEASURE_DEPTH);
    }
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd cleanup_fd = openat(parent_fd, name, flags);
    if (fd < 0 && errno == EACCES && w->removing && fchmodat(parent_fd, name, 0700, 0) == 0) {
        fd = openat(parent_fd, name, flags);
    }
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : os_error(err, errno, "open folder", name);
    }
    struct stat st;
    if (w->removing && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700) {
        fchmod(fd, 0700);
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        return os_error(err, errno, "read folder", name);
    }
    int dir_fd = TAKE_FD(fd);
    int result = 0;
    w->top_fd = depth == 0 ? dir_fd : w->top_fd;
    for (const struct dirent *e = NULL; result == 0 && (e = readdir(dir)) != NULL;) {
        if (!is_dots(e->d_name)) {
            result = walk_entry(w, dir_fd, e->d_name, depth, err);
        }
        if ((w->stop_bytes > 0 && w->bytes > w->stop_bytes) ||
            (w->stop_entries > 0 && w->entries > w->stop_entries)) {
            break;
        }
    }
    closedir(dir);
    return result;
}

static int remove_entry(struct walk *w, int dir_fd, const char *name, const struct stat *st,
                        struct err *err) {
    (void)w;
    if (unlinkat(dir_fd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT) {
        return os_error(err, errno, "remove", name);
    }
    return 0;
}

int tree_remove(const char *path, struct err *err) {
    struct stat st;
    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : os_error(err, errno, "look at", path);
    }
    struct walk w = {.entry = remove_entry, .device = st.st_dev, .removing = true};
    do {
        w.again = false;
        if (S_ISDIR(st.st_mode) && walk_dir(&w, AT_FDCWD, path, 0, err) < 0) {
            return err_wrap(err, "remove %s", path);
        }
    } while (w.again);
    return remove_entry(&w, AT_FDCWD, path, &st, err);
}

static int measure_entry(struct walk *w, int dir_fd, const char *name, const struct stat *st,
                         struct err *err) {
    (void)dir_fd;
    (void)name;
    (void)err;
    w->bytes += (int64_t)st->st_blocks * 512;
    w->entries++;
    return 0;
}

int tree_size(const char *path, int64_t stop_bytes, int64_t stop_entries, int64_t *ret_bytes,
              int64_t *ret_entries, struct err *err) {
    struct stat st;
    if (lstat(path, &st) < 0) {
        return os_error(err, errno, "look at", path);
    }
    struct walk w = {.entry = measure_entry,
                     .device = st.st_dev,
                     .stop_bytes = stop_bytes,
                     .stop_entries = stop_entries};
    if (S_ISDIR(st.st_mode) && walk_dir(&w, AT_FDCWD, path, 0, err) < 0) {
        return err_wrap(err, "measure %s", path);
    }
    *ret_bytes = w.bytes + (int64_t)st.st_blocks * 512;
    *ret_entries = w.entries + 1;
    return 0;
}

static int compare_names(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

int dir_list(struct arena *a, const char *path, struct str_list *ret, struct err *err) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return os_error(err, errno, "read folder", path);
    }
    *ret = (struct str_list){arena_new_n(a, struct str, 4), 0};
    for (const struct dirent *e = NULL; (e = readdir(dir)) != NULL;) {
        if (!is_dots(e->d_name)) {
            *arena_push(a, ret) = str_dup(a, str_c(e->d_name));
        }
    }
    closedir(dir);
    qsort(ret->v, ret->n, sizeof(struct str), compare_names);
    return 0;
}

int dir_make_temp(struct arena *a, const char *prefix, const char **ret, struct err *err) {
    const char *base = getenv("TMPDIR");
    struct str path = str_printf(a, "%s/%s-XXXXXX", base && *base ? base : "/tmp", prefix);
    if (mkdtemp((char *)path.p) == NULL) {
        return os_error(err, errno, "make folder", path.p);
    }
    *ret = path.p;
    return 0;
}
