/*
 * Messages as HTTP endpoints get them: the JSON document with its signature. Pure but for the
 * signer, whose key pair lies in the store.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "platform/text/json.h"
#include "runtime/db/db.h"

struct sns_message {
    struct str type; /* "Notification" or "SubscriptionConfirmation" */
    struct str id;
    struct str topic;
    struct str subscription;
    struct str subject; /* or absent */
    struct str text;
    struct str token; /* confirmation only */
    int64_t at_ms;
    const json_t *attributes; /* {"name": {"Type", "Value"}} or NULL; borrowed */
};

struct sns_signer {
    struct str name; /* "SimpleNotificationService-<digits>.pem" */
    struct str cert_pem;
    struct str key_pem;
};

/* The data directory's signer, made at first use. Inside a transaction. */
int sns_signer_load(struct db *db, struct arena *a, const struct rng *rng, int64_t now_ms,
                    struct sns_signer *ret, struct err *err) MUST_USE;

/* The certificate behind SigningCertURL: 1 and *ret_pem, 0 no such name, -1. Own transaction. */
int sns_signing_cert(struct db *db, struct arena *a, struct str name, struct str *ret_pem,
                     struct err *err) MUST_USE;

/* What is signed: names and values, a line each, in the order that AWS documents. */
struct str sns_string_to_sign(struct arena *a, const struct sns_message *m, struct str endpoint);

/* The document. `endpoint` is our own URL; `version` "1" (SHA-1) or "2" (SHA-256). */
int sns_message_document(struct arena *a, const struct sns_message *m,
                         const struct sns_signer *signer, struct str endpoint, struct str version,
                         struct str *ret, struct err *err) MUST_USE;
