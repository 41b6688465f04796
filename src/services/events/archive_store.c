/* Implementation of services/events/archive_store.h. */
#include "services/events/archive_store.h"

#define ARCHIVE                                                                                    \
    "seq, arn, account, region, bus, name, description, pattern, retention_days, kms_key, "        \
    "created_ms"
#define SIZES                                                                                      \
    "(SELECT count(*) FROM events_archived d WHERE d.archive = a.seq), "                           \
    "(SELECT coalesce(sum(length(d.event)), 0) FROM events_archived d WHERE d.archive = a.seq)"
#define REPLAY                                                                                     \
    "seq, arn, account, region, name, archive, destination, description, state, reason, from_ms, " \
    "to_ms, done_ms, done_seq, begun_ms, ended_ms"
#define FROM(bound) ((bound).p != NULL ? (bound) : S(""))
#define LISTED                                                                                     \
    "account = ? AND region = ? AND name > ? AND substr(name, 1, length(?)) = ? "                  \
    "ORDER BY name LIMIT ?"

static int read_archive(struct db_rows *rows, struct arena *a, bool sizes, struct ev_archive *ret,
                        struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_archive){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .at = {db_str(rows, a, 2), db_str(rows, a, 3), db_str(rows, a, 4)},
            .name = db_str(rows, a, 5),
            .description = db_str(rows, a, 6),
            .pattern = db_str(rows, a, 7),
            .retention_days = db_i64(rows, 8),
            .kms_key = db_str(rows, a, 9),
            .created_ms = db_i64(rows, 10),
            .events = sizes ? db_i64(rows, 11) : 0,
            .bytes = sizes ? db_i64(rows, 12) : 0,
        };
    }
    return more;
}

static int read_archives(struct db_rows *rows, struct arena *a, bool sizes, struct ev_archives *ret,
                         struct err *err) {
    struct ev_archive row;
    int more;
    *ret = (struct ev_archives){NULL, 0};
    while ((more = read_archive(rows, a, sizes, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

static int read_replay(struct db_rows *rows, struct arena *a, struct ev_replay *ret,
                       struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_replay){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .account = db_str(rows, a, 2),
            .region = db_str(rows, a, 3),
            .name = db_str(rows, a, 4),
            .archive = db_str(rows, a, 5),
            .destination = db_str(rows, a, 6),
            .description = db_str(rows, a, 7),
            .state = db_str(rows, a, 8),
            .reason = db_str(rows, a, 9),
            .from_ms = db_i64(rows, 10),
            .to_ms = db_i64(rows, 11),
            .done_ms = db_i64(rows, 12),
            .done_seq = db_i64(rows, 13),
            .begun_ms = db_i64(rows, 14),
            .ended_ms = db_i64(rows, 15),
        };
    }
    return more;
}

/* ---- archives ---- */

int ev_archive_find(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str name, struct ev_archive *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ARCHIVE ", " SIZES
                 " FROM events_archive a WHERE account = ? AND region = ? AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_archive(&rows, a, true, ret, err);
}

int ev_archive_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_archive *ret,
                        struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " ARCHIVE " FROM events_archive WHERE arn = ?", "s", arn) <
        0) {
        return -1;
    }
    return read_archive(&rows, a, false, ret, err);
}

int ev_archive_put(struct db *db, const struct ev_archive *r, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_archive(arn, account, region, bus, name, description, "
                  "pattern, retention_days, kms_key, created_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(arn) DO UPDATE SET description = excluded.description, "
                  "pattern = excluded.pattern, retention_days = excluded.retention_days, "
                  "kms_key = excluded.kms_key",
                  "sssssssisi", r->arn, r->at.account, r->at.region, r->at.bus, r->name,
                  r->description, r->pattern, r->retention_days, r->kms_key, r->created_ms);
}

int ev_archive_remove(struct db *db, int64_t seq, struct err *err) {
    return db_run(db, err, "DELETE FROM events_archive WHERE seq = ?", "i", seq);
}

int ev_archive_list(struct db *db, struct arena *a, struct str account, struct str region,
                    struct str prefix, struct str after, int64_t limit, struct ev_archives *ret,
                    struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ARCHIVE ", " SIZES " FROM events_archive a WHERE " LISTED, "sssssi",
                 account, region, FROM(after), FROM(prefix), FROM(prefix), limit) < 0) {
        return -1;
    }
    return read_archives(&rows, a, true, ret, err);
}

int ev_archive_of_bus(struct db *db, struct arena *a, const struct ev_place *at,
                      struct ev_archives *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " ARCHIVE " FROM events_archive WHERE account = ? AND region = ? AND "
                 "bus = ?",
                 "sss", at->account, at->region, at->bus) < 0) {
        return -1;
    }
    return read_archives(&rows, a, false, ret, err);
}

/* ---- their events ---- */

int ev_archived_add(struct db *db, int64_t archive, int64_t at_ms, struct str event,
                    struct err *err) {
    return db_run(db, err, "INSERT INTO events_archived(archive, at_ms, event) VALUES (?, ?, ?)",
                  "iis", archive, at_ms, event);
}

int ev_archived_after(struct db *db, struct arena *a, int64_t archive, int64_t from_ms,
                      int64_t from_seq, int64_t to_ms, int64_t limit, struct ev_archiveds *ret,
                      struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT seq, at_ms, event FROM events_archived WHERE archive = ? AND "
                 "(at_ms, seq) > (?, ?) AND at_ms < ? ORDER BY at_ms, seq LIMIT ?",
                 "iiiii", archive, from_ms, from_seq, to_ms, limit) < 0) {
        return -1;
    }
    int more;
    *ret = (struct ev_archiveds){NULL, 0};
    while ((more = db_next(&rows, err)) > 0) {
        *arena_push(a, ret) =
            (struct ev_archived){db_i64(&rows, 0), db_i64(&rows, 1), db_str(&rows, a, 2)};
    }
    return more;
}

int ev_archived_expire(struct db *db, int64_t now_ms, bool *ret_left, struct err *err) {
    int64_t one = 0;
    if (db_run(db, err,
               "DELETE FROM events_archived WHERE seq IN (SELECT d.seq FROM events_archive a JOIN "
               "events_archived d ON d.archive = a.seq AND "
               "d.at_ms < ? - a.retention_days * 86400000 WHERE a.retention_days > 0)",
               "i", now_ms) < 0) {
        return -1;
    }
    int some = db_get_i64(db, &one, err,
                          "SELECT 1 FROM events_archive WHERE retention_days > 0 LIMIT 1", "");
    *ret_left = some > 0;
    return some < 0 ? -1 : 0;
}

/* ---- replays ---- */

int ev_replay_find(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str name, struct ev_replay *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " REPLAY " FROM events_replay WHERE account = ? AND region = ? AND "
                 "name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_replay(&rows, a, ret, err);
}

int ev_replay_find_arn(struct db *db, struct arena *a, struct str arn, struct ev_replay *ret,
                       struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " REPLAY " FROM events_replay WHERE arn = ?", "s", arn) <
        0) {
        return -1;
    }
    return read_replay(&rows, a, ret, err);
}

int ev_replay_put(struct db *db, const struct ev_replay *r, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_replay(arn, account, region, name, archive, destination, "
                  "description, state, reason, from_ms, to_ms, done_ms, done_seq, begun_ms, "
                  "ended_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(arn) DO UPDATE SET state = excluded.state, "
                  "reason = excluded.reason, done_ms = excluded.done_ms, "
                  "done_seq = excluded.done_seq, ended_ms = excluded.ended_ms",
                  "sssssssssiiiiii", r->arn, r->account, r->region, r->name, r->archive,
                  r->destination, r->description, r->state, r->reason, r->from_ms, r->to_ms,
                  r->done_ms, r->done_seq, r->begun_ms, r->ended_ms);
}

int ev_replay_list(struct db *db, struct arena *a, struct str account, struct str region,
                   struct str prefix, struct str after, int64_t limit, struct ev_replays *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " REPLAY " FROM events_replay WHERE " LISTED, "sssssi",
                 account, region, FROM(after), FROM(prefix), FROM(prefix), limit) < 0) {
        return -1;
    }
    struct ev_replay row;
    int more;
    *ret = (struct ev_replays){NULL, 0};
    while ((more = read_replay(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}
