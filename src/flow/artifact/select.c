/* Walks a build's tree and picks what the buildspec names. */
#include "flow/artifact/select.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
    struct arena *arena;
    const struct artifact_selection *selection;
    struct artifact_files files; /* found so far, unsorted */
    size_t visited;
    struct str base; /* folder that patterns are relative to, beneath the root, no slashes around */
    struct str home; /* real path of the source directory: links lead no further */
    struct str pattern; /* the one at work */
    size_t matched;     /* by it */
};

static void say(const struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct walk *w, const char *fmt, ...) {
    if (w->selection->say == NULL) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    w->selection->say(w->selection->ud, arena_vprintf(w->arena, fmt, args));
    va_end(args);
}

/* Joins and normalises: "." and empty components go, ".." goes up but never above the root. */
static struct str join(struct arena *a, struct str dir, struct str path) {
    struct str parts[] = {str_starts(path, S("/")) ? S("") : dir, path};
    struct {
        struct str *v;
        size_t n;
    } kept = {0};
    for (size_t i = 0; i < 2; i++) {
        struct str rest = parts[i];
        struct str part = STR_NONE;
        while (str_cut(&rest, '/', &part)) {
            if (str_is(part, "..")) {
                kept.n -= kept.n > 0;
            } else if (part.n > 0 && !str_is(part, ".")) {
                if (kept.n % 16 == 0) {
                    struct str *more = arena_new_n(a, struct str, kept.n + 16);
                    if (kept.n > 0) {
                        memcpy(more, kept.v, kept.n * sizeof(*more));
                    }
                    kept.v = more;
                }
                kept.v[kept.n++] = part;
            }
        }
    }
    struct str joined = S("");
    for (size_t i = 0; i < kept.n; i++) {
        joined =
            str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(joined), i ? "/" : "", STR_ARG(kept.v[i]));
    }
    return joined;
}

static bool has_wildcard(struct str text) {
    return str_find_c(text, '*', 0) != (size_t)-1 || str_find_c(text, '?', 0) != (size_t)-1 ||
           str_find_c(text, '[', 0) != (size_t)-1;
}

static int open_path(const struct walk *w, struct str path) {
    struct err ignored = ERR_INIT;
    return file_open_beneath(w->selection->root_fd, path.n > 0 ? str_z(w->arena, path) : ".",
                             O_PATH | O_CLOEXEC, 0, &ignored);
}

/* Kind of what lies there, links followed beneath the root unless they are kept: S_IFREG, S_IFDIR
 * ... or 0. */
static mode_t kind_of(const struct walk *w, struct str path) {
    int fd cleanup_fd = open_path(w, path);
    if (w->selection->keep_links) {
        struct err ignored = ERR_INIT;
        fd_closep(&fd);
        fd = file_open_beneath(w->selection->root_fd, path.n > 0 ? str_z(w->arena, path) : ".",
                               O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, &ignored);
    }
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static struct str real_path(const struct walk *w, int fd) {
    char path[PATH_MAX];
    ssize_t n =
        fd < 0 ? -1 : readlink(str_printf(w->arena, "/proc/self/fd/%d", fd).p, path, PATH_MAX);
    return n < 0 ? STR_NONE : str_dup(w->arena, str_n(path, (size_t)n));
}

/* A link found by a pattern counts if it leads to a file of the source directory (to a folder only
 * where links are kept): what else is in the container was not meant. */
static bool link_counts(struct walk *w, struct str path) {
    int fd cleanup_fd = open_path(w, path);
    struct stat st;
    struct str target = real_path(w, fd);
    if (fd < 0 || fstat(fd, &st) < 0 ||
        !(S_ISREG(st.st_mode) || (S_ISDIR(st.st_mode) && w->selection->folder_links))) {
        return false;
    }
    if (str_starts(target, w->home) && target.n > w->home.n &&
        (w->home.p[w->home.n - 1] == '/' || target.p[w->home.n] == '/')) {
        return true;
    }
    say(w, "Skipping link out of the source directory " STR_FMT, STR_ARG(path));
    return false;
}

static bool excluded(const struct walk *w, struct str name) {
    const struct str_list *exclude = w->selection->exclude;
    for (size_t i = 0; exclude != NULL && i < exclude->n; i++) {
        if (artifact_match(join(w->arena, S(""), exclude->v[i]), name)) {
            return true;
        }
    }
    return false;
}

static int take(struct walk *w, struct str path, struct str name, bool link, struct err *err) {
    if (excluded(w, name)) {
        return 0;
    }
    if (w->files.n == ARTIFACT_MAX_FILES) {
        return err_set(err, ERR_LIMIT, "more than %d files match", ARTIFACT_MAX_FILES);
    }
    size_t slash = w->selection->discard_paths ? str_rfind_c(name, '/') : (size_t)-1;
    *arena_push(w->arena, &w->files) = (struct artifact_file){
        path, slash == (size_t)-1 ? name : str_sub(name, slash + 1, name.n), link};
    w->matched++;
    return 0;
}

struct entries {
    struct {
        struct str name;
        unsigned char type;
    } * v;
    size_t n;
};

/* Reads the whole folder before anything below it is opened: no descriptor is held while walking
 * down. A folder that cannot be read (it vanished, or is a link) is left out. */
static void list_folder(struct walk *w, struct str path, struct entries *ret) {
    struct err ignored = ERR_INIT;
    const char *z = path.n > 0 ? str_z(w->arena, path) : ".";
    int fd cleanup_fd = file_open_beneath(w->selection->root_fd, z,
                                          O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, &ignored);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        return;
    }
    fd_take(&fd);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct str name = str_c(entry->d_name);
        if (str_is(name, ".") || str_is(name, "..")) {
            continue;
        }
        __typeof__(*ret->v) *one = arena_push(w->arena, ret);
        one->name = str_dup(w->arena, name);
        one->type = entry->d_type;
    }
    closedir(dir);
}

static int walk_folder(struct walk *w, struct str path, struct str name, unsigned depth,
                       struct err *err);

static int walk_entry(struct walk *w, struct str path, struct str name, unsigned char type,
                      unsigned depth, struct err *err) {
    if (++w->visited > ARTIFACT_MAX_FILES) {
        return err_set(err, ERR_LIMIT, "more than %d files and folders to look at",
                       ARTIFACT_MAX_FILES);
    }
    const struct artifact_selection *s = w->selection;
    if (s->stop != NULL && w->visited % 256 == 0 && s->stop(s->ud)) {
        return err_set(err, ERR_CANCELLED, "looking for files took too long");
    }
    if (type == DT_DIR) {
        return walk_folder(w, path, name, depth + 1, err);
    }
    if (!artifact_match(w->pattern, name)) {
        return 0;
    }
    bool keep = type == DT_LNK && w->selection->keep_links;
    if (type == DT_REG || keep || (type == DT_LNK && link_counts(w, path))) {
        return take(w, path, name, keep, err);
    }
    return 0;
}

static int walk_folder(struct walk *w, struct str path, struct str name, unsigned depth,
                       struct err *err) {
    if (depth > ARTIFACT_MAX_DEPTH) {
        return err_set(err, ERR_LIMIT, "folders nested more than %d deep", ARTIFACT_MAX_DEPTH);
    }
    struct entries entries = {0};
    list_folder(w, path, &entries);
    for (size_t i = 0; i < entries.n; i++) {
        struct str sub_path = join(w->arena, path, entries.v[i].name);
        struct str sub_name = join(w->arena, name, entries.v[i].name);
        if (walk_entry(w, sub_path, sub_name, entries.v[i].type, depth, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The part of a pattern before its first wildcard component: only below that is there anything. */
static struct str fixed_part(struct arena *a, struct str pattern) {
    struct str fixed = S("");
    struct str rest = pattern;
    struct str part = STR_NONE;
    while (str_cut(&rest, '/', &part) && !has_wildcard(part) && rest.p != NULL) {
        fixed = join(a, fixed, part);
    }
    return fixed;
}

static int expand_pattern(struct walk *w, struct str pattern, struct err *err) {
    bool absolute = str_starts(pattern, S("/"));
    struct str base = absolute ? S("") : w->base;
    w->matched = 0;
    w->pattern = join(w->arena, S(""), pattern);
    say(w, "Expanding " STR_FMT, STR_ARG(pattern));
    if (absolute && str_starts(w->pattern, w->base) && w->pattern.n > w->base.n && w->base.n > 0 &&
        w->pattern.p[w->base.n] == '/') {
        base = w->base;
        w->pattern = str_sub(w->pattern, base.n + 1, w->pattern.n);
    }
    if (!has_wildcard(w->pattern)) {
        struct str path = join(w->arena, base, w->pattern);
        mode_t kind = kind_of(w, path);
        if ((kind == S_IFREG || kind == S_IFLNK) &&
            take(w, path, w->pattern, kind == S_IFLNK, err) < 0) {
            return -1;
        }
    } else {
        struct str fixed = fixed_part(w->arena, w->pattern);
        if (walk_folder(w, join(w->arena, base, fixed), fixed, 1, err) < 0) {
            return -1;
        }
    }
    if (w->matched == 0) {
        say(w, "Skipping invalid file path " STR_FMT, STR_ARG(pattern));
    }
    return 0;
}

/* Folders that base-directory names, beneath the root. */
static int find_bases(struct walk *w, struct str_list *ret, struct err *err) {
    const struct artifact_selection *s = w->selection;
    struct str wanted = s->base_directory.n > 0 ? s->base_directory : S(".");
    say(w, "Expanding base directory path: " STR_FMT, STR_ARG(wanted));
    say(w, "Assembling file list");
    say(w, "Expanding " STR_FMT, STR_ARG(wanted));
    struct str home = join(w->arena, S(""), s->directory);
    struct str path = join(w->arena, home, wanted);
    size_t slash = str_rfind_c(path, '/');
    if (!has_wildcard(wanted)) {
        if (path.n == 0 || kind_of(w, path) == S_IFDIR) {
            *arena_push(w->arena, ret) = path;
        }
    } else {
        struct str parent = slash == (size_t)-1 ? S("") : str_sub(path, 0, slash);
        struct str last = slash == (size_t)-1 ? path : str_sub(path, slash + 1, path.n);
        struct entries entries = {0};
        list_folder(w, parent, &entries);
        for (size_t i = 0; i < entries.n; i++) {
            if (entries.v[i].type == DT_DIR && artifact_match(last, entries.v[i].name)) {
                *arena_push(w->arena, ret) = join(w->arena, parent, entries.v[i].name);
            }
        }
    }
    if (ret->n == 0) {
        return err_set(err, ERR_NOT_FOUND, "no matching base directory path found for " STR_FMT,
                       STR_ARG(wanted));
    }
    return 0;
}

static int by_name(const void *x, const void *y) {
    return str_cmp(((const struct artifact_file *)x)->name,
                   ((const struct artifact_file *)y)->name);
}

/* Sorted, each name once. */
static void settle(struct artifact_files *files) {
    if (files->n > 1) {
        qsort(files->v, files->n, sizeof(*files->v), by_name);
    }
    size_t kept = 0;
    for (size_t i = 0; i < files->n; i++) {
        if (kept == 0 || !str_eq(files->v[kept - 1].name, files->v[i].name)) {
            files->v[kept++] = files->v[i];
        }
    }
    files->n = kept;
}

int artifact_select(struct arena *a, const struct artifact_selection *selection,
                    struct artifact_files *ret, struct err *err) {
    struct walk w = {.arena = a, .selection = selection};
    struct str_list bases = {0};
    int home cleanup_fd = open_path(&w, join(a, S(""), selection->directory));
    w.home = real_path(&w, home);
    if (w.home.n == 0) {
        return err_set(err, ERR_NOT_FOUND, "the source directory " STR_FMT " is gone",
                       STR_ARG(selection->directory));
    }
    if (find_bases(&w, &bases, err) < 0) {
        return -1;
    }
    struct str wanted = selection->base_directory.n > 0 ? selection->base_directory : S(".");
    say(&w, "Expanding file paths for base directory " STR_FMT, STR_ARG(wanted));
    say(&w, "Assembling file list");
    for (size_t i = 0; i < selection->files->n; i++) {
        for (size_t k = 0; k < bases.n; k++) {
            w.base = bases.v[k];
            if (expand_pattern(&w, selection->files->v[i], err) < 0) {
                return -1;
            }
        }
    }
    settle(&w.files);
    if (w.files.n == 0) {
        return err_set(err, ERR_NOT_FOUND, "no matching artifact paths found");
    }
    say(&w, "Found %zu file(s)", w.files.n);
    *ret = w.files;
    return 0;
}
