/*
 * Rows of source credentials, webhooks and their deliveries. One function per statement, all inside
 * the caller's transaction. Secrets come and go sealed: this folder cannot open them.
 */
#pragma once

#include "runtime/db/db.h"

extern const struct db_schema forge_schema;

struct forge_credential {
    struct str account;
    struct str region;
    struct str server; /* serverType; one credential for each */
    struct str auth;   /* authType */
    struct str username;
    struct str token; /* sealed */
    struct str resource;
    int64_t changed_ms;
};

struct forge_credentials {
    struct forge_credential *v;
    size_t n;
};

/* 1 found, 0 not. */
int forge_credential_get(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str server, struct forge_credential *ret, struct err *err) MUST_USE;
int forge_credential_list(struct db *db, struct arena *a, struct str account, struct str region,
                          struct forge_credentials *ret, struct err *err) MUST_USE;
/* Inserts or replaces. */
int forge_credential_put(struct db *db, const struct forge_credential *row,
                         struct err *err) MUST_USE;
int forge_credential_delete(struct db *db, struct str account, struct str region, struct str server,
                            struct err *err) MUST_USE;

struct forge_webhook {
    struct str account;
    struct str region;
    struct str project;
    struct str id;
    struct str secret; /* sealed */
    struct str body;
};

int forge_webhook_get(struct db *db, struct arena *a, struct str account, struct str region,
                      struct str project, struct forge_webhook *ret, struct err *err) MUST_USE;
int forge_webhook_by_id(struct db *db, struct arena *a, struct str id, struct forge_webhook *ret,
                        struct err *err) MUST_USE;
int forge_webhook_put(struct db *db, const struct forge_webhook *row, struct err *err) MUST_USE;
int forge_webhook_delete(struct db *db, struct str account, struct str region, struct str project,
                         struct err *err) MUST_USE;

/* 1 recorded now, 0 it was there. Those older than a week go, so that the table stays small. */
int forge_delivery_add(struct db *db, struct str webhook, struct str delivery, int64_t now_ms,
                       struct err *err) MUST_USE;
int forge_delivery_set_build(struct db *db, struct str webhook, struct str delivery,
                             struct str build, struct err *err) MUST_USE;
