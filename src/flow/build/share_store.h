/* Rows of resource policies, by which other accounts see projects and report groups. All inside
 * the caller's transaction. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

struct share_row {
    struct str arn;
    struct str account; /* whose the resource is */
    struct str region;
    struct str policy; /* JSON */
    int64_t modified_ms;
};

struct share_rows {
    struct share_row *v;
    size_t n;
};

/* 1 found, 0 not. */
int share_get(struct db *db, struct arena *a, struct str arn, struct str *ret_policy,
              struct err *err) MUST_USE;
int share_put(struct db *db, const struct share_row *row, struct err *err) MUST_USE;
int share_delete(struct db *db, struct str arn, struct err *err) MUST_USE;
/* All of a region whose resource is another account's, by ARN. */
int share_of_others(struct db *db, struct arena *a, struct str account, struct str region,
                    struct share_rows *ret, struct err *err) MUST_USE;
