/*
 * Rows of keys, their material and aliases. Everything runs inside the caller's transaction. find:
 * 1 found, 0 none, -1 error. Lists are in order; `after` absent = from the start.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

extern const struct db_schema kms_schema;

enum { KMS_ID_CHARS = 36, KMS_MATERIAL_BYTES = 32 };

struct kms_key_row {
    struct str id, account, region;
    struct str description;
    struct str manager; /* "AWS", "CUSTOMER" */
    struct str state;   /* "Enabled", "Disabled", "PendingDeletion" */
    struct str policy;
    int64_t created_ms;
    int64_t deletion_ms;   /* 0 = not scheduled */
    int64_t rotation_days; /* 0 = no rotation */
    int64_t rotated_ms;
};

struct kms_key_rows {
    struct kms_key_row *v;
    size_t n;
};

struct kms_alias_row {
    struct str account, region, name, key;
    int64_t created_ms, updated_ms;
};

struct kms_alias_rows {
    struct kms_alias_row *v;
    size_t n;
};

struct str kms_key_arn(struct arena *a, const struct kms_key_row *k);

int kms_key_find(struct db *db, struct arena *a, struct str id, struct kms_key_row *ret,
                 struct err *err) MUST_USE;
int kms_key_insert(struct db *db, const struct kms_key_row *k, struct err *err) MUST_USE;
int kms_key_update(struct db *db, const struct kms_key_row *k, struct err *err) MUST_USE;
int kms_key_remove(struct db *db, struct arena *a, const struct kms_key_row *k,
                   struct err *err) MUST_USE; /* with material, aliases and tags */
int kms_key_list(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str after, int64_t limit, struct kms_key_rows *ret,
                 struct err *err) MUST_USE;

/* Adds the next version of random material. */
int kms_material_add(struct db *db, struct arena *a, const struct rng *rng, struct str key,
                     struct err *err) MUST_USE;
/* version 0 = the newest; *ret_version tells which. */
int kms_material_get(struct db *db, struct arena *a, struct str key, int64_t version,
                     struct str *ret, int64_t *ret_version, struct err *err) MUST_USE;

int kms_alias_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct kms_alias_row *ret, struct err *err) MUST_USE;
int kms_alias_put(struct db *db, const struct kms_alias_row *alias, struct err *err) MUST_USE;
int kms_alias_remove(struct db *db, const struct kms_alias_row *alias, struct err *err) MUST_USE;
/* Of one key when `key` is given. */
int kms_alias_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str key, struct str after, int64_t limit, struct kms_alias_rows *ret,
                   struct err *err) MUST_USE;
