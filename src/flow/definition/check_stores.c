/* Where artifacts lie: artifactStore or artifactStores, and the regions of actions; check.h. */
#include "flow/definition/check.h"

static int check_store(struct check *c, const struct def_store *s) {
    if (!str_is(s->type, "S3")) {
        return check_bad(c, DEF_FAULT_STRUCTURE, "The artifact store's type '%.*s' is not S3",
                         STR_ARG(s->type));
    }
    if (s->bucket.n < 3 || !check_name(s->bucket, 63, ".") ||
        str_find_c(s->bucket, '_', 0) != (size_t)-1) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "The artifact store's location '%.*s' is not a bucket's name: 3 to 63 of "
                         "[a-zA-Z0-9.-]",
                         STR_ARG(s->bucket));
    }
    if (s->encryption_key.p != NULL && !check_length(s->encryption_key, 1, 400)) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "The artifact store's encryption key is not 1 to 400 characters");
    }
    if (s->region.p != NULL && (s->region.n < 4 || s->region.n > 30)) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "artifactStores has '%.*s', which is no region's name",
                         STR_ARG(s->region));
    }
    return 0;
}

static int check_region(struct check *c, const struct def_stage *s, struct str name,
                        struct str region) {
    if (region.n == 0 || (c->home.n > 0 && str_eq(region, c->home))) {
        return 0;
    }
    if (c->d->one_store) {
        return c->home.n == 0
                   ? 0
                   : check_bad(c, DEF_FAULT_STRUCTURE,
                               "Stage %.*s: %.*s is in region %.*s, the pipeline in %.*s: a "
                               "cross-region action needs artifactStores with a store for each "
                               "region, not artifactStore",
                               STR_ARG(s->name), STR_ARG(name), STR_ARG(region), STR_ARG(c->home));
    }
    if (definition_store(c->d, region, c->home) == NULL) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "Stage %.*s: %.*s is in region %.*s, for which artifactStores has no "
                         "artifact store",
                         STR_ARG(s->name), STR_ARG(name), STR_ARG(region));
    }
    return 0;
}

int check_stores(struct check *c) {
    const struct definition *d = c->d;
    if (d->one_store ? d->stores.n > 1 : d->stores.n == 0) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         d->stores.n == 0
                             ? "The pipeline has no artifact store: artifactStore, or "
                               "artifactStores for actions in several regions"
                             : "The pipeline has both artifactStore and artifactStores: one of "
                               "them only");
    }
    for (size_t i = 0; i < d->stores.n; i++) {
        if (check_store(c, &d->stores.v[i]) < 0) {
            return -1;
        }
    }
    if (!d->one_store && c->home.n > 0 && definition_store(d, c->home, c->home) == NULL) {
        return check_bad(c, DEF_FAULT_STRUCTURE,
                         "artifactStores has no artifact store for %.*s, the pipeline's own region",
                         STR_ARG(c->home));
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        const struct def_stage *s = &d->stages.v[i];
        for (size_t k = 0; k < s->actions.n; k++) {
            if (check_region(c, s, s->actions.v[k].name, s->actions.v[k].region) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
