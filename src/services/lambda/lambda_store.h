/* Rows of functions, versions and policy statements, inside the caller's transaction. */
#pragma once

#include "base/clock.h"
#include "gen/lambda.h"
#include "runtime/db/db.h"

extern const struct db_schema lambda_schema;

struct lambda_row {
    struct str arn, account, region, name;
    struct lambda_function_configuration config;
    struct str code; /* SHA-256 in hexadecimal */
    int64_t last_version;
    int64_t concurrency; /* -1 = none */
};
struct lambda_rows {
    struct lambda_row *v;
    size_t n;
};

/* 1 found, 0 none, -1. */
int lambda_find(struct db *db, struct arena *a, struct str arn, struct lambda_row *ret,
                struct err *err) MUST_USE;
/* Inserts or replaces. */
int lambda_put(struct db *db, const struct rng *rng, const struct lambda_row *row,
               struct err *err) MUST_USE;
int lambda_remove(struct db *db, struct str arn, struct err *err) MUST_USE;
/* By name, above `after`. */
int lambda_list(struct db *db, struct arena *a, struct str account, struct str region,
                struct str after, int64_t limit, struct lambda_rows *ret, struct err *err) MUST_USE;

/* Published versions: row->config and row->code are the version's. */
int lambda_version_find(struct db *db, struct arena *a, const struct lambda_row *function,
                        int64_t version, struct lambda_row *ret, struct err *err) MUST_USE;
int lambda_version_put(struct db *db, const struct rng *rng, const struct lambda_row *row,
                       int64_t version, struct err *err) MUST_USE;
int lambda_version_remove(struct db *db, struct str arn, int64_t version, struct err *err) MUST_USE;
int lambda_version_list(struct db *db, struct arena *a, const struct lambda_row *function,
                        struct lambda_rows *ret, struct err *err) MUST_USE;

/* Statements of a policy in order of addition, as JSON texts. */
int lambda_statement_add(struct db *db, struct str arn, struct str qualifier, struct str sid,
                         struct str statement, struct err *err) MUST_USE; /* ERR_EXISTS */
int lambda_statement_remove(struct db *db, struct str arn, struct str qualifier, struct str sid,
                            bool *ret_found, struct err *err) MUST_USE;
int lambda_statements(struct db *db, struct arena *a, struct str arn, struct str qualifier,
                      struct str_list *ret, struct err *err) MUST_USE;

/* Whether any function or version has this code. */
int lambda_code_used(struct db *db, struct str code, bool *ret, struct err *err) MUST_USE;
