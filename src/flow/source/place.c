/* Implementation of place.h. */
#include "flow/source/place.h"

#include "flow/build/source_map.h"

static struct str setting(const struct source_place *p, const char *key) {
    return str_map_get(p->settings, str_c(key));
}

bool source_is_repository(struct str provider) {
    return str_is(provider, "CodeStarSourceConnection") || str_is(provider, "CodeCommit");
}

struct str source_place_name(struct arena *a, const struct source_place *p) {
    return str_is(p->provider, "CodeCommit")
               ? str_printf(a, "https://git-codecommit.%.*s.amazonaws.com/v1/repos/%.*s",
                            STR_ARG(p->region), STR_ARG(setting(p, "RepositoryName")))
               : setting(p, "FullRepositoryId");
}

int source_place_url(const struct flow *f, struct arena *a, const struct source_place *p,
                     struct str *ret_url, struct err *err) {
    if (!str_is(p->provider, "CodeCommit")) {
        return f->connection(f->connection_ud, a, p->account, setting(p, "ConnectionArn"),
                             setting(p, "FullRepositoryId"), ret_url, err);
    }
    struct str name = source_place_name(a, p);
    int mapped = source_map(a, f->data_dir, name, ret_url, err);
    return mapped != 0 ? mapped
                       : err_set(err, ERR_INVALID,
                                 "there is no CodeCommit here: map " STR_FMT
                                 " to a repository under 'sources' in trunkline.yml",
                                 STR_ARG(name));
}
