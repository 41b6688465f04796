/* Who calls, and that nothing was changed on the way. */
#include "front/door/internal.h"

#include "aws/auth/fault.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/s3/stage.h"

enum { SKEW_MS = 5 * 60 * 1000, S3_SKEW_MS = 15 * 60 * 1000 };

static bool is_s3(const struct passage *p) {
    return p->protocol == SHAPE_REST_XML;
}

/* A signature for one service is none for another. */
static int check_scope(struct passage *p, struct err *err) {
    const char *service = p->service->shape->signing;
    if (str_is(p->sig.service, service)) {
        return 0;
    }
    return auth_fail(
        err, AUTH_MISMATCH, p->protocol,
        str_printf(p->arena, "Credential should be scoped to correct service: '%s'.", service));
}

static int check_time(struct passage *p, struct err *err) {
    int64_t limit = is_s3(p) ? S3_SKEW_MS : SKEW_MS;
    int64_t apart = p->now_ms - p->sig.time_ms;
    if (p->sig.presigned) {
        if (apart > p->sig.expires_s * 1000) {
            return auth_fail(err, AUTH_EXPIRED_REQUEST, p->protocol, STR_NONE);
        }
        return apart < -limit ? auth_fail(err, AUTH_SKEWED, p->protocol, STR_NONE) : 0;
    }
    if (apart > limit || apart < -limit) {
        return auth_fail(err, AUTH_SKEWED, p->protocol,
                         auth_skew_detail(p->arena, p->sig.time_ms, p->now_ms, limit));
    }
    return 0;
}

static int check_session(struct passage *p, struct err *err) {
    if (p->key.session_token.p != NULL || p->sig.token.p != NULL) {
        bool same = p->key.session_token.p != NULL && p->sig.token.p != NULL &&
                    crypto_equal(p->key.session_token, p->sig.token);
        if (!same) {
            return auth_fail(err, AUTH_BAD_TOKEN, p->protocol, STR_NONE);
        }
    }
    if (p->key.expires_ms != 0 && p->key.expires_ms <= p->now_ms) {
        return auth_fail(err, AUTH_EXPIRED_TOKEN, p->protocol, STR_NONE);
    }
    return 0;
}

/* What was signed as the payload: S3 says it in a header; elsewhere it is the body's digest. */
static struct str signed_payload(const struct passage *p) {
    struct str said = http_header(&p->req->headers, S("X-Amz-Content-Sha256"));
    if (is_s3(p)) {
        return said.p != NULL ? said : SIGV4_UNSIGNED;
    }
    return crypto_sha256_hex(p->arena, p->req->body.p ? p->req->body : S(""));
}

static int check_signature(struct passage *p, struct err *err) {
    struct sigv4_request req = {
        .method = p->req->method,
        .path = p->req->path,
        .query = p->req->query,
        .headers = &p->req->headers,
        .payload = signed_payload(p),
        .s3 = is_s3(p),
    };
    struct str bare = sigv4_unsigned_header(p->arena, &p->sig, &p->req->headers);
    if (bare.p != NULL) {
        return auth_fail(err, AUTH_UNSIGNED_HEADER, p->protocol,
                         str_printf(p->arena,
                                    "'" STR_FMT "' must be a 'SignedHeader' in the "
                                    "AWS Authorization.",
                                    STR_ARG(bare)));
    }
    if (!sigv4_verify(p->arena, &p->sig, &req, p->key.secret_key)) {
        return auth_fail(err, AUTH_MISMATCH, p->protocol, STR_NONE);
    }
    return 0;
}

int door_authenticate(struct passage *p, struct err *err) {
    if (p->verified) {
        return 0;
    }
    if (!p->has_signature) {
        bool open = p->op != NULL && (p->op->flags & SHAPE_OP_UNSIGNED) != 0;
        p->verified = open;
        return open ? 0 : auth_fail(err, AUTH_MISSING, p->protocol, STR_NONE);
    }
    int found = gate_find_key(p->door->config.gate, p->arena, p->sig.access_key, &p->key, err);
    if (found <= 0) {
        return found < 0 ? -1 : auth_fail(err, AUTH_UNKNOWN_KEY, p->protocol, STR_NONE);
    }
    bool any_key = p->key.secret_key.p == NULL;
    if (!any_key && (check_scope(p, err) < 0 || check_time(p, err) < 0 ||
                     check_session(p, err) < 0 || check_signature(p, err) < 0)) {
        return -1;
    }
    p->verified = true;
    return 0;
}

int door_check_body(struct passage *p, struct err *err) {
    if (!is_s3(p) || !p->has_signature || p->key.secret_key.p == NULL) {
        return 0; /* elsewhere the signature covers the body itself */
    }
    struct str said = http_header(&p->req->headers, S("X-Amz-Content-Sha256"));
    if (said.n != 64) {
        return 0; /* unsigned, or signed piece by piece */
    }
    struct str is = p->stage != NULL
                        ? hex_encode(p->arena, s3_stage_sha256(p->stage))
                        : crypto_sha256_hex(p->arena, p->req->body.p ? p->req->body : S(""));
    return str_ieq(said, is) ? 0 : auth_fail(err, AUTH_PAYLOAD, p->protocol, STR_NONE);
}
