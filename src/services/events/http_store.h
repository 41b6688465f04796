/* Rows of connections and API destinations, inside the caller's transaction. find: 1, 0, -1. */
#pragma once

#include "services/events/events_store.h"

struct ev_connection {
    int64_t seq;
    struct str arn;
    struct str account, region, name;
    struct str description;
    struct str type;
    struct str state;
    struct str reason;
    struct str shown; /* JSON */
    struct str secret;
    struct str kms_key;
    int64_t created_ms, modified_ms, authorized_ms;
};

struct ev_destination {
    int64_t seq;
    struct str arn;
    struct str account, region, name;
    struct str description;
    struct str connection;
    struct str endpoint;
    struct str method;
    int64_t rate;
    int64_t created_ms, modified_ms;
};

struct ev_connections {
    struct ev_connection *v;
    size_t n;
};
struct ev_destinations {
    struct ev_destination *v;
    size_t n;
};

int ev_connection_find(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str name, struct ev_connection *ret, struct err *err) MUST_USE;
int ev_connection_find_arn(struct db *db, struct arena *a, struct str arn,
                           struct ev_connection *ret, struct err *err) MUST_USE;
/* Inserts, or changes what is there by its ARN. */
int ev_connection_put(struct db *db, const struct ev_connection *c, struct err *err) MUST_USE;
int ev_connection_remove(struct db *db, struct str arn, struct err *err) MUST_USE;
/* By name, above `after`. */
int ev_connection_list(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str prefix, struct str after, int64_t limit,
                       struct ev_connections *ret, struct err *err) MUST_USE;

int ev_destination_find(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct ev_destination *ret, struct err *err) MUST_USE;
int ev_destination_find_arn(struct db *db, struct arena *a, struct str arn,
                            struct ev_destination *ret, struct err *err) MUST_USE;
int ev_destination_put(struct db *db, const struct ev_destination *d, struct err *err) MUST_USE;
int ev_destination_remove(struct db *db, struct str arn, struct err *err) MUST_USE;
int ev_destination_list(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str prefix, struct str after, int64_t limit,
                        struct ev_destinations *ret, struct err *err) MUST_USE;
