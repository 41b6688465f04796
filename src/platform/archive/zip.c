/* Implementation of platform/archive/zip.h, over libarchive. */
#include "platform/archive/zip.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, LINK_MAX_BYTES = 4096, DEPTH_MAX = 256 };

struct zip_writer {
    struct archive *archive;
    struct zip_limits limits;
    locale_t utf8; /* names are UTF-8 whatever our own locale is; libarchive asks the locale */
    int64_t entries;
    int64_t bytes;
};

static int zip_fail(struct zip_writer *z, const char *name, struct err *err) {
    int sys = archive_errno(z->archive);
    return err_set(err, sys == ENOSPC ? ERR_LIMIT : ERR_SYSTEM, "zip '%s': %s", name,
                   archive_error_string(z->archive));
}

static bool begin_writing(struct archive *a, int out_fd, bool store) {
    return a != NULL && archive_write_set_format_zip(a) == ARCHIVE_OK &&
           archive_write_set_options(a, store ? "zip:compression=store,zip:hdrcharset=UTF-8"
                                              : "zip:compression=deflate,zip:hdrcharset=UTF-8") >=
               ARCHIVE_WARN &&
           archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
           archive_write_open_fd(a, out_fd) == ARCHIVE_OK;
}

int zip_begin(int out_fd, const struct zip_limits *limits, struct zip_writer **ret,
              struct err *err) {
    struct zip_writer *z cleanup_zip = mem_alloc(sizeof(*z));
    z->limits = limits ? *limits : (struct zip_limits){0};
    z->limits.entries = z->limits.entries ? z->limits.entries : 1000000;
    z->limits.bytes = z->limits.bytes ? z->limits.bytes : (int64_t)64 << 30;
    z->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    z->archive = archive_write_new();
    locale_t ours = uselocale(z->utf8);
    bool ready = begin_writing(z->archive, out_fd, z->limits.store);
    uselocale(ours);
    if (!ready) {
        return err_set(err, ERR_SYSTEM, "begin a zip: %s",
                       z->archive ? archive_error_string(z->archive) : "out of memory");
    }
    *ret = TAKE_PTR(z);
    return 0;
}

static int count(struct zip_writer *z, int64_t bytes, struct err *err) {
    z->bytes += bytes;
    if (z->entries > z->limits.entries) {
        return err_set(err, ERR_LIMIT, "more than %lld entries", (long long)z->limits.entries);
    }
    if (z->bytes > z->limits.bytes) {
        return err_set(err, ERR_LIMIT, "more than %lld bytes", (long long)z->limits.bytes);
    }
    return 0;
}

/* Times and owners are left out: they differ where the content does not. */
static int header(struct zip_writer *z, const char *name, mode_t mode, int64_t size,
                  const char *link, struct err *err) {
    z->entries++;
    struct archive_entry *e = archive_entry_new2(z->archive);
    archive_entry_set_pathname(e, name);
    archive_entry_set_mode(e, mode & (S_IFMT | 0777));
    if (link != NULL) {
        archive_entry_set_symlink(e, link);
    }
    archive_entry_set_size(e, size);
    locale_t ours = uselocale(z->utf8);
    int status = archive_write_header(z->archive, e);
    uselocale(ours);
    archive_entry_free(e);
    if (status < ARCHIVE_WARN) {
        return zip_fail(z, name, err);
    }
    return count(z, 0, err);
}

/* A file that shrinks or grows while it is read keeps the size that its header said: libarchive
 * drops what is too much and zip_add says what is missing. */
static int copy_content(struct zip_writer *z, int fd, int64_t size, const char *name,
                        struct err *err) {
    char chunk[CHUNK];
    int64_t left = size;
    while (left > 0) {
        size_t want = left < CHUNK ? (size_t)left : CHUNK;
        ssize_t n = read(fd, chunk, want);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(err, errno, "read '%s'", name);
        }
        if (n == 0) {
            return err_set(err, ERR_CONFLICT, "'%s' became shorter while it was read", name);
        }
        if (archive_write_data(z->archive, chunk, (size_t)n) < 0) {
            return zip_fail(z, name, err);
        }
        left -= n;
        if (count(z, n, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add_link(struct zip_writer *z, int link_fd, const char *name, struct err *err) {
    char target[LINK_MAX_BYTES + 1];
    ssize_t n = readlinkat(link_fd, "", target, LINK_MAX_BYTES);
    if (n < 0) {
        return err_sys(err, errno, "read the link '%s'", name);
    }
    target[n] = '\0';
    return header(z, name, S_IFLNK | 0777, 0, target, err);
}

static int add_file(struct zip_writer *z, int root_fd, const char *path, const char *name,
                    int follow, struct err *err) {
    /* O_NONBLOCK: the entry may have become a pipe since it was looked at. */
    const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | follow;
    int fd cleanup_fd = file_open_beneath(root_fd, path, flags, 0, err);
    struct stat st;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_CONFLICT, "'%s' is no longer a file", path);
    }
    if (header(z, name, st.st_mode, st.st_size, NULL, err) < 0) {
        return -1;
    }
    return copy_content(z, fd, st.st_size, name, err);
}

int zip_add(struct zip_writer *z, int root_fd, const char *path, const char *name,
            enum zip_links links, struct err *err) {
    const int follow = links == ZIP_LINKS_KEEP ? O_NOFOLLOW : 0;
    int fd cleanup_fd = file_open_beneath(root_fd, path, O_PATH | follow, 0, err);
    struct stat st;
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0) {
        return err_sys(err, errno, "look at '%s'", path);
    }
    if (S_ISDIR(st.st_mode)) {
        return header(z, name, st.st_mode, 0, NULL, err);
    }
    if (S_ISLNK(st.st_mode)) {
        return add_link(z, fd, name, err);
    }
    if (S_ISREG(st.st_mode)) {
        return add_file(z, root_fd, path, name, follow, err);
    }
    return err_set(err, ERR_INVALID, "'%s' is a device, socket or pipe", path);
}

int zip_add_bytes(struct zip_writer *z, const char *name, const void *p, size_t n, unsigned mode,
                  struct err *err) {
    if (header(z, name, S_IFREG | mode, (int64_t)n, NULL, err) < 0) {
        return -1;
    }
    if (n > 0 && archive_write_data(z->archive, p, n) < 0) {
        return zip_fail(z, name, err);
    }
    return count(z, (int64_t)n, err);
}

/* What zip_add_tree carries through its recursion. */
struct tree {
    struct zip_writer *z;
    int root_fd;
    const char *prefix;
    enum zip_links links;
    bool (*skip)(void *ud, const char *name);
    void *ud;
    struct arena a;
};

static int list_folder(struct tree *t, const char *path, struct str_list *ret, struct err *err) {
    int fd cleanup_fd = file_open_beneath(t->root_fd, path, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0) {
        return -1;
    }
    /* The descriptor is held open here, so its path in /proc names exactly that folder. */
    const char *held = str_printf(&t->a, "/proc/self/fd/%d", fd).p;
    return dir_list(&t->a, held, ret, err) < 0 ? err_wrap(err, "%s", path) : 0;
}

static int add_below(struct tree *t, const char *path, const char *relative, int depth,
                     struct err *err) {
    if (depth > DEPTH_MAX) {
        return err_set(err, ERR_LIMIT, "more than %d folders in each other at '%s'", DEPTH_MAX,
                       relative);
    }
    struct arena_mark mark = arena_mark(&t->a);
    struct str_list names;
    if (list_folder(t, path, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *name =
            str_printf(&t->a, "%s%s" STR_FMT, relative, *relative ? "/" : "", STR_ARG(names.v[i]))
                .p;
        const char *child = str_printf(&t->a, "%s/" STR_FMT, path, STR_ARG(names.v[i])).p;
        if (t->skip != NULL && t->skip(t->ud, name)) {
            continue;
        }
        const int follow = t->links == ZIP_LINKS_KEEP ? O_NOFOLLOW : 0;
        int fd cleanup_fd = file_open_beneath(t->root_fd, child, O_PATH | follow, 0, err);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0) {
            return fd < 0 ? -1 : err_sys(err, errno, "look at '%s'", name);
        }
        const char *entry = str_printf(&t->a, "%s%s", t->prefix, name).p;
        if (zip_add(t->z, t->root_fd, child, entry, t->links, err) < 0) {
            return -1;
        }
        if (S_ISDIR(st.st_mode) && add_below(t, child, name, depth + 1, err) < 0) {
            return -1;
        }
    }
    arena_reset(&t->a, mark);
    return 0;
}

int zip_add_tree(struct zip_writer *z, int root_fd, const char *path, const char *prefix,
                 enum zip_links links, bool (*skip)(void *ud, const char *name), void *ud,
                 struct err *err) {
    struct tree t = {z, root_fd, prefix, links, skip, ud, ARENA_INIT};
    int result = add_below(&t, path, "", 0, err);
    arena_done(&t.a);
    return result;
}

int zip_end(struct zip_writer *z, struct err *err) {
    return archive_write_close(z->archive) < ARCHIVE_WARN ? zip_fail(z, "end", err) : 0;
}

int64_t zip_entries(const struct zip_writer *z) {
    return z->entries;
}

void zip_free(struct zip_writer *z) {
    if (z != NULL) {
        archive_write_free(z->archive);
        if (z->utf8 != (locale_t)0) {
            freelocale(z->utf8);
        }
        free(z);
    }
}
