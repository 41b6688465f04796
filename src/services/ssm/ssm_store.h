/*
 * Rows of parameters, their versions and labels. Everything runs inside the caller's transaction.
 * find: 1 found, 0 none, -1 error.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/db/db.h"

extern const struct db_schema ssm_schema;

/* Whose parameters, and which one. */
struct ssm_name {
    struct str account, region, name;
};

struct ssm_row {
    struct str name;
    int64_t version;
    struct str type;
    struct str value;       /* SecureString: encrypted */
    struct str key_id;      /* absent unless SecureString */
    struct str description; /* absent = none */
    struct str pattern;     /* absent = none */
    struct str tier;
    struct str data_type;
    struct str policies; /* JSON list, or absent */
    int64_t modified_ms;
    struct str modified_by;
};

struct ssm_rows {
    struct ssm_row *v;
    size_t n;
};

/* version 0 = the newest. */
int ssm_find(struct db *db, struct arena *a, const struct ssm_name *n, int64_t version,
             struct ssm_row *ret, struct err *err) MUST_USE;
int ssm_find_label(struct db *db, struct arena *a, const struct ssm_name *n, struct str label,
                   struct ssm_row *ret, struct err *err) MUST_USE;
/* Adds a version, which becomes the newest. */
int ssm_insert(struct db *db, const struct ssm_name *n, const struct ssm_row *r,
               struct err *err) MUST_USE;
int ssm_remove(struct db *db, const struct ssm_name *n, struct err *err) MUST_USE;
int ssm_remove_version(struct db *db, const struct ssm_name *n, int64_t version,
                       struct err *err) MUST_USE;

/* Newest versions, by name, above `after`, only names that begin with `prefix`. */
int ssm_list(struct db *db, struct arena *a, struct str account, struct str region,
             struct str prefix, struct str after, int64_t limit, struct ssm_rows *ret,
             struct err *err) MUST_USE;
/* All versions above `after`, oldest first. */
int ssm_versions(struct db *db, struct arena *a, const struct ssm_name *n, int64_t after,
                 int64_t limit, struct ssm_rows *ret, struct err *err) MUST_USE;
/* How many versions, and the oldest one. */
int ssm_count(struct db *db, const struct ssm_name *n, int64_t *ret_n, int64_t *ret_oldest,
              struct err *err) MUST_USE;

int ssm_labels(struct db *db, struct arena *a, const struct ssm_name *n, int64_t version,
               struct str_list *ret, struct err *err) MUST_USE; /* by label */
/* Moves the label here if another version has it. */
int ssm_label_put(struct db *db, const struct ssm_name *n, struct str label, int64_t version,
                  struct err *err) MUST_USE;
int ssm_label_remove(struct db *db, const struct ssm_name *n, struct str label, int64_t version,
                     struct err *err) MUST_USE; /* 1 removed, 0 none */
