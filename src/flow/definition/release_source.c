/* release.yml: where the source lies, and what of it starts a release; release_read.h. */
#include "flow/definition/release_read.h"

#include "flow/definition/glob.h"

#include <stdlib.h>

static bool is_url(struct str s) {
    size_t colon = str_find_c(s, ':', 0);
    size_t slash = str_find_c(s, '/', 0);
    return colon != (size_t)-1 && colon < slash; /* scheme://, or user@host:path */
}

/* user@host:path as the URL that it stands for. */
static struct str as_url(struct arena *a, struct str s) {
    if (str_find(s, S("://"), 0) != (size_t)-1) {
        return s;
    }
    size_t colon = str_find_c(s, ':', 0);
    return str_printf(a, "ssh://" STR_FMT "/" STR_FMT, STR_ARG(str_sub(s, 0, colon)),
                      STR_ARG(str_sub(s, colon + 1, s.n)));
}

/* The absolute form of a path below `dir`, without "x/../". */
static struct str absolute(struct arena *a, const char *dir, struct str path) {
    char *real = path.p[0] == '/' ? NULL : realpath(dir, NULL);
    struct str rest = real ? str_printf(a, "%s/" STR_FMT, real, STR_ARG(path)) : str_dup(a, path);
    struct str part, all = S("");
    free(real);
    while (str_cut(&rest, '/', &part)) {
        size_t last = str_rfind_c(all, '/');
        if (str_is(part, "..")) {
            all.n = last == (size_t)-1 ? 0 : last;
        } else if (part.n > 0 && !str_is(part, ".")) {
            all = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(all), STR_ARG(part));
        }
    }
    return all.n ? all : S("/");
}

/* The action's FullRepositoryId: a path has no owner, so it is local; a URL's last two parts are
 * owner and repository where there are two. */
static struct str repository_id(struct arena *a, struct str repository) {
    struct str s = repository;
    while (s.n > 1 && s.p[s.n - 1] == '/') {
        s.n--;
    }
    if (str_ends(s, S(".git"))) {
        s.n -= 4;
    }
    size_t slash = str_rfind_c(s, '/');
    struct str base = slash == (size_t)-1 ? s : str_sub(s, slash + 1, s.n);
    if (is_url(repository) && !str_starts(repository, S("file:"))) {
        struct str before = str_sub(s, 0, slash == (size_t)-1 ? 0 : slash);
        for (size_t i = before.n; i > 0; i--) {
            if (before.p[i - 1] == '/' || before.p[i - 1] == ':') {
                before = str_sub(before, i, before.n);
                break;
            }
        }
        /* https://host/repository has no owner: what stands before is the host. */
        size_t host = str_find(repository, S("://"), 0);
        bool owner =
            before.n > 0 && (host == (size_t)-1 || (size_t)(before.p - repository.p) > host + 3);
        if (owner) {
            return str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(before), STR_ARG(base));
        }
    }
    return str_printf(a, "local/" STR_FMT, STR_ARG(base));
}

/* A list of globs of a source. */
static int patterns(const struct release_reader *r, const struct yaml_node *map, const char *key,
                    struct str_list *ret) {
    if (release_texts(r, map, key, RELEASE_MAX_PATTERNS, ret) < 0) {
        return -1;
    }
    const struct yaml_node *list = yaml_get(map, key);
    for (size_t i = 0; i < ret->n; i++) {
        struct err why = ERR_INIT;
        if (glob_check(ret->v[i], &why) < 0) {
            return release_fail(r, list->item[i], "%s", why.msg);
        }
    }
    return 0;
}

/* pull-requests: [opened, updated, closed] */
static int read_pulls(const struct release_reader *r, const struct yaml_node *map) {
    static const char *const words[][2] = {
        {"opened", "OPEN"}, {"updated", "UPDATED"}, {"closed", "CLOSED"}};
    struct str_list given = {0};
    if (release_texts(r, map, "pull-requests", 3, &given) < 0) {
        return -1;
    }
    for (size_t i = 0; i < given.n; i++) {
        size_t k = 0;
        while (k < 3 && !str_is(given.v[i], words[k][0])) {
            k++;
        }
        if (k == 3) {
            return release_fail(r, yaml_get(map, "pull-requests")->item[i],
                                "'" STR_FMT "' is none of: opened, updated, closed",
                                STR_ARG(given.v[i]));
        }
        *arena_push(r->a, &r->r->pulls) = str_c(words[k][1]);
    }
    return 0;
}

/* What starts a release. */
static int read_triggers(const struct release_reader *r, const struct yaml_node *map) {
    struct release_yml *y = r->r;
    return patterns(r, map, "branches", &y->branches) < 0 ||
                   patterns(r, map, "tags", &y->tags) < 0 ||
                   patterns(r, map, "paths", &y->paths) < 0 ||
                   patterns(r, map, "ignore", &y->ignore) < 0
               ? -1
               : read_pulls(r, map);
}

/* Connections take no blank in an address; a folder's name may have one. */
static int check_address(const struct release_reader *r, const struct yaml_node *at) {
    struct str url = r->r->repository;
    for (size_t i = 0; i < url.n; i++) {
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7F) {
            return release_fail(r, at,
                                "the repository '" STR_FMT "' has a blank in its path: name it by "
                                "a link that has none (ln -s)",
                                STR_ARG(url));
        }
    }
    return 0;
}

int release_read_source(const struct release_reader *r, const struct yaml_node *root) {
    const struct yaml_node *map = yaml_get(root, "source");
    if (map == NULL) {
        return release_fail(r, root, "the file needs source: {repository: ..., branch: ...}");
    }
    struct release_yml *y = r->r;
    struct str repository = STR_NONE;
    y->branch = S("main");
    if (release_want(r, map, YAML_MAPPING, "source") < 0 ||
        release_only_keys(
            r, map, " repository branch branches tags paths ignore pull-requests connection ") <
            0 ||
        release_text(r, map, "repository", &repository) < 0 ||
        release_text(r, map, "branch", &y->branch) < 0 ||
        release_text(r, map, "connection", &y->connection) < 0 || read_triggers(r, map) < 0) {
        return -1;
    }
    if (repository.p == NULL) {
        return release_fail(r, map, "source needs repository: a path or an URL");
    }
    if (y->connection.p && !str_starts(y->connection, S("arn:"))) {
        return release_fail(r, yaml_get(map, "connection"),
                            "connection is the ARN of an existing one");
    }
    if (y->connection.p) {
        y->repository = repository; /* "org/repository", as the provider names it */
        y->full_repository_id = repository;
        return 0;
    }
    if (is_url(repository)) {
        y->full_repository_id = repository_id(r->a, repository);
        y->repository = as_url(r->a, repository);
    } else {
        struct str path = absolute(r->a, r->dir, repository);
        y->full_repository_id = repository_id(r->a, path);
        y->repository = str_printf(r->a, "file://" STR_FMT, STR_ARG(path));
    }
    return check_address(r, yaml_get(map, "repository"));
}
