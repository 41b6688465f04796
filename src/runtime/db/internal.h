/* Shared by the files of runtime/db only. */
#pragma once

#include "runtime/db/db.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { DB_CACHE_SLOTS = 256 };

struct db_stmt {
    char *sql;
    sqlite3_stmt *stmt;
    struct db_stmt *next;
};

struct db_hook {
    void (*fn)(void *ud);
    void *ud;
};

struct db {
    sqlite3 *sqlite;
    pthread_mutex_t lock; /* recursive; held while depth > 0 */
    int depth;            /* 0 = no transaction; above 1 = savepoints */
    pthread_mutex_t news; /* the two below; nothing else is locked under it */
    pthread_cond_t committed;
    uint64_t commits; /* outermost ones so far */
    pthread_cond_t synced;
    uint64_t durable;             /* commits on the disk; under `news` */
    bool syncing;                 /* one thread is at it; under `news` */
    atomic_uint_fast64_t written; /* commits in the log; raised under `lock` */
    int log_fd;                   /* the log, for syncing; -1 = in memory */
    bool opened;                  /* from here on an I/O error ends the process */
    struct db_hook *hooks;
    size_t n_hooks;
    struct db_stmt *cache[DB_CACHE_SLOTS];
};

/* group.c: once the log is there; and: returns when that many commits are on the disk. */
int db_group_open(struct db *db, const char *path, struct err *err) MUST_USE;
void db_group_wait(struct db *db, uint64_t commit);

int db_fail(struct db *db, struct err *err, const char *what);
int db_migrate(struct db *db, const struct db_schema *schemas, size_t n, struct err *err) MUST_USE;
