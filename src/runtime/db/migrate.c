/* Numbered migrations: each schema's text is cut at its "-- migration N" lines; what is new is run,
 * together with its record. All of one start are one transaction: a start that fails half-way
 * leaves the store as it was, and a first start waits for one fsync, not for one per table. */
#include "runtime/db/internal.h"

#include <stdio.h>

static const char marker[] = "-- migration ";

/* The text of migration `number`, or absent if the schema has none. */
static struct str migration(struct str sql, int number) {
    char head[48];
    snprintf(head, sizeof(head), "%s%d\n", marker, number);
    size_t at = str_find(sql, str_c(head), 0);
    if (at == (size_t)-1) {
        return STR_NONE;
    }
    size_t from = at + strlen(head);
    size_t end = str_find(sql, str_c(marker), from);
    return str_sub(sql, from, end == (size_t)-1 ? sql.n : end - from);
}

static int apply(struct db *db, const struct db_schema *schema, int number, struct str sql,
                 struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_begin(db, err);
    if (result == 0) {
        result = sqlite3_exec(db->sqlite, str_z(&a, sql), NULL, NULL, NULL) == SQLITE_OK
                     ? 0
                     : db_fail(db, err, schema->name);
        if (result == 0) {
            result = db_run(db, err, "INSERT INTO migrations(name, number) VALUES (?, ?)", "zi",
                            schema->name, (int64_t)number);
        }
        if (result < 0) {
            db_rollback(db);
        } else {
            result = db_commit(db, err);
        }
    }
    arena_done(&a);
    return result < 0 ? err_wrap(err, "migration %d of %s", number, schema->name) : 0;
}

static int last_applied(struct db *db, const char *name, int64_t *ret, struct err *err) {
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = db_get_i64(
        db, ret, err, "SELECT coalesce(max(number), 0) FROM migrations WHERE name = ?", "z", name);
    db_rollback(db);
    return found < 0 ? -1 : 0;
}

static int migrate_one(struct db *db, const struct db_schema *schema, struct err *err) {
    int64_t applied = 0;
    if (last_applied(db, schema->name, &applied, err) < 0) {
        return -1;
    }
    struct str sql = str_c(schema->sql);
    if (applied > 0 && migration(sql, (int)applied).p == NULL) {
        return err_set(err, ERR_INTERNAL,
                       "store: '%s' is at migration %d, which this version does not know: it was "
                       "written by a newer trunkline",
                       schema->name, (int)applied);
    }
    for (int number = (int)applied + 1;; number++) {
        struct str text = migration(sql, number);
        if (text.p == NULL) {
            return 0;
        }
        if (apply(db, schema, number, text, err) < 0) {
            return -1;
        }
    }
}

int db_migrate(struct db *db, const struct db_schema *schemas, size_t n, struct err *err) {
    if (sqlite3_exec(db->sqlite,
                     "CREATE TABLE IF NOT EXISTS migrations(name TEXT NOT NULL, number INTEGER NOT "
                     "NULL, PRIMARY KEY(name, number)) WITHOUT ROWID",
                     NULL, NULL, NULL) != SQLITE_OK) {
        return db_fail(db, err, "migrations");
    }
    if (db_begin(db, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (migrate_one(db, &schemas[i], err) < 0) {
            db_rollback(db);
            return -1;
        }
    }
    return db_commit(db, err);
}
