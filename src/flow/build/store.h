/*
 * Rows of projects and builds. One function per statement, all inside the caller's transaction.
 * The API's handlers read and change projects here; builds change by order.h and ingest.c only.
 */
#pragma once

#include "flow/build/build.h"

struct project_row {
    struct str account;
    struct str region;
    struct str name;
    struct str body; /* {"project": ...} */
    int64_t created_ms;
    int64_t modified_ms;
};

/* 1 found, 0 not. */
int project_get(struct db *db, struct arena *a, struct str account, struct str region,
                struct str name, struct project_row *ret, struct err *err) MUST_USE;
/* Inserts or replaces. */
int project_put(struct db *db, const struct project_row *row, struct err *err) MUST_USE;
int project_delete(struct db *db, struct str account, struct str region, struct str name,
                   struct err *err) MUST_USE;

enum project_order { PROJECTS_BY_NAME, PROJECTS_BY_CREATED, PROJECTS_BY_MODIFIED };
/* Names, `limit` at most, from the offset on. */
int project_list(struct db *db, struct arena *a, struct str account, struct str region,
                 enum project_order order, bool descending, int64_t offset, int64_t limit,
                 struct str_list *ret, struct err *err) MUST_USE;

/* The next build number of a project. */
int build_number_next(struct db *db, struct str account, struct str region, struct str project,
                      int64_t *ret, struct err *err) MUST_USE;

struct build_new {
    const struct build_row *row;
    struct str token_digest;
    struct str plan;
    const struct build_rights *rights; /* NULL = the usual ones */
};
int build_insert(struct db *db, const struct build_new *build, struct err *err) MUST_USE;

/* By token; 1 found. */
int build_by_token(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str project, struct str token, struct str *ret_uuid,
                   struct str *ret_digest, struct err *err) MUST_USE;

/* Of the API's tokens (which have a digest): forgets the one of a build that was started before
 * `before_ms`, so that the token makes a new build. */
int build_token_expire(struct db *db, struct str account, struct str region, struct str project,
                       struct str token, int64_t before_ms, struct err *err) MUST_USE;

/* The row only; whoever deletes adds the job "build.start", which then removes the directory. */
int build_delete(struct db *db, struct str uuid, struct err *err) MUST_USE;

/* Ids "project:uuid", newest or oldest first, below or above `after` (0 = from the beginning).
 * `project` absent: all of the account. *ret_last is what goes on from there. */
int build_list(struct db *db, struct arena *a, struct str account, struct str region,
               struct str project, bool descending, int64_t after, int64_t limit,
               struct str_list *ret, int64_t *ret_last, struct err *err) MUST_USE;

int build_count_running(struct db *db, struct str account, struct str region, struct str project,
                        int64_t *ret, struct err *err) MUST_USE;

/* Uuids of all builds that have been spawned and have not ended, oldest first: in this boot of the
 * machine, and in another one. */
int build_running(struct db *db, struct arena *a, struct str boot, struct str_list *ret_here,
                  struct str_list *ret_lost, struct err *err) MUST_USE;

int build_get_plan(struct db *db, struct arena *a, struct str uuid, struct str *ret,
                   struct err *err) MUST_USE;
/* From now on commands may run, in this boot of the machine: it never starts in another one. */
int build_set_spawned(struct db *db, struct str uuid, struct str boot, struct err *err) MUST_USE;
/* 1 and the boot in which it was spawned, 0 it was not. */
int build_get_boot(struct db *db, struct arena *a, struct str uuid, struct str *ret,
                   struct err *err) MUST_USE;
/* What a retry changes of a row that has ended: its body, which names the next build. */
int build_set_body(struct db *db, const struct build_row *row, struct err *err) MUST_USE;

/* How often the caches of a project were invalidated: part of their names, so that an invalidated
 * cache is never found again. Outlives the project. */
int project_cache_generation(struct db *db, struct str account, struct str region, struct str name,
                             int64_t *ret, struct err *err) MUST_USE;
int project_cache_invalidate(struct db *db, struct str account, struct str region, struct str name,
                             struct err *err) MUST_USE;
/* cache_sweep.c: removes local caches whose project is gone. Outside any transaction. */
void build_sweep_caches(const struct flow *f);
int build_set_stop(struct db *db, struct str uuid, int64_t now_ms, struct err *err) MUST_USE;
/* 1 a stop was asked for, 0 not. */
int build_get_stop(struct db *db, struct str uuid, struct err *err) MUST_USE;

struct build_offsets {
    int64_t events;
    int64_t log;
};
int build_get_offsets(struct db *db, struct str uuid, struct build_offsets *ret,
                      struct err *err) MUST_USE;
/* What ingestion changes of a row. */
int build_update(struct db *db, const struct build_row *row, const struct build_offsets *offsets,
                 struct err *err) MUST_USE;
