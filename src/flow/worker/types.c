/* Rows of action types and their tags; types.h. */
#include "flow/worker/types.h"

extern const char worker_schema_sql[];
const struct db_schema worker_schema = {"worker", worker_schema_sql};

struct str worker_type_name(struct arena *a, struct str owner, struct str category,
                            struct str provider, struct str version) {
    return str_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(owner),
                      STR_ARG(category), STR_ARG(provider), STR_ARG(version));
}

int worker_type_get(struct db *db, struct arena *a, struct worker_type *t, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT definition, created_ms, deleted_ms IS NOT NULL FROM worker_types WHERE "
                 "account = ? AND region = ? AND owner = ? AND category = ? AND provider = ? AND "
                 "version = ?",
                 "ssssss", t->account, t->region, t->owner, t->category, t->provider,
                 t->version) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        t->definition = db_str(&rows, a, 0);
        t->created_ms = db_i64(&rows, 1);
        t->deleted = db_i64(&rows, 2) != 0;
    }
    return found;
}

int worker_type_put(struct db *db, const struct worker_type *t, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO worker_types VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO "
                  "UPDATE SET definition = excluded.definition, deleted_ms = NULL",
                  "sssssssi", t->account, t->region, t->owner, t->category, t->provider, t->version,
                  t->definition, now_ms);
}

int worker_type_delete(struct db *db, const struct worker_type *t, int64_t now_ms,
                       struct err *err) {
    return db_run(db, err,
                  "UPDATE worker_types SET deleted_ms = ? WHERE account = ? AND region = ? AND "
                  "owner = ? AND category = ? AND provider = ? AND version = ?",
                  "issssss", now_ms, t->account, t->region, t->owner, t->category, t->provider,
                  t->version);
}

int worker_type_list(struct db *db, struct arena *a, struct str account, struct str region,
                     struct worker_type_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    *ret = (struct worker_type_list){0};
    if (db_query(db, &rows, err,
                 "SELECT owner, category, provider, version, definition, created_ms FROM "
                 "worker_types WHERE account = ? AND region = ? AND deleted_ms IS NULL ORDER BY "
                 "owner, category, provider, version",
                 "ss", account, region) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct worker_type){
            .account = account,
            .region = region,
            .owner = db_str(&rows, a, 0),
            .category = db_str(&rows, a, 1),
            .provider = db_str(&rows, a, 2),
            .version = db_str(&rows, a, 3),
            .definition = db_str(&rows, a, 4),
            .created_ms = db_i64(&rows, 5),
        };
    }
    return more;
}
