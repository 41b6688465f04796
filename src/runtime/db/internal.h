/* Shared by the files of runtime/db only. */
#pragma once

#include "runtime/db/db.h"

#include <pthread.h>
#include <sqlite3.h>

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
    uint64_t commits;     /* outermost ones so far */
    bool opened;          /* from here on an I/O error ends the process */
    struct db_hook *hooks;
    size_t n_hooks;
    struct db_stmt *cache[DB_CACHE_SLOTS];
};

int db_fail(struct db *db, struct err *err, const char *what);
int db_migrate(struct db *db, const struct db_schema *schemas, size_t n, struct err *err) MUST_USE;
