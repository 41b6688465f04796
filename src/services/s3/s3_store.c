/* Buckets, their settings, the trash, and maps as text. Objects are in object_store.c. */
#include "services/s3/s3_store.h"

#include "runtime/http/http.h"
#include "services/s3/jobs.h"

extern const char s3_schema_sql[];
const struct db_schema s3_schema = {"s3", s3_schema_sql};

static int read_bucket(struct db_rows *rows, struct arena *a, struct s3_bucket_row *ret,
                       struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct s3_bucket_row){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                                      db_i64(rows, 3), db_str(rows, a, 4)};
    }
    return more;
}

int s3_bucket_find(struct db *db, struct arena *a, struct str name, struct s3_bucket_row *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT name, account, region, created_ms, versioning FROM s3_bucket "
                 "WHERE name = ?",
                 "s", name) < 0) {
        return -1;
    }
    return read_bucket(&rows, a, ret, err);
}

int s3_bucket_insert(struct db *db, const struct s3_bucket_row *b, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO s3_bucket(name, account, region, created_ms, versioning) "
                  "VALUES (?, ?, ?, ?, ?)",
                  "sssis", b->name, b->account, b->region, b->created_ms, b->versioning);
}

int s3_bucket_remove(struct db *db, struct str name, struct err *err) {
    int64_t one = 0;
    int found =
        db_get_i64(db, &one, err, "SELECT 1 FROM s3_object WHERE bucket = ? LIMIT 1", "s", name);
    if (found != 0) {
        return found < 0
                   ? -1
                   : err_set(err, ERR_CONFLICT, "bucket '" STR_FMT "' is not empty", STR_ARG(name));
    }
    if (db_run(db, err,
               "INSERT OR IGNORE INTO s3_trash(file) SELECT p.file FROM s3_part p "
               "JOIN s3_upload u ON u.id = p.upload WHERE u.bucket = ?",
               "s", name) < 0 ||
        s3_trash_added(db, err) < 0 ||
        db_run(db, err, "DELETE FROM s3_upload WHERE bucket = ?", "s", name) < 0) {
        return -1;
    }
    return db_run(db, err, "DELETE FROM s3_bucket WHERE name = ?", "s", name);
}

int s3_bucket_set_versioning(struct db *db, struct str name, struct str status, struct err *err) {
    return db_run(db, err, "UPDATE s3_bucket SET versioning = ? WHERE name = ?", "ss", status,
                  name);
}

int s3_bucket_list(struct db *db, struct arena *a, struct str account, struct str prefix,
                   struct str after, int64_t limit, struct s3_bucket_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct str from = after.p != NULL ? after : S("");
    if (db_query(db, &rows, err,
                 "SELECT name, account, region, created_ms, versioning FROM s3_bucket "
                 "WHERE account = ? AND name > ? AND substr(name, 1, length(?3)) = ?3 "
                 "ORDER BY name LIMIT ?",
                 "sssi", account, from, prefix.p != NULL ? prefix : S(""), limit) < 0) {
        return -1;
    }
    *ret = (struct s3_bucket_rows){0};
    struct s3_bucket_row b = {0};
    int more;
    while ((more = read_bucket(&rows, a, &b, err)) > 0) {
        *arena_push(a, ret) = b;
    }
    return more;
}

int s3_setting_get(struct db *db, struct arena *a, struct str bucket, const char *kind,
                   struct str *ret, struct err *err) {
    return db_get_str(db, a, ret, err, "SELECT body FROM s3_setting WHERE bucket = ? AND kind = ?",
                      "sz", bucket, kind);
}

int s3_setting_put(struct db *db, struct str bucket, const char *kind, struct str body,
                   struct err *err) {
    if (body.p == NULL) {
        return db_run(db, err, "DELETE FROM s3_setting WHERE bucket = ? AND kind = ?", "sz", bucket,
                      kind);
    }
    return db_run(db, err,
                  "INSERT INTO s3_setting(bucket, kind, body) VALUES (?, ?, ?) "
                  "ON CONFLICT(bucket, kind) DO UPDATE SET body = excluded.body",
                  "szs", bucket, kind, body);
}

int s3_trash_added(struct db *db, struct err *err) {
    return db_changes(db) > 0 ? queue_add(db, S3_TRASH, S("all"), S(""), 0, err) : 0;
}

int s3_trash_add(struct db *db, struct str file, struct err *err) {
    if (file.p == NULL) {
        return 0;
    }
    if (db_run(db, err, "INSERT OR IGNORE INTO s3_trash(file) VALUES (?)", "s", file) < 0) {
        return -1;
    }
    return s3_trash_added(db, err);
}

struct str s3_map_text(struct arena *a, struct str_map map) {
    if (map.n == 0) {
        return STR_NONE;
    }
    struct str text = S("");
    for (size_t i = 0; i < map.n; i++) {
        struct str key = http_url_encode(a, map.v[i].key, false);
        struct str value = http_url_encode(a, map.v[i].value, false);
        text = str_printf(a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(text), i > 0 ? "&" : "",
                          STR_ARG(key), STR_ARG(value));
    }
    return text;
}

int s3_map_parse(struct arena *a, struct str text, struct str_map *ret, struct err *err) {
    *ret = (struct str_map){0};
    if (text.p == NULL) {
        return 0;
    }
    if (!http_parse_query(a, text, ret)) {
        return err_set(err, ERR_INTERNAL, "store: damaged pairs '" STR_FMT "'", STR_ARG(text));
    }
    return 0;
}
