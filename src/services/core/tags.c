/* Implementation of services/core/tags.h. */
#include "services/core/tags.h"

#include "platform/text/utf8.h"

enum tags_fault tags_check(const struct str_map *tags, struct str *ret_key) {
    for (size_t i = 0; i < tags->n; i++) {
        struct str key = tags->v[i].key;
        *ret_key = key;
        if (key.n == 0 || utf8_length(key) > 128) {
            return TAGS_BAD_KEY;
        }
        if (utf8_length(tags->v[i].value) > 256) {
            return TAGS_BAD_VALUE;
        }
        if (str_ieq(str_sub(key, 0, 4), S("aws:"))) {
            return TAGS_RESERVED;
        }
        for (size_t j = 0; j < i; j++) {
            if (str_eq(tags->v[j].key, key)) {
                return TAGS_DUPLICATE;
            }
        }
    }
    return tags->n > TAGS_MAX ? TAGS_TOO_MANY : TAGS_OK;
}

int tags_put(struct db *db, struct str arn, const struct str_map *tags, struct err *err) {
    for (size_t i = 0; i < tags->n; i++) {
        struct str value = tags->v[i].value.p ? tags->v[i].value : S("");
        if (db_run(db, err,
                   "INSERT INTO tag(arn, key, value) VALUES (?, ?, ?) "
                   "ON CONFLICT(arn, key) DO UPDATE SET value = excluded.value",
                   "sss", arn, tags->v[i].key, value) < 0) {
            return -1;
        }
    }
    int64_t n = 0;
    if (db_get_i64(db, &n, err, "SELECT count(*) FROM tag WHERE arn = ?", "s", arn) < 0) {
        return -1;
    }
    return n > TAGS_MAX ? err_set(err, ERR_LIMIT, "more than %d tags", TAGS_MAX) : 0;
}

int tags_remove(struct db *db, struct str arn, const struct str_list *keys, struct err *err) {
    for (size_t i = 0; i < keys->n; i++) {
        if (db_run(db, err, "DELETE FROM tag WHERE arn = ? AND key = ?", "ss", arn, keys->v[i]) <
            0) {
            return -1;
        }
    }
    return 0;
}

int tags_drop(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM tag WHERE arn = ?", "s", arn);
}

int tags_get(struct db *db, struct arena *a, struct str arn, struct str_map *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(db, &rows, err, "SELECT key, value FROM tag WHERE arn = ? ORDER BY key", "s", arn);
    *ret = (struct str_map){NULL, 0};
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    if (ret->v == NULL) {
        ret->v = arena_new(a, struct str_pair);
    }
    return more < 0 ? -1 : 0;
}
