/* Implementation of session.h. */
#include "front/web/session.h"

#include "platform/crypto/hash.h"
#include "platform/text/json.h"
#include "runtime/audit/audit.h"

extern const char web_schema_sql[];
const struct db_schema console_schema = {"console", web_schema_sql};

static struct str principal_to_json(struct arena *a, const struct aws_principal *p) {
    json_t *o cleanup_json = json_object();
    json_set(o, "kind", json_integer(p->kind));
    json_set_str(o, "account", p->account);
    json_set_str(o, "arn", p->arn);
    json_set_str(o, "userId", p->user_id);
    json_set_str(o, "roleArn", p->role_arn);
    json_set_str(o, "sessionName", p->session_name);
    json_set_str(o, "sessionPolicy", p->session_policy);
    return json_dump_str(a, o);
}

static int principal_from_json(struct arena *a, struct str json, struct aws_principal *ret,
                               struct err *err) {
    json_t *o cleanup_json = json_parse(json, err);
    if (o == NULL) {
        return -1;
    }
    *ret = (struct aws_principal){
        .kind = (enum aws_principal_kind)json_int(o, "kind"),
        .account = str_dup(a, json_str(o, "account")),
        .arn = str_dup(a, json_str(o, "arn")),
        .user_id = str_dup(a, json_str(o, "userId")),
        .role_arn = str_dup(a, json_str(o, "roleArn")),
        .session_name = str_dup(a, json_str(o, "sessionName")),
        .session_policy = str_dup(a, json_str(o, "sessionPolicy")),
    };
    return 0;
}

int console_link_make(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                      const struct aws_principal *principal, struct str *ret_secret,
                      struct err *err) {
    *ret_secret = rng_hex(rng, a, 48);
    if (db_run(db, err, "DELETE FROM console_links WHERE expires_ms < ?", "i", now_ms) < 0) {
        return -1;
    }
    return db_run(db, err, "INSERT INTO console_links VALUES (?, ?, ?)", "ssi",
                  crypto_sha256_hex(a, *ret_secret), principal_to_json(a, principal),
                  now_ms + CONSOLE_LINK_MS);
}

/* From here on a browser acts as the principal. */
static int tell_sign_in(struct db *db, struct arena *a, int64_t now_ms, struct str json,
                        struct err *err) {
    struct aws_principal who;
    if (principal_from_json(a, json, &who, err) < 0) {
        return -1;
    }
    const struct audit_act act = {
        .at_ms = now_ms,
        .account = who.account,
        .principal = who.arn,
        .source = S("console"),
        .operation = S("trunkline:SignIn"),
        .outcome = S("Success"),
    };
    return audit_add(db, &act, err);
}

int console_link_use(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                     struct str secret, struct str *ret_cookie, struct err *err) {
    struct str id = crypto_sha256_hex(a, secret);
    struct str principal = STR_NONE;
    int found = db_get_str(db, a, &principal, err,
                           "SELECT principal FROM console_links WHERE id = ? AND expires_ms >= ?",
                           "si", id, now_ms);
    if (found <= 0) {
        return found;
    }
    *ret_cookie = rng_hex(rng, a, 64);
    if (db_run(db, err, "DELETE FROM console_links WHERE id = ?", "s", id) < 0 ||
        db_run(db, err, "DELETE FROM console_sessions WHERE expires_ms < ?", "i", now_ms) < 0 ||
        db_run(db, err, "INSERT INTO console_sessions VALUES (?, ?, ?, ?)", "sssi",
               crypto_sha256_hex(a, *ret_cookie), principal, rng_hex(rng, a, 48),
               now_ms + CONSOLE_SESSION_MS) < 0 ||
        tell_sign_in(db, a, now_ms, principal, err) < 0) {
        return -1;
    }
    return 1;
}

int console_session_find(struct db *db, struct arena *a, int64_t now_ms, struct str cookie,
                         struct console_session *ret, struct err *err) {
    ret->id = crypto_sha256_hex(a, cookie);
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err,
                 "SELECT principal, csrf FROM console_sessions WHERE id = ? AND expires_ms >= ?",
                 "si", ret->id, now_ms) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found <= 0) {
        return found;
    }
    ret->csrf = db_str(&rows, a, 1);
    return principal_from_json(a, db_str(&rows, a, 0), &ret->principal, err) < 0 ? -1 : 1;
}

int console_session_end(struct db *db, struct str id, struct err *err) {
    return db_run(db, err, "DELETE FROM console_sessions WHERE id = ?", "s", id);
}
