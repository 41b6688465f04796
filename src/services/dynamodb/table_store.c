/* Rows of tables and indexes. Items are in item_store.c. */
#include "services/dynamodb/ddb_store.h"

extern const char dynamodb_schema_sql[];
const struct db_schema dynamodb_schema = {"dynamodb", dynamodb_schema_sql};

#define TABLE_COLUMNS                                                                              \
    "id, account, region, name, uuid, created_ms, hash_name, hash_type, range_name, range_type, "  \
    "billing, read_units, write_units, class, protected, sse, stream, stream_label, "              \
    "ttl_attribute, recovery_ms, items, bytes"

static struct ddb_key_part read_part(struct db_rows *rows, struct arena *a, int column) {
    struct ddb_key_part part = {.name = db_str(rows, a, column)};
    struct str type = db_str(rows, a, column + 1);
    if (part.name.p != NULL && !ddb_type_parse(type, &part.type)) {
        part.type = DDB_S;
    }
    return part;
}

static struct str part_type(const struct ddb_key_part *part) {
    return part->name.p != NULL ? str_c(ddb_type_name(part->type)) : STR_NONE;
}

static void split_lines(struct arena *a, struct str text, struct str_list *ret) {
    struct str rest = text;
    struct str line;
    while (str_cut(&rest, '\n', &line)) {
        *arena_push(a, ret) = line;
    }
}

static struct str join_lines(struct arena *a, const struct str_list *list) {
    struct str text = STR_NONE;
    for (size_t i = 0; i < list->n; i++) {
        text = i == 0 ? list->v[0]
                      : str_printf(a, STR_FMT "\n" STR_FMT, STR_ARG(text), STR_ARG(list->v[i]));
    }
    return text;
}

static int read_indexes(struct db *db, struct arena *a, struct ddb_table *t, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT id, name, local, hash_name, hash_type, range_name, range_type, "
                 "projection, attributes, read_units, write_units FROM ddb_index "
                 "WHERE table_id = ? ORDER BY id",
                 "i", t->id) < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        struct ddb_index *index = arena_push(a, &t->indexes);
        *index = (struct ddb_index){
            .id = db_i64(&rows, 0),
            .name = db_str(&rows, a, 1),
            .local = db_i64(&rows, 2) != 0,
            .hash = read_part(&rows, a, 3),
            .range = read_part(&rows, a, 5),
            .projection = db_str(&rows, a, 7),
            .read_units = db_i64(&rows, 9),
            .write_units = db_i64(&rows, 10),
        };
        split_lines(a, db_str(&rows, a, 8), &index->attributes);
    }
    return more;
}

int ddb_table_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct ddb_table *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " TABLE_COLUMNS " FROM ddb_table WHERE account = ? AND region = ? "
                 "AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found != 1) {
        return found;
    }
    *ret = (struct ddb_table){
        .id = db_i64(&rows, 0),
        .account = db_str(&rows, a, 1),
        .region = db_str(&rows, a, 2),
        .name = db_str(&rows, a, 3),
        .uuid = db_str(&rows, a, 4),
        .created_ms = db_i64(&rows, 5),
        .hash = read_part(&rows, a, 6),
        .range = read_part(&rows, a, 8),
        .billing = db_str(&rows, a, 10),
        .read_units = db_i64(&rows, 11),
        .write_units = db_i64(&rows, 12),
        .storage_class = db_str(&rows, a, 13),
        .protected = db_i64(&rows, 14) != 0,
        .sse = db_str(&rows, a, 15),
        .stream = db_str(&rows, a, 16),
        .stream_label = db_str(&rows, a, 17),
        .ttl_attribute = db_str(&rows, a, 18),
        .recovery_ms = db_i64(&rows, 19),
        .items = db_i64(&rows, 20),
        .bytes = db_i64(&rows, 21),
    };
    return read_indexes(db, a, ret, err) < 0 ? -1 : 1;
}

static int insert_index(struct db *db, int64_t table_id, struct ddb_index *index, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = db_run(db, err,
                        "INSERT INTO ddb_index(table_id, name, local, hash_name, hash_type, "
                        "range_name, range_type, projection, attributes, read_units, write_units) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        "isissssssii", table_id, index->name, (int64_t)index->local,
                        index->hash.name, part_type(&index->hash), index->range.name,
                        part_type(&index->range), index->projection,
                        join_lines(&a, &index->attributes), index->read_units, index->write_units);
    index->id = db_last_rowid(db);
    arena_done(&a);
    return result;
}

int ddb_table_insert(struct db *db, struct ddb_table *t, struct err *err) {
    if (db_run(db, err,
               "INSERT INTO ddb_table(account, region, name, uuid, created_ms, hash_name, "
               "hash_type, range_name, range_type, billing, read_units, write_units, class, "
               "protected, sse, stream, stream_label) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "ssssisssssiisisss", t->account, t->region, t->name, t->uuid, t->created_ms,
               t->hash.name, part_type(&t->hash), t->range.name, part_type(&t->range), t->billing,
               t->read_units, t->write_units, t->storage_class, (int64_t)t->protected, t->sse,
               t->stream, t->stream_label) < 0) {
        return -1;
    }
    t->id = db_last_rowid(db);
    for (size_t i = 0; i < t->indexes.n; i++) {
        if (insert_index(db, t->id, &t->indexes.v[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int ddb_table_update(struct db *db, const struct ddb_table *t, struct err *err) {
    return db_run(db, err,
                  "UPDATE ddb_table SET billing = ?, read_units = ?, write_units = ?, class = ?, "
                  "protected = ?, sse = ?, stream = ?, stream_label = ?, ttl_attribute = ?, "
                  "recovery_ms = nullif(?, 0) WHERE id = ?",
                  "siisissssii", t->billing, t->read_units, t->write_units, t->storage_class,
                  (int64_t)t->protected, t->sse, t->stream, t->stream_label, t->ttl_attribute,
                  t->recovery_ms, t->id);
}

int ddb_table_remove(struct db *db, const struct ddb_table *t, struct err *err) {
    return db_run(db, err, "DELETE FROM ddb_table WHERE id = ?", "i", t->id);
}

int ddb_table_names(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str after, int64_t limit, struct str_list *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT name FROM ddb_table WHERE account = ? AND region = ? AND name > ? "
                 "ORDER BY name LIMIT ?",
                 "sssi", account, region, after.p != NULL ? after : S(""), limit) < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = db_str(&rows, a, 0);
    }
    return more;
}

int ddb_index_remove(struct db *db, const struct ddb_index *index, struct err *err) {
    return db_run(db, err, "DELETE FROM ddb_index WHERE id = ?", "i", index->id);
}

int ddb_index_update(struct db *db, const struct ddb_index *index, struct err *err) {
    return db_run(db, err, "UPDATE ddb_index SET read_units = ?, write_units = ? WHERE id = ?",
                  "iii", index->read_units, index->write_units, index->id);
}

static int add_entry(struct db *db, const struct ddb_index *index, const struct ddb_key *at,
                     const struct ddb_key *item, struct err *err) {
    return db_run(db, err,
                  "INSERT OR IGNORE INTO ddb_entry(index_id, hash, range, item_hash, item_range) "
                  "VALUES (?, ?, ?, ?, ?)",
                  "ibbbb", index->id, at->hash, at->range, item->hash, item->range);
}

static int fill_index(struct db *db, const struct ddb_table *t, const struct ddb_index *index,
                      struct err *err) {
    struct arena a = ARENA_INIT;
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(db, &rows, err, "SELECT hash, range, item FROM ddb_item WHERE table_id = ?",
                        "i", t->id);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        struct arena_mark mark = arena_mark(&a);
        struct ddb_key item = {db_str(&rows, &a, 0), db_str(&rows, &a, 1)};
        struct ddb_map map;
        struct ddb_key at;
        if (ddb_map_read(&a, db_str(&rows, &a, 2), &map, err) < 0 ||
            (ddb_key_of(&a, &index->hash, &index->range, &map, &at) &&
             add_entry(db, index, &at, &item, err) < 0)) {
            more = -1;
        }
        arena_reset(&a, mark);
    }
    arena_done(&a);
    return more;
}

int ddb_index_insert(struct db *db, const struct ddb_table *t, struct ddb_index *index,
                     struct err *err) {
    if (insert_index(db, t->id, index, err) < 0) {
        return -1;
    }
    return fill_index(db, t, index, err);
}

int ddb_token_use(struct db *db, struct str account, struct str region, struct str token,
                  struct str digest, int64_t now_ms, int64_t since_ms, struct err *err) {
    int64_t same = 0;
    if (db_run(db, err, "DELETE FROM ddb_token WHERE at_ms < ?", "i", since_ms) < 0) {
        return -1;
    }
    int found = db_get_i64(db, &same, err,
                           "SELECT digest = ? FROM ddb_token WHERE account = ? AND region = ? "
                           "AND token = ?",
                           "ssss", digest, account, region, token);
    if (found != 0) {
        return found < 0 || same != 0 ? found : err_set(err, ERR_CONFLICT, "this token is in use");
    }
    return db_run(db, err,
                  "INSERT INTO ddb_token(account, region, token, digest, at_ms) "
                  "VALUES (?, ?, ?, ?, ?)",
                  "ssssi", account, region, token, digest, now_ms);
}
