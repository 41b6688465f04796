/* Rows of notification rules and their targets, inside the caller's transaction. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

#include <stdint.h>

extern const struct db_schema notifications_schema;

struct note_rule {
    int64_t seq;
    struct str arn;
    struct str account, region;
    struct str name;
    struct str resource;
    struct str detail_type;
    struct str status;
    struct str event_types; /* JSON list */
    struct str created_by;
    struct str token;
    int64_t created_ms, modified_ms;
};

struct note_target {
    int64_t rule;
    struct str address, type, status;
};

struct note_rules {
    struct note_rule *v;
    size_t n;
};
struct note_targets {
    struct note_target *v;
    size_t n;
};

/* find: 1 found, 0 none, -1 error. */
int note_rule_find(struct db *db, struct arena *a, struct str arn, struct note_rule *ret,
                   struct err *err) MUST_USE;
int note_rule_find_name(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct note_rule *ret, struct err *err) MUST_USE;
int note_rule_insert(struct db *db, const struct note_rule *r, struct err *err) MUST_USE;
int note_rule_update(struct db *db, const struct note_rule *r, struct err *err) MUST_USE;
int note_rule_remove(struct db *db, int64_t seq, struct err *err) MUST_USE;
/* In order of creation. */
int note_rule_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct note_rules *ret, struct err *err) MUST_USE;
int note_rule_count(struct db *db, struct str resource, int64_t *ret, struct err *err) MUST_USE;

int note_target_put(struct db *db, const struct note_target *t, struct err *err) MUST_USE;
int note_target_remove(struct db *db, int64_t rule, struct str address, struct err *err) MUST_USE;
int note_target_clear(struct db *db, int64_t rule, struct err *err) MUST_USE;
int note_target_list(struct db *db, struct arena *a, int64_t rule, struct note_targets *ret,
                     struct err *err) MUST_USE;
/* Of all rules of an account, by address. */
int note_target_all(struct db *db, struct arena *a, struct str account, struct str region,
                    struct note_targets *ret, struct err *err) MUST_USE;
int note_target_set_status(struct db *db, int64_t rule, struct str address, struct str status,
                           struct err *err) MUST_USE;
