/*
 * Caches on this machine: DATA/cache/<account>/<region>/<project>/<n>/<kind>, n being the number of
 * invalidations. A folder belongs to one project of one account, and to one build at a time: who
 * comes second goes without, so that two builds never see each other's writes. Owners in it are
 * those inside the container (0 = root): it is only ever mounted with ids shifted, without set-id
 * and devices, and DATA is closed to everybody else.
 */
#pragma once

#include "base/err.h"
#include "flow/plan/plan.h"

#define CACHE_LOCAL_CUSTOM "custom"
#define CACHE_LOCAL_DOCKER "docker"

/* Makes or finds the folder and locks it; it is given back by closing *ret_lock. 1 it is ours, 0
 * another build has it. Folders of earlier generations are removed. *ret_path is owned by `a`. */
int cache_local_open(struct arena *a, const struct plan *plan, const char *kind,
                     const char **ret_path, int *ret_lock, struct err *err) MUST_USE;

/* Whose caches there are on this machine. */
struct cache_local {
    struct str account, region, project;
    const char *path; /* DATA/cache/<account>/<region>/<project> */
};
struct cache_locals {
    struct cache_local *v;
    size_t n;
};
int cache_local_list(struct arena *a, const char *data_dir, struct cache_locals *ret,
                     struct err *err) MUST_USE;
/* Removes all of them of one project, unless a build has one: 1 removed, 0 in use. */
int cache_local_remove(struct arena *a, const struct cache_local *cache, struct err *err) MUST_USE;

/* A path of cache.paths as the folder that it means: patterns at its end (stars) are cut off,
 * relative ones begin in the source directory. Absent if it names no folder of its own. */
struct str cache_local_folder(struct arena *a, struct str path, struct str source_dir);
