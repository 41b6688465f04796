/*
 * Connections to git hosts. On AWS a person completes a new connection in a browser; here the
 * operator does by saying where the repositories lie. Fetching them is flow's business: it gets the
 * URL through a callback that the daemon registers.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

#include <stdint.h>

extern const struct db_schema connections_schema;

struct connection {
    int64_t seq;
    struct str arn;
    struct str account;
    struct str region;
    struct str name;
    struct str provider;
    struct str host_arn;
    struct str status;     /* "PENDING" or "AVAILABLE" */
    struct str sealed_url; /* it may have a password in it: connections_resolve opens it */
    int64_t created_ms;
};

struct connection_list {
    struct connection *v;
    size_t n;
};

/* The handshake. `url` is any that git fetches (file, https, http, ssh), with {repository} where
 * the FullRepositoryId goes. A completed connection may be completed again, with another URL.
 * ERR_NOT_FOUND; ERR_CONFLICT if several have that name; ERR_INVALID for the URL. */
int connections_complete(struct db *db, const struct rng *rng, struct str name_or_arn,
                         struct str url, struct err *err) MUST_USE;

/* Seals the URLs that a store of an earlier version holds open, and wipes what was there from its
 * files. At a start, before anybody asks. */
int connections_seal(struct db *db, const struct rng *rng, struct err *err) MUST_USE;

/* URL of a repository behind a connection of that account. ERR_NOT_FOUND, also for connections of
 * other accounts; ERR_CONFLICT while it is PENDING; ERR_INVALID for a repository id that is none.
 */
int connections_resolve(struct db *db, struct arena *a, struct str account, struct str arn,
                        struct str full_repository_id, struct str *ret_url,
                        struct err *err) MUST_USE;

/* Rows. find takes the ARN of either service: 1 found, 0 none, -1 error. */
int connection_find(struct db *db, struct arena *a, struct str arn, struct connection *ret,
                    struct err *err) MUST_USE;
int connection_insert(struct db *db, const struct connection *c, struct err *err) MUST_USE;
int connection_remove(struct db *db, struct str arn, struct err *err) MUST_USE;
/* In order of creation, above `after_seq`; absent filters take all. */
int connection_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str provider, struct str host_arn, int64_t after_seq, int64_t limit,
                    struct connection_list *ret, struct err *err) MUST_USE;
