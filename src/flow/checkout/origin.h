/*
 * A bare mirror of somebody's repository: what the remote had, under the same names, so that it can
 * stand for it. One for each project and repository: what one project may read is no other's.
 */
#pragma once

#include "flow/checkout/tool.h"

struct origin_owner {
    struct str account, region, project;
};

/* DATA/git/projects/<digest>. */
const char *origin_path(struct arena *a, struct str data_dir, const struct origin_owner *owner,
                        struct str location);

/* Makes its folder; one process at a time holds the lock, as long as *ret is open. */
int origin_lock(struct arena *a, const char *mirror, struct err *err) MUST_USE;

/* Brings branches, tags and one reference more (may be absent) from t->remote into t->c->mirror,
 * where git runs. */
int origin_update(struct tool *t, struct str ref, struct err *err) MUST_USE;

/* The first of the names that t->remote has, HEAD as the branch that it stands for; absent: none.
 */
int origin_find_ref(struct tool *t, const struct str *refs, size_t n, struct str *ret,
                    struct err *err) MUST_USE;
