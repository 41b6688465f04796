/* Local caches whose project is gone: removed when serve starts. A project that is made again under
 * the same name does not find them either: deleting it has invalidated them. */
#include "flow/build/store.h"

#include "flow/cache/local.h"

#include <stdio.h>

static bool is_gone(const struct flow *f, struct arena *a, const struct cache_local *cache) {
    struct err err = ERR_INIT;
    struct project_row row;
    if (db_begin(f->db, &err) < 0) {
        return false;
    }
    int found = project_get(f->db, a, cache->account, cache->region, cache->project, &row, &err);
    db_rollback(f->db);
    return found == 0;
}

void build_sweep_caches(const struct flow *f) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct cache_locals all = {0};
    if (cache_local_list(&a, f->data_dir, &all, &err) < 0) {
        fprintf(stderr, "trunkline: local caches: %s\n", err.msg);
    }
    for (size_t i = 0; i < all.n; i++) {
        err = ERR_INIT;
        if (is_gone(f, &a, &all.v[i]) && cache_local_remove(&a, &all.v[i], &err) < 0) {
            fprintf(stderr, "trunkline: local cache of project %.*s: %s\n",
                    STR_ARG(all.v[i].project), err.msg);
        }
    }
    arena_done(&a);
}
