/* Implementation of services/core/page.h: base64url of 8 bytes of a keyed digest, then the key. */
#include "services/core/page.h"

#include "aws/shape/shape.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"
#include "services/core/seal.h"

enum { MAC = 8 };

static void mac(const struct call *c, struct str key, unsigned char ret[16]) {
    struct str context = str_printf(c->arena, "page/%.*s/%.*s/%s/%s", STR_ARG(c->account),
                                    STR_ARG(c->region), c->service->name, c->op->name);
    seal_mac(context, key, ret);
}

struct str page_token(const struct call *c, struct str key) {
    unsigned char digest[16];
    mac(c, key, digest);
    char *bytes = arena_alloc(c->arena, MAC + key.n);
    memcpy(bytes, digest, MAC);
    if (key.n > 0) {
        memcpy(bytes + MAC, key.p, key.n);
    }
    return base64url_encode(c->arena, str_n(bytes, MAC + key.n));
}

bool page_key(const struct call *c, struct str token, struct str *ret_key) {
    *ret_key = STR_NONE;
    if (token.p == NULL) {
        return true;
    }
    struct str bytes = STR_NONE;
    if (!base64url_decode(c->arena, token, &bytes) || bytes.n < MAC) {
        return false;
    }
    struct str key = str_n(bytes.p + MAC, bytes.n - MAC);
    unsigned char digest[16];
    mac(c, key, digest);
    if (!crypto_equal(str_n(bytes.p, MAC), str_n((const char *)digest, MAC))) {
        return false;
    }
    *ret_key = key;
    return true;
}

struct str page_token_i64(const struct call *c, int64_t key) {
    return page_token(c, str_printf(c->arena, "%lld", (long long)key));
}

bool page_key_i64(const struct call *c, struct str token, int64_t *ret_key) {
    struct str key = STR_NONE;
    long long value = 0;
    *ret_key = 0;
    if (!page_key(c, token, &key)) {
        return false;
    }
    if (key.p != NULL && !str_to_i64(key, &value)) {
        return false;
    }
    *ret_key = value;
    return true;
}
