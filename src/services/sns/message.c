/* Implementation of services/sns/message.h. */
#include "services/sns/message.h"

#include "base/buf.h"
#include "platform/crypto/cert.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/core/seal.h"

enum { SIGNER_DAYS = 3650, DOCUMENT_MAX = 8 * 1024 * 1024 };

static int make_signer(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                       struct sns_signer *ret, struct err *err) {
    struct cert_pair pair;
    if (cert_make_signer(a, S("sns.amazonaws.com (Trunkline)"), now_ms, SIGNER_DAYS, &pair, err) <
        0) {
        return -1;
    }
    struct str digest = str_sub(crypto_sha256_hex(a, pair.cert_pem), 0, 32);
    ret->name = str_printf(a, "SimpleNotificationService-%.*s.pem", STR_ARG(digest));
    ret->cert_pem = pair.cert_pem;
    ret->key_pem = pair.key_pem;
    return db_run(db, err, "INSERT INTO sns_signer(id, name, cert, key) VALUES (1, ?, ?, ?)", "ssb",
                  ret->name, ret->cert_pem, seal_make(a, rng, S("sns/signer"), ret->key_pem));
}

int sns_signer_load(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                    struct sns_signer *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(db, &rows, err, "SELECT name, cert, key FROM sns_signer", "") < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found < 0) {
        return -1;
    }
    if (found == 0) {
        db_done(&rows);
        return make_signer(db, a, rng, now_ms, ret, err);
    }
    ret->name = db_str(&rows, a, 0);
    ret->cert_pem = db_str(&rows, a, 1);
    return seal_open(a, S("sns/signer"), db_str(&rows, a, 2), &ret->key_pem, err);
}

int sns_signing_cert(struct db *db, struct arena *a, struct str name, struct str *ret_pem,
                     struct err *err) {
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found =
        db_get_str(db, a, ret_pem, err, "SELECT cert FROM sns_signer WHERE name = ?", "s", name);
    db_rollback(db);
    return found;
}

static bool confirms(const struct sns_message *m) {
    return !str_is(m->type, "Notification");
}

static struct str subscribe_url(struct arena *a, const struct sns_message *m, struct str endpoint) {
    return str_printf(a, "%.*s/?Action=ConfirmSubscription&TopicArn=%.*s&Token=%.*s",
                      STR_ARG(endpoint), STR_ARG(m->topic), STR_ARG(m->token));
}

static void line(struct buf *b, const char *name, struct str value) {
    buf_add_z(b, name);
    buf_add_c(b, '\n');
    buf_add(b, value);
    buf_add_c(b, '\n');
}

struct str sns_string_to_sign(struct arena *a, const struct sns_message *m, struct str endpoint) {
    struct buf b cleanup_buf;
    buf_init(&b, DOCUMENT_MAX);
    line(&b, "Message", m->text);
    line(&b, "MessageId", m->id);
    if (confirms(m)) {
        line(&b, "SubscribeURL", subscribe_url(a, m, endpoint));
    } else if (m->subject.p != NULL) {
        line(&b, "Subject", m->subject);
    }
    line(&b, "Timestamp", time_iso_ms(a, m->at_ms));
    if (confirms(m)) {
        line(&b, "Token", m->token);
    }
    line(&b, "TopicArn", m->topic);
    line(&b, "Type", m->type);
    return buf_dup(a, &b);
}

static void member(struct arena *a, struct buf *b, const char *name, struct str value) {
    json_t *json cleanup_json = json_from_str(value);
    buf_printf(b, "%s\n  \"%s\" : ", b->n > 1 ? "," : "", name);
    buf_add(b, json_dump_str(a, json));
}

static void add_attributes(struct arena *a, struct buf *b, const json_t *attributes) {
    if (json_object_size(attributes) == 0) {
        return;
    }
    buf_add_z(b, ",\n  \"MessageAttributes\" : {");
    const char *key;
    json_t *value;
    const char *comma = "";
    json_object_foreach((json_t *)attributes, key, value) {
        json_t *name cleanup_json = json_string(key);
        json_t *type cleanup_json = json_from_str(json_str(value, "Type"));
        json_t *text cleanup_json = json_from_str(json_str(value, "Value"));
        buf_printf(b, "%s\n    %.*s : {\"Type\":%.*s,\"Value\":", comma,
                   STR_ARG(json_dump_str(a, name)), STR_ARG(json_dump_str(a, type)));
        buf_add(b, json_dump_str(a, text));
        buf_add_c(b, '}');
        comma = ",";
    }
    buf_add_z(b, "\n  }");
}

int sns_message_document(struct arena *a, const struct sns_message *m,
                         const struct sns_signer *signer, struct str endpoint, struct str version,
                         struct str *ret, struct err *err) {
    struct str signature;
    enum hash_kind digest = str_is(version, "2") ? HASH_SHA256 : HASH_SHA1;
    if (cert_sign(a, signer->key_pem, digest, sns_string_to_sign(a, m, endpoint), &signature, err) <
        0) {
        return err_wrap(err, "sign message");
    }
    struct buf b cleanup_buf;
    buf_init(&b, DOCUMENT_MAX);
    buf_add_c(&b, '{');
    member(a, &b, "Type", m->type);
    member(a, &b, "MessageId", m->id);
    if (confirms(m)) {
        member(a, &b, "Token", m->token);
    }
    member(a, &b, "TopicArn", m->topic);
    if (!confirms(m) && m->subject.p != NULL) {
        member(a, &b, "Subject", m->subject);
    }
    member(a, &b, "Message", m->text);
    if (confirms(m)) {
        member(a, &b, "SubscribeURL", subscribe_url(a, m, endpoint));
    }
    member(a, &b, "Timestamp", time_iso_ms(a, m->at_ms));
    member(a, &b, "SignatureVersion", version);
    member(a, &b, "Signature", base64_encode(a, signature));
    member(a, &b, "SigningCertURL",
           str_printf(a, "%.*s/_trunkline/sns/%.*s", STR_ARG(endpoint), STR_ARG(signer->name)));
    if (!confirms(m)) {
        member(a, &b, "UnsubscribeURL",
               str_printf(a, "%.*s/?Action=Unsubscribe&SubscriptionArn=%.*s", STR_ARG(endpoint),
                          STR_ARG(m->subscription)));
        add_attributes(a, &b, m->attributes);
    }
    buf_add_z(&b, "\n}");
    if (b.overflow) {
        return err_set(err, ERR_LIMIT, "message document is larger than %d bytes", DOCUMENT_MAX);
    }
    *ret = buf_dup(a, &b);
    return 0;
}
