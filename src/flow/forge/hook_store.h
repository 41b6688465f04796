/*
 * Rows of pipelines' webhooks and of connections' hooks. One function per statement, all inside the
 * caller's transaction. Secrets come and go sealed: this folder cannot open them.
 */
#pragma once

#include "runtime/db/db.h"

struct pipeline_webhook {
    struct str account;
    struct str region;
    struct str name;
    struct str id;
    struct str secret; /* sealed, or absent */
    struct str body;   /* JSON */
    int64_t triggered_ms;
    struct str error;
};

struct pipeline_webhook_list {
    struct pipeline_webhook *v;
    size_t n;
};

/* 1 found, 0 not, -1 error. */
int pipeline_webhook_get(struct db *db, struct arena *a, struct str account, struct str region,
                         struct str name, struct pipeline_webhook *ret, struct err *err) MUST_USE;
int pipeline_webhook_by_id(struct db *db, struct arena *a, struct str id,
                           struct pipeline_webhook *ret, struct err *err) MUST_USE;
/* In order of the names, above `after`. */
int pipeline_webhook_list(struct db *db, struct arena *a, struct str account, struct str region,
                          struct str after, int64_t limit, struct pipeline_webhook_list *ret,
                          struct err *err) MUST_USE;
int pipeline_webhook_count(struct db *db, struct str account, struct str region, int64_t *ret,
                           struct err *err) MUST_USE;
int pipeline_webhook_put(struct db *db, const struct pipeline_webhook *row,
                         struct err *err) MUST_USE;
/* With its tags. */
int pipeline_webhook_delete(struct db *db, const struct pipeline_webhook *row,
                            struct err *err) MUST_USE;
/* After a delivery: triggered_ms when error is absent, else why nothing was started. */
int pipeline_webhook_note(struct db *db, struct str id, struct str error, int64_t now_ms,
                          struct err *err) MUST_USE;

int webhook_tag_put(struct db *db, struct str id, struct str key, struct str value,
                    struct err *err) MUST_USE;
int webhook_tag_drop(struct db *db, struct str id, struct str key, struct err *err) MUST_USE;
int webhook_tag_list(struct db *db, struct arena *a, struct str id, struct str_map *ret,
                     struct err *err) MUST_USE;

struct connection_hook {
    struct str connection;
    struct str account;
    struct str server;
    struct str id;
    struct str secret; /* sealed */
};

int connection_hook_get(struct db *db, struct arena *a, struct str connection,
                        struct connection_hook *ret, struct err *err) MUST_USE;
int connection_hook_by_id(struct db *db, struct arena *a, struct str id,
                          struct connection_hook *ret, struct err *err) MUST_USE;
int connection_hook_put(struct db *db, const struct connection_hook *row, struct err *err) MUST_USE;
