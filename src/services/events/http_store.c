/* Implementation of services/events/http_store.h. */
#include "services/events/http_store.h"

#define CONNECTION                                                                                 \
    "seq, arn, account, region, name, description, type, state, reason, shown, secret, kms_key, "  \
    "created_ms, modified_ms, authorized_ms"
#define DESTINATION                                                                                \
    "seq, arn, account, region, name, description, connection, endpoint, method, rate, "           \
    "created_ms, modified_ms"
#define FROM(bound) ((bound).p != NULL ? (bound) : S(""))
#define LISTED                                                                                     \
    "account = ? AND region = ? AND name > ? AND substr(name, 1, length(?)) = ? "                  \
    "ORDER BY name LIMIT ?"

static int read_connection(struct db_rows *rows, struct arena *a, struct ev_connection *ret,
                           struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_connection){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .account = db_str(rows, a, 2),
            .region = db_str(rows, a, 3),
            .name = db_str(rows, a, 4),
            .description = db_str(rows, a, 5),
            .type = db_str(rows, a, 6),
            .state = db_str(rows, a, 7),
            .reason = db_str(rows, a, 8),
            .shown = db_str(rows, a, 9),
            .secret = db_str(rows, a, 10),
            .kms_key = db_str(rows, a, 11),
            .created_ms = db_i64(rows, 12),
            .modified_ms = db_i64(rows, 13),
            .authorized_ms = db_i64(rows, 14),
        };
    }
    return more;
}

static int read_destination(struct db_rows *rows, struct arena *a, struct ev_destination *ret,
                            struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct ev_destination){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .account = db_str(rows, a, 2),
            .region = db_str(rows, a, 3),
            .name = db_str(rows, a, 4),
            .description = db_str(rows, a, 5),
            .connection = db_str(rows, a, 6),
            .endpoint = db_str(rows, a, 7),
            .method = db_str(rows, a, 8),
            .rate = db_i64(rows, 9),
            .created_ms = db_i64(rows, 10),
            .modified_ms = db_i64(rows, 11),
        };
    }
    return more;
}

int ev_connection_find(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str name, struct ev_connection *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " CONNECTION " FROM events_connection WHERE account = ? AND region = ? "
                 "AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_connection(&rows, a, ret, err);
}

int ev_connection_find_arn(struct db *db, struct arena *a, struct str arn,
                           struct ev_connection *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " CONNECTION " FROM events_connection WHERE arn = ?", "s",
                 arn) < 0) {
        return -1;
    }
    return read_connection(&rows, a, ret, err);
}

int ev_connection_put(struct db *db, const struct ev_connection *c, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_connection(arn, account, region, name, description, type, "
                  "state, reason, shown, secret, kms_key, created_ms, modified_ms, authorized_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(arn) DO UPDATE SET description = excluded.description, "
                  "type = excluded.type, state = excluded.state, reason = excluded.reason, "
                  "shown = excluded.shown, secret = excluded.secret, kms_key = excluded.kms_key, "
                  "modified_ms = excluded.modified_ms, authorized_ms = excluded.authorized_ms",
                  "sssssssssssiii", c->arn, c->account, c->region, c->name, c->description, c->type,
                  c->state, c->reason, c->shown, c->secret, c->kms_key, c->created_ms,
                  c->modified_ms, c->authorized_ms);
}

int ev_connection_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM events_connection WHERE arn = ?", "s", arn);
}

int ev_connection_list(struct db *db, struct arena *a, struct str account, struct str region,
                       struct str prefix, struct str after, int64_t limit,
                       struct ev_connections *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " CONNECTION " FROM events_connection WHERE " LISTED,
                 "sssssi", account, region, FROM(after), FROM(prefix), FROM(prefix), limit) < 0) {
        return -1;
    }
    struct ev_connection row;
    int more;
    *ret = (struct ev_connections){NULL, 0};
    while ((more = read_connection(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int ev_destination_find(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str name, struct ev_destination *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " DESTINATION " FROM events_destination WHERE account = ? AND region = ? "
                 "AND name = ?",
                 "sss", account, region, name) < 0) {
        return -1;
    }
    return read_destination(&rows, a, ret, err);
}

int ev_destination_find_arn(struct db *db, struct arena *a, struct str arn,
                            struct ev_destination *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " DESTINATION " FROM events_destination WHERE arn = ?",
                 "s", arn) < 0) {
        return -1;
    }
    return read_destination(&rows, a, ret, err);
}

int ev_destination_put(struct db *db, const struct ev_destination *d, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO events_destination(arn, account, region, name, description, "
                  "connection, endpoint, method, rate, created_ms, modified_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(arn) DO UPDATE SET description = excluded.description, "
                  "connection = excluded.connection, endpoint = excluded.endpoint, "
                  "method = excluded.method, rate = excluded.rate, "
                  "modified_ms = excluded.modified_ms",
                  "ssssssssiii", d->arn, d->account, d->region, d->name, d->description,
                  d->connection, d->endpoint, d->method, d->rate, d->created_ms, d->modified_ms);
}

int ev_destination_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM events_destination WHERE arn = ?", "s", arn);
}

int ev_destination_list(struct db *db, struct arena *a, struct str account, struct str region,
                        struct str prefix, struct str after, int64_t limit,
                        struct ev_destinations *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " DESTINATION " FROM events_destination WHERE " LISTED,
                 "sssssi", account, region, FROM(after), FROM(prefix), FROM(prefix), limit) < 0) {
        return -1;
    }
    struct ev_destination row;
    int more;
    *ret = (struct ev_destinations){NULL, 0};
    while ((more = read_destination(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}
