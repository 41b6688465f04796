/* Caches on this machine, see local.h. */
#include "flow/cache/local.h"

#include "base/buf.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <inttypes.h>
#include <sys/stat.h>

/* A project's name is a file name already (CodeBuild allows letters, digits, '-' and '_'). */
static bool file_name(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return text.n > 0;
}

static int remove_others(struct arena *a, const char *project, struct str current,
                         struct err *err) {
    struct str_list names = {0};
    if (dir_list(a, project, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        long long generation = 0;
        if (!str_eq(names.v[i], current) && str_to_i64(names.v[i], &generation) &&
            tree_remove(str_printf(a, "%s/" STR_FMT, project, STR_ARG(names.v[i])).p, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int cache_local_open(struct arena *a, const struct plan *plan, const char *kind,
                     const char **ret_path, int *ret_lock, struct err *err) {
    if (!file_name(plan->account) || !file_name(plan->region) || !file_name(plan->project)) {
        return err_set(err, ERR_INVALID, "local cache: '" STR_FMT "' cannot be a folder's name",
                       STR_ARG(plan->project));
    }
    const char *project =
        str_printf(a, STR_FMT "/cache/" STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(plan->data_dir),
                   STR_ARG(plan->account), STR_ARG(plan->region), STR_ARG(plan->project))
            .p;
    struct str generation = str_printf(a, "%" PRId64, plan->cache.generation);
    const char *path = str_printf(a, "%s/" STR_FMT "/%s", project, STR_ARG(generation), kind).p;
    if (dir_make(project, 0700, err) < 0) {
        return -1;
    }
    int lock cleanup_fd = file_lock(str_printf(a, "%s/%s.lock", project, kind).p, false, err);
    if (lock < 0) {
        bool taken = err->kind == ERR_CONFLICT;
        *err = taken ? ERR_INIT : *err;
        return taken ? 0 : -1;
    }
    if (remove_others(a, project, generation, err) < 0 || dir_make(path, 0755, err) < 0) {
        return err_wrap(err, "local cache");
    }
    *ret_path = path;
    *ret_lock = TAKE_FD(lock);
    return 1;
}

/* Names in a folder; none when it is not there. */
static int names_in(struct arena *a, const char *path, struct str_list *ret, struct err *err) {
    *ret = (struct str_list){0};
    return file_is_dir(path) ? dir_list(a, path, ret, err) : 0;
}

int cache_local_list(struct arena *a, const char *data_dir, struct cache_locals *ret,
                     struct err *err) {
    const char *top = str_printf(a, "%s/cache", data_dir).p;
    struct str_list accounts = {0};
    *ret = (struct cache_locals){0};
    if (names_in(a, top, &accounts, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < accounts.n; i++) {
        const char *account = str_printf(a, "%s/" STR_FMT, top, STR_ARG(accounts.v[i])).p;
        struct str_list regions = {0};
        if (names_in(a, account, &regions, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < regions.n; k++) {
            const char *region = str_printf(a, "%s/" STR_FMT, account, STR_ARG(regions.v[k])).p;
            struct str_list projects = {0};
            if (names_in(a, region, &projects, err) < 0) {
                return -1;
            }
            for (size_t m = 0; m < projects.n; m++) {
                *arena_push(a, ret) = (struct cache_local){
                    accounts.v[i], regions.v[k], projects.v[m],
                    str_printf(a, "%s/" STR_FMT, region, STR_ARG(projects.v[m])).p};
            }
        }
    }
    return 0;
}

int cache_local_remove(struct arena *a, const struct cache_local *cache, struct err *err) {
    static const char *const kinds[] = {CACHE_LOCAL_CUSTOM, CACHE_LOCAL_DOCKER};
    int locks[2] = {-1, -1};
    bool in_use = false;
    int result = 0;
    for (size_t i = 0; i < 2 && result == 0 && !in_use; i++) {
        locks[i] = file_lock(str_printf(a, "%s/%s.lock", cache->path, kinds[i]).p, false, err);
        in_use = locks[i] < 0 && err->kind == ERR_CONFLICT;
        result = locks[i] < 0 && !in_use ? -1 : 0;
    }
    if (in_use) {
        *err = ERR_INIT;
    } else if (result == 0) {
        result = tree_remove(cache->path, err) < 0 ? -1 : 1;
    }
    fd_closep(&locks[0]);
    fd_closep(&locks[1]);
    return result;
}

static bool wild(struct str part) {
    for (size_t i = 0; i < part.n; i++) {
        if (strchr("*?[", part.p[i]) != NULL) {
            return true;
        }
    }
    return false;
}

struct str cache_local_folder(struct arena *a, struct str path, struct str source_dir) {
    bool absolute = str_starts(path, S("/"));
    bool ended = false; /* a pattern was met: nothing may follow but patterns */
    struct str folder = S("");
    struct str rest = path;
    struct str part = STR_NONE;
    while (str_cut(&rest, '/', &part)) {
        if (part.n == 0 || str_is(part, ".")) {
            continue;
        }
        if (str_is(part, "..") || (ended && !wild(part))) {
            return STR_NONE;
        }
        ended = ended || wild(part);
        if (!ended) {
            folder = str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(part));
        }
    }
    if (folder.n == 0) {
        return STR_NONE; /* the root or the whole source: no folder of its own */
    }
    return absolute ? folder : str_concat(a, source_dir, folder);
}
