/* Implementation of origin.h. */
#include "flow/checkout/origin.h"

#include "platform/crypto/hash.h"
#include "platform/os/file.h"

enum { MAX_REFS = 4 };

const char *origin_path(struct arena *a, struct str data_dir, const struct origin_owner *owner,
                        struct str location) {
    struct str id =
        str_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(owner->account),
                   STR_ARG(owner->region), STR_ARG(owner->project), STR_ARG(location));
    return str_printf(a, STR_FMT "/git/projects/" STR_FMT, STR_ARG(data_dir),
                      STR_ARG(str_sub(crypto_sha256_hex(a, id), 0, 32)))
        .p;
}

int origin_lock(struct arena *a, const char *mirror, struct err *err) {
    return dir_make(mirror, 0700, err) < 0
               ? -1
               : file_lock(str_printf(a, "%s.lock", mirror).p, true, err);
}

int origin_update(struct tool *t, struct str ref, struct err *err) {
    struct arena *a = t->arena;
    bool made = file_exists(str_printf(a, "%s/HEAD", t->c->mirror).p);
    const char *const init[] = {"init", "-q", "--bare", "--template=", ".", NULL};
    const char *argv[] = {"fetch",
                          "-q",
                          "--prune",
                          "--no-tags",
                          "--no-recurse-submodules",
                          "--end-of-options",
                          t->remote.p,
                          "+refs/heads/*:refs/heads/*",
                          "+refs/tags/*:refs/tags/*",
                          NULL,
                          NULL};
    if (ref.p != NULL) {
        argv[9] = str_printf(a, "+" STR_FMT ":" STR_FMT, STR_ARG(ref), STR_ARG(ref)).p;
    }
    return !made && tool_run(t, init, NULL, err) < 0 ? -1 : tool_run(t, argv, NULL, err);
}

/* The remote's "ref: refs/heads/main\tHEAD", or the line of a reference. */
static bool find_ref(struct str listing, struct str ref, struct str *ret_target) {
    struct str line = STR_NONE;
    while (str_cut(&listing, '\n', &line)) {
        struct str rest = line;
        struct str left = STR_NONE;
        if (str_cut(&rest, '\t', &left) && str_eq(rest, ref)) {
            bool symbolic = str_starts(left, S("ref: "));
            *ret_target = symbolic ? str_sub(left, 5, left.n) : ref;
            return true;
        }
    }
    return false;
}

int origin_find_ref(struct tool *t, const struct str *refs, size_t n, struct str *ret,
                    struct err *err) {
    const char *argv[4 + MAX_REFS + 1] = {"ls-remote", "--symref", "--end-of-options", t->remote.p};
    struct str listing = STR_NONE;
    *ret = STR_NONE;
    for (size_t i = 0; i < n && i < MAX_REFS; i++) {
        argv[4 + i] = str_z(t->arena, refs[i]);
    }
    if (tool_run(t, argv, &listing, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && ret->p == NULL; i++) {
        struct str target = STR_NONE;
        if (find_ref(listing, refs[i], &target)) {
            *ret = str_dup(t->arena, target);
        }
    }
    return 0;
}
