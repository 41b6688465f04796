/* Implementation of delivery.h. */
#include "flow/forge/delivery.h"

#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

static struct str header(const struct http_request *req, const char *name) {
    return http_header(&req->headers, str_c(name));
}

/* "sha256=<hex>" over the body as it came. */
static bool is_signed(const struct http_request *req, struct str signature, struct str secret) {
    unsigned char mac[32];
    struct str hex = str_sub(signature, 7, signature.n);
    crypto_hmac_sha256(secret, req->body, mac);
    struct str own = hex_encode(req->arena, str_n((const char *)mac, sizeof(mac)));
    return str_starts(signature, S("sha256=")) && crypto_equal(own, str_lower(req->arena, hex));
}

int forge_verify(const struct http_request *req, struct str server, struct str secret) {
    if (str_starts(server, S("GITLAB"))) {
        struct str token = header(req, "X-Gitlab-Token");
        return token.n == 0 ? 401 : crypto_equal(token, secret) ? 0 : 403;
    }
    struct str signature = header(req, "X-Hub-Signature-256");
    if (signature.n == 0 && str_is(server, "BITBUCKET")) {
        signature = header(req, "X-Hub-Signature");
    }
    return signature.n == 0 ? 401 : is_signed(req, signature, secret) ? 0 : 403;
}

int forge_payload(const struct http_request *req, struct str *ret, struct err *err) {
    struct str_map form = {0};
    *ret = req->body;
    if (str_find(header(req, "Content-Type"), S("application/x-www-form-urlencoded"), 0) ==
        (size_t)-1) {
        return 0;
    }
    if (!http_parse_query(req->arena, req->body, &form)) {
        return err_set(err, ERR_INVALID, "the form is damaged");
    }
    *ret = str_map_get(&form, S("payload"));
    return 0;
}

struct str forge_kind(const struct http_request *req, struct str server) {
    return header(req, str_starts(server, S("GITLAB")) ? "X-Gitlab-Event"
                       : str_is(server, "BITBUCKET")   ? "X-Event-Key"
                                                       : "X-GitHub-Event");
}
