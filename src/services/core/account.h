/*
 * The accounts that we know: embedded ones are served by this process, the others are reached over
 * HTTP. Rows only; who signs for a remote account is the daemon's business.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

struct account {
    struct str id;       /* 12 digits */
    struct str name;     /* "shared-services" */
    struct str region;   /* where unspecific calls go */
    struct str kind;     /* "embedded", "aws", "endpoint" */
    struct str role_arn; /* aws, endpoint: assumed for every call; or absent */
    struct str endpoint; /* URL that stands in for AWS; or absent */
    struct str ca_file;  /* authority that verifies it, beside the system's; or absent */
};

struct account_list {
    struct account *v;
    size_t n;
};

/* Inside the caller's transaction. put: ERR_EXISTS when id or name is another account's,
 * ERR_INVALID when id, name or kind is none. */
int account_put(struct db *db, const struct account *account, struct err *err) MUST_USE;
/* By name or id. 1 found, 0 none, -1 error. */
int account_find(struct db *db, struct arena *a, struct str name_or_id, struct account *ret,
                 struct err *err) MUST_USE;
int account_list(struct db *db, struct arena *a, struct account_list *ret,
                 struct err *err) MUST_USE; /* by id */
