/* Implementation of services/cloudwatch/metric_store.h. */
#include "services/cloudwatch/metric_store.h"

#include "platform/text/json.h"

#include <stdlib.h>

extern const char cloudwatch_schema_sql[];
const struct db_schema cloudwatch_schema = {"cloudwatch", cloudwatch_schema_sql};

static int by_name(const void *x, const void *y) {
    const struct cloudwatch_dimension *a = x;
    const struct cloudwatch_dimension *b = y;
    return str_cmp(a->name, b->name);
}

struct str cw_dimensions(struct arena *a, const struct cloudwatch_dimension_list *d) {
    json_t *list cleanup_json = json_array();
    struct cloudwatch_dimension *sorted = arena_new_n(a, struct cloudwatch_dimension, d->n + 1);
    for (size_t i = 0; i < d->n; i++) {
        sorted[i] = d->v[i];
    }
    qsort(sorted, d->n, sizeof(*sorted), by_name);
    for (size_t i = 0; i < d->n; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_from_str(sorted[i].name));
        json_array_append_new(pair, json_from_str(sorted[i].value));
        json_array_append_new(list, pair);
    }
    return json_dump_str(a, list);
}

struct cloudwatch_dimension_list cw_dimensions_list(struct arena *a, struct str text) {
    struct cloudwatch_dimension_list ret = {0};
    struct err err = ERR_INIT;
    json_t *list cleanup_json = json_parse(text, &err);
    size_t n = json_array_size(list);
    ret.v = arena_new_n(a, struct cloudwatch_dimension, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(list, i);
        ret.v[ret.n++] =
            (struct cloudwatch_dimension){.name = str_dup(a, json_text(json_array_get(pair, 0))),
                                          .value = str_dup(a, json_text(json_array_get(pair, 1)))};
    }
    return ret;
}

/* 1 found, 0 no such metric, -1. */
static int find_metric(struct db *db, const struct cw_key *key, int64_t *ret, struct err *err) {
    return db_get_i64(db, ret, err,
                      "SELECT id FROM cw_metric WHERE account = ? AND region = ? AND "
                      "namespace = ? AND name = ? AND dimensions = ?",
                      "sssss", key->account, key->region, key->namespace_, key->name,
                      key->dimensions);
}

static int need_metric(struct db *db, const struct cw_key *key, int64_t at_ms, int64_t *ret,
                       struct err *err) {
    int found = find_metric(db, key, ret, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0) {
        return db_run(db, err, "UPDATE cw_metric SET last_ms = max(last_ms, ?) WHERE id = ?", "ii",
                      at_ms, *ret);
    }
    if (db_run(db, err,
               "INSERT INTO cw_metric(account, region, namespace, name, dimensions, last_ms) "
               "VALUES (?, ?, ?, ?, ?, ?)",
               "sssssi", key->account, key->region, key->namespace_, key->name, key->dimensions,
               at_ms) < 0) {
        return -1;
    }
    *ret = db_last_rowid(db);
    return 0;
}

int cw_put(struct db *db, const struct cw_key *key, const struct cw_datum *datum, struct err *err) {
    int64_t metric = 0;
    int64_t step = datum->resolution_s * 1000;
    int64_t at = datum->at_ms / step * step;
    if (need_metric(db, key, datum->at_ms, &metric, err) < 0 ||
        db_run(db, err,
               "INSERT INTO cw_point(metric, at_ms, unit, n, sum, min, max) "
               "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(metric, at_ms, unit) DO UPDATE SET "
               "n = n + excluded.n, sum = sum + excluded.sum, min = min(min, excluded.min), "
               "max = max(max, excluded.max)",
               "iisdddd", metric, at, datum->unit, datum->n, datum->sum, datum->min,
               datum->max) < 0) {
        return -1;
    }
    for (size_t i = 0; i < datum->n_values; i++) {
        if (db_run(db, err,
                   "INSERT INTO cw_value(metric, at_ms, unit, value, n) VALUES (?, ?, ?, ?, ?) "
                   "ON CONFLICT(metric, at_ms, unit, value) DO UPDATE SET n = n + excluded.n",
                   "iisdd", metric, at, datum->unit, datum->values[i],
                   datum->counts != NULL ? datum->counts[i] : 1.0) < 0) {
            return -1;
        }
    }
    return 0;
}

int cw_buckets(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
               bool by_unit, int64_t start_ms, int64_t end_ms, int64_t period_ms,
               struct cw_bucket_list *ret, struct err *err) {
    int64_t metric = 0;
    *ret = (struct cw_bucket_list){0};
    int found = find_metric(db, key, &metric, err);
    if (found <= 0) {
        return found;
    }
    struct db_rows rows cleanup_rows = {0};
    int bad = by_unit ? db_query(db, &rows, err,
                                 "SELECT (at_ms - ?1) / ?2, unit, sum(n), sum(sum), min(min), "
                                 "max(max) FROM cw_point WHERE metric = ?3 AND at_ms >= ?1 AND "
                                 "at_ms < ?4 AND unit = coalesce(?5, unit) GROUP BY 1, 2 "
                                 "ORDER BY 1, 2",
                                 "iiiis", start_ms, period_ms, metric, end_ms, unit)
                      : db_query(db, &rows, err,
                                 "SELECT (at_ms - ?1) / ?2, min(unit), sum(n), sum(sum), "
                                 "min(min), max(max) FROM cw_point WHERE metric = ?3 AND "
                                 "at_ms >= ?1 AND at_ms < ?4 AND unit = coalesce(?5, unit) "
                                 "GROUP BY 1 ORDER BY 1",
                                 "iiiis", start_ms, period_ms, metric, end_ms, unit);
    if (bad < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct cw_bucket){start_ms + db_i64(&rows, 0) * period_ms,
                                                 db_str(&rows, a, 1),
                                                 db_double(&rows, 2),
                                                 db_double(&rows, 3),
                                                 db_double(&rows, 4),
                                                 db_double(&rows, 5)};
    }
    return more;
}

int cw_samples(struct db *db, struct arena *a, const struct cw_key *key, struct str unit,
               int64_t start_ms, int64_t end_ms, struct cw_sample_list *ret, struct err *err) {
    int64_t metric = 0;
    *ret = (struct cw_sample_list){0};
    int found = find_metric(db, key, &metric, err);
    if (found <= 0) {
        return found;
    }
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT value, sum(n) FROM cw_value WHERE metric = ? AND at_ms >= ? AND "
                 "at_ms < ? AND unit = coalesce(?, unit) GROUP BY value ORDER BY value",
                 "iiis", metric, start_ms, end_ms, unit) < 0) {
        return -1;
    }
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct cw_sample){db_double(&rows, 0), db_double(&rows, 1)};
    }
    return more;
}

int cw_metric_list(struct db *db, struct arena *a, const struct cw_key *filter, int64_t since_ms,
                   int64_t after, int64_t limit, struct cw_metric_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT id, namespace, name, dimensions FROM cw_metric WHERE account = ? AND "
                 "region = ? AND namespace = coalesce(?, namespace) AND name = coalesce(?, name) "
                 "AND last_ms >= ? AND id > ? ORDER BY id LIMIT ?",
                 "ssssiii", filter->account, filter->region, filter->namespace_, filter->name,
                 since_ms, after, limit) < 0) {
        return -1;
    }
    *ret = (struct cw_metric_rows){0};
    int more;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct cw_metric_row){db_i64(&rows, 0), db_str(&rows, a, 1),
                                                     db_str(&rows, a, 2), db_str(&rows, a, 3)};
    }
    return more;
}

int cw_expire(struct db *db, int64_t now_ms, struct err *err) {
    int64_t before = now_ms - (int64_t)CW_KEEP_DAYS * 24 * 3600 * 1000;
    if (db_run(db, err, "DELETE FROM cw_point WHERE at_ms < ?", "i", before) < 0 ||
        db_run(db, err, "DELETE FROM cw_value WHERE at_ms < ?", "i", before) < 0 ||
        db_run(db, err, "DELETE FROM cw_history WHERE at_ms < ?", "i", before) < 0) {
        return -1;
    }
    return db_run(db, err, "DELETE FROM cw_metric WHERE last_ms < ?", "i", before);
}
