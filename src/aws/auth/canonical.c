/* Canonical form and signature of aws/auth/sigv4.h. */
#include "aws/auth/sigv4.h"

#include "base/buf.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

#include <stdlib.h>

/* Removes "." and "..", and joins slashes; the result keeps a slash at its end. */
static struct str normalise(struct arena *a, struct str path) {
    struct str_list parts = {NULL, 0};
    struct str rest = path;
    struct str part;
    bool slash_at_end = path.n > 0 && path.p[path.n - 1] == '/';
    while (str_cut(&rest, '/', &part)) {
        if (part.n == 0 || str_is(part, ".")) {
            continue;
        }
        if (!str_is(part, "..")) {
            *arena_push(a, &parts) = part;
        } else if (parts.n > 0) {
            parts.n--;
        }
    }
    struct str out = S("");
    for (size_t i = 0; i < parts.n; i++) {
        out = str_concat(a, str_concat(a, out, S("/")), parts.v[i]);
    }
    return slash_at_end || out.n == 0 ? str_concat(a, out, S("/")) : out;
}

/* Offset of the first %2F, or the end: such a slash separates nothing and stays escaped. */
static size_t escaped_slash(struct str s) {
    for (size_t i = 0; i + 2 < s.n; i++) {
        if (s.p[i] == '%' && s.p[i + 1] == '2' && (s.p[i + 2] | 0x20) == 'f') {
            return i;
        }
    }
    return s.n;
}

static struct str canonical_path(struct arena *a, struct str path, bool s3) {
    if (!s3) {
        bool plain = str_find(path, S("//"), 0) == (size_t)-1 &&
                     str_find(path, S("/."), 0) == (size_t)-1 && path.n > 0;
        return http_url_encode(a, plain ? path : normalise(a, path), true);
    }
    char *text = arena_alloc(a, path.n * 3 + 1);
    size_t n = 0;
    for (struct str rest = path; rest.p != NULL;) {
        size_t at = escaped_slash(rest);
        struct str part;
        if (!http_url_decode(a, str_sub(rest, 0, at), false, &part)) {
            return path; /* nothing that a client would have signed; the comparison fails */
        }
        part = http_url_encode(a, part, true);
        memcpy(text + n, part.p, part.n);
        n += part.n;
        if (at == rest.n) {
            break;
        }
        memcpy(text + n, "%2F", 3);
        n += 3;
        rest = str_sub(rest, at + 3, rest.n);
    }
    return str_n(text, n);
}

static int by_name_then_value(const void *x, const void *y) {
    const struct str_pair *a = x;
    const struct str_pair *b = y;
    int order = str_cmp(a->key, b->key);
    return order != 0 ? order : str_cmp(a->value, b->value);
}

/* As it was sent, decoded and encoded again; "+" is a plus here. */
static struct str recode(struct arena *a, struct str s) {
    struct str decoded;
    return http_url_decode(a, s, false, &decoded) ? http_url_encode(a, decoded, false) : s;
}

static struct str canonical_query(struct arena *a, struct str query, bool presigned) {
    struct str_map pairs = {NULL, 0};
    struct str rest = query;
    struct str part;
    while (str_cut(&rest, '&', &part)) {
        if (part.n == 0) {
            continue;
        }
        size_t equals = str_find_c(part, '=', 0);
        struct str name = recode(a, str_sub(part, 0, equals));
        if (presigned && str_is(name, "X-Amz-Signature")) {
            continue;
        }
        struct str value = equals == (size_t)-1 ? S("") : str_sub(part, equals + 1, part.n);
        *arena_push(a, &pairs) = (struct str_pair){name, recode(a, value)};
    }
    if (pairs.n == 0) {
        return S("");
    }
    qsort(pairs.v, pairs.n, sizeof(pairs.v[0]), by_name_then_value);
    struct buf out cleanup_buf;
    buf_init(&out, (size_t)HTTP_MAX_HEADER_BYTES * 8);
    for (size_t i = 0; i < pairs.n; i++) {
        buf_add_z(&out, i > 0 ? "&" : "");
        buf_add(&out, pairs.v[i].key);
        buf_add_c(&out, '=');
        buf_add(&out, pairs.v[i].value);
    }
    return buf_dup(a, &out);
}

/* Trimmed, runs of blanks as one. */
static void add_value(struct buf *out, struct str value) {
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != ' ' || value.p[i - 1] != ' ') {
            buf_add_c(out, value.p[i]);
        }
    }
}

static void add_headers(struct buf *out, const struct http_headers *headers, struct str names) {
    struct str rest = names;
    struct str name;
    while (str_cut(&rest, ';', &name)) {
        buf_add(out, name);
        buf_add_c(out, ':');
        bool first = true;
        for (size_t i = 0; i < headers->n; i++) {
            if (str_ieq(headers->v[i].name, name)) {
                buf_add_z(out, first ? "" : ",");
                add_value(out, headers->v[i].value);
                first = false;
            }
        }
        buf_add_c(out, '\n');
    }
}

struct str sigv4_canonical(struct arena *a, const struct sigv4 *sig,
                           const struct sigv4_request *req) {
    struct buf out cleanup_buf;
    buf_init(&out, (size_t)HTTP_MAX_HEADER_BYTES * 16);
    buf_add(&out, req->method);
    buf_add_c(&out, '\n');
    buf_add(&out, canonical_path(a, req->path, req->s3));
    buf_add_c(&out, '\n');
    buf_add(&out, canonical_query(a, req->query, sig->presigned));
    buf_add_c(&out, '\n');
    add_headers(&out, req->headers, sig->signed_headers);
    buf_add_c(&out, '\n');
    buf_add(&out, sig->signed_headers);
    buf_add_c(&out, '\n');
    buf_add(&out, req->payload);
    return buf_dup(a, &out);
}

struct str sigv4_scope(struct arena *a, const struct sigv4 *sig) {
    return str_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request", STR_ARG(sig->date),
                      STR_ARG(sig->region), STR_ARG(sig->service));
}

void sigv4_key(struct str secret, struct str date, struct str region, struct str service,
               unsigned char key[32]) {
    struct arena a = ARENA_INIT;
    struct str step = str_n((const char *)key, 32);
    crypto_hmac_sha256(str_concat(&a, S("AWS4"), secret), date, key);
    crypto_hmac_sha256(step, region, key);
    crypto_hmac_sha256(step, service, key);
    crypto_hmac_sha256(step, S("aws4_request"), key);
    arena_done(&a);
}

struct str sigv4_compute(struct arena *a, const struct sigv4 *sig, const struct sigv4_request *req,
                         const unsigned char key[32]) {
    struct str canonical = sigv4_canonical(a, sig, req);
    struct str scope = sigv4_scope(a, sig);
    struct str hash = crypto_sha256_hex(a, canonical);
    struct str text = str_printf(a, "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                                 STR_ARG(sig->amz_date), STR_ARG(scope), STR_ARG(hash));
    unsigned char mac[32];
    crypto_hmac_sha256(str_n((const char *)key, 32), text, mac);
    return hex_encode(a, str_n((const char *)mac, sizeof(mac)));
}

bool sigv4_verify(struct arena *a, const struct sigv4 *sig, const struct sigv4_request *req,
                  struct str secret) {
    unsigned char key[32];
    sigv4_key(secret, sig->date, sig->region, sig->service, key);
    return crypto_equal(sigv4_compute(a, sig, req, key), sig->signature);
}

static bool is_signed(struct str names, struct str header) {
    struct str rest = names;
    struct str name;
    while (str_cut(&rest, ';', &name)) {
        if (str_ieq(name, header)) {
            return true;
        }
    }
    return false;
}

struct str sigv4_unsigned_header(struct arena *a, const struct sigv4 *sig,
                                 const struct http_headers *headers) {
    for (size_t i = 0; i < headers->n; i++) {
        struct str name = str_lower(a, headers->v[i].name);
        bool must = str_is(name, "host") || str_starts(name, S("x-amz-"));
        if (must && !is_signed(sig->signed_headers, name)) {
            return name;
        }
    }
    return STR_NONE;
}
