/* Implementation of compare.h. */
#include "flow/checkout/compare.h"

#include "flow/artifact/git.h"
#include "flow/checkout/origin.h"
#include "flow/checkout/version.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>

/* A commit as an event names it, whole or by its first digits; absent: it is none. */
static struct str as_commit(struct str name) {
    bool hex = name.n >= 7 && name.n <= 40;
    for (size_t i = 0; hex && i < name.n; i++) {
        hex = (name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f');
    }
    return hex ? name : STR_NONE;
}

/* The commit that a name means in the mirror; absent: there is none. */
static int resolve(struct tool *t, struct str name, struct str *ret, struct err *err) {
    const char *const argv[] = {"rev-parse",
                                "--verify",
                                "-q",
                                "--end-of-options",
                                str_printf(t->arena, STR_FMT "^{commit}", STR_ARG(name)).p,
                                NULL};
    struct str out = STR_NONE;
    *ret = STR_NONE;
    if (name.n == 0) {
        return 0;
    }
    if (tool_run(t, argv, &out, err) < 0) {
        if (err->kind != ERR_UNAVAILABLE) {
            return -1;
        }
        *err = (struct err)ERR_INIT;
        return 0;
    }
    *ret = str_trim(out);
    return 0;
}

/* The first of the names that means a commit. */
static int first_commit(struct tool *t, const struct str *names, size_t n, const char *what,
                        struct str *ret, struct err *err) {
    *ret = STR_NONE;
    for (size_t i = 0; i < n && ret->p == NULL; i++) {
        if (resolve(t, names[i], ret, err) < 0) {
            return -1;
        }
    }
    return ret->p != NULL ? 0 : err_set(err, ERR_NOT_FOUND, "the repository has no %s of it", what);
}

static struct str first_parent(struct tool *t, struct str commit) {
    commit = as_commit(commit);
    return commit.n > 0 ? str_printf(t->arena, STR_FMT "^1", STR_ARG(commit)) : STR_NONE;
}

/* Histories without a common commit are compared as they are. */
static int parting(struct tool *t, struct str base, struct str head, struct str *ret,
                   struct err *err) {
    const char *const argv[] = {"merge-base", "--end-of-options", str_z(t->arena, base),
                                str_z(t->arena, head), NULL};
    struct str out = STR_NONE;
    *ret = base;
    if (tool_run(t, argv, &out, err) < 0) {
        if (err->kind != ERR_UNAVAILABLE) {
            return -1;
        }
        *err = (struct err)ERR_INIT;
        return 0;
    }
    *ret = str_trim(out);
    return 0;
}

static int changed(struct tool *t, struct str from, struct str to, size_t max, struct str_list *ret,
                   struct err *err) {
    const char *const argv[] = {"diff-tree",
                                "-r",
                                "-z",
                                "--no-renames",
                                "--name-only",
                                "--end-of-options",
                                str_z(t->arena, from),
                                str_z(t->arena, to),
                                NULL};
    struct str out = STR_NONE;
    struct str path = STR_NONE;
    if (tool_run(t, argv, &out, err) < 0) {
        return -1;
    }
    while (ret->n < max && str_cut(&out, '\0', &path)) {
        if (path.n > 0) {
            *arena_push(t->arena, ret) = path;
        }
    }
    return 0;
}

static int read_message(struct tool *t, struct str commit, struct str *ret, struct err *err) {
    const char *const argv[] = {"log",
                                "-1",
                                "--no-show-signature",
                                "--format=%B",
                                "--end-of-options",
                                str_z(t->arena, commit),
                                NULL};
    struct str out = STR_NONE;
    if (tool_run(t, argv, &out, err) < 0) {
        return -1;
    }
    *ret = str_sub(str_trim(out), 0, COMPARE_MAX_MESSAGE);
    return 0;
}

/* Of what is in the mirror now. */
static int compare_here(struct tool *t, const struct compare *asked, struct str ref,
                        struct compared *ret, struct err *err) {
    const struct str heads[] = {as_commit(asked->head_commit), ref};
    const struct str bases[] = {first_parent(t, asked->merge_commit), as_commit(asked->base_commit),
                                git_ref_is_plain(asked->base_ref) ? asked->base_ref : STR_NONE};
    struct str head = STR_NONE;
    struct str base = STR_NONE;
    struct str from = STR_NONE;
    return first_commit(t, heads, 2, "head", &head, err) < 0 ||
                   first_commit(t, bases, 3, "base", &base, err) < 0 ||
                   parting(t, base, head, &from, err) < 0 ||
                   changed(t, from, head, asked->max_paths, &ret->paths, err) < 0
               ? -1
               : read_message(t, head, &ret->message, err);
}

int checkout_compare(struct arena *a, const struct checkout *c, const struct compare *asked,
                     struct compared *ret, struct err *err) {
    struct checkout own = *c;
    struct tool t;
    struct version version;
    struct str ref = STR_NONE;
    *ret = (struct compared){0};
    int lock cleanup_fd = origin_lock(a, c->mirror, err);
    int dir cleanup_fd =
        lock < 0 ? -1 : file_open(c->mirror, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, err);
    if (dir < 0 || version_parse(a, asked->head, &version, err) < 0) {
        return -1;
    }
    own.dir_fd = dir;
    if (tool_open(a, &own, &t, err) < 0 || tool_reach(&t, &c->remote, err) < 0) {
        return -1;
    }
    t.as_owner = false;
    if ((version.refs_n > 0 && origin_find_ref(&t, version.refs, version.refs_n, &ref, err) < 0) ||
        origin_update(&t, ref, err) < 0) {
        return -1;
    }
    t.protocol = "none";
    return compare_here(&t, asked, ref, ret, err);
}
