/* Implementation of services/sts/sts_store.h. */
#include "services/sts/sts_store.h"

#include "platform/crypto/encode.h"
#include "services/core/ident.h"
#include "services/core/seal.h"

extern const char sts_schema_sql[];
const struct db_schema sts_schema = {"sts", sts_schema_sql};

enum { SECRET_CHARS = 40, TOKEN_BYTES = 120, KEEP_MS = 24 * 3600 * 1000 };

static struct str context(struct arena *a, struct str key) {
    return str_printf(a, "sts/session/" STR_FMT, STR_ARG(key));
}

static const char *kind_name(enum aws_principal_kind kind) {
    return kind == AWS_PRINCIPAL_ROLE ? "role" : kind == AWS_PRINCIPAL_USER ? "user" : "root";
}

static enum aws_principal_kind kind_of(struct str name) {
    return str_is(name, "role")   ? AWS_PRINCIPAL_ROLE
           : str_is(name, "user") ? AWS_PRINCIPAL_USER
                                  : AWS_PRINCIPAL_ROOT;
}

int sts_session_issue(struct db *db, struct arena *a, const struct rng *rng, struct sts_session *s,
                      struct err *err) {
    char token[TOKEN_BYTES];
    rng->fill(rng->ud, token, sizeof(token));
    s->credentials.access_key = ident_make(rng, a, "ASIA", 16);
    s->credentials.secret_key = ident_secret(rng, a);
    s->credentials.session_token =
        str_concat(a, S("IQoJb3JpZ2luX2Vj"), base64_encode(a, str_n(token, sizeof(token))));
    s->principal.access_key = s->credentials.access_key;
    const struct aws_principal *p = &s->principal;
    struct str sealed =
        seal_make(a, rng, context(a, p->access_key),
                  str_concat(a, s->credentials.secret_key, s->credentials.session_token));
    if (db_run(db, err, "DELETE FROM sts_session WHERE expires_ms < ?", "i",
               s->issued_ms - KEEP_MS) < 0) {
        return -1;
    }
    return db_run(db, err,
                  "INSERT INTO sts_session(key, secret, account, kind, arn, user_id, role_arn, "
                  "session_name, policy, source_identity, tags, transitive, build_id, issued_ms, "
                  "expires_ms, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "sbszsssssssssiis", p->access_key, sealed, p->account, kind_name(p->kind), p->arn,
                  p->user_id, p->role_arn, p->session_name, p->session_policy, p->source_identity,
                  s->tags, s->transitive, p->build_id, s->issued_ms, s->credentials.expires_ms,
                  p->origin);
}

static int read_session(struct db_rows *rows, struct arena *a, struct sts_session *ret,
                        struct err *err) {
    struct str key = db_str(rows, a, 0), plain = STR_NONE;
    if (seal_open(a, context(a, key), db_str(rows, a, 1), &plain, err) < 0) {
        return -1;
    }
    *ret = (struct sts_session){
        .credentials =
            {
                .access_key = key,
                .secret_key = str_sub(plain, 0, SECRET_CHARS),
                .session_token = str_sub(plain, SECRET_CHARS, plain.n),
                .expires_ms = db_i64(rows, 14),
            },
        .principal =
            {
                .kind = kind_of(db_str(rows, a, 3)),
                .account = db_str(rows, a, 2),
                .arn = db_str(rows, a, 4),
                .user_id = db_str(rows, a, 5),
                .role_arn = db_str(rows, a, 6),
                .session_name = db_str(rows, a, 7),
                .session_policy = db_str(rows, a, 8),
                .access_key = key,
                .source_identity = db_str(rows, a, 9),
                .build_id = db_str(rows, a, 12),
                .origin = db_str(rows, a, 15),
            },
        .tags = db_str(rows, a, 10),
        .transitive = db_str(rows, a, 11),
        .issued_ms = db_i64(rows, 13),
    };
    return 1;
}

int sts_session_find(struct db *db, struct arena *a, struct str key, struct sts_session *ret,
                     struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT key, secret, account, kind, arn, user_id, role_arn, session_name, policy, "
                 "source_identity, tags, transitive, build_id, issued_ms, expires_ms, "
                 "origin FROM sts_session WHERE key = ?",
                 "s", key) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    return found > 0 ? read_session(&rows, a, ret, err) : found;
}

int sts_session_end_build(struct db *db, struct str build_id, struct err *err) {
    return db_run(db, err, "DELETE FROM sts_session WHERE build_id = ?", "s", build_id);
}

int sts_session_repeats(struct db *db, struct str arn, bool *ret, struct err *err) {
    int64_t n = 0;
    int got = db_get_i64(db, &n, err,
                         "SELECT count(*) FROM (SELECT 1 FROM sts_session WHERE arn = ? LIMIT 2)",
                         "s", arn);
    *ret = n > 1;
    return got < 0 ? -1 : 0;
}
