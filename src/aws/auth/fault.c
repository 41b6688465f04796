/* Implementation of aws/auth/fault.h: one table, a row per fault, a column per family. */
#include "aws/auth/fault.h"

#include "base/clock.h"

enum family { JSON, QUERY, S3, REST, FAMILIES };

struct fault {
    struct aws_error error;
    const char *sentence;
};

#define E(name, status, message, sentence)                                                         \
    { {name, name, status, message, NULL}, sentence }
#define TOKEN_INVALID "The security token included in the request is invalid."
#define TOKEN_EXPIRED "The security token included in the request is expired"
#define NO_MATCH                                                                                   \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
#define S3_NO_MATCH                                                                                \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "key and signing method."

static const struct fault faults[][FAMILIES] =
    {
        [AUTH_MISSING] =
            {
                E("MissingAuthenticationTokenException", 400, "message",
                  "Missing Authentication Token"),
                E("MissingAuthenticationToken", 403, "Message",
                  "Request is missing Authentication Token"),
                E("AccessDenied", 403, "Message", "Access Denied"),
                E("MissingAuthenticationTokenException", 403, "message",
                  "Missing Authentication Token"),
            },
        [AUTH_INCOMPLETE] =
            {
                E("IncompleteSignatureException", 400, "message", "The signature is incomplete."),
                E("IncompleteSignature", 400, "Message", "The signature is incomplete."),
                E("AuthorizationHeaderMalformed", 400, "Message",
                  "The authorization header that you provided is not valid."),
                E("IncompleteSignatureException", 403, "message", "The signature is incomplete."),
            },
        [AUTH_UNKNOWN_KEY] =
            {
                E("UnrecognizedClientException", 400, "message", TOKEN_INVALID),
                E("InvalidClientTokenId", 403, "Message", TOKEN_INVALID),
                E("InvalidAccessKeyId", 403, "Message",
                  "The AWS Access Key Id you provided does not exist in our records."),
                E("UnrecognizedClientException", 403, "message", TOKEN_INVALID),
            },
        [AUTH_BAD_TOKEN] =
            {
                E("UnrecognizedClientException", 400, "message", TOKEN_INVALID),
                E("InvalidClientTokenId", 403, "Message", TOKEN_INVALID),
                E("InvalidToken", 400, "Message",
                  "The provided token is malformed or otherwise invalid."),
                E("UnrecognizedClientException", 403, "message", TOKEN_INVALID),
            },
        [AUTH_EXPIRED_TOKEN] =
            {
                E("ExpiredTokenException", 400, "message", TOKEN_EXPIRED),
                E("ExpiredToken", 403, "Message", TOKEN_EXPIRED),
                E("ExpiredToken", 400, "Message", "The provided token has expired."),
                E("ExpiredTokenException", 403, "message", TOKEN_EXPIRED),
            },
        [AUTH_SKEWED] =
            {
                E("InvalidSignatureException", 400, "message", "Signature expired."),
                E("SignatureDoesNotMatch", 403, "Message", "Signature expired."),
                E("RequestTimeTooSkewed", 403, "Message",
                  "The difference between the request time and the current time is too large."),
                E("InvalidSignatureException", 403, "message", "Signature expired."),
            },
        [AUTH_EXPIRED_REQUEST] =
            {
                E("InvalidSignatureException", 400, "message", "Signature expired."),
                E("SignatureDoesNotMatch", 403, "Message", "Signature expired."),
                E("AccessDenied", 403, "Message", "Request has expired"),
                E("InvalidSignatureException", 403, "message", "Signature expired."),
            },
        [AUTH_MISMATCH] =
            {
                E("InvalidSignatureException", 400, "message", NO_MATCH),
                E("SignatureDoesNotMatch", 403, "Message", NO_MATCH),
                E("SignatureDoesNotMatch", 403, "Message", S3_NO_MATCH),
                E("InvalidSignatureException", 403, "message", NO_MATCH),
            },
        [AUTH_UNSIGNED_HEADER] =
            {
                E("InvalidSignatureException", 400, "message", "A header is not signed."),
                E("SignatureDoesNotMatch", 403, "Message", "A header is not signed."),
                E("AccessDenied", 403, "Message",
                  "There were headers present in the request which were not signed"),
                E("InvalidSignatureException", 403, "message", "A header is not signed."),
            },
        [AUTH_PAYLOAD] =
            {
                E("InvalidSignatureException", 400, "message", NO_MATCH),
                E("SignatureDoesNotMatch", 403, "Message", NO_MATCH),
                E("XAmzContentSHA256Mismatch", 400, "Message",
                  "The provided 'x-amz-content-sha256' header does not match what was computed."),
                E("InvalidSignatureException", 403, "message", NO_MATCH),
            },
};

static enum family family_of(enum shape_protocol protocol) {
    switch (protocol) {
    case SHAPE_QUERY:
        return QUERY;
    case SHAPE_REST_XML:
        return S3;
    case SHAPE_REST_JSON:
        return REST;
    default:
        return JSON;
    }
}

int auth_fail(struct err *err, enum auth_fault fault, enum shape_protocol protocol,
              struct str detail) {
    const struct fault *f = &faults[fault][family_of(protocol)];
    bool says = detail.p != NULL && !(protocol == SHAPE_REST_XML && fault == AUTH_SKEWED);
    struct str text = says ? detail : str_c(f->sentence);
    err_api(err, &f->error, STR_FMT, STR_ARG(text));
    err->kind = ERR_DENIED;
    return -1;
}

struct str auth_skew_detail(struct arena *a, int64_t signed_ms, int64_t now_ms, int64_t limit_ms) {
    bool late = signed_ms < now_ms;
    struct str signed_at = time_basic(a, signed_ms);
    struct str bound = time_basic(a, late ? now_ms - limit_ms : now_ms + limit_ms);
    struct str now = time_basic(a, now_ms);
    return str_printf(a, "Signature %s: " STR_FMT " is %s " STR_FMT " (" STR_FMT " %c %d min.)",
                      late ? "expired" : "not yet current", STR_ARG(signed_at),
                      late ? "now earlier than" : "still later than", STR_ARG(bound), STR_ARG(now),
                      late ? '-' : '+', (int)(limit_ms / 60000));
}
