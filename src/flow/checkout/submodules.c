/* Implementation of submodules.h. */
#include "flow/checkout/submodules.h"

#include "flow/checkout/address.h"

struct submodule {
    struct str name;
    struct str path;
    struct str url;
};

struct submodules {
    struct submodule *v;
    size_t n;
};

struct walk {
    struct arena *arena;
    const struct checkout *c;
    size_t done;
};

static struct submodule *named(struct arena *a, struct submodules *list, struct str name) {
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i].name, name)) {
            return &list->v[i];
        }
    }
    struct submodule *new = arena_push(a, list);
    new->name = name;
    return new;
}

/* Records "submodule.NAME.KEY\nVALUE\0" of .gitmodules. */
static int read_names(struct walk *w, struct tool *t, struct submodules *ret, struct err *err) {
    const char *const argv[] = {
        "config", "-z", "-f", ".gitmodules", "--get-regexp", "^submodule\\..*\\.(path|url)$", NULL};
    struct str out = STR_NONE;
    struct str record = STR_NONE;
    struct err none = ERR_INIT;
    *ret = (struct submodules){0};
    if (tool_run(t, argv, &out, &none) < 0) {
        return 0; /* there is no such file, or nothing in it */
    }
    while (str_cut(&out, '\0', &record)) {
        struct str value = record;
        struct str key = STR_NONE;
        size_t dot = str_cut(&value, '\n', &key) ? str_rfind_c(key, '.') : (size_t)-1;
        if (dot == (size_t)-1 || dot < 10) {
            continue;
        }
        struct submodule *s = named(w->arena, ret, str_sub(key, 10, dot - 10));
        *(str_ends(key, S(".path")) ? &s->path : &s->url) = value;
    }
    return ret->n > SUBMODULES_MAX
               ? err_set(err, ERR_LIMIT, "more than %d submodules", SUBMODULES_MAX)
               : 0;
}

/* Is there a commit of it? Names in .gitmodules without one are left over. */
static bool has_commit(struct walk *w, struct tool *t, const struct submodule *s) {
    const char *const argv[] = {"ls-files", "-s", "-z", "--", str_z(w->arena, s->path), NULL};
    struct str out = STR_NONE;
    struct err none = ERR_INIT;
    return s->path.n > 0 && s->url.n > 0 && s->path.p[0] != '-' && s->path.p[0] != ':' &&
           tool_run(t, argv, &out, &none) == 0 && str_starts(out, S("160000 "));
}

static int set_url(struct walk *w, struct tool *t, const char *key, struct str url,
                   struct err *err) {
    const char *const argv[] = {"config", key, str_z(w->arena, url), NULL};
    return tool_run(t, argv, NULL, err);
}

/* git clones from the URL of its configuration: the one that may be fetched while it works, the one
 * that people know afterwards. */
static int update_one(struct walk *w, struct tool *t, const struct submodule *s, struct str url,
                      struct err *err) {
    struct arena *a = w->arena;
    struct checkout_remote remote = {0};
    struct tool inside = *t;
    const char *key = str_printf(a, "submodule." STR_FMT ".url", STR_ARG(s->name)).p;
    const char *const update[] = {"submodule",       "-q", "update", "--checkout", "--",
                                  str_z(a, s->path), NULL};
    inside.dir = str_printf(a, "%s/" STR_FMT, t->dir, STR_ARG(s->path)).p;
    if (w->c->find(w->c->ud, a, url, &remote, err) < 0 || tool_reach(t, &remote, err) < 0) {
        return -1;
    }
    if (set_url(w, t, key, t->remote, err) < 0 || tool_run(t, update, NULL, err) < 0 ||
        set_url(w, t, key, url, err) < 0) {
        return -1;
    }
    return set_url(w, &inside, "remote.origin.url", url, err);
}

static int update_in(struct walk *w, const char *dir, struct str base, int depth, struct err *err);

static int update_listed(struct walk *w, struct tool *t, const struct submodule *s, struct str base,
                         int depth, struct err *err) {
    struct str url = address_relative(w->arena, base, s->url);
    if (!has_commit(w, t, s)) {
        return 0;
    }
    if (++w->done > SUBMODULES_MAX || depth == SUBMODULES_DEPTH) {
        return err_set(err, ERR_LIMIT, "more than %d submodules, or %d inside each other",
                       SUBMODULES_MAX, SUBMODULES_DEPTH);
    }
    const char *dir = str_printf(w->arena, "%s/" STR_FMT, t->dir, STR_ARG(s->path)).p;
    return update_one(w, t, s, url, err) < 0 || update_in(w, dir, url, depth + 1, err) < 0
               ? err_wrap(err, "submodule " STR_FMT, STR_ARG(s->path))
               : 0;
}

static int update_in(struct walk *w, const char *dir, struct str base, int depth, struct err *err) {
    struct tool t;
    struct submodules list;
    if (tool_open(w->arena, w->c, &t, err) < 0) {
        return -1;
    }
    t.dir = dir;
    if (read_names(w, &t, &list, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n; i++) {
        if (update_listed(w, &t, &list.v[i], base, depth, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int submodules_update(struct arena *a, const struct checkout *c, struct err *err) {
    struct walk w = {.arena = a, .c = c};
    return update_in(&w, "/proc/self/fd/3", c->location, 0, err);
}
