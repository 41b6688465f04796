/* Implementation of services/sns/sns_store.h. */
#include "services/sns/sns_store.h"

extern const char sns_schema_sql[];
const struct db_schema sns_schema = {"sns", sns_schema_sql};

#define TOPIC "seq, arn, account, region, name, attributes, created_ms, deleted"
#define SUB                                                                                        \
    "seq, arn, topic, account, region, principal, protocol, endpoint, confirmed, authenticated, "  \
    "token, token_ends_ms, attributes"

static int read_topic(struct db_rows *rows, struct arena *a, struct sns_topic_row *ret,
                      struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct sns_topic_row){db_i64(rows, 0),    db_str(rows, a, 1), db_str(rows, a, 2),
                                      db_str(rows, a, 3), db_str(rows, a, 4), db_str(rows, a, 5),
                                      db_i64(rows, 6),    db_i64(rows, 7)};
    }
    return more;
}

static int read_sub(struct db_rows *rows, struct arena *a, struct sns_sub_row *ret,
                    struct err *err) {
    int more = db_next(rows, err);
    if (more == 1) {
        *ret = (struct sns_sub_row){
            .seq = db_i64(rows, 0),
            .arn = db_str(rows, a, 1),
            .topic = db_str(rows, a, 2),
            .account = db_str(rows, a, 3),
            .region = db_str(rows, a, 4),
            .principal = db_str(rows, a, 5),
            .protocol = db_str(rows, a, 6),
            .endpoint = db_str(rows, a, 7),
            .confirmed = db_i64(rows, 8) != 0,
            .authenticated = db_i64(rows, 9) != 0,
            .token = db_str(rows, a, 10),
            .token_ends_ms = db_i64(rows, 11),
            .attributes = db_str(rows, a, 12),
        };
    }
    return more;
}

int sns_topic_find(struct db *db, struct arena *a, struct str arn, struct sns_topic_row *ret,
                   struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " TOPIC " FROM sns_topic WHERE arn = ?", "s", arn) < 0) {
        return -1;
    }
    return read_topic(&rows, a, ret, err);
}

int sns_topic_insert(struct db *db, const struct sns_topic_row *t, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO sns_topic(arn, account, region, name, attributes, created_ms) "
                  "VALUES (?, ?, ?, ?, ?, ?)",
                  "sssssi", t->arn, t->account, t->region, t->name, t->attributes, t->created_ms);
}

int sns_topic_set_attributes(struct db *db, struct str arn, struct str attributes,
                             struct err *err) {
    return db_run(db, err, "UPDATE sns_topic SET attributes = ? WHERE arn = ?", "ss", attributes,
                  arn);
}

int sns_topic_remove(struct db *db, struct str arn, struct err *err) {
    return db_run(db, err, "DELETE FROM sns_topic WHERE arn = ?", "s", arn);
}

int sns_topic_list(struct db *db, struct arena *a, struct str account, struct str region,
                   int64_t after, int64_t limit, struct sns_topic_rows *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " TOPIC " FROM sns_topic WHERE account = ? AND region = ? AND seq > ? "
                 "ORDER BY seq LIMIT ?",
                 "ssii", account, region, after, limit) < 0) {
        return -1;
    }
    *ret = (struct sns_topic_rows){0};
    struct sns_topic_row row;
    int more;
    while ((more = read_topic(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}

int sns_topic_counts(struct db *db, struct str arn, int64_t *ret_pending, int64_t *ret_confirmed,
                     struct err *err) {
    if (db_get_i64(db, ret_pending, err,
                   "SELECT count(*) FROM sns_subscription WHERE topic = ? AND confirmed = 0", "s",
                   arn) < 0) {
        return -1;
    }
    return db_get_i64(db, ret_confirmed, err,
                      "SELECT count(*) FROM sns_subscription WHERE topic = ? AND confirmed = 1",
                      "s", arn) < 0
               ? -1
               : 0;
}

int sns_sub_find(struct db *db, struct arena *a, struct str arn, struct sns_sub_row *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT " SUB " FROM sns_subscription WHERE arn = ?", "s", arn) <
        0) {
        return -1;
    }
    return read_sub(&rows, a, ret, err);
}

int sns_sub_find_target(struct db *db, struct arena *a, struct str topic, struct str protocol,
                        struct str endpoint, struct sns_sub_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " SUB " FROM sns_subscription WHERE topic = ? AND protocol = ? AND "
                 "endpoint = ?",
                 "sss", topic, protocol, endpoint) < 0) {
        return -1;
    }
    return read_sub(&rows, a, ret, err);
}

int sns_sub_find_token(struct db *db, struct arena *a, struct str topic, struct str token,
                       struct sns_sub_row *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT " SUB " FROM sns_subscription WHERE topic = ? AND token = ?", "ss", topic,
                 token) < 0) {
        return -1;
    }
    return read_sub(&rows, a, ret, err);
}

int sns_sub_insert(struct db *db, const struct sns_sub_row *s, struct err *err) {
    return db_run(db, err,
                  "INSERT INTO sns_subscription(arn, topic, account, region, principal, protocol, "
                  "endpoint, confirmed, authenticated, token, token_ends_ms, attributes) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "sssssssiisis", s->arn, s->topic, s->account, s->region, s->principal,
                  s->protocol, s->endpoint, (int64_t)s->confirmed, (int64_t)s->authenticated,
                  s->token, s->token_ends_ms, s->attributes);
}

int sns_sub_confirm(struct db *db, struct str arn, bool authenticated, struct err *err) {
    return db_run(db, err,
                  "UPDATE sns_subscription SET confirmed = 1, authenticated = ? WHERE arn = ?",
                  "is", (int64_t)authenticated, arn);
}

int sns_sub_set_attributes(struct db *db, struct str arn, struct str attributes, struct err *err) {
    return db_run(db, err, "UPDATE sns_subscription SET attributes = ? WHERE arn = ?", "ss",
                  attributes, arn);
}

int sns_sub_remove(struct db *db, const struct sns_sub_row *s, struct err *err) {
    if (db_run(db, err, "DELETE FROM sns_subscription WHERE arn = ?", "s", s->arn) < 0) {
        return -1;
    }
    return db_run(db, err, "UPDATE sns_topic SET deleted = deleted + 1 WHERE arn = ?", "s",
                  s->topic);
}

int sns_sub_list(struct db *db, struct arena *a, struct str account, struct str region,
                 struct str topic, int64_t after, int64_t limit, struct sns_sub_rows *ret,
                 struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int bad = topic.p != NULL
                  ? db_query(db, &rows, err,
                             "SELECT " SUB " FROM sns_subscription WHERE topic = ? AND seq > ? "
                             "ORDER BY seq LIMIT ?",
                             "sii", topic, after, limit)
                  : db_query(db, &rows, err,
                             "SELECT " SUB " FROM sns_subscription WHERE account = ? AND "
                             "region = ? AND seq > ? ORDER BY seq LIMIT ?",
                             "ssii", account, region, after, limit);
    if (bad < 0) {
        return -1;
    }
    *ret = (struct sns_sub_rows){0};
    struct sns_sub_row row;
    int more;
    while ((more = read_sub(&rows, a, &row, err)) > 0) {
        *arena_push(a, ret) = row;
    }
    return more;
}
