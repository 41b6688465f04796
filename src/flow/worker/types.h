/*
 * Action types that accounts have of their own: custom ones, and third parties' as registered here.
 * One function per statement, all inside the caller's transaction.
 */
#pragma once

#include "flow/definition/action_types.h"
#include "runtime/db/db.h"

extern const struct db_schema worker_schema;

struct worker_type {
    struct str account;
    struct str region;
    struct str owner; /* Custom ThirdParty */
    struct str category;
    struct str provider;
    struct str version;
    struct str definition; /* JSON: {"actionType": ActionType, or ActionTypeDeclaration} */
    int64_t created_ms;
    bool deleted;
};

struct worker_type_list {
    struct worker_type *v;
    size_t n;
};

/* "Custom/Build/Provider/1": its name in ARNs and jobs. */
struct str worker_type_name(struct arena *a, struct str owner, struct str category,
                            struct str provider, struct str version);

/* 1 found (deleted ones too), 0 not there. `t` names it. */
int worker_type_get(struct db *db, struct arena *a, struct worker_type *t,
                    struct err *err) MUST_USE;
int worker_type_put(struct db *db, const struct worker_type *t, int64_t now_ms,
                    struct err *err) MUST_USE;
int worker_type_delete(struct db *db, const struct worker_type *t, int64_t now_ms,
                       struct err *err) MUST_USE;
/* Those that are not deleted, by owner, category, provider, version. */
int worker_type_list(struct db *db, struct arena *a, struct str account, struct str region,
                     struct worker_type_list *ret, struct err *err) MUST_USE;

/* As validation sees it. Owned by the arena. ERR_INTERNAL: the row is damaged. */
int worker_type_read(struct arena *a, const struct worker_type *t, struct action_type *ret,
                     struct err *err) MUST_USE;

/* "https://x/{Config:Name}/{ExternalExecutionId}" with what stands for both; absent for an absent
 * template. */
struct str worker_url(struct arena *a, struct str url_template, const struct str_map *configuration,
                      struct str external_id);
/* One of the type's templates: "executionUrlTemplate", "entityUrlTemplate" ..., or absent. */
struct str worker_type_template(struct arena *a, const struct worker_type *t, const char *name);
