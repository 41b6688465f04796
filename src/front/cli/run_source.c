/* Packs the working tree; run_source.h. */
#include "front/cli/run_source.h"

#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 4, MAX_TREE_DEPTH = 64, MAX_LIST = 64 * 1024 * 1024 };

struct kept {
    struct str *v; /* sorted names that go in */
    size_t n;
    bool all; /* everything goes in, git says nothing */
};

static int by_bytes(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* Tracked files and new ones that are not ignored. */
static void ask_git(struct arena *a, const char *dir, struct kept *ret) {
    const char *const argv[] = {
        "git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard", NULL};
    struct process_run run = {.spec = PROCESS_SPEC_INIT, .output_max = MAX_LIST};
    struct str out, name;
    struct str_list names = {0};
    struct err ignored = ERR_INIT;
    run.spec.argv = argv;
    *ret = (struct kept){.all = true};
    if (process_run(a, &run, &out, NULL, NULL, &ignored) < 0) {
        return; /* no repository, or not one that we may read */
    }
    while (str_cut(&out, '\0', &name)) {
        if (name.n) {
            *arena_push(a, &names) = name;
        }
    }
    if (names.n) {
        qsort(names.v, names.n, sizeof(*names.v), by_bytes);
        *ret = (struct kept){names.v, names.n, false};
    }
}

/* First entry that is not before `name`. */
static size_t lower_bound(const struct kept *k, struct str name) {
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(k->v[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A file that is not listed, a folder under which nothing is. */
static bool skip(void *ud, const char *name) {
    const struct kept *k = ud;
    struct str s = str_c(name);
    if (str_is(s, ".git") || str_ends(s, S("/.git"))) {
        return true;
    }
    if (k->all) {
        return false;
    }
    size_t at = lower_bound(k, s);
    if (at < k->n && str_eq(k->v[at], s)) {
        return false;
    }
    /* "a/" may stand behind "a-b" and "a.c", so it is looked for by itself. */
    struct arena a = ARENA_INIT;
    struct str folder = str_printf(&a, "%s/", name);
    at = lower_bound(k, folder);
    bool inside = at < k->n && str_starts(k->v[at], folder);
    arena_done(&a);
    return !inside;
}

int run_source_zip(struct arena *a, const char *dir, const char *path, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    struct kept kept;
    const struct zip_limits limits = {.store = true};
    int root cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    int fd cleanup_fd = root < 0 ? -1 : file_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, err);
    if (fd < 0) {
        return -1;
    }
    ask_git(a, dir, &kept);
    return zip_begin(fd, &limits, &zip, err) < 0 ||
                   zip_add_tree(zip, root, ".", "", ZIP_LINKS_KEEP, skip, &kept, err) < 0 ||
                   zip_end(zip, err) < 0
               ? -1
               : 0;
}

/* ---- its state ---- */

static uint64_t mix(uint64_t digest, const void *p, size_t n) {
    for (size_t i = 0; i < n; i++) { /* FNV-1a: only to see that something is different */
        digest = (digest ^ ((const unsigned char *)p)[i]) * 0x100000001B3;
    }
    return digest;
}

static uint64_t mix_file(uint64_t digest, const char *path, const char *name) {
    struct stat st;
    digest = mix(digest, name, strlen(name));
    if (lstat(path, &st) == 0) {
        digest = mix(digest, &st.st_size, sizeof(st.st_size));
        digest = mix(digest, &st.st_mtim, sizeof(st.st_mtim));
        digest = mix(digest, &st.st_mode, sizeof(st.st_mode));
    }
    return digest;
}

static uint64_t mix_tree(uint64_t digest, const char *dir, int depth) {
    struct arena a = ARENA_INIT;
    struct str_list names = {0};
    struct err gone = ERR_INIT;
    int listed = depth > MAX_TREE_DEPTH ? -1 : dir_list(&a, dir, &names, &gone);
    for (size_t i = 0; listed == 0 && i < names.n; i++) {
        const char *path = str_printf(&a, "%s/" STR_FMT, dir, STR_ARG(names.v[i])).p;
        struct stat st;
        if (str_is(names.v[i], ".git")) {
            continue;
        }
        bool folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
        digest = folder ? mix_tree(digest, path, depth + 1) : mix_file(digest, path, path);
    }
    arena_done(&a);
    return digest;
}

int run_source_state(struct arena *a, const char *dir, uint64_t *ret, struct err *err) {
    struct kept kept;
    uint64_t digest = 0xCBF29CE484222325;
    if (!file_is_dir(dir)) {
        return err_set(err, ERR_NOT_FOUND, "%s is not there any more", dir);
    }
    ask_git(a, dir, &kept);
    for (size_t i = 0; !kept.all && i < kept.n; i++) {
        const char *name = str_z(a, kept.v[i]);
        digest = mix_file(digest, str_printf(a, "%s/%s", dir, name).p, name);
    }
    *ret = kept.all ? mix_tree(digest, dir, 0) : digest;
    return 0;
}

static bool has_below(struct arena *a, const char *dir, const char *ending, int depth) {
    struct str_list names;
    struct err ignored = ERR_INIT;
    if (depth > MAX_DEPTH || dir_list(a, dir, &names, &ignored) < 0) {
        return false;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *path = str_printf(a, "%s/" STR_FMT, dir, STR_ARG(names.v[i])).p;
        bool folder = names.v[i].n && names.v[i].p[0] != '.' && file_is_dir(path);
        if (folder ? has_below(a, path, ending, depth + 1) : str_ends(names.v[i], str_c(ending))) {
            return true;
        }
    }
    return false;
}

bool run_source_has(struct arena *a, const char *dir, const char *ending) {
    return has_below(a, dir, ending, 0);
}
