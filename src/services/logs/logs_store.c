/* Implementation of logs_store.h. */
#include "services/logs/logs_store.h"

extern const char logs_schema_sql[];
const struct db_schema logs_schema = {"logs", logs_schema_sql};

/* ---- groups ---- */

#define GROUP_COLUMNS                                                                              \
    "id, account, region, name, class, kms_key, retention_days, created_ms, (SELECT count(*) "     \
    "FROM log_filters f WHERE f.log_group = g.id AND f.kind = 'metric')"

/* Behind them, for those who list: it walks over all streams of the group. */
#define GROUP_BYTES                                                                                \
    ", (SELECT coalesce(sum(stored_bytes), 0) FROM log_streams s WHERE s.log_group = g.id)"

static void read_group(struct db_rows *rows, struct arena *a, struct log_group *ret) {
    *ret = (struct log_group){
        .id = db_i64(rows, 0),
        .account = db_str(rows, a, 1),
        .region = db_str(rows, a, 2),
        .name = db_str(rows, a, 3),
        .class_ = db_str(rows, a, 4),
        .kms_key = db_str(rows, a, 5),
        .retention_days = (int)db_i64(rows, 6),
        .created_ms = db_i64(rows, 7),
        .metric_filters = db_i64(rows, 8),
    };
}

int log_group_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct log_group *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " GROUP_COLUMNS
                 " FROM log_groups g WHERE account = ? AND region = ? AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_group(&rows, a, ret);
    }
    return found;
}

int log_group_add(struct db *db, const struct log_group *g, struct err *err) {
    return db_run(
        db, err,
        "INSERT INTO log_groups(account, region, name, class, kms_key, created_ms) VALUES "
        "(?, ?, ?, ?, ?, ?)",
        "sssssi", g->account, g->region, g->name, g->class_, g->kms_key, g->created_ms);
}

int log_group_remove(struct db *db, int64_t id, struct err *err) {
    return db_run(db, err, "DELETE FROM log_groups WHERE id = ?", "i", id);
}

int log_group_retention(struct db *db, int64_t id, int days, struct err *err) {
    return db_run(db, err, "UPDATE log_groups SET retention_days = nullif(?, 0) WHERE id = ?", "ii",
                  (int64_t)days, id);
}

int log_group_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str after, struct str prefix, struct str part, int limit,
                   struct log_group_list *ret, struct err *err) {
    *ret = (struct log_group_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(
            db, &rows, err,
            "SELECT " GROUP_COLUMNS GROUP_BYTES
            " FROM log_groups g WHERE account = ?1 AND region = ?2 AND name > ?3 AND "
            "substr(name, 1, length(?4)) = ?4 AND (?5 IS NULL OR instr(name, ?5) > 0) ORDER BY "
            "name LIMIT ?6",
            "sssssi", account, region, after.p ? after : S(""), prefix.p ? prefix : S(""), part,
            (int64_t)limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        struct log_group *group = arena_push(a, ret);
        read_group(&rows, a, group);
        group->stored_bytes = db_i64(&rows, 9);
    }
    return more;
}

/* ---- streams ---- */

#define STREAM_COLUMNS                                                                             \
    "id, log_group, name, created_ms, first_ms, last_ms, ingested_ms, stored_bytes, next_seq"

static void read_stream(struct db_rows *rows, struct arena *a, struct log_stream *ret) {
    *ret = (struct log_stream){
        .id = db_i64(rows, 0),
        .group = db_i64(rows, 1),
        .name = db_str(rows, a, 2),
        .created_ms = db_i64(rows, 3),
        .has_events = !db_null(rows, 4),
        .first_ms = db_i64(rows, 4),
        .last_ms = db_i64(rows, 5),
        .ingested_ms = db_i64(rows, 6),
        .stored_bytes = db_i64(rows, 7),
        .next_seq = db_i64(rows, 8),
    };
}

int log_stream_find(struct db *db, struct arena *a, int64_t group, struct str name,
                    struct log_stream *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " STREAM_COLUMNS " FROM log_streams WHERE log_group = ? AND name = ?",
                 "is", group, name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_stream(&rows, a, ret);
    }
    return found;
}

int log_stream_add(struct db *db, int64_t group, struct str name, int64_t now_ms, struct err *err) {
    return db_run(db, err, "INSERT INTO log_streams(log_group, name, created_ms) VALUES (?, ?, ?)",
                  "isi", group, name, now_ms);
}

int log_stream_remove(struct db *db, int64_t id, struct err *err) {
    return db_run(db, err, "DELETE FROM log_streams WHERE id = ?", "i", id);
}

int log_stream_list(struct db *db, struct arena *a, int64_t group, struct str prefix, bool by_time,
                    bool descending, int offset, int limit, struct log_stream_list *ret,
                    struct err *err) {
    static const char *const queries[] = {
        "SELECT " STREAM_COLUMNS " FROM log_streams WHERE log_group = ?1 AND substr(name, 1, "
        "length(?2)) = ?2 ORDER BY name LIMIT ?3 OFFSET ?4",
        "SELECT " STREAM_COLUMNS " FROM log_streams WHERE log_group = ?1 AND substr(name, 1, "
        "length(?2)) = ?2 ORDER BY name DESC LIMIT ?3 OFFSET ?4",
        "SELECT " STREAM_COLUMNS " FROM log_streams WHERE log_group = ?1 AND substr(name, 1, "
        "length(?2)) = ?2 ORDER BY last_ms, id LIMIT ?3 OFFSET ?4",
        "SELECT " STREAM_COLUMNS " FROM log_streams WHERE log_group = ?1 AND substr(name, 1, "
        "length(?2)) = ?2 ORDER BY last_ms DESC, id DESC LIMIT ?3 OFFSET ?4",
    };
    *ret = (struct log_stream_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, queries[(by_time ? 2 : 0) + (descending ? 1 : 0)], "isii", group,
                 prefix.p ? prefix : S(""), (int64_t)limit, (int64_t)offset) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        read_stream(&rows, a, arena_push(a, ret));
    }
    return more;
}

int log_stream_grow(struct db *db, const struct log_stream *s, struct err *err) {
    return db_run(
        db, err,
        "UPDATE log_streams SET first_ms = ?, last_ms = ?, ingested_ms = ?, stored_bytes = "
        "?, next_seq = ? WHERE id = ?",
        "iiiiii", s->first_ms, s->last_ms, s->ingested_ms, s->stored_bytes, s->next_seq, s->id);
}

/* ---- events ---- */

int log_event_add(struct db *db, const struct log_event *e, struct err *err) {
    return db_run(db, err, "INSERT INTO log_events VALUES (?, ?, ?, ?, ?)", "iiiis", e->stream,
                  e->at_ms, e->seq, e->ingested_ms, e->message);
}

static int read_events(struct db_rows *rows, struct arena *a, struct log_event_list *ret,
                       bool named, struct err *err) {
    int more = 0;
    while ((more = db_next(rows, err)) > 0) {
        *arena_push(a, ret) = (struct log_event){
            .stream = db_i64(rows, 0),
            .at_ms = db_i64(rows, 1),
            .seq = db_i64(rows, 2),
            .ingested_ms = db_i64(rows, 3),
            .message = db_str(rows, a, 4),
            .stream_name = named ? db_str(rows, a, 5) : STR_NONE,
        };
    }
    return more;
}

int log_events_page(struct db *db, struct arena *a, int64_t stream, const struct log_range *r,
                    int limit, struct log_event_list *ret, struct err *err) {
    static const char forward[] =
        "SELECT stream, at_ms, seq, ingested_ms, message FROM log_events WHERE stream = ?1 AND "
        "at_ms >= ?2 AND at_ms < ?3 AND (at_ms, seq) > (?4, ?5) ORDER BY at_ms, seq LIMIT ?6";
    static const char backward[] =
        "SELECT stream, at_ms, seq, ingested_ms, message FROM log_events WHERE stream = ?1 AND "
        "at_ms >= ?2 AND at_ms < ?3 AND (at_ms, seq) < (?4, ?5) ORDER BY at_ms DESC, seq DESC "
        "LIMIT ?6";
    *ret = (struct log_event_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, r->backward ? backward : forward, "iiiiii", stream, r->start_ms,
                 r->end_ms, r->at_ms, r->seq, (int64_t)limit) < 0) {
        return -1;
    }
    return read_events(&rows, a, ret, false, err);
}

int log_events_of_group(struct db *db, struct arena *a, int64_t group, struct str prefix,
                        int64_t start_ms, int64_t end_ms, int64_t at_ms, int64_t stream,
                        int64_t seq, int limit, struct log_event_list *ret, struct err *err) {
    *ret = (struct log_event_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT e.stream, e.at_ms, e.seq, e.ingested_ms, e.message, s.name FROM "
                 "log_streams s JOIN log_events e ON e.stream = s.id WHERE s.log_group = ?1 AND "
                 "substr(s.name, 1, length(?2)) = ?2 AND e.at_ms >= max(?3, ?5) AND e.at_ms < ?4 "
                 "AND (e.at_ms, e.stream, e.seq) > (?5, ?6, ?7) ORDER BY e.at_ms, e.stream, e.seq "
                 "LIMIT ?8",
                 "isiiiiii", group, prefix.p ? prefix : S(""), start_ms, end_ms, at_ms, stream, seq,
                 (int64_t)limit) < 0) {
        return -1;
    }
    return read_events(&rows, a, ret, true, err);
}

int log_events_expire(struct db *db, int64_t now_ms, int64_t *ret, struct err *err) {
    if (db_run(db, err,
               "DELETE FROM log_events WHERE EXISTS (SELECT 1 FROM log_streams s JOIN log_groups g "
               "ON g.id = s.log_group WHERE s.id = log_events.stream AND g.retention_days IS NOT "
               "NULL AND log_events.at_ms < ?1 - g.retention_days * 86400000)",
               "i", now_ms) < 0) {
        return -1;
    }
    *ret = db_changes(db);
    return 0;
}

/* ---- filters and policies ---- */

int log_filter_put(struct db *db, int64_t group, const char *kind, const struct log_filter *f,
                   struct err *err) {
    return db_run(db, err,
                  "INSERT INTO log_filters VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                  "pattern = excluded.pattern, detail = excluded.detail",
                  "izsssi", group, kind, f->name, f->pattern, f->detail, f->created_ms);
}

int log_filter_remove(struct db *db, int64_t group, const char *kind, struct str name,
                      struct err *err) {
    if (db_run(db, err, "DELETE FROM log_filters WHERE log_group = ? AND kind = ? AND name = ?",
               "izs", group, kind, name) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}

int log_filter_list(struct db *db, struct arena *a, int64_t group, const char *kind,
                    struct str prefix, struct str after, int limit, struct log_filter_list *ret,
                    struct err *err) {
    *ret = (struct log_filter_list){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT name, pattern, detail, created_ms FROM log_filters WHERE log_group = ?1 "
                 "AND kind = ?2 AND substr(name, 1, length(?3)) = ?3 AND name > ?4 ORDER BY name "
                 "LIMIT ?5",
                 "izssi", group, kind, prefix.p ? prefix : S(""), after.p ? after : S(""),
                 (int64_t)limit) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct log_filter){db_str(&rows, a, 0), db_str(&rows, a, 1),
                                                  db_str(&rows, a, 2), db_i64(&rows, 3)};
    }
    return more;
}

int log_policy_put(struct db *db, struct str account, struct str region, struct str name,
                   struct str document, int64_t now_ms, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO log_policies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                  "document = excluded.document, updated_ms = excluded.updated_ms",
                  "ssssi", account, region, name, document, now_ms);
}

int log_policy_remove(struct db *db, struct str account, struct str region, struct str name,
                      struct err *err) {
    if (db_run(db, err, "DELETE FROM log_policies WHERE account = ? AND region = ? AND name = ?",
               "sss", account, region, name) < 0) {
        return -1;
    }
    return db_changes(db) > 0;
}

int log_policy_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str_map *ret, struct err *err) {
    *ret = (struct str_map){0};
    struct db_rows rows cleanup_rows = {0};
    if (db_query(
            db, &rows, err,
            "SELECT name, document FROM log_policies WHERE account = ? AND region = ? ORDER BY "
            "name",
            "ss", account, region) < 0) {
        return -1;
    }
    int more = 0;
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) = (struct str_pair){db_str(&rows, a, 0), db_str(&rows, a, 1)};
    }
    return more;
}
