/* Rows of object versions. Order in time is `seq`; exactly one version of a key is the latest. */
#include "services/s3/s3_store.h"

#define COLUMNS                                                                                    \
    "seq, bucket, key, version, latest, marker, modified_ms, file, size, etag, headers, meta, "    \
    "tags, acl, sum_algorithm, sum, sum_type, parts"

static int read_object(struct db_rows *rows, struct arena *a, struct s3_object_row *o,
                       struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    *o = (struct s3_object_row){
        .seq = db_i64(rows, 0),
        .bucket = db_str(rows, a, 1),
        .key = db_str(rows, a, 2),
        .version = db_str(rows, a, 3),
        .latest = db_i64(rows, 4) != 0,
        .marker = db_i64(rows, 5) != 0,
        .modified_ms = db_i64(rows, 6),
        .file = db_str(rows, a, 7),
        .size = db_i64(rows, 8),
        .etag = db_str(rows, a, 9),
        .attr = {.acl = db_str(rows, a, 13),
                 .sum_algorithm = (enum s3_sum)db_i64(rows, 14),
                 .sum_type = db_str(rows, a, 16)},
        .sum = db_str(rows, a, 15),
        .parts = db_str(rows, a, 17),
    };
    if (s3_map_parse(a, db_str(rows, a, 10), &o->attr.headers, err) < 0 ||
        s3_map_parse(a, db_str(rows, a, 11), &o->attr.meta, err) < 0 ||
        s3_map_parse(a, db_str(rows, a, 12), &o->attr.tags, err) < 0) {
        return -1;
    }
    return 1;
}

int s3_object_find(struct db *db, struct arena *a, struct str bucket, struct str key,
                   struct str version, struct s3_object_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int bad;
    if (version.p == NULL) {
        bad = db_query(db, &rows, err,
                       "SELECT " COLUMNS " FROM s3_object WHERE bucket = ? AND key = ? "
                       "AND latest = 1",
                       "sb", bucket, key);
    } else {
        bad = db_query(db, &rows, err,
                       "SELECT " COLUMNS " FROM s3_object WHERE bucket = ? AND key = ? "
                       "AND version = ?",
                       "sbs", bucket, key, version);
    }
    return bad < 0 ? -1 : read_object(&rows, a, ret, err);
}

int s3_object_data(struct db *db, struct arena *a, struct s3_object_row *o, struct err *err) {
    if (o->file.p != NULL || o->marker) {
        return 0;
    }
    int found =
        db_get_str(db, a, &o->data, err, "SELECT data FROM s3_object WHERE seq = ?", "i", o->seq);
    if (found == 1 && o->data.p == NULL && o->size == 0) {
        o->data = S("");
    }
    if (found == 0 || (found == 1 && (int64_t)o->data.n != o->size)) {
        return err_set(err, ERR_INTERNAL, "store: the content of an object is damaged");
    }
    return found < 0 ? -1 : 0;
}

static int insert_row(struct db *db, struct s3_object_row *o, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(
        db, err,
        "INSERT INTO s3_object(bucket, key, version, latest, marker, modified_ms, file, size, "
        "etag, headers, meta, tags, acl, sum_algorithm, sum, sum_type, parts, data) "
        "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "sbsiisisssssisssb", o->bucket, o->key, o->version, (int64_t)o->marker, o->modified_ms,
        o->file, o->size, o->etag, s3_map_text(&a, o->attr.headers), s3_map_text(&a, o->attr.meta),
        s3_map_text(&a, o->attr.tags), o->attr.acl, (int64_t)o->attr.sum_algorithm, o->sum,
        o->attr.sum_type, o->parts, o->data);
    arena_done(&a);
    o->seq = db_last_rowid(db);
    return result;
}

int s3_object_insert(struct db *db, struct s3_object_row *o, struct err *err) {
    if (db_run(db, err,
               "INSERT OR IGNORE INTO s3_trash(file) SELECT file FROM s3_object "
               "WHERE bucket = ? AND key = ? AND version = ? AND file IS NOT NULL",
               "sbs", o->bucket, o->key, o->version) < 0 ||
        s3_trash_added(db, err) < 0 ||
        db_run(db, err, "DELETE FROM s3_object WHERE bucket = ? AND key = ? AND version = ?", "sbs",
               o->bucket, o->key, o->version) < 0 ||
        db_run(db, err,
               "UPDATE s3_object SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1", "sb",
               o->bucket, o->key) < 0) {
        return -1;
    }
    o->latest = true;
    return insert_row(db, o, err);
}

int s3_object_remove(struct db *db, const struct s3_object_row *o, struct err *err) {
    if (s3_trash_add(db, o->file, err) < 0 ||
        db_run(db, err, "DELETE FROM s3_object WHERE seq = ?", "i", o->seq) < 0) {
        return -1;
    }
    if (!o->latest) {
        return 0;
    }
    return db_run(db, err,
                  "UPDATE s3_object SET latest = 1 WHERE seq = (SELECT max(seq) FROM s3_object "
                  "WHERE bucket = ? AND key = ?)",
                  "sb", o->bucket, o->key);
}

int s3_object_set_tags(struct db *db, int64_t seq, struct str_map tags, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(db, err, "UPDATE s3_object SET tags = ? WHERE seq = ?", "si",
                        s3_map_text(&a, tags), seq);
    arena_done(&a);
    return result;
}

int s3_object_set_acl(struct db *db, int64_t seq, struct str acl, struct err *err) {
    return db_run(db, err, "UPDATE s3_object SET acl = ? WHERE seq = ?", "si", acl, seq);
}

static int read_all(struct db_rows *rows, struct arena *a, struct s3_object_rows *ret,
                    struct err *err) {
    *ret = (struct s3_object_rows){0};
    struct s3_object_row o;
    int more;
    while ((more = read_object(rows, a, &o, err)) > 0) {
        *arena_push(a, ret) = o;
    }
    return more;
}

int s3_rows_latest(struct db *db, struct arena *a, struct str bucket, struct str from, bool above,
                   int64_t limit, struct s3_object_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM s3_object INDEXED BY s3_object_latest "
                 "WHERE bucket = ?1 AND key >= ?2 AND (?3 = 0 OR key > ?2) AND latest = 1 "
                 "AND marker = 0 ORDER BY key LIMIT ?4",
                 "sbii", bucket, from, (int64_t)above, limit) < 0) {
        return -1;
    }
    return read_all(&rows, a, ret, err);
}

int s3_rows_versions(struct db *db, struct arena *a, struct str bucket, struct str from,
                     int64_t below_seq, int64_t limit, struct s3_object_rows *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " COLUMNS " FROM s3_object INDEXED BY s3_object_order "
                 "WHERE bucket = ?1 AND key >= ?2 AND NOT (key = ?2 AND seq >= ?3) "
                 "ORDER BY key, seq DESC LIMIT ?4",
                 "sbii", bucket, from, below_seq, limit) < 0) {
        return -1;
    }
    return read_all(&rows, a, ret, err);
}
