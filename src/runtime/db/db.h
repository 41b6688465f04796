/*
 * The store: one SQLite database with a write-ahead log, one connection, one lock. A transaction
 * holds the lock; nesting makes savepoints. Commits are synced in groups, after the lock is free:
 * who leaves an outermost transaction knows that what it read and wrote is on the disk. An fsync or
 * I/O error ends the process: after it, what the disk holds is unknown, and start is recovery.
 *
 * Values are bound and read by a format string, one character each:
 *   s struct str (absent = NULL)   b struct str as BLOB   z const char * (NULL = NULL)
 *   i int64_t                      d double
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct db;

/* One folder's tables: `sql` holds migrations, each begun by a line "-- migration N" (1, 2, ...).
 * Applied ones are recorded by name and N; an applied migration never changes. */
struct db_schema {
    const char *name;
    const char *sql;
};

/* Opens or creates the file ("" = a private database in memory) and applies the schemas.
 * ERR_CONFLICT if another process serves this file, ERR_INTERNAL if it was written by a newer
 * version. */
int db_open(const char *path, const struct db_schema *schemas, size_t n, struct db **ret,
            struct err *err) MUST_USE;
/* To look at a store, also one that a server works on: nothing can be written, and each transaction
 * sees one moment. ERR_NOT_FOUND: there is no such file. */
int db_open_view(const char *path, struct db **ret, struct err *err) MUST_USE;
void db_close(struct db *db); /* NULL ok */

/* Writes the store anew, so that nothing of what was deleted or written over is left in its files.
 * For once, at a start: it takes as long as the store is large. Outside any transaction. */
int db_scrub(struct db *db, struct err *err) MUST_USE;

/* Transactions. Begin takes the lock (recursive per thread); only the outermost commit is durable,
 * and only then do the db_on_commit callbacks run (after the lock is released), in order. */
int db_begin(struct db *db, struct err *err) MUST_USE;
int db_commit(struct db *db, struct err *err) MUST_USE;
void db_rollback(struct db *db); /* undoes this level only; safe after a failed commit */
/* As db_rollback, without waiting for the disk: after reads that only a later transaction of the
 * same request builds upon (whose key is this?). */
void db_glance(struct db *db);
void db_on_commit(struct db *db, void (*fn)(void *ud), void *ud);
int db_depth(
    const struct db *db); /* levels that are open, for the thread that has begun; 1 = outermost */

/* Waiting for others' work without looking again and again: take the number, look at the state in a
 * transaction of your own, then wait until the number has changed or the time is over. Never call
 * db_wait_commit inside a transaction. */
uint64_t db_commits(struct db *db);
void db_wait_commit(struct db *db, uint64_t seen, int timeout_ms);
bool db_busy(struct db *db); /* this thread is inside a transaction of the store */

/* Runs one statement that returns no rows. Must be inside a transaction. */
int db_run(struct db *db, struct err *err, const char *sql, const char *types, ...) MUST_USE;
int64_t db_changes(struct db *db);       /* rows changed by the last db_run */
int64_t db_total_changes(struct db *db); /* rows changed since the store was opened */
int64_t db_last_rowid(struct db *db);

/* A query: prepared once per text (cached), open until db_done. Inside a transaction only.
 *   struct db_rows rows cleanup_rows = {0};
 *   if (db_query(db, &rows, err, "SELECT a, b FROM t WHERE c = ?", "s", c) < 0) return -1;
 *   while ((more = db_next(&rows, err)) > 0) { x = db_str(&rows, a, 0); y = db_i64(&rows, 1); }
 */
struct db_rows {
    struct db *db;
    void *stmt; /* sqlite3_stmt */
    bool own;   /* not from the cache: finalized when done */
};
int db_query(struct db *db, struct db_rows *ret, struct err *err, const char *sql,
             const char *types, ...) MUST_USE;
int db_next(struct db_rows *rows, struct err *err) MUST_USE; /* 1 row, 0 end, -1 error */
void db_done(struct db_rows *rows);
#define cleanup_rows __attribute__((cleanup(db_done)))

/* Columns of the current row, from 0. Strings are copied into the arena; NULL is absent. */
struct str db_str(struct db_rows *rows, struct arena *a, int column);
int64_t db_i64(struct db_rows *rows, int column); /* NULL is 0 */
double db_double(struct db_rows *rows, int column);
bool db_null(struct db_rows *rows, int column);

/* First column of the first row. 1 found, 0 no row, -1 error. */
int db_get_i64(struct db *db, int64_t *ret, struct err *err, const char *sql, const char *types,
               ...) MUST_USE;
int db_get_str(struct db *db, struct arena *a, struct str *ret, struct err *err, const char *sql,
               const char *types, ...) MUST_USE;
