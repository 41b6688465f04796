/*
 * Rows of secrets, their versions and staging labels. Everything runs inside the caller's
 * transaction. find: 1 found, 0 none, -1 error. Strings are owned by the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

extern const struct db_schema secretsmanager_schema;

struct sm_secret {
    struct str arn;
    struct str account, region, name;
    struct str description; /* absent = none */
    struct str kms_key;     /* as the client named it; absent = the service's own key */
    struct str policy;      /* JSON; absent = none */
    int64_t created_ms;
    int64_t changed_ms;
    int64_t accessed_ms; /* the day of it; 0 = never */
    int64_t deleted_ms;  /* 0 = alive */
    int64_t purge_ms;    /* end of the recovery window; 0 = alive */
};

struct sm_secrets {
    struct sm_secret *v;
    size_t n;
};

struct sm_version {
    int64_t seq; /* in order of creation */
    struct str id;
    struct str sealed;
    bool is_binary;
    struct str digest;  /* 16 bytes, keyed */
    struct str kms_key; /* absent = the service's own key */
    int64_t created_ms;
    int64_t accessed_ms;
};

struct sm_versions {
    struct sm_version *v;
    size_t n;
};

struct sm_stage {
    struct str stage;
    struct str version;
};

struct sm_stages {
    struct sm_stage *v; /* by label; never NULL */
    size_t n;
};

int sm_find_arn(struct db *db, struct arena *a, struct str arn, struct sm_secret *ret,
                struct err *err) MUST_USE;
int sm_find_name(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str name, struct sm_secret *ret, struct err *err) MUST_USE;
/* All secrets of an account and region, by name. */
int sm_list(struct db *db, struct arena *a, struct str account, struct str region,
            struct sm_secrets *ret, struct err *err) MUST_USE;
/* Inserts, or replaces all but the key columns. */
int sm_put(struct db *db, const struct sm_secret *s, struct err *err) MUST_USE;
/* With versions and labels. */
int sm_remove(struct db *db, struct str arn, struct err *err) MUST_USE;

int sm_version_find(struct db *db, struct arena *a, struct str arn, struct str id,
                    struct sm_version *ret, struct err *err) MUST_USE;
int sm_version_add(struct db *db, struct str arn, const struct sm_version *v,
                   struct err *err) MUST_USE;
/* The same value under another key. */
int sm_version_reseal(struct db *db, struct str arn, const struct sm_version *v,
                      struct err *err) MUST_USE;
/* Newest first, below seq `before` (0 = from the newest); values are not read. */
int sm_version_list(struct db *db, struct arena *a, struct str arn, bool deprecated, int64_t before,
                    int64_t limit, struct sm_versions *ret, struct err *err) MUST_USE;
/* Versions without a label that are older than `before_ms` and not among the newest `keep` go. */
int sm_version_trim(struct db *db, struct str arn, int64_t keep, int64_t before_ms,
                    struct err *err) MUST_USE;
/* A value was read on `day_ms`: writes only when that day is new. */
int sm_accessed(struct db *db, struct str arn, struct str id, int64_t day_ms,
                struct err *err) MUST_USE;

int sm_stage_list(struct db *db, struct arena *a, struct str arn, struct sm_stages *ret,
                  struct err *err) MUST_USE;
/* Attaches the label to this version, and only this one. */
int sm_stage_put(struct db *db, struct str arn, struct str stage, struct str version,
                 struct err *err) MUST_USE;
int sm_stage_remove(struct db *db, struct str arn, struct str stage, struct err *err) MUST_USE;
