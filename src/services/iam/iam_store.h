/*
 * IAM's tables. Everything runs inside the caller's transaction. Every change counts up
 * `iam_changes`, which tells the gate when policies that it keeps in memory are out of date.
 *
 * find functions: 1 found, 0 none, -1 error. Lists are in order of names; `after` (absent = from
 * the start) is where they go on, `limit` how many rows at most.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/db/db.h"

extern const struct db_schema iam_schema;

struct iam_owner {
    const char *kind; /* "role" or "user" */
    struct str account;
    struct str name;
};

struct iam_role_row {
    struct str account, name, path, id;
    struct str trust;       /* policy document */
    struct str description; /* absent = none */
    int64_t max_session;    /* seconds */
    struct str boundary;    /* ARN or absent */
    int64_t created_ms;
    int64_t used_ms; /* 0 = never */
    struct str used_region;
};

struct iam_role_rows {
    struct iam_role_row *v;
    size_t n;
};

struct iam_user_row {
    struct str account, name, path, id;
    struct str boundary;
    int64_t created_ms;
};

struct iam_user_rows {
    struct iam_user_row *v;
    size_t n;
};

struct iam_key_row {
    struct str key, account;
    struct str user; /* absent = root */
    bool active;
    int64_t created_ms;
};

struct iam_key_rows {
    struct iam_key_row *v;
    size_t n;
};

struct iam_policy_row {
    struct str arn, account, name, path, id;
    struct str description;
    int64_t default_version, last_version;
    int64_t created_ms, updated_ms;
};

struct iam_policy_rows {
    struct iam_policy_row *v;
    size_t n;
};

struct iam_version_row {
    int64_t version;
    struct str document;
    int64_t created_ms;
};

struct iam_version_rows {
    struct iam_version_row *v;
    size_t n;
};

uint64_t iam_changes(void);
void iam_changed(void); /* rights may be others now: stores call it */

/* Names */
struct str iam_arn(struct arena *a, const char *kind, struct str account, struct str path,
                   struct str name); /* kind "role", "user", "policy" */

/* Roles */
int iam_role_find(struct db *db, struct arena *a, struct str account, struct str name,
                  struct iam_role_row *ret, struct err *err) MUST_USE;
/* By "arn:aws:iam::A:role/path/NAME"; the path must be the role's own. */
int iam_role_by_arn(struct db *db, struct arena *a, struct str arn, struct iam_role_row *ret,
                    struct err *err) MUST_USE;
int iam_role_insert(struct db *db, const struct iam_role_row *r, struct err *err) MUST_USE;
int iam_role_update(struct db *db, const struct iam_role_row *r, struct err *err) MUST_USE;
int iam_role_used(struct db *db, const struct iam_role_row *r, int64_t now_ms, struct str region,
                  struct err *err) MUST_USE;
int iam_role_delete(struct db *db, const struct iam_role_row *r, struct err *err) MUST_USE;
int iam_role_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                  struct str after, int64_t limit, struct iam_role_rows *ret,
                  struct err *err) MUST_USE;

/* Users and keys */
int iam_user_find(struct db *db, struct arena *a, struct str account, struct str name,
                  struct iam_user_row *ret, struct err *err) MUST_USE;
int iam_user_insert(struct db *db, const struct iam_user_row *u, struct err *err) MUST_USE;
int iam_user_delete(struct db *db, const struct iam_user_row *u, struct err *err) MUST_USE;
int iam_user_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                  struct str after, int64_t limit, struct iam_user_rows *ret,
                  struct err *err) MUST_USE;

int iam_key_find(struct db *db, struct arena *a, struct str key, struct iam_key_row *ret,
                 struct str *ret_secret, struct err *err) MUST_USE; /* ret_secret may be NULL */
int iam_key_insert(struct db *db, struct arena *a, const struct rng *rng,
                   const struct iam_key_row *k, struct str secret, struct err *err) MUST_USE;
int iam_key_set_active(struct db *db, struct str key, bool active, struct err *err) MUST_USE;
int iam_key_delete(struct db *db, struct str key, struct err *err) MUST_USE;
int iam_key_list(struct db *db, struct arena *a, struct str account, struct str user,
                 struct iam_key_rows *ret, struct err *err) MUST_USE; /* user absent = root's */

/* Managed policies of customers */
int iam_policy_find(struct db *db, struct arena *a, struct str arn, struct iam_policy_row *ret,
                    struct err *err) MUST_USE;
int iam_policy_insert(struct db *db, const struct iam_policy_row *p, struct err *err) MUST_USE;
int iam_policy_update(struct db *db, const struct iam_policy_row *p, struct err *err) MUST_USE;
int iam_policy_delete(struct db *db, struct str arn, struct err *err) MUST_USE;
int iam_policy_list(struct db *db, struct arena *a, struct str account, struct str path_prefix,
                    struct str after, int64_t limit, struct iam_policy_rows *ret,
                    struct err *err) MUST_USE;
int iam_version_insert(struct db *db, struct str arn, const struct iam_version_row *v,
                       struct err *err) MUST_USE;
int iam_version_delete(struct db *db, struct str arn, int64_t version, struct err *err) MUST_USE;
int iam_version_list(struct db *db, struct arena *a, struct str arn, struct iam_version_rows *ret,
                     struct err *err) MUST_USE; /* newest first */
/* The default version's document, also of AWS's own policies. */
int iam_policy_document(struct db *db, struct arena *a, struct str arn, struct str *ret,
                        struct err *err) MUST_USE;

/* Inline policies and attachments */
int iam_inline_put(struct db *db, const struct iam_owner *o, struct str name, struct str document,
                   struct err *err) MUST_USE;
int iam_inline_get(struct db *db, struct arena *a, const struct iam_owner *o, struct str name,
                   struct str *ret, struct err *err) MUST_USE;
int iam_inline_delete(struct db *db, const struct iam_owner *o, struct str name,
                      struct err *err) MUST_USE; /* 1 deleted, 0 none */
int iam_inline_list(struct db *db, struct arena *a, const struct iam_owner *o, struct str after,
                    int64_t limit, struct str_map *ret, struct err *err) MUST_USE;
int iam_attach(struct db *db, const struct iam_owner *o, struct str arn, struct err *err) MUST_USE;
int iam_detach(struct db *db, const struct iam_owner *o, struct str arn,
               struct err *err) MUST_USE; /* 1 detached, 0 none */
int iam_attached_list(struct db *db, struct arena *a, const struct iam_owner *o, struct str after,
                      int64_t limit, struct str_list *ret, struct err *err) MUST_USE;
int iam_attachments(struct db *db, struct str account, struct str arn, int64_t *ret,
                    struct err *err) MUST_USE;

/* AWS's own managed policies (managed.def). NULL: there is none of this ARN. */
struct iam_managed {
    const char *path;
    const char *name;
    const char *description;
    const char *document;
};
const struct iam_managed *iam_managed_find(struct str arn);
const struct iam_managed *iam_managed_at(size_t i); /* NULL behind the last */

/* Makes user `name` with AdministratorAccess (if need be) and a key of it, for a new account. */
int iam_make_administrator(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                           struct str account, struct str name, struct str *ret_key,
                           struct str *ret_secret, struct err *err) MUST_USE;

/* Roles and users that a policy is attached to. */
struct iam_entity {
    struct str kind; /* "role", "user" */
    struct str name, id;
};
struct iam_entities {
    struct iam_entity *v;
    size_t n;
};
int iam_entities(struct db *db, struct arena *a, struct str account, struct str policy_arn,
                 struct iam_entities *ret, struct err *err) MUST_USE; /* by kind and name */
