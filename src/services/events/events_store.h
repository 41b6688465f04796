/* Rows of buses, rules and targets, inside the caller's transaction. find: 1 found, 0 none, -1. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

#include <stdint.h>

extern const struct db_schema events_schema;

/* Where a bus lies. */
struct ev_place {
    struct str account, region, bus;
};

struct ev_bus {
    int64_t seq;
    struct ev_place at;
    struct str description;
    struct str kms_key;
    struct str policy;
    int64_t created_ms, modified_ms;
};

struct ev_rule {
    int64_t seq;
    struct str arn;
    struct ev_place at;
    struct str name;
    struct str pattern;
    struct str schedule;
    struct str state; /* "ENABLED", "DISABLED", ... */
    struct str description;
    struct str role;
    struct str managed_by;
    struct str created_by;
    int64_t anchor_ms;
};

struct ev_target {
    struct str id;
    struct str arn;
    struct str body;
};

struct ev_buses {
    struct ev_bus *v;
    size_t n;
};
struct ev_rules {
    struct ev_rule *v;
    size_t n;
};
struct ev_targets {
    struct ev_target *v;
    size_t n;
};

int ev_bus_find(struct db *db, struct arena *a, const struct ev_place *at, struct ev_bus *ret,
                struct err *err) MUST_USE;
/* Inserts, or changes what is there. */
int ev_bus_put(struct db *db, const struct ev_bus *b, struct err *err) MUST_USE;
int ev_bus_remove(struct db *db, const struct ev_place *at, struct err *err) MUST_USE;
/* In order of names, above `after`. The default bus is among them, with or without a row. */
int ev_bus_list(struct db *db, struct arena *a, const struct ev_place *at, struct str prefix,
                struct str after, int64_t limit, struct ev_buses *ret, struct err *err) MUST_USE;

int ev_rule_find(struct db *db, struct arena *a, const struct ev_place *at, struct str name,
                 struct ev_rule *ret, struct err *err) MUST_USE;
int ev_rule_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_rule *ret,
                     struct err *err) MUST_USE;
int ev_rule_insert(struct db *db, const struct ev_rule *r, struct err *err) MUST_USE;
int ev_rule_update(struct db *db, const struct ev_rule *r, struct err *err) MUST_USE;
int ev_rule_remove(struct db *db, int64_t seq, struct err *err) MUST_USE;
/* By name, above `after`. */
int ev_rule_list(struct db *db, struct arena *a, const struct ev_place *at, struct str prefix,
                 struct str after, int64_t limit, struct ev_rules *ret, struct err *err) MUST_USE;
/* Rules with a pattern that are not disabled: those that look at an event. */
int ev_rule_listening(struct db *db, struct arena *a, const struct ev_place *at,
                      struct ev_rules *ret, struct err *err) MUST_USE;
/* Is there any such rule, or archive, on whatever bus? 1, 0, -1. */
int ev_rule_any(struct db *db, struct err *err) MUST_USE;
/* Rules that count for the limit: services' own do not. */
int ev_rule_count(struct db *db, const struct ev_place *at, int64_t *ret, struct err *err) MUST_USE;
/* Names of rules that have a target with this ARN, above `after`. */
int ev_rule_names_by_target(struct db *db, struct arena *a, const struct ev_place *at,
                            struct str arn, struct str after, int64_t limit, struct str_list *ret,
                            struct err *err) MUST_USE;

int ev_target_put(struct db *db, int64_t rule, const struct ev_target *t, struct err *err) MUST_USE;
int ev_target_find(struct db *db, struct arena *a, int64_t rule, struct str id,
                   struct ev_target *ret, struct err *err) MUST_USE;
int ev_target_remove(struct db *db, int64_t rule, struct str id, struct err *err) MUST_USE;
int ev_target_list(struct db *db, struct arena *a, int64_t rule, struct str after, int64_t limit,
                   struct ev_targets *ret, struct err *err) MUST_USE;
int ev_target_count(struct db *db, int64_t rule, int64_t *ret, struct err *err) MUST_USE;
