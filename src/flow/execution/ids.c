/* Implementation of ids.h. */
#include "flow/execution/ids.h"

#include "platform/crypto/hash.h"

struct str engine_uuid(struct arena *a, struct str seed, unsigned n) {
    struct str text = str_printf(a, "%.*s/%u", STR_ARG(seed), n);
    unsigned char b[32];
    crypto_sha256(text, b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    return str_printf(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                      b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                      b[12], b[13], b[14], b[15]);
}
