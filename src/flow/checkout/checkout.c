/* Implementation of checkout.h: which version, what to fetch for it, the files. */
#include "flow/checkout/checkout.h"

#include "flow/checkout/origin.h"
#include "flow/checkout/submodules.h"
#include "flow/checkout/version.h"
#include "platform/os/fd.h"

#include <inttypes.h>

enum { MAX_REFSPECS = 8 };

/* One checkout on its way. */
struct fetching {
    struct tool tool;
    const struct checkout *c;
    struct version version;
    struct str ref;  /* the reference that was chosen; absent: a commit of which none is known */
    struct str from; /* what is fetched: the remote, or the mirror */
};

/* ---- which version ---- */

/* The first of the wanted names that the remote has. */
static int choose_ref(struct fetching *f, struct err *err) {
    if (f->version.refs_n == 0 && f->version.commit.p != NULL) {
        return 0;
    }
    if (f->version.refs_n == 0) {
        f->version.refs[f->version.refs_n++] = S("HEAD");
    }
    if (origin_find_ref(&f->tool, f->version.refs, f->version.refs_n, &f->ref, err) < 0) {
        return -1;
    }
    return f->ref.p != NULL || f->version.commit.p != NULL
               ? 0
               : err_set(err, ERR_NOT_FOUND, "reference not found");
}

/* Where a reference of the remote is kept here: branches as of a clone, tags as they are. */
static struct str local_name(struct arena *a, struct str ref) {
    if (str_starts(ref, S("refs/heads/"))) {
        return str_printf(a, "refs/remotes/origin/" STR_FMT, STR_ARG(str_sub(ref, 11, ref.n)));
    }
    if (str_starts(ref, S("refs/tags/"))) {
        return ref;
    }
    size_t from = str_starts(ref, S("refs/")) ? 5 : 0;
    return str_printf(a, "refs/remotes/origin/" STR_FMT, STR_ARG(str_sub(ref, from, ref.n)));
}

/* ---- fetching ---- */

static const char *refspec(struct fetching *f, struct str ref) {
    struct arena *a = f->tool.arena;
    return str_printf(a, "+" STR_FMT ":" STR_FMT, STR_ARG(ref), STR_ARG(local_name(a, ref))).p;
}

static int fetch(struct fetching *f, const char *const *refspecs, size_t n, int64_t depth,
                 struct err *err) {
    const char *argv[8 + MAX_REFSPECS] = {"fetch", "-q", "--no-tags", "--no-recurse-submodules",
                                          "--update-head-ok"};
    size_t at = 5;
    if (depth > 0) {
        argv[at++] = str_printf(f->tool.arena, "--depth=%" PRId64, depth).p;
    }
    argv[at++] = "--end-of-options";
    argv[at++] = f->from.p;
    for (size_t i = 0; i < n; i++) {
        argv[at++] = refspecs[i];
    }
    return tool_run(&f->tool, argv, NULL, err);
}

static int fetch_all(struct fetching *f, struct err *err) {
    const char *specs[] = {"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*",
                           f->ref.p != NULL ? refspec(f, f->ref) : NULL};
    bool other = f->ref.p != NULL && !str_starts(f->ref, S("refs/heads/")) &&
                 !str_starts(f->ref, S("refs/tags/"));
    return fetch(f, specs, other ? 3 : 2, 0, err);
}

/* A shallow history is a wish: where the server does not give a commit by its name, or the commit
 * lies deeper, all is fetched. */
static int fetch_version(struct fetching *f, struct err *err) {
    const struct version *v = &f->version;
    struct err ignored = ERR_INIT;
    if (f->c->depth > 0 && !(v->abbreviated && f->ref.p == NULL)) {
        const char *spec = v->commit.p != NULL && !v->abbreviated ? str_z(f->tool.arena, v->commit)
                                                                  : refspec(f, f->ref);
        if (fetch(f, &spec, 1, f->c->depth, &ignored) == 0) {
            return 0;
        }
        if (ignored.kind == ERR_CANCELLED) {
            return err_set(err, ERR_CANCELLED, "stopped");
        }
    }
    return fetch_all(f, err);
}

/* The mirror first; it then stands for the remote. */
static int by_mirror(struct fetching *f, struct err *err) {
    int lock cleanup_fd = origin_lock(f->tool.arena, f->c->mirror, err);
    f->tool.as_owner = false;
    int result = lock < 0 ? -1 : origin_update(&f->tool, f->ref, err);
    f->tool.as_owner = true;
    f->tool.protocol = "file";
    f->from = str_c(f->c->mirror);
    return result;
}

/* ---- files ---- */

static int find_commit(struct fetching *f, struct str *ret, struct err *err) {
    struct arena *a = f->tool.arena;
    const struct version *v = &f->version;
    bool by_ref = f->ref.p != NULL && (v->commit.p == NULL || v->abbreviated);
    struct str name = by_ref ? local_name(a, f->ref) : v->commit;
    const char *const argv[] = {"rev-parse",
                                "--verify",
                                "-q",
                                "--end-of-options",
                                str_printf(a, STR_FMT "^{commit}", STR_ARG(name)).p,
                                NULL};
    struct str out = STR_NONE;
    if (tool_run(&f->tool, argv, &out, err) < 0) {
        return err_set(err, ERR_NOT_FOUND, "reference not found");
    }
    *ret = str_dup(a, str_trim(out));
    return version_is_commit(*ret) ? 0 : err_set(err, ERR_INTERNAL, "git named no commit");
}

/* A small pack may unfold into more than the disk holds: sizes are added up before. */
static int check_size(struct fetching *f, struct str commit, struct err *err) {
    const char *const argv[] = {"ls-tree",          "-r",     "--format=%(objectsize)",
                                "--end-of-options", commit.p, NULL};
    struct str out = STR_NONE;
    struct str line = STR_NONE;
    unsigned long long total = 0;
    if (tool_run(&f->tool, argv, &out, err) < 0) {
        return err->kind == ERR_LIMIT ? err_set(err, ERR_LIMIT, "the commit has too many files")
                                      : -1;
    }
    while (str_cut(&out, '\n', &line)) {
        unsigned long long size = 0;
        if (str_to_u64(str_trim(line), &size)) {
            total += size;
        }
        if (f->c->bytes > 0 && total > (unsigned long long)f->c->bytes) {
            return err_set(err, ERR_LIMIT, "the commit's files have more than %" PRId64 " bytes",
                           f->c->bytes);
        }
    }
    return 0;
}

static int begin(struct fetching *f, struct err *err) {
    const char *const init[] = {"init", "-q", "--template=", ".", NULL};
    const char *const origin[] = {"config", "remote.origin.url",
                                  str_z(f->tool.arena, f->c->location), NULL};
    const char *const refs[] = {"config", "remote.origin.fetch",
                                "+refs/heads/*:refs/remotes/origin/*", NULL};
    return tool_run(&f->tool, init, NULL, err) < 0 || tool_run(&f->tool, origin, NULL, err) < 0
               ? -1
               : tool_run(&f->tool, refs, NULL, err);
}

static int check_out(struct fetching *f, struct str commit, struct err *err) {
    const char *const argv[] = {"checkout", "-q", "--detach", commit.p, "--", NULL};
    return check_size(f, commit, err) < 0 ? -1 : tool_run(&f->tool, argv, NULL, err);
}

int checkout_git(struct arena *a, const struct checkout *c, struct str *ret_commit,
                 struct err *err) {
    struct fetching f = {.c = c};
    if (version_parse(a, c->version, &f.version, err) < 0 || tool_open(a, c, &f.tool, err) < 0 ||
        begin(&f, err) < 0 || tool_reach(&f.tool, &c->remote, err) < 0 || choose_ref(&f, err) < 0) {
        return -1;
    }
    f.from = f.tool.remote;
    if (c->mirror != NULL && by_mirror(&f, err) < 0) {
        return -1;
    }
    if (fetch_version(&f, err) < 0 || find_commit(&f, ret_commit, err) < 0 ||
        check_out(&f, *ret_commit, err) < 0) {
        return -1;
    }
    return c->submodules ? submodules_update(a, c, err) : 0;
}
