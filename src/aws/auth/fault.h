/*
 * What AWS answers when it does not know who calls. The same fault has another code, status and
 * sentence in each family of services; clients act on all three (a skewed clock is corrected and
 * the call sent again, an expired token is renewed).
 */
#pragma once

#include "aws/shape/shape.h"
#include "base/err.h"

enum auth_fault {
    AUTH_MISSING,    /* no signature at all */
    AUTH_INCOMPLETE, /* one that cannot be read */
    AUTH_UNKNOWN_KEY,
    AUTH_BAD_TOKEN,       /* the session token is not the key's */
    AUTH_EXPIRED_TOKEN,   /* the session is over */
    AUTH_SKEWED,          /* signed at a time too far from ours */
    AUTH_EXPIRED_REQUEST, /* presigned, and used too late */
    AUTH_MISMATCH,        /* signed with another secret, or changed on the way */
    AUTH_UNSIGNED_HEADER, /* a header that must be covered is not */
    AUTH_PAYLOAD,         /* the body is not the one that was signed */
};

/* Returns -1 with err->api set. `detail` is the message where AWS's own says something about the
 * request (INCOMPLETE, SKEWED, UNSIGNED_HEADER); absent: the fault's usual sentence. */
int auth_fail(struct err *err, enum auth_fault fault, enum shape_protocol protocol,
              struct str detail);

/* Message of AUTH_SKEWED outside S3: "Signature expired: A is now earlier than B (C - 5 min.)". */
struct str auth_skew_detail(struct arena *a, int64_t signed_ms, int64_t now_ms, int64_t limit_ms);
