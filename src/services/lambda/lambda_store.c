/* Implementation of services/lambda/lambda_store.h. */
#include "services/lambda/lambda_store.h"

#include "services/core/seal.h"
#include "services/core/value.h"

extern const char lambda_schema_sql[];
const struct db_schema lambda_schema = {"lambda", lambda_schema_sql};

static const struct shape *config_shape(void) {
    return lambda_op_create_function.out;
}

static struct str seal_context(struct arena *a, struct str arn) {
    return str_printf(a, "lambda/%.*s", STR_ARG(arn));
}

static struct str close_config(struct arena *a, const struct rng *rng,
                               const struct lambda_row *row) {
    json_t *json cleanup_json = value_to_json(config_shape(), &row->config);
    return seal_make(a, rng, seal_context(a, row->arn), json_dump_str(a, json));
}

static int open_config(struct arena *a, struct str arn, struct str sealed,
                       struct lambda_function_configuration *ret, struct err *err) {
    struct str text = STR_NONE;
    *ret = (struct lambda_function_configuration){0};
    if (seal_open(a, seal_context(a, arn), sealed, &text, err) < 0) {
        return err_wrap(err, "function " STR_FMT, STR_ARG(arn));
    }
    json_t *json cleanup_json = json_parse(text, err);
    return json == NULL ? -1 : value_from_json(a, config_shape(), json, 0, ret, err);
}

static int read_row(struct db_rows *rows, struct arena *a, struct lambda_row *ret,
                    struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *ret = (struct lambda_row){
        .arn = db_str(rows, a, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .code = db_str(rows, a, 5),
        .last_version = db_i64(rows, 6),
        .concurrency = db_null(rows, 7) ? -1 : db_i64(rows, 7),
    };
    return open_config(a, ret->arn, db_str(rows, a, 4), &ret->config, err) < 0 ? -1 : 1;
}

int lambda_find(struct db *db, struct arena *a, struct str arn, struct lambda_row *ret,
                struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT arn, account, region, name, config, code, last_version, concurrency "
                 "FROM lambda_function WHERE arn = ?",
                 "s", arn) < 0) {
        return -1;
    }
    return read_row(&rows, a, ret, err);
}

int lambda_put(struct db *db, const struct rng *rng, const struct lambda_row *row,
               struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(
        db, err,
        "INSERT INTO lambda_function(arn, account, region, name, config, code, last_version, "
        "concurrency) VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, -1)) ON CONFLICT(arn) DO UPDATE SET "
        "config = excluded.config, code = excluded.code, last_version = excluded.last_version, "
        "concurrency = excluded.concurrency",
        "ssssbsii", row->arn, row->account, row->region, row->name, close_config(&a, rng, row),
        row->code, row->last_version, row->concurrency);
    arena_done(&a);
    return result;
}

int lambda_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM lambda_function WHERE arn = ?", "s", arn);
}

int lambda_list(struct db *db, struct arena *a, struct str account, struct str region,
                struct str after, int64_t limit, struct lambda_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT arn, account, region, name, config, code, last_version, concurrency "
                 "FROM lambda_function WHERE account = ? AND region = ? AND name > ? "
                 "ORDER BY name LIMIT ?",
                 "sssi", account, region, after.p != NULL ? after : S(""), limit) < 0) {
        return -1;
    }
    *ret = (struct lambda_rows){0};
    struct lambda_row row;
    int more;
    while ((more = read_row(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int lambda_version_find(struct db *db, struct arena *a, const struct lambda_row *function,
                        int64_t version, struct lambda_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT config, code FROM lambda_version WHERE arn = ? AND version = ?", "si",
                 function->arn, version) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found != 1) {
        return found;
    }
    *ret = *function;
    ret->code = db_str(&rows, a, 1);
    return open_config(a, function->arn, db_str(&rows, a, 0), &ret->config, err) < 0 ? -1 : 1;
}

int lambda_version_put(struct db *db, const struct rng *rng, const struct lambda_row *row,
                       int64_t version, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(db, err,
                        "INSERT INTO lambda_version(arn, version, config, code) "
                        "VALUES (?, ?, ?, ?)",
                        "sibs", row->arn, version, close_config(&a, rng, row), row->code);
    arena_done(&a);
    return result;
}

int lambda_version_remove(struct db *db, struct str arn, int64_t version, struct err *err) {
    return db_run(db, err, "DELETE FROM lambda_version WHERE arn = ? AND version = ?", "si", arn,
                  version);
}

int lambda_version_list(struct db *db, struct arena *a, const struct lambda_row *function,
                        struct lambda_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT config, code FROM lambda_version WHERE arn = ? ORDER BY version", "s",
                 function->arn) < 0) {
        return -1;
    }
    *ret = (struct lambda_rows){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        struct lambda_row *row = arena_push(a, ret);
        *row = *function;
        row->code = db_str(&rows, a, 1);
        if (open_config(a, function->arn, db_str(&rows, a, 0), &row->config, err) < 0) {
            return -1;
        }
    }
    return more;
}

int lambda_statement_add(struct db *db, struct str arn, struct str qualifier, struct str sid,
                         struct str statement, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO lambda_statement(arn, qualifier, sid, statement, seq) "
                  "VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(seq), 0) + 1 FROM "
                  "lambda_statement WHERE arn = ?1))",
                  "ssss", arn, qualifier, sid, statement);
}

int lambda_statement_remove(struct db *db, struct str arn, struct str qualifier, struct str sid,
                            bool *ret_found, struct err *err) {
    int result =
        db_run(db, err, "DELETE FROM lambda_statement WHERE arn = ? AND qualifier = ? AND sid = ?",
               "sss", arn, qualifier, sid);
    *ret_found = result == 0 && db_changes(db) > 0;
    return result;
}

int lambda_statements(struct db *db, struct arena *a, struct str arn, struct str qualifier,
                      struct str_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT statement FROM lambda_statement WHERE arn = ? AND qualifier = ? "
                 "ORDER BY seq",
                 "ss", arn, qualifier) < 0) {
        return -1;
    }
    *ret = (struct str_list){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

int lambda_code_used(struct db *db, struct str code, bool *ret, struct err *err) {
    int64_t one = 0;
    int found = db_get_i64(db, &one, err,
                           "SELECT 1 FROM lambda_function WHERE code = ?1 UNION ALL "
                           "SELECT 1 FROM lambda_version WHERE code = ?1 LIMIT 1",
                           "s", code);
    *ret = found > 0;
    return found < 0 ? -1 : 0;
}
