/* Rows of items and their index entries, and runs over them. */
#include "services/dynamodb/ddb_store.h"

/* Above every key: keys have at most 2048 bytes. */
static struct str top_key(void) {
    static char bytes[DDB_HASH_KEY_MAX + 1];
    if (bytes[0] == 0) {
        memset(bytes, 0xFF, sizeof(bytes));
    }
    return str_n(bytes, sizeof(bytes));
}

struct str ddb_key_after(struct arena *a, struct str s) {
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    return str_n(copy, s.n + 1);
}

struct str ddb_key_after_prefix(struct arena *a, struct str s) {
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] == 0xFF) {
        s.n--;
    }
    if (s.n == 0) {
        return STR_NONE;
    }
    char *copy = arena_memdup(a, s.p, s.n);
    copy[s.n - 1] = (char)((unsigned char)copy[s.n - 1] + 1);
    return str_n(copy, s.n);
}

bool ddb_key_of(struct arena *a, const struct ddb_key_part *hash, const struct ddb_key_part *range,
                const struct ddb_map *item, struct ddb_key *ret) {
    const struct ddb_value *h = ddb_map_get(item, hash->name);
    if (h == NULL || h->type != hash->type) {
        return false;
    }
    ret->hash = ddb_value_key(a, h);
    ret->range = S("");
    if (range->name.p == NULL) {
        return true;
    }
    const struct ddb_value *r = ddb_map_get(item, range->name);
    if (r == NULL || r->type != range->type) {
        return false;
    }
    ret->range = ddb_value_key(a, r);
    return true;
}

int ddb_item_get(struct db *db, struct arena *a, const struct ddb_table *t,
                 const struct ddb_key *key, struct ddb_map *ret, struct err *err) {
    struct str text;
    int found = db_get_str(db, a, &text, err,
                           "SELECT item FROM ddb_item WHERE table_id = ? AND hash = ? "
                           "AND range = ?",
                           "ibb", t->id, key->hash, key->range);
    if (found != 1) {
        return found;
    }
    return ddb_map_read(a, text, ret, err) < 0 ? -1 : 1;
}

/* One index follows an item from `old` to `item`, either of which may be NULL. */
static int move_entry(struct db *db, struct arena *a, const struct ddb_index *index,
                      const struct ddb_key *key, const struct ddb_map *old,
                      const struct ddb_map *item, struct err *err) {
    struct ddb_key from;
    struct ddb_key to;
    bool was = old != NULL && ddb_key_of(a, &index->hash, &index->range, old, &from);
    bool is = item != NULL && ddb_key_of(a, &index->hash, &index->range, item, &to);
    if (was && is && str_eq(from.hash, to.hash) && str_eq(from.range, to.range)) {
        return 0;
    }
    if (was && db_run(db, err,
                      "DELETE FROM ddb_entry WHERE index_id = ? AND hash = ? AND range = ? "
                      "AND item_hash = ? AND item_range = ?",
                      "ibbbb", index->id, from.hash, from.range, key->hash, key->range) < 0) {
        return -1;
    }
    if (!is) {
        return 0;
    }
    return db_run(db, err,
                  "INSERT INTO ddb_entry(index_id, hash, range, item_hash, item_range) "
                  "VALUES (?, ?, ?, ?, ?)",
                  "ibbbb", index->id, to.hash, to.range, key->hash, key->range);
}

static int move_entries(struct db *db, struct arena *a, const struct ddb_table *t,
                        const struct ddb_key *key, const struct ddb_map *old,
                        const struct ddb_map *item, struct err *err) {
    for (size_t i = 0; i < t->indexes.n; i++) {
        if (move_entry(db, a, &t->indexes.v[i], key, old, item, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The table's figures follow its items. */
static int count(struct db *db, const struct ddb_table *t, const struct ddb_map *old,
                 const struct ddb_map *item, struct err *err) {
    int64_t items = (item != NULL) - (old != NULL);
    int64_t bytes = (item != NULL ? (int64_t)ddb_map_size(item) : 0) -
                    (old != NULL ? (int64_t)ddb_map_size(old) : 0);
    if (items == 0 && bytes == 0) {
        return 0;
    }
    return db_run(db, err, "UPDATE ddb_table SET items = items + ?, bytes = bytes + ? WHERE id = ?",
                  "iii", items, bytes, t->id);
}

int ddb_item_put(struct db *db, struct arena *a, const struct ddb_table *t,
                 const struct ddb_key *key, const struct ddb_map *old, const struct ddb_map *item,
                 struct err *err) {
    if (db_run(db, err,
               "INSERT INTO ddb_item(table_id, hash, range, item) VALUES (?, ?, ?, ?) "
               "ON CONFLICT(table_id, hash, range) DO UPDATE SET item = excluded.item",
               "ibbs", t->id, key->hash, key->range, ddb_map_write(a, item)) < 0 ||
        count(db, t, old, item, err) < 0) {
        return -1;
    }
    return move_entries(db, a, t, key, old, item, err);
}

int ddb_item_delete(struct db *db, struct arena *a, const struct ddb_table *t,
                    const struct ddb_key *key, const struct ddb_map *old, struct err *err) {
    if (db_run(db, err, "DELETE FROM ddb_item WHERE table_id = ? AND hash = ? AND range = ?", "ibb",
               t->id, key->hash, key->range) < 0 ||
        count(db, t, old, NULL, err) < 0) {
        return -1;
    }
    return move_entries(db, a, t, key, old, NULL, err);
}

static int open_table(struct db *db, const struct ddb_range *r, struct str low, struct str high,
                      struct db_rows *ret, struct err *err) {
    int64_t id = r->table->id;
    if (r->whole) {
        return db_query(db, ret, err,
                        "SELECT item FROM ddb_item WHERE table_id = ? AND (hash, range) > (?, ?) "
                        "ORDER BY hash, range",
                        "ibb", id, r->has_start ? r->start.hash : S(""),
                        r->has_start ? r->start.range : S(""));
    }
    if (r->backward) {
        return db_query(db, ret, err,
                        "SELECT item FROM ddb_item WHERE table_id = ? AND hash = ? "
                        "AND range >= ? AND range < ? ORDER BY range DESC",
                        "ibbb", id, r->hash, low,
                        r->has_start && str_cmp(r->start.range, high) < 0 ? r->start.range : high);
    }
    return db_query(db, ret, err,
                    "SELECT item FROM ddb_item WHERE table_id = ?1 AND hash = ?2 "
                    "AND range >= ?3 AND range < ?4 AND (?5 = 0 OR range > ?6) ORDER BY range",
                    "ibbbib", id, r->hash, low, high, (int64_t)r->has_start,
                    r->has_start ? r->start.range : S(""));
}

#define ENTRY_ITEM                                                                                 \
    "SELECT i.item FROM ddb_entry e JOIN ddb_item i ON i.table_id = ?1 AND i.hash = e.item_hash "  \
    "AND i.range = e.item_range WHERE e.index_id = ?2 "

static int open_index(struct db *db, const struct ddb_range *r, struct str low, struct str high,
                      struct db_rows *ret, struct err *err) {
    struct ddb_key at = r->has_start ? r->start : (struct ddb_key){S(""), S("")};
    struct ddb_key item = r->has_start ? r->start_item : (struct ddb_key){S(""), S("")};
    if (r->whole) {
        return db_query(db, ret, err,
                        ENTRY_ITEM "AND (e.hash, e.range, e.item_hash, e.item_range) > "
                                   "(?3, ?4, ?5, ?6) "
                                   "ORDER BY e.hash, e.range, e.item_hash, e.item_range",
                        "iibbbb", r->table->id, r->index->id, at.hash, at.range, item.hash,
                        item.range);
    }
    if (r->backward) {
        return db_query(db, ret, err,
                        ENTRY_ITEM "AND e.hash = ?3 AND e.range >= ?4 AND e.range < ?5 AND "
                                   "(?6 = 0 OR (e.range, e.item_hash, e.item_range) < "
                                   "(?7, ?8, ?9)) ORDER BY e.range DESC, e.item_hash DESC, "
                                   "e.item_range DESC",
                        "iibbbibbb", r->table->id, r->index->id, r->hash, low, high,
                        (int64_t)r->has_start, at.range, item.hash, item.range);
    }
    return db_query(db, ret, err,
                    ENTRY_ITEM "AND e.hash = ?3 AND e.range >= ?4 AND e.range < ?5 AND "
                               "(?6 = 0 OR (e.range, e.item_hash, e.item_range) > (?7, ?8, ?9)) "
                               "ORDER BY e.range, e.item_hash, e.item_range",
                    "iibbbibbb", r->table->id, r->index->id, r->hash, low, high,
                    (int64_t)r->has_start, at.range, item.hash, item.range);
}

int ddb_range_open(struct db *db, const struct ddb_range *range, struct db_rows *ret,
                   struct err *err) {
    struct str low = range->low.p != NULL ? range->low : S("");
    struct str high = range->high.p != NULL ? range->high : top_key();
    if (range->index != NULL) {
        return open_index(db, range, low, high, ret, err);
    }
    return open_table(db, range, low, high, ret, err);
}

int ddb_range_next(struct db_rows *rows, struct arena *a, struct ddb_map *ret, struct err *err) {
    int more = db_next(rows, err);
    if (more != 1) {
        return more;
    }
    return ddb_map_read(a, db_str(rows, a, 0), ret, err) < 0 ? -1 : 1;
}
