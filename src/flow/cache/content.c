/* What is in a cache, see content.h. */
#include "flow/cache/content.h"

#include "base/buf.h"
#include "flow/artifact/select.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MAX_LINKS_BYTES = 64 * 1024 * 1024, MAX_TARGET = 4096 };

static void say(const struct cache_content *c, struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct cache_content *c, struct arena *a, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    c->say(c->ud, arena_vprintf(a, fmt, args));
    va_end(args);
}

static struct str without_slashes(struct str path) {
    while (str_starts(path, S("/"))) {
        path = str_sub(path, 1, path.n);
    }
    while (str_ends(path, S("/"))) {
        path.n--;
    }
    return path;
}

/* A path that is a folder means all that is in it. */
static void add_pattern(struct arena *a, struct str_list *to, struct str path) {
    *arena_push(a, to) = path;
    if (str_find_c(path, '*', 0) == (size_t)-1) {
        *arena_push(a, to) = str_printf(a, STR_FMT "%s**/*", STR_ARG(path),
                                        str_ends(path, S("/")) || path.n == 0 ? "" : "/");
    }
}

static int select_files(struct arena *a, const struct cache_content *c, struct str directory,
                        const struct str_list *patterns, struct artifact_files *ret,
                        struct err *err) {
    struct artifact_selection selection = {
        .root_fd = c->root_fd, .directory = directory, .files = patterns, .keep_links = true};
    *ret = (struct artifact_files){0};
    if (patterns->n == 0) {
        return 0;
    }
    int result = artifact_select(a, &selection, ret, err);
    if (result < 0 && err->kind == ERR_NOT_FOUND) { /* nothing there: a cache of nothing */
        *err = ERR_INIT;
        return 0;
    }
    return result;
}

/* ---- packing ---- */

static struct str link_target(struct arena *a, int root_fd, struct str path) {
    struct err ignored = ERR_INIT;
    int fd cleanup_fd =
        file_open_beneath(root_fd, str_z(a, path), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, &ignored);
    char target[MAX_TARGET];
    ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, MAX_TARGET);
    return n <= 0 || n == MAX_TARGET ? STR_NONE : str_dup(a, str_n(target, (size_t)n));
}

static int pack_files(struct arena *a, const struct cache_content *c, struct zip_writer *zip,
                      const struct artifact_files *files, struct err *err) {
    struct str home = without_slashes(c->source_dir);
    struct buf links cleanup_buf;
    buf_init(&links, MAX_LINKS_BYTES);
    for (size_t i = 0; i < files->n; i++) {
        struct str path = files->v[i].path;
        bool of_source = str_starts(path, home) && path.n > home.n && path.p[home.n] == '/';
        struct str name = of_source ? str_concat(a, S("src"), str_sub(path, home.n, path.n))
                                    : str_concat(a, S("root/"), path);
        if (files->v[i].link) {
            struct str target = link_target(a, c->root_fd, path);
            if (target.p != NULL) {
                buf_add(&links, name);
                buf_add_c(&links, '\0');
                buf_add(&links, target);
                buf_add_c(&links, '\0');
            }
        } else if (zip_add(zip, c->root_fd, str_z(a, path), str_z(a, name), ZIP_LINKS_KEEP, err) <
                   0) {
            return -1;
        }
    }
    if (links.overflow) {
        return err_set(err, ERR_LIMIT, "the cache has too many symbolic links");
    }
    struct str all = buf_str(&links);
    return zip_add_bytes(zip, "links", all.p, all.n, 0600, err);
}

int cache_pack(struct arena *a, const struct cache_content *c, int out_fd, size_t *ret_files,
               struct err *err) {
    struct str_list patterns = {0};
    struct artifact_files files;
    for (size_t i = 0; i < c->paths->n; i++) {
        add_pattern(a, &patterns, c->paths->v[i]);
    }
    if (select_files(a, c, c->source_dir, &patterns, &files, err) < 0) {
        return -1;
    }
    *ret_files = files.n;
    if (files.n == 0) {
        return 0;
    }
    struct zip_writer *zip cleanup_zip = NULL;
    return zip_begin(out_fd, NULL, &zip, err) < 0 || pack_files(a, c, zip, &files, err) < 0
               ? -1
               : zip_end(zip, err);
}

/* ---- placing ---- */

static void add_record(struct buf *out, char kind, struct str from, struct str to) {
    buf_add_c(out, kind);
    buf_add(out, from);
    buf_add_c(out, '\0');
    buf_add(out, to);
    buf_add_c(out, '\0');
}

/* Files of one half of the stage: "src" to the source directory, "root" to "/". */
static int place_half(struct arena *a, const struct cache_content *c, struct str stage,
                      const char *half, struct str to, const struct str_list *patterns,
                      struct buf *out, size_t *io_files, struct err *err) {
    struct artifact_files files;
    struct str base = str_printf(a, STR_FMT "/%s", STR_ARG(stage), half);
    if (select_files(a, c, base, patterns, &files, err) < 0) {
        return -1;
    }
    size_t skip = without_slashes(base).n;
    for (size_t i = 0; i < files.n; i++) {
        struct str path = files.v[i].path;
        if (!files.v[i].link) {
            add_record(out, 'f', str_concat(a, S("/"), path),
                       str_concat(a, to, str_sub(path, skip, path.n)));
            (*io_files)++;
        }
    }
    return 0;
}

static bool matches(const struct str_list *patterns, struct str name) {
    for (size_t i = 0; i < patterns->n; i++) {
        if (artifact_match(without_slashes(patterns->v[i]), name)) {
            return true;
        }
    }
    return false;
}

static bool goes_up(struct str name) {
    struct str part = STR_NONE;
    while (str_cut(&name, '/', &part)) {
        if (str_is(part, "..")) {
            return true;
        }
    }
    return false;
}

static void place_links(struct arena *a, const struct cache_content *c, struct str links,
                        const struct str_list *of_source, const struct str_list *of_root,
                        struct buf *out, size_t *io_files) {
    struct str name = STR_NONE;
    struct str target = STR_NONE;
    while (links.n > 0 && str_cut(&links, '\0', &name) && str_cut(&links, '\0', &target)) {
        bool source = str_starts(name, S("src/"));
        struct str inner = str_sub(name, source ? 4 : 5, name.n);
        bool known = source || str_starts(name, S("root/"));
        if (!known || goes_up(inner) || !matches(source ? of_source : of_root, inner)) {
            say(c, a,
                "Skipping cache entry: path \"" STR_FMT "\" is not within allowed cache paths",
                STR_ARG(inner));
            continue;
        }
        struct str to = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(source ? c->source_dir : S("")),
                                   STR_ARG(inner));
        add_record(out, 'l', target, to);
        (*io_files)++;
    }
}

int cache_placement(struct arena *a, const struct cache_content *c, struct str stage,
                    struct str links, struct str *ret_list, size_t *ret_files, struct err *err) {
    struct str_list of_source = {0};
    struct str_list of_root = {0};
    struct buf out cleanup_buf;
    buf_init(&out, (size_t)1 << 30);
    *ret_files = 0;
    for (size_t i = 0; i < c->paths->n; i++) {
        struct str path = c->paths->v[i];
        bool absolute = str_starts(path, S("/"));
        add_pattern(a, absolute ? &of_root : &of_source, absolute ? without_slashes(path) : path);
    }
    if (place_half(a, c, stage, "src", c->source_dir, &of_source, &out, ret_files, err) < 0 ||
        place_half(a, c, stage, "root", S(""), &of_root, &out, ret_files, err) < 0) {
        return -1;
    }
    place_links(a, c, links, &of_source, &of_root, &out, ret_files);
    if (out.overflow) {
        return err_set(err, ERR_LIMIT, "the cache has too many files");
    }
    *ret_list = buf_dup(a, &out);
    return 0;
}
