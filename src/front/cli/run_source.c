/* Packs the working tree; run_source.h. */
#include "front/cli/run_source.h"

#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_DEPTH = 4, MAX_LIST = 64 * 1024 * 1024 };

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

int run_source_zip(struct arena *a, const char *dir, int64_t *ret_size, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    struct kept kept;
    const char *temp = NULL;
    struct err ignored = ERR_INIT;
    const struct zip_limits limits = {.store = true};
    int root cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    if (root < 0 || dir_make_temp(a, "trunkline-source-", &temp, err) < 0) {
        return -1;
    }
    ask_git(a, dir, &kept);
    int fd cleanup_fd =
        file_open(str_printf(a, "%s/source.zip", temp).p, O_RDWR | O_CREAT | O_EXCL, 0600, err);
    int done = fd < 0 ? -1 : zip_begin(fd, &limits, &zip, err);
    done = done < 0 ? -1 : zip_add_tree(zip, root, ".", "", ZIP_LINKS_KEEP, skip, &kept, err);
    done = done < 0 ? -1 : zip_end(zip, err);
    (void)!tree_remove(temp, &ignored);
    if (done < 0) {
        return -1;
    }
    *ret_size = lseek(fd, 0, SEEK_END);
    if (*ret_size < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return err_set(err, ERR_SYSTEM, "the source's zip can not be read again");
    }
    return TAKE_FD(fd);
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
