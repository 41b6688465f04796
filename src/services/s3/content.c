/* Implementation of content.h over plain files. */
#include "services/s3/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}
#define cleanup_fd __attribute__((cleanup(close_fd)))

static void close_dir(DIR **dir) {
    if (*dir != NULL) {
        closedir(*dir);
    }
}
#define cleanup_dir __attribute__((cleanup(close_dir)))

struct str s3_content_id(struct arena *a, const struct rng *rng) {
    return rng_hex(rng, a, 32);
}

struct place {
    char dir[4096];
    char file[4096];
};

/* An id comes from our own tables, but it becomes a path: nothing but hex digits may. */
static int place_of(const char *data_dir, struct str id, struct place *ret, struct err *err) {
    bool good = id.n == 32;
    for (size_t i = 0; good && i < id.n; i++) {
        good = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f');
    }
    if (!good) {
        return err_set(err, ERR_INTERNAL, "s3: damaged content id '" STR_FMT "'", STR_ARG(id));
    }
    int n = snprintf(ret->dir, sizeof(ret->dir), "%s/s3/%.2s", data_dir, id.p);
    int m = snprintf(ret->file, sizeof(ret->file), "%s/s3/%.2s/%.32s", data_dir, id.p, id.p);
    if (n < 0 || m < 0 || (size_t)m >= sizeof(ret->file)) {
        return err_set(err, ERR_LIMIT, "s3: the data directory's name is too long");
    }
    return 0;
}

static int make_dir(const char *path, struct err *err) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        return err_sys(err, errno, "cannot make %s", path);
    }
    return 0;
}

static int sync_dir(const char *path, struct err *err) {
    int fd cleanup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        return err_sys(err, errno, "cannot make %s durable", path);
    }
    return 0;
}

/* A new directory must itself be durable before a file in it can be. */
static int ensure_place(const char *data_dir, const struct place *place, struct err *err) {
    if (access(place->dir, F_OK) == 0) {
        return 0;
    }
    char parent[4096];
    snprintf(parent, sizeof(parent), "%.4000s/s3", data_dir);
    if (make_dir(parent, err) < 0 || make_dir(place->dir, err) < 0) {
        return -1;
    }
    return sync_dir(parent, err);
}

int s3_content_create(const char *data_dir, struct str id, int *ret_fd, struct err *err) {
    struct place place;
    if (place_of(data_dir, id, &place, err) < 0 || ensure_place(data_dir, &place, err) < 0) {
        return -1;
    }
    *ret_fd = open(place.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *ret_fd < 0 ? err_sys(err, errno, "cannot make content %s", place.file) : 0;
}

int s3_content_sync(const char *data_dir, struct str id, int fd, struct err *err) {
    struct place place;
    if (place_of(data_dir, id, &place, err) < 0) {
        return -1;
    }
    if (fsync(fd) < 0) {
        return err_sys(err, errno, "cannot make content %s durable", place.file);
    }
    return sync_dir(place.dir, err);
}

void s3_content_delete(const char *data_dir, struct str id) {
    struct place place;
    struct err err = ERR_INIT;
    if (place_of(data_dir, id, &place, &err) == 0) {
        unlink(place.file);
    }
}

int s3_content_of(struct str data, int *ret_fd, struct err *err) {
    int fd = memfd_create("s3", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data.p, data.n) != (ssize_t)data.n) {
        int failed = errno;
        close_fd(&fd);
        return err_sys(err, failed, "cannot hold an answer in memory");
    }
    *ret_fd = fd;
    return 0;
}

int s3_content_open(const char *data_dir, struct str id, int *ret_fd, struct err *err) {
    struct place place;
    if (place_of(data_dir, id, &place, err) < 0) {
        return -1;
    }
    *ret_fd = open(place.file, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0) {
        return err_set(err, ERR_INTERNAL, "s3: content %s of an object is gone", place.file);
    }
    return 0;
}

int s3_content_link(const char *data_dir, struct str id, struct str new_id, struct err *err) {
    struct place from;
    struct place to;
    if (place_of(data_dir, id, &from, err) < 0 || place_of(data_dir, new_id, &to, err) < 0 ||
        ensure_place(data_dir, &to, err) < 0) {
        return -1;
    }
    if (link(from.file, to.file) == 0) {
        return sync_dir(to.dir, err);
    }
    if (errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP) {
        return err_sys(err, errno, "cannot copy content %s", from.file);
    }
    return s3_content_join(data_dir, &id, 1, new_id, err); /* no hard links here: copy the bytes */
}

static int append_file(int out, const char *path, struct err *err) {
    int in cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return err_sys(err, errno, "cannot read content %s", path);
    }
    for (;;) {
        ssize_t n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            break; /* file systems without it: by hand */
        }
    }
    char chunk[65536];
    ssize_t n;
    while ((n = read(in, chunk, sizeof(chunk))) != 0) {
        for (ssize_t done = 0, m = 0; n > 0 && done < n; done += m) {
            m = write(out, chunk + done, (size_t)(n - done));
            if (m < 0 && errno != EINTR) {
                return err_sys(err, errno, "cannot write content");
            }
            m = m < 0 ? 0 : m;
        }
        if (n < 0 && errno != EINTR) {
            return err_sys(err, errno, "cannot read content %s", path);
        }
    }
    return 0;
}

int s3_content_join(const char *data_dir, const struct str *ids, size_t n, struct str new_id,
                    struct err *err) {
    int out cleanup_fd = -1;
    if (s3_content_create(data_dir, new_id, &out, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct place part;
        if (place_of(data_dir, ids[i], &part, err) < 0 || append_file(out, part.file, err) < 0) {
            s3_content_delete(data_dir, new_id);
            return -1;
        }
    }
    return s3_content_sync(data_dir, new_id, out, err);
}

static int trash_read(struct db *db, struct arena *a, int max, struct str_list *ret,
                      struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT file FROM s3_trash LIMIT ?", "i", (int64_t)max) < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

static int trash_forget(struct db *db, const struct str_list *files, struct err *err) {
    for (size_t i = 0; i < files->n; i++) {
        if (db_run(db, err, "DELETE FROM s3_trash WHERE file = ?", "s", files->v[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int trash_run(struct db *db, struct arena *a, const char *data_dir, int max,
                     struct str_list *files, struct err *err) {
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int bad = trash_read(db, a, max, files, err);
    db_rollback(db);
    if (bad < 0 || files->n == 0) {
        return bad;
    }
    for (size_t i = 0; i < files->n; i++) {
        struct place place;
        if (place_of(data_dir, files->v[i], &place, err) < 0) {
            return -1;
        }
        if (unlink(place.file) < 0 && errno != ENOENT) {
            return err_sys(err, errno, "cannot delete content %s", place.file);
        }
    }
    if (db_begin(db, err) < 0) {
        return -1;
    }
    if (trash_forget(db, files, err) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err);
}

int s3_trash_empty(struct db *db, const char *data_dir, int max, struct err *err) {
    struct arena a = ARENA_INIT;
    struct str_list files = {0};
    int result = trash_run(db, &a, data_dir, max, &files, err);
    int n = (int)files.n;
    arena_done(&a);
    return result < 0 ? -1 : n;
}

/* 1 if a row names this content or the trash does (then emptying it is the trash's work). */
static int is_named(struct db *db, struct str file, struct err *err) {
    int64_t n = 0;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = db_get_i64(db, &n, err,
                           "SELECT EXISTS(SELECT 1 FROM s3_object WHERE file = ?1) OR "
                           "EXISTS(SELECT 1 FROM s3_part WHERE file = ?1) OR "
                           "EXISTS(SELECT 1 FROM s3_trash WHERE file = ?1)",
                           "s", file);
    db_rollback(db);
    return found < 0 ? -1 : n != 0;
}

/* File systems stamp with a coarse clock, a few milliseconds behind. */
enum { CLOCK_SLACK_MS = 50 };

static int sweep_dir(struct db *db, const char *path, int64_t before_ms, struct err *err) {
    DIR *dir cleanup_dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : err_sys(err, errno, "cannot read %s", path);
    }
    int deleted = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
            (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000 >=
                before_ms - CLOCK_SLACK_MS) {
            continue;
        }
        int named = is_named(db, str_c(entry->d_name), err);
        if (named < 0) {
            return -1;
        }
        if (named == 0 && unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            deleted++;
        }
    }
    return deleted;
}

int s3_sweep(struct db *db, const char *data_dir, int64_t before_ms, struct err *err) {
    char path[4096];
    int deleted = 0;
    for (int i = 0; deleted >= 0 && i < 256; i++) {
        snprintf(path, sizeof(path), "%.4000s/s3/%02x", data_dir, (unsigned)i);
        int n = sweep_dir(db, path, before_ms, err);
        deleted = n < 0 ? -1 : deleted + n;
    }
    return deleted;
}
