/*
 * X.509: an authority of our own (P-256, ECDSA with SHA-256) and leaf certificates for host names,
 * as PEM. A build's gateway answers for AWS's names with these. Storing them, and deciding which
 * names deserve one, is the caller's business.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "platform/crypto/hash.h"

#include <stdint.h>

struct cert_pair {
    struct str cert_pem;
    struct str key_pem; /* PKCS #8, not encrypted */
};

/* Self-signed, may sign leaves only (path length 0), valid from a day before now_ms. */
int cert_make_authority(struct arena *a, struct str common_name, int64_t now_ms, int days,
                        struct cert_pair *ret, struct err *err) MUST_USE;

/* For TLS servers; `hosts` are the subject alternative names ("*.s3.eu-west-2.amazonaws.com" or an
 * IP address). ERR_INVALID if a host holds other bytes than those of a name. */
int cert_make_leaf(struct arena *a, const struct cert_pair *authority, const struct str_list *hosts,
                   int64_t now_ms, int days, struct cert_pair *ret, struct err *err) MUST_USE;

/* A self-signed certificate that signs messages, no others: RSA 2048, because SNS signs so. */
int cert_make_signer(struct arena *a, struct str common_name, int64_t now_ms, int days,
                     struct cert_pair *ret, struct err *err) MUST_USE;

/* The certificates of a PEM text that somebody else wrote, as PEM and without whatever else it
 * holds. ERR_INVALID: it holds none, or a damaged one. */
int cert_bundle(struct arena *a, struct str pem, struct str *ret, struct err *err) MUST_USE;

/* Signature (PKCS #1 v1.5 for RSA) of data by a PEM key, and its check against a PEM certificate.
 */
int cert_sign(struct arena *a, struct str key_pem, enum hash_kind digest, struct str data,
              struct str *ret, struct err *err) MUST_USE;
bool cert_verify(struct str cert_pem, enum hash_kind digest, struct str data, struct str signature);
