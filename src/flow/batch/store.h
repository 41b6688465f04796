/* Rows of batches. One function per statement, all inside the caller's transaction. */
#pragma once

#include "runtime/db/db.h"

extern const struct db_schema batch_schema;

struct batch_row {
    int64_t seq;
    struct str uuid;
    struct str account;
    struct str region;
    struct str project;
    int64_t number; /* in its project */
    struct str token;
    struct str token_digest;
    struct str status;
    int64_t created_ms;
    struct str settings;
    struct str body;
    struct str state;
    struct str pipeline;         /* pipeline.h, or absent */
    struct str resolved_version; /* what the first build found, or absent */
};

int batch_insert(struct db *db, const struct batch_row *row, struct err *err) MUST_USE;
/* 1 found, 0 not. */
int batch_load(struct db *db, struct arena *a, struct str uuid, struct batch_row *ret,
               struct err *err) MUST_USE;
int batch_by_token(struct db *db, struct arena *a, const struct batch_row *like,
                   struct batch_row *ret, struct err *err) MUST_USE;
/* Forgets the token of a batch that was made before `before_ms`, so that it makes a new one. */
int batch_token_expire(struct db *db, const struct batch_row *like, int64_t before_ms,
                       struct err *err) MUST_USE;
/* State, status, resolved version. */
int batch_update(struct db *db, const struct batch_row *row, struct err *err) MUST_USE;
int batch_delete(struct db *db, struct str uuid, struct err *err) MUST_USE;
int batch_number_next(struct db *db, struct str account, struct str region, struct str project,
                      int64_t *ret, struct err *err) MUST_USE;

/* Which batch a build belongs to. */
int batch_build_add(struct db *db, struct str build, struct str batch, struct err *err) MUST_USE;
int batch_of_build(struct db *db, struct arena *a, struct str build, struct str *ret,
                   struct err *err) MUST_USE;
/* Builds of a batch that are there, oldest first. */
int batch_builds(struct db *db, struct arena *a, struct str batch, struct str_list *ret,
                 struct err *err) MUST_USE;

/* The token of a retry, and the request's type: 1 noted at or after since_ms. */
int batch_retry_known(struct db *db, struct arena *a, struct str batch, struct str token,
                      int64_t since_ms, struct str *ret_type, struct err *err) MUST_USE;
int batch_retry_note(struct db *db, struct str batch, struct str token, struct str type,
                     int64_t now_ms, struct err *err) MUST_USE;

struct batch_query {
    struct str account;
    struct str region;
    struct str project; /* absent: of the account */
    struct str status;  /* absent: any */
    bool descending;    /* newest first */
    int64_t after;      /* seq; 0 = from the beginning */
    int64_t limit;
};
/* Ids "project:uuid"; *ret_last goes on from there. */
int batch_list(struct db *db, struct arena *a, const struct batch_query *query,
               struct str_list *ret, int64_t *ret_last, struct err *err) MUST_USE;
