/*
 * The helper process: reads entries by libarchive, makes them itself. Every step goes from an open
 * folder to the next name without following links, so the order of entries in a hostile archive
 * does not matter; at the end each link is resolved by the kernel as the readers will resolve it.
 */
#include "platform/archive/worker.h"

#include "platform/archive/zip_directory.h"
#include "platform/os/confine.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BLOCK = 65536,
    NAME_MAX_BYTES = 4096,
    DEPTH_MAX = 128,
    RATIO_FROM = 64 << 20, /* small archives may well be mostly zeros */
};

struct worker {
    const struct extract_job *job;
    struct archive *archive;
    int64_t packed;  /* size of the archive, or 0 where it is a stream */
    int64_t entries; /* made so far */
    int64_t bytes;   /* written so far */
    struct arena a;
    struct str_list links; /* names of the symbolic links made */
};

static int count(struct worker *w, int64_t bytes, const char *name, struct err *err) {
    w->bytes += bytes;
    if (w->entries > w->job->entries) {
        return err_set(err, ERR_LIMIT, "the archive has more than %lld entries",
                       (long long)w->job->entries);
    }
    if (w->bytes > w->job->bytes) {
        return err_set(err, ERR_LIMIT, "the archive unpacks to more than %lld bytes (at '%s')",
                       (long long)w->job->bytes, name);
    }
    int64_t packed = w->packed > 0 ? w->packed : archive_filter_bytes(w->archive, -1);
    if (w->bytes > RATIO_FROM && packed > 0 && w->bytes / packed > w->job->ratio) {
        return err_set(err, ERR_LIMIT,
                       "the archive unpacks to more than %lld times its size "
                       "(at '%s')",
                       (long long)w->job->ratio, name);
    }
    return 0;
}

/* Steps into `name` below dir_fd, making it if need be; closes dir_fd unless it is the top. */
static int enter(struct worker *w, int dir_fd, const char *name, const char *entry,
                 struct err *err) {
    int top = w->job->dir_fd;
    int from cleanup_fd = dir_fd == top ? -1 : dir_fd;
    bool made = mkdirat(dir_fd, name, 0755) == 0;
    if (!made && errno != EEXIST) {
        return err_sys(err, errno, "make folder '%s'", entry);
    }
    int fd cleanup_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_INVALID, "entry '%s' goes through '%s', which is not a folder",
                       entry, name);
    }
    if (made && fchown(fd, w->job->uid, w->job->gid) < 0) {
        return err_sys(err, errno, "give away folder '%s'", entry);
    }
    return TAKE_FD(fd);
}

/* Checks the name and walks to the folder that it lies in. *ret_last is its last part, NULL for a
 * folder entry that is the top itself. The descriptor may be the top's. */
static int walk(struct worker *w, const char *entry, char *name, const char **ret_last,
                struct err *err) {
    size_t n = strlen(entry);
    if (n == 0 || n >= NAME_MAX_BYTES) {
        return err_set(err, ERR_INVALID, "an entry's name has %zu bytes", n);
    }
    if (entry[0] == '/') {
        return err_set(err, ERR_INVALID, "entry '%s' has an absolute name", entry);
    }
    memcpy(name, entry, n + 1);
    int fd = w->job->dir_fd;
    int depth = 0;
    *ret_last = NULL;
    for (char *part = name, *next = NULL; part != NULL; part = next) {
        next = strchr(part, '/');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (*part == '\0' || strcmp(part, ".") == 0) {
            continue;
        }
        if (strcmp(part, "..") == 0 || ++depth > DEPTH_MAX) {
            if (fd != w->job->dir_fd) {
                close(fd);
            }
            return err_set(err, ERR_INVALID,
                           depth > DEPTH_MAX ? "entry '%s' is too deep"
                                             : "entry '%s' leads out of the folder",
                           entry);
        }
        if (*ret_last != NULL && (fd = enter(w, fd, *ret_last, entry, err)) < 0) {
            return -1;
        }
        *ret_last = part;
    }
    return fd;
}

static int write_content(struct worker *w, int fd, const char *name, struct err *err) {
    const void *p = NULL;
    size_t n = 0;
    int64_t offset = 0;
    int64_t at = 0;
    int status = 0;
    while ((status = archive_read_data_block(w->archive, &p, &n, &offset)) == ARCHIVE_OK) {
        if (offset < at) {
            return err_set(err, ERR_INVALID, "entry '%s' is damaged", name);
        }
        /* A hole counts as written: whoever reads the file reads it. */
        if (count(w, offset - at + (int64_t)n, name, err) < 0) {
            return -1;
        }
        if (offset > at && lseek(fd, offset, SEEK_SET) < 0) {
            return err_sys(err, errno, "write '%s'", name);
        }
        if (fd_write_all(fd, p, n, err) < 0) {
            return err_wrap(err, "'%s'", name);
        }
        at = offset + (int64_t)n;
    }
    if (status != ARCHIVE_EOF) {
        return err_set(err, ERR_INVALID, "entry '%s': %s", name, archive_error_string(w->archive));
    }
    return ftruncate(fd, at) < 0 ? err_sys(err, errno, "write '%s'", name) : 0;
}

static int make_file(struct worker *w, int dir_fd, const char *last, struct archive_entry *e,
                     struct err *err) {
    const char *name = archive_entry_pathname(e);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd cleanup_fd = openat(dir_fd, last, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_INVALID, "entry '%s' is there twice", name);
    }
    if (fd < 0) {
        return err_sys(err, errno, "make '%s'", name);
    }
    if (write_content(w, fd, name, err) < 0) {
        return -1;
    }
    mode_t mode = archive_entry_perm(e) & 0777;
    if (fchown(fd, w->job->uid, w->job->gid) < 0 || fchmod(fd, mode ? mode : 0644) < 0) {
        return err_sys(err, errno, "set the owner and mode of '%s'", name);
    }
    if (archive_entry_mtime_is_set(e)) {
        const struct timespec times[2] = {{0, UTIME_OMIT}, {archive_entry_mtime(e), 0}};
        futimens(fd, times); /* a time that the file system cannot hold does not matter */
    }
    return 0;
}

static int make_folder(struct worker *w, int dir_fd, const char *last, struct archive_entry *e,
                       struct err *err) {
    int fd cleanup_fd = enter(w, dir_fd, last, archive_entry_pathname(e), err);
    if (fd < 0) {
        return -1;
    }
    mode_t mode = archive_entry_perm(e) & 0777;
    if (fchmod(fd, mode ? mode | 0700 : 0755) < 0) {
        return err_sys(err, errno, "set the mode of '%s'", archive_entry_pathname(e));
    }
    return 0;
}

static int make_link(struct worker *w, int dir_fd, const char *last, struct archive_entry *e,
                     struct err *err) {
    const char *name = archive_entry_pathname(e);
    const char *target = archive_entry_symlink(e);
    if (target == NULL || *target == '\0' || strlen(target) >= NAME_MAX_BYTES) {
        return err_set(err, ERR_INVALID, "link '%s' has no usable target", name);
    }
    if (target[0] == '/') {
        return err_set(err, ERR_INVALID, "link '%s' points out of the folder, to '%s'", name,
                       target);
    }
    if (symlinkat(target, dir_fd, last) < 0) {
        return errno == EEXIST ? err_set(err, ERR_INVALID, "entry '%s' is there twice", name)
                               : err_sys(err, errno, "make link '%s'", name);
    }
    if (fchownat(dir_fd, last, w->job->uid, w->job->gid, AT_SYMLINK_NOFOLLOW) < 0) {
        return err_sys(err, errno, "give away link '%s'", name);
    }
    *arena_push(&w->a, &w->links) = str_dup(&w->a, str_c(name));
    return 0;
}

static int make_entry(struct worker *w, struct archive_entry *e, struct err *err) {
    const char *name = archive_entry_pathname(e);
    if (name == NULL) {
        return err_set(err, ERR_INVALID, "an entry's name cannot be read");
    }
    w->entries++;
    if (count(w, 0, name, err) < 0) {
        return -1;
    }
    if (archive_entry_is_encrypted(e)) {
        return err_set(err, ERR_INVALID, "entry '%s' is encrypted", name);
    }
    if (archive_entry_hardlink(e) != NULL) {
        return err_set(err, ERR_INVALID, "entry '%s' is a hard link", name);
    }
    const mode_t type = archive_entry_filetype(e);
    if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK) {
        return err_set(err, ERR_INVALID, "entry '%s' is a device, socket or pipe", name);
    }
    char parts[NAME_MAX_BYTES];
    const char *last = NULL;
    int dir = walk(w, name, parts, &last, err);
    if (dir < 0) {
        return -1;
    }
    if (last == NULL) {
        return type == S_IFDIR ? 0 : err_set(err, ERR_INVALID, "entry '%s' has no name", name);
    }
    if (type == S_IFDIR) {
        return make_folder(w, dir, last, e, err); /* takes `dir` */
    }
    int held cleanup_fd = dir == w->job->dir_fd ? -1 : dir;
    return type == S_IFREG ? make_file(w, dir, last, e, err) : make_link(w, dir, last, e, err);
}

/* A chain of links can lead out though each looks harmless. The kernel decides: a link that does
 * not resolve beneath the folder is refused; one that leads nowhere inside is allowed. */
static int check_links(struct worker *w, struct err *err) {
    for (size_t i = 0; i < w->links.n; i++) {
        struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
        long fd = syscall(SYS_openat2, w->job->dir_fd, w->links.v[i].p, &how, sizeof(how));
        if (fd >= 0) {
            close((int)fd);
        } else if (errno == EXDEV) {
            return err_set(err, ERR_INVALID, "link '%s' points out of the folder", w->links.v[i].p);
        }
    }
    return 0;
}

static bool is_zip(struct worker *w) {
    return (archive_format(w->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

static int unpack(struct worker *w, struct err *err) {
    /* Zip by its central directory only: the streaming reader takes files that were cut off. */
    if (archive_read_support_format_zip_seekable(w->archive) != ARCHIVE_OK ||
        archive_read_support_format_tar(w->archive) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(w->archive) != ARCHIVE_OK ||
        archive_read_open_fd(w->archive, w->job->archive_fd, READ_BLOCK) != ARCHIVE_OK) {
        return err_set(err, ERR_INVALID, "not an archive: %s", archive_error_string(w->archive));
    }
    struct archive_entry *e = NULL;
    bool checked = zip_directory_begins(w->job->archive_fd);
    if (checked && zip_directory_check(w->job->archive_fd, w->job->entries, err) < 0) {
        return -1;
    }
    for (;;) {
        int status = archive_read_next_header(w->archive, &e);
        if (status == ARCHIVE_EOF) {
            break;
        }
        if (!checked && is_zip(w)) { /* with something else in front of it */
            checked = true;
            if (zip_directory_check(w->job->archive_fd, w->job->entries, err) < 0) {
                return -1;
            }
        }
        if (status < ARCHIVE_WARN) {
            return err_set(err, ERR_INVALID, "damaged archive after %lld entries: %s",
                           (long long)w->entries, archive_error_string(w->archive));
        }
        if (make_entry(w, e, err) < 0) {
            return -1;
        }
    }
    return check_links(w, err);
}

int extract_unpack(const struct extract_job *job, int64_t *ret_entries, int64_t *ret_bytes,
                   struct err *err) {
    struct worker w = {.job = job, .archive = archive_read_new()};
    struct stat st;
    if (fstat(job->archive_fd, &st) == 0 && S_ISREG(st.st_mode)) {
        w.packed = st.st_size;
    }
    int result = unpack(&w, err);
    *ret_entries = w.entries;
    *ret_bytes = w.bytes;
    archive_read_free(w.archive);
    arena_done(&w.a);
    return result;
}

int extract_work(const struct extract_job *job) {
    setlocale(LC_CTYPE, "C.UTF-8"); /* names are UTF-8; libarchive asks the locale */
    struct err err = ERR_INIT;
    int64_t entries = 0;
    int64_t bytes = 0;
    const struct confinement all = {job->dir_fd, job->seconds, job->bytes};
    int result = confine(&all) ? extract_unpack(job, &entries, &bytes, &err)
                               : err_set(&err, ERR_SYSTEM, "cannot lock up the unpacking process");
    char report[1024];
    int n = result == 0 ? snprintf(report, sizeof(report), "k%lld %lld", (long long)entries,
                                   (long long)bytes)
                        : snprintf(report, sizeof(report), "%c%s",
                                   err.kind == ERR_INVALID ? 'i'
                                   : err.kind == ERR_LIMIT ? 'l'
                                                           : 's',
                                   err.msg);
    struct err ignored = ERR_INIT;
    return fd_write_all(job->report_fd, report, (size_t)n, &ignored) < 0 ? 2 : 0;
}
