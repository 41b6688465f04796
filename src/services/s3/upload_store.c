/* Implementation of upload_store.h. */
#include "services/s3/upload_store.h"

#define COLUMNS                                                                                    \
    "seq, id, bucket, key, created_ms, headers, meta, tags, acl, sum_algorithm, sum_type"

static int read_upload(struct db_rows *rows, struct arena *a, struct s3_upload_row *u,
                       struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *u = (struct s3_upload_row){
        .seq = db_i64(rows, 0),
        .id = db_str(rows, a, 1),
        .bucket = db_str(rows, a, 2),
        .key = db_str(rows, a, 3),
        .created_ms = db_i64(rows, 4),
        .attr = {.acl = db_str(rows, a, 8),
                 .sum_algorithm = (enum s3_sum)db_i64(rows, 9),
                 .sum_type = db_str(rows, a, 10)},
    };
    if (s3_map_parse(a, db_str(rows, a, 5), &u->attr.headers, err) < 0 ||
        s3_map_parse(a, db_str(rows, a, 6), &u->attr.meta, err) < 0 ||
        s3_map_parse(a, db_str(rows, a, 7), &u->attr.tags, err) < 0) {
        return -1;
    }
    return 1;
}

int s3_upload_insert(struct db *db, struct s3_upload_row *u, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(
        db, err,
        "INSERT INTO s3_upload(id, bucket, key, created_ms, headers, meta, tags, acl, "
        "sum_algorithm, sum_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ssbissssis", u->id, u->bucket, u->key, u->created_ms, s3_map_text(&a, u->attr.headers),
        s3_map_text(&a, u->attr.meta), s3_map_text(&a, u->attr.tags), u->attr.acl,
        (int64_t)u->attr.sum_algorithm, u->attr.sum_type);
    arena_done(&a);
    u->seq = db_last_rowid(db);
    return result;
}

int s3_upload_find(struct db *db, struct arena *a, struct str bucket, struct str key, struct str id,
                   struct s3_upload_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM s3_upload WHERE id = ? AND bucket = ? AND key = ?", "ssb",
                 id, bucket, key) < 0) {
        return -1;
    }
    return read_upload(&rows, a, ret, err);
}

int s3_upload_remove(struct db *db, const struct s3_upload_row *u, struct err *err) {
    if (db_run(db, err,
               "INSERT OR IGNORE INTO s3_trash(file) SELECT file FROM s3_part WHERE upload = ?",
               "s", u->id) < 0 ||
        s3_trash_added(db, err) < 0) {
        return -1;
    }
    return db_run(db, err, "DELETE FROM s3_upload WHERE id = ?", "s", u->id);
}

int s3_upload_rows(struct db *db, struct arena *a, struct str bucket, struct str from,
                   int64_t above_seq, int64_t limit, struct s3_upload_row_list *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM s3_upload WHERE bucket = ?1 AND key >= ?2 "
                 "AND NOT (key = ?2 AND seq <= ?3) ORDER BY key, seq LIMIT ?4",
                 "sbii", bucket, from, above_seq, limit) < 0) {
        return -1;
    }
    *ret = (struct s3_upload_row_list){0};
    struct s3_upload_row u;
    int more;
    while ((more = read_upload(&rows, a, &u, err)) > 0) {
        *arena_push(a, ret) = u;
    }
    return more;
}

int s3_part_put(struct db *db, struct str upload, const struct s3_part_row *p, struct err *err) {
    if (db_run(db, err,
               "INSERT OR IGNORE INTO s3_trash(file) SELECT file FROM s3_part "
               "WHERE upload = ? AND number = ?",
               "si", upload, p->number) < 0 ||
        s3_trash_added(db, err) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "INSERT OR REPLACE INTO s3_part(upload, number, file, size, etag, modified_ms, "
                  "sum) VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "sisisis", upload, p->number, p->file, p->size, p->etag, p->modified_ms, p->sum);
}

int s3_part_rows(struct db *db, struct arena *a, struct str upload, int64_t after, int64_t limit,
                 struct s3_part_row_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT number, file, size, etag, modified_ms, sum FROM s3_part "
                 "WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
                 "sii", upload, after, limit) < 0) {
        return -1;
    }
    *ret = (struct s3_part_row_list){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct s3_part_row){db_i64(&rows, 0),    db_str(&rows, a, 1), db_i64(&rows, 2),
                                 db_str(&rows, a, 3), db_i64(&rows, 4),    db_str(&rows, a, 5)};
    }
    return more;
}
