/* References of a repository: which there are, and what a pull request changes. See git.h. */
#include "flow/artifact/git_internal.h"

bool git_is_commit_id(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return text.n == 40;
}

static bool part_is_plain(struct str part) {
    if (part.n == 0 || part.p[0] == '.' || part.p[0] == '-' || str_ends(part, S(".lock")) ||
        str_ends(part, S("."))) {
        return false;
    }
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        if (c <= ' ' || c == 0x7F || strchr("~^:?*[\\", c) != NULL ||
            (c == '.' && i + 1 < part.n && part.p[i + 1] == '.') ||
            (c == '@' && i + 1 < part.n && part.p[i + 1] == '{')) {
            return false;
        }
    }
    return true;
}

bool git_ref_is_plain(struct str ref) {
    struct str rest = ref;
    struct str part = STR_NONE;
    if (!str_starts(ref, S("refs/")) || ref.n > 1024) {
        return false;
    }
    while (str_cut(&rest, '/', &part)) {
        if (!part_is_plain(part)) {
            return false;
        }
    }
    return true;
}

/* "COMMIT\tREFERENCE"; behind an annotated tag comes "COMMIT\tTAG^{}", its commit. */
static bool read_line(struct arena *a, struct str line, struct str_map *refs) {
    size_t tab = str_find_c(line, '\t', 0);
    if (tab != 40) {
        return false;
    }
    struct str commit = str_sub(line, 0, tab);
    struct str ref = str_sub(line, tab + 1, line.n);
    bool peeled = str_ends(ref, S("^{}"));
    ref.n -= peeled ? 3 : 0;
    if (peeled && refs->n > 0 && str_eq(refs->v[refs->n - 1].key, ref)) {
        refs->v[refs->n - 1].value = commit;
    } else if (git_ref_is_plain(ref)) {
        *arena_push(a, refs) = (struct str_pair){ref, commit};
    }
    return true;
}

int git_remote_refs(struct arena *a, const struct git_mirror *m, struct str only,
                    struct str_map *ret, struct err *err) {
    const char *const argv[] = {"ls-remote",
                                "--heads",
                                "--tags",
                                "--end-of-options",
                                str_z(a, m->url),
                                only.p != NULL ? str_z(a, only) : NULL,
                                NULL};
    struct str out = STR_NONE;
    struct str line = STR_NONE;
    *ret = (struct str_map){0};
    if (git_write_config(a, m->home, err) < 0) {
        return -1;
    }
    if (git_ask(a, m, &out, err, argv) < 0) {
        return err_wrap(err, "%.*s", STR_ARG(m->url));
    }
    while (str_cut(&out, '\n', &line)) {
        if (line.n > 0 && !read_line(a, line, ret)) {
            return err_set(err, ERR_UNAVAILABLE, "%.*s: git's list of references is cut short",
                           STR_ARG(m->url));
        }
        if (ret->n > GIT_MAX_REFS) {
            return err_set(err, ERR_LIMIT, "%.*s has more than %d branches and tags",
                           STR_ARG(m->url), GIT_MAX_REFS);
        }
    }
    return 0;
}

int git_changed_since(struct arena *a, const struct git_mirror *m, struct str base, struct str to,
                      size_t max, struct str_list *ret, struct err *err) {
    const char *const argv[] = {"merge-base", "--end-of-options", str_z(a, base), str_z(a, to),
                                NULL};
    struct str out = STR_NONE;
    if (git_call(a, m, true, &out, err, argv) < 0) {
        return -1;
    }
    return git_changed_paths(a, m, str_sub(str_trim(out), 0, 40), to, max, ret, err);
}
