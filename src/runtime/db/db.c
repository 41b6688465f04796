/* Implementation of runtime/db/db.h over SQLite. Migrations are in migrate.c. */
#include "runtime/db/db.h"

#include "runtime/db/internal.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's message, kept apart from ours so that both are read. An I/O error is not survivable:
 * the kernel may have dropped the pages that it could not write. */
int db_fail(struct db *db, struct err *err, const char *what) {
    int code = sqlite3_extended_errcode(db->sqlite) & 0xFF;
    if (code == SQLITE_IOERR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        if (db->opened) {
            fprintf(stderr, "trunkline: store: %s: %s; ending, start again to recover\n", what,
                    sqlite3_errmsg(db->sqlite));
            _exit(70);
        }
        return err_set(err, ERR_INTERNAL, "store: %s: %s", what, sqlite3_errmsg(db->sqlite));
    }
    if (code == SQLITE_FULL) {
        return err_set(err, ERR_UNAVAILABLE, "store: the disk is full; free space and try again");
    }
    if (code == SQLITE_CONSTRAINT) {
        return err_set(err, ERR_EXISTS, "store: %s: %s", what, sqlite3_errmsg(db->sqlite));
    }
    return err_set(err, ERR_INTERNAL, "store: %s: %s", what, sqlite3_errmsg(db->sqlite));
}

static int exec(struct db *db, const char *sql, struct err *err) {
    if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return db_fail(db, err, sql);
    }
    return 0;
}

int db_begin(struct db *db, struct err *err) {
    pthread_mutex_lock(&db->lock);
    char sql[32];
    if (db->depth == 0) {
        snprintf(sql, sizeof(sql), "BEGIN");
    } else {
        snprintf(sql, sizeof(sql), "SAVEPOINT s%d", db->depth);
    }
    if (exec(db, sql, err) < 0) {
        pthread_mutex_unlock(&db->lock);
        return -1;
    }
    db->depth++;
    return 0;
}

static void run_hooks(struct db_hook *hooks, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hooks[i].fn(hooks[i].ud);
    }
    free(hooks);
}

uint64_t db_commits(struct db *db) {
    pthread_mutex_lock(&db->news);
    uint64_t n = db->commits;
    pthread_mutex_unlock(&db->news);
    return n;
}

void db_wait_commit(struct db *db, uint64_t seen, int timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)timeout_ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&db->news);
    while (db->commits == seen) {
        if (pthread_cond_timedwait(&db->committed, &db->news, &until) != 0) {
            break;
        }
    }
    pthread_mutex_unlock(&db->news);
}

static void tell_commit(struct db *db) {
    pthread_mutex_lock(&db->news);
    db->commits++;
    pthread_cond_broadcast(&db->committed);
    pthread_mutex_unlock(&db->news);
}

bool db_busy(struct db *db) {
    if (pthread_mutex_trylock(&db->lock) != 0) {
        return false; /* another thread is; had it been this one, the lock would let it in */
    }
    bool inside = db->depth > 0;
    pthread_mutex_unlock(&db->lock);
    return inside;
}

/* `settle`: the outermost level waits until what it saw is on the disk. */
static int leave(struct db *db, bool committed, bool settle) {
    db->depth--;
    struct db_hook *hooks = NULL;
    size_t n = 0;
    if (db->depth == 0) {
        hooks = db->hooks;
        n = db->n_hooks;
        db->hooks = NULL;
        db->n_hooks = 0;
    }
    bool outermost = db->depth == 0;
    uint64_t seen = atomic_load(&db->written);
    pthread_mutex_unlock(&db->lock);
    if (outermost && settle) {
        db_group_wait(db, seen);
    }
    if (committed && outermost) {
        tell_commit(db);
    }
    run_hooks(hooks, n);
    return 0;
}

int db_commit(struct db *db, struct err *err) {
    char sql[32];
    bool wrote = false;
    if (db->depth == 1) {
        wrote = sqlite3_txn_state(db->sqlite, NULL) == SQLITE_TXN_WRITE;
        snprintf(sql, sizeof(sql), "COMMIT");
    } else {
        snprintf(sql, sizeof(sql), "RELEASE s%d", db->depth - 1);
    }
    if (exec(db, sql, err) < 0) {
        db_rollback(db);
        return -1;
    }
    if (wrote) {
        atomic_fetch_add(&db->written, 1);
    }
    return leave(db, true, true);
}

static void undo(struct db *db) {
    if (db->depth == 1) {
        if (!sqlite3_get_autocommit(db->sqlite)) { /* some errors have rolled back already */
            sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
        }
        db->n_hooks = 0;
    } else {
        char sql[64];
        snprintf(sql, sizeof(sql), "ROLLBACK TO s%d; RELEASE s%d", db->depth - 1, db->depth - 1);
        sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    }
}

void db_rollback(struct db *db) {
    if (!db_busy(db)) {
        return; /* ended already: what is open now, if anything, is another thread's */
    }
    undo(db);
    leave(db, false, true);
}

void db_glance(struct db *db) {
    undo(db);
    leave(db, false, false);
}

void db_on_commit(struct db *db, void (*fn)(void *ud), void *ud) {
    for (size_t i = 0; i < db->n_hooks; i++) {
        if (db->hooks[i].fn == fn && db->hooks[i].ud == ud) {
            return;
        }
    }
    db->hooks = mem_realloc(db->hooks, (db->n_hooks + 1) * sizeof(*db->hooks));
    db->hooks[db->n_hooks++] = (struct db_hook){fn, ud};
}

/* Statements are cached by the address and the text of the SQL; a busy one (a query inside a query
 * of the same text) is prepared afresh. */
static sqlite3_stmt *cached(struct db *db, const char *sql) {
    uint32_t hash = 2166136261u;
    for (const char *at = sql; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    for (struct db_stmt *s = db->cache[hash % DB_CACHE_SLOTS]; s != NULL; s = s->next) {
        if (strcmp(s->sql, sql) == 0) {
            return sqlite3_stmt_busy(s->stmt) ? NULL : s->stmt;
        }
    }
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
        SQLITE_OK) {
        return NULL;
    }
    struct db_stmt *entry = mem_alloc(sizeof(*entry));
    entry->sql = mem_strdup(sql);
    entry->stmt = stmt;
    entry->next = db->cache[hash % DB_CACHE_SLOTS];
    db->cache[hash % DB_CACHE_SLOTS] = entry;
    return stmt;
}

static int bind_all(sqlite3_stmt *stmt, const char *types, va_list args) {
    int at = 1;
    for (const char *type = types; *type != '\0'; type++, at++) {
        int code = SQLITE_OK;
        if (*type == 'i') {
            code = sqlite3_bind_int64(stmt, at, va_arg(args, int64_t));
        } else if (*type == 'd') {
            code = sqlite3_bind_double(stmt, at, va_arg(args, double));
        } else if (*type == 'z') {
            code = sqlite3_bind_text(stmt, at, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (*type == 's') {
            struct str s = va_arg(args, struct str);
            code = sqlite3_bind_text64(stmt, at, s.p, s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        } else if (*type == 'b') {
            struct str s = va_arg(args, struct str);
            code = sqlite3_bind_blob64(stmt, at, s.p, s.n, SQLITE_TRANSIENT);
        } else {
            abort(); /* a broken format string is our bug */
        }
        if (code != SQLITE_OK) {
            return code;
        }
    }
    return at - 1 == sqlite3_bind_parameter_count(stmt) ? SQLITE_OK : SQLITE_RANGE;
}

static int open_query(struct db *db, struct db_rows *ret, struct err *err, const char *sql,
                      const char *types, va_list args) {
    *ret = (struct db_rows){.db = db};
    if (db->depth == 0) {
        return err_set(err, ERR_INTERNAL, "store: '%s' outside a transaction", sql);
    }
    sqlite3_stmt *stmt = cached(db, sql);
    if (stmt == NULL) {
        if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK) {
            return db_fail(db, err, sql);
        }
        ret->own = true;
    }
    ret->stmt = stmt;
    int code = bind_all(stmt, types, args);
    if (code != SQLITE_OK) {
        db_done(ret);
        return err_set(err, ERR_INTERNAL, "store: cannot bind '%s' by '%s'", sql, types);
    }
    return 0;
}

int db_query(struct db *db, struct db_rows *ret, struct err *err, const char *sql,
             const char *types, ...) {
    va_list args;
    va_start(args, types);
    int result = open_query(db, ret, err, sql, types, args);
    va_end(args);
    return result;
}

int db_next(struct db_rows *rows, struct err *err) {
    int code = sqlite3_step(rows->stmt);
    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code == SQLITE_DONE) {
        return 0;
    }
    return db_fail(rows->db, err, sqlite3_sql(rows->stmt));
}

void db_done(struct db_rows *rows) {
    if (rows->stmt == NULL) {
        return;
    }
    if (rows->own) {
        sqlite3_finalize(rows->stmt);
    } else {
        sqlite3_reset(rows->stmt);
        sqlite3_clear_bindings(rows->stmt);
    }
    rows->stmt = NULL;
}

int db_run(struct db *db, struct err *err, const char *sql, const char *types, ...) {
    va_list args;
    va_start(args, types);
    struct db_rows rows cleanup_rows = {0};
    int result = open_query(db, &rows, err, sql, types, args);
    va_end(args);
    return result < 0 ? -1 : db_next(&rows, err) < 0 ? -1 : 0;
}

int64_t db_changes(struct db *db) {
    return sqlite3_changes64(db->sqlite);
}

int64_t db_total_changes(struct db *db) {
    return sqlite3_total_changes64(db->sqlite);
}

int db_depth(const struct db *db) {
    return db->depth;
}

int64_t db_last_rowid(struct db *db) {
    return sqlite3_last_insert_rowid(db->sqlite);
}

struct str db_str(struct db_rows *rows, struct arena *a, int column) {
    const void *p = sqlite3_column_blob(rows->stmt, column);
    size_t n = (size_t)sqlite3_column_bytes(rows->stmt, column);
    if (sqlite3_column_type(rows->stmt, column) == SQLITE_NULL) {
        return STR_NONE;
    }
    return str_dup(a, n == 0 ? S("") : str_n(p, n));
}

int64_t db_i64(struct db_rows *rows, int column) {
    return sqlite3_column_int64(rows->stmt, column);
}

double db_double(struct db_rows *rows, int column) {
    return sqlite3_column_double(rows->stmt, column);
}

bool db_null(struct db_rows *rows, int column) {
    return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

int db_get_i64(struct db *db, int64_t *ret, struct err *err, const char *sql, const char *types,
               ...) {
    va_list args;
    va_start(args, types);
    struct db_rows rows cleanup_rows = {0};
    int found = open_query(db, &rows, err, sql, types, args);
    va_end(args);
    if (found == 0) {
        found = db_next(&rows, err);
    }
    if (found > 0) {
        *ret = db_i64(&rows, 0);
    }
    return found;
}

int db_get_str(struct db *db, struct arena *a, struct str *ret, struct err *err, const char *sql,
               const char *types, ...) {
    va_list args;
    va_start(args, types);
    struct db_rows rows cleanup_rows = {0};
    int found = open_query(db, &rows, err, sql, types, args);
    va_end(args);
    if (found == 0) {
        found = db_next(&rows, err);
    }
    if (found > 0) {
        *ret = db_str(&rows, a, 0);
    }
    return found;
}

/* WAL is a promise of ours (P1): set and read back. NORMAL, because group.c does the syncing. */
static int set_durable(struct db *db, struct err *err) {
    if (exec(db, "PRAGMA journal_mode=WAL", err) < 0 ||
        exec(db, "PRAGMA synchronous=NORMAL", err) < 0 ||
        exec(db, "PRAGMA foreign_keys=ON", err) < 0 ||
        exec(db, "PRAGMA wal_autocheckpoint=2000", err) < 0) {
        return -1;
    }
    struct arena a = ARENA_INIT;
    struct str mode = STR_NONE;
    int64_t sync = 0;
    int bad = db_begin(db, err);
    if (bad == 0) {
        bad = db_get_str(db, &a, &mode, err, "PRAGMA journal_mode", "") < 1 ||
              db_get_i64(db, &sync, err, "PRAGMA synchronous", "") < 1;
        db_rollback(db);
    }
    bool right = !bad && sync == 1 && (str_is(mode, "wal") || str_is(mode, "memory"));
    arena_done(&a);
    return right ? 0
                 : err_set(err, ERR_SYSTEM,
                           "store: this file system cannot keep a durable "
                           "SQLite database (write-ahead log)");
}

static struct db *new_db(void) {
    struct db *db = mem_alloc(sizeof(*db));
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&db->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_mutex_init(&db->news, NULL);
    pthread_condattr_t news;
    pthread_condattr_init(&news);
    pthread_condattr_setclock(&news, CLOCK_MONOTONIC);
    pthread_cond_init(&db->committed, &news);
    pthread_cond_init(&db->synced, NULL);
    db->log_fd = -1;
    pthread_condattr_destroy(&news);
    return db;
}

int db_open(const char *path, const struct db_schema *schemas, size_t n, struct db **ret,
            struct err *err) {
    struct db *db = new_db();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(*path ? path : ":memory:", &db->sqlite, flags, NULL) != SQLITE_OK) {
        err_set(err, ERR_SYSTEM, "store: cannot open %s: %s", path, sqlite3_errmsg(db->sqlite));
        db_close(db);
        return -1;
    }
    if (*path && chmod(path, 0600) < 0) { /* its log and index take their mode from it */
        err_sys(err, errno, "store: cannot change the mode of %s", path);
        db_close(db);
        return -1;
    }
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, 2000);
    if (set_durable(db, err) < 0 || db_migrate(db, schemas, n, err) < 0 ||
        (*path && db_group_open(db, path, err) < 0)) {
        db_close(db);
        return -1;
    }
    db->opened = true;
    atomic_fetch_add(&db->written, 1); /* the migrations */
    db_group_wait(db, 1);
    *ret = db;
    return 0;
}

int db_open_view(const char *path, struct db **ret, struct err *err) {
    if (access(path, F_OK) < 0) {
        return err_set(err, ERR_NOT_FOUND, "store: there is no %s", path);
    }
    struct db *db = new_db();
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db->sqlite, flags, NULL) != SQLITE_OK) {
        err_set(err, ERR_SYSTEM, "store: cannot open %s: %s", path, sqlite3_errmsg(db->sqlite));
        db_close(db);
        return -1;
    }
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, 2000);
    *ret = db;
    return 0;
}

void db_close(struct db *db) {
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < DB_CACHE_SLOTS; i++) {
        while (db->cache[i] != NULL) {
            struct db_stmt *entry = db->cache[i];
            db->cache[i] = entry->next;
            sqlite3_finalize(entry->stmt);
            free(entry->sql);
            free(entry);
        }
    }
    sqlite3_close(db->sqlite);
    if (db->log_fd >= 0) {
        close(db->log_fd);
    }
    free(db->hooks);
    pthread_mutex_destroy(&db->lock);
    pthread_mutex_destroy(&db->news);
    pthread_cond_destroy(&db->committed);
    pthread_cond_destroy(&db->synced);
    free(db);
}
