/* Signing what we send; aws/auth/sigv4.h. */
#include "aws/auth/sigv4.h"

#include <stdlib.h>

/* Not signed: what a proxy on the way may change or add. */
static bool may_change(struct str name) {
    return str_ieq(name, S("User-Agent")) || str_ieq(name, S("Expect")) ||
           str_ieq(name, S("Transfer-Encoding")) || str_ieq(name, S("Connection")) ||
           str_ieq(name, S("Authorization"));
}

static int by_bytes(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* "content-type;host;x-amz-date" */
static struct str names_to_sign(struct arena *a, const struct http_headers *headers) {
    struct str_list names = {NULL, 0};
    for (size_t i = 0; i < headers->n; i++) {
        if (!may_change(headers->v[i].name)) {
            *arena_push(a, &names) = str_lower(a, headers->v[i].name);
        }
    }
    if (names.n > 0) {
        qsort(names.v, names.n, sizeof(names.v[0]), by_bytes);
    }
    struct str out = S("");
    for (size_t i = 0; i < names.n; i++) {
        if (i == 0 || !str_eq(names.v[i], names.v[i - 1])) {
            out = str_concat(a, i > 0 ? str_concat(a, out, S(";")) : out, names.v[i]);
        }
    }
    return out;
}

static struct sigv4 begin(struct arena *a, const struct aws_credentials *keys, struct str region,
                          struct str service, int64_t now_ms) {
    struct sigv4 sig = {.access_key = keys->access_key, .region = region, .service = service};
    sig.amz_date = time_basic(a, now_ms);
    sig.date = str_sub(sig.amz_date, 0, 8);
    sig.time_ms = now_ms;
    sig.token = keys->session_token;
    return sig;
}

void sigv4_sign(struct arena *a, const struct aws_credentials *keys, struct str region,
                struct str service, int64_t now_ms, const struct sigv4_request *req,
                struct http_headers *headers) {
    struct sigv4 sig = begin(a, keys, region, service, now_ms);
    http_header_add(a, headers, S("X-Amz-Date"), sig.amz_date);
    if (keys->session_token.n > 0) {
        http_header_add(a, headers, S("X-Amz-Security-Token"), keys->session_token);
    }
    if (req->s3) {
        http_header_add(a, headers, S("X-Amz-Content-Sha256"), req->payload);
    }
    sig.signed_headers = names_to_sign(a, headers);
    struct sigv4_request signed_request = *req;
    signed_request.headers = headers;
    unsigned char key[32];
    sigv4_key(keys->secret_key, sig.date, region, service, key);
    struct str scope = sigv4_scope(a, &sig);
    struct str signature = sigv4_compute(a, &sig, &signed_request, key);
    http_header_add(a, headers, S("Authorization"),
                    str_printf(a,
                               "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT
                               ", SignedHeaders=" STR_FMT ", Signature=" STR_FMT,
                               STR_ARG(keys->access_key), STR_ARG(scope),
                               STR_ARG(sig.signed_headers), STR_ARG(signature)));
}

struct str sigv4_presign(struct arena *a, const struct aws_credentials *keys, struct str region,
                         struct str service, int64_t now_ms, int64_t expires_s,
                         const struct sigv4_request *req) {
    struct sigv4 sig = begin(a, keys, region, service, now_ms);
    sig.presigned = true;
    sig.signed_headers = S("host");
    struct str credential =
        str_concat(a, str_concat(a, keys->access_key, S("/")), sigv4_scope(a, &sig));
    struct str query =
        str_printf(a,
                   STR_FMT "%sX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" STR_FMT
                           "&X-Amz-Date=" STR_FMT "&X-Amz-Expires=%lld&X-Amz-SignedHeaders=host",
                   STR_ARG(req->query), req->query.n > 0 ? "&" : "",
                   STR_ARG(http_url_encode(a, credential, false)), STR_ARG(sig.amz_date),
                   (long long)expires_s);
    if (keys->session_token.n > 0) {
        query = str_concat(a, str_concat(a, query, S("&X-Amz-Security-Token=")),
                           http_url_encode(a, keys->session_token, false));
    }
    struct sigv4_request signed_request = *req;
    signed_request.query = query;
    unsigned char key[32];
    sigv4_key(keys->secret_key, sig.date, region, service, key);
    struct str signature = sigv4_compute(a, &sig, &signed_request, key);
    return str_concat(a, str_concat(a, query, S("&X-Amz-Signature=")), signature);
}
