/* Implementation of services/core/ident.h. */
#include "services/core/ident.h"

#include "platform/crypto/encode.h"

struct str ident_make(const struct rng *r, struct arena *a, const char *prefix, size_t n) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t from = strlen(prefix);
    char *text = arena_alloc(a, from + n + 1);
    memcpy(text, prefix, from);
    r->fill(r->ud, text + from, n);
    for (size_t i = from; i < from + n; i++) {
        text[i] = alphabet[(unsigned char)text[i] & 31];
    }
    return str_n(text, from + n);
}

struct str ident_secret(const struct rng *r, struct arena *a) {
    char bytes[30];
    r->fill(r->ud, bytes, sizeof(bytes));
    return base64_encode(a, str_n(bytes, sizeof(bytes)));
}
