/*
 * The floor of what is durable: the statements that releases make, recorded, then run again by
 * SQLite alone, prepared beforehand with their values in them, in the same transactions, WAL and
 * synchronous=FULL. Reads are left out: a program that only writes needs none.
 */
#include "releases.h"

#include <sqlite3.h>
#include <stdlib.h>

struct bench_floor {
    char **sql;
    size_t n;
    size_t room;
};

static struct bench_floor *recording;

static void keep(struct bench_floor *f, const char *sql) {
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : 1024;
        f->sql = mem_realloc(f->sql, f->room * sizeof(*f->sql));
    }
    f->sql[f->n++] = mem_strdup(sql);
}

static bool starts(const char *sql, const char *word) {
    return str_starts(str_c(sql), str_c(word));
}

static int traced(unsigned what, void *ud, void *statement, void *text) {
    (void)what;
    (void)ud;
    (void)text;
    char *sql = sqlite3_expanded_sql(statement);
    if (recording != NULL && sql != NULL &&
        (starts(sql, "INSERT") || starts(sql, "UPDATE") || starts(sql, "DELETE") ||
         starts(sql, "BEGIN") || starts(sql, "COMMIT"))) {
        keep(recording, sql);
    }
    sqlite3_free(sql);
    return 0;
}

static int opened(sqlite3 *db, const char **message, const struct sqlite3_api_routines *api) {
    (void)message;
    (void)api;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, traced, NULL);
    return SQLITE_OK;
}

struct bench_floor *bench_floor_record(void) {
    recording = mem_alloc(sizeof(*recording));
    sqlite3_auto_extension((void (*)(void))opened);
    return recording;
}

void bench_floor_stop(struct bench_floor *f) {
    sqlite3_reset_auto_extension();
    recording = recording == f ? NULL : recording;
}

void bench_floor_free(struct bench_floor *f) {
    for (size_t i = 0; i < f->n; i++) {
        free(f->sql[i]);
    }
    free(f->sql);
    free(f);
}

/* Behind what made the tables: the first transaction that is about a pipeline. */
static size_t first(const struct bench_floor *f) {
    for (size_t i = 0; i < f->n; i++) {
        if (starts(f->sql[i], "INSERT INTO pipelines(")) {
            return i > 0 ? i - 1 : 0;
        }
    }
    return f->n;
}

static int run_all(struct bench_floor *f, sqlite3 *db, sqlite3_stmt **all, size_t from,
                   double *ret_rate) {
    int64_t events = 0;
    for (size_t i = from; i < f->n; i++) {
        if (sqlite3_prepare_v2(db, f->sql[i], -1, &all[i], NULL) != SQLITE_OK) {
            return -1;
        }
    }
    double began = bench_now_s();
    for (size_t i = from; i < f->n; i++) {
        if (sqlite3_step(all[i]) != SQLITE_DONE) {
            return -1;
        }
        sqlite3_reset(all[i]);
        events += starts(f->sql[i], "INSERT INTO pipeline_events(");
    }
    *ret_rate = (double)events / (bench_now_s() - began);
    return 0;
}

int bench_floor_run(struct bench_floor *f, const char *path, double *ret_rate, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt **all = mem_alloc((f->n + 1) * sizeof(*all));
    int failed = sqlite3_open(path, &db) != SQLITE_OK ||
                 sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL,
                              NULL) != SQLITE_OK ||
                 run_all(f, db, all, first(f), ret_rate) < 0;
    if (failed) {
        err_set(err, ERR_INTERNAL, "floor: %s", sqlite3_errmsg(db));
    }
    for (size_t i = 0; i < f->n; i++) {
        sqlite3_finalize(all[i]);
    }
    free(all);
    sqlite3_close(db);
    return failed ? -1 : 0;
}
