/* Implementation of services/core/envelope.h. */
#include "services/core/envelope.h"

#include "gen/kms.h"
#include "platform/crypto/aead.h"

enum { HEAD = 3 };

int envelope_seal(struct call *c, struct str key_id, const struct str_map *context,
                  struct str bound, struct str plain, struct str *ret, struct err *err) {
    struct aws_target t = call_target(c);
    struct kms_generate_data_key_request in = {
        .key_id = key_id,
        .encryption_context = *context,
        .key_spec = S("AES_256"),
    };
    struct kms_generate_data_key_response out;
    if (kms_call_generate_data_key(&t, c->arena, &in, &out, err) < 0) {
        return -1;
    }
    struct str sealed =
        aead_seal(c->arena, c->rng, (const unsigned char *)out.plaintext.p, bound, plain);
    size_t n = out.ciphertext_blob.n;
    char *p = arena_alloc(c->arena, HEAD + n + sealed.n);
    p[0] = 'D';
    p[1] = (char)(n >> 8);
    p[2] = (char)n;
    memcpy(p + HEAD, out.ciphertext_blob.p, n);
    memcpy(p + HEAD + n, sealed.p, sealed.n);
    *ret = str_n(p, HEAD + n + sealed.n);
    return 0;
}

bool envelope_is(struct str sealed) {
    return sealed.n >= HEAD && sealed.p[0] == 'D';
}

int envelope_open(struct call *c, const struct str_map *context, struct str bound,
                  struct str sealed, struct str *ret, struct err *err) {
    const unsigned char *p = (const unsigned char *)sealed.p;
    size_t n = envelope_is(sealed) ? (size_t)p[1] << 8 | p[2] : 0;
    if (n == 0 || sealed.n < HEAD + n) {
        return err_set(err, ERR_INTERNAL, "damaged sealed value");
    }
    struct aws_target t = call_target(c);
    struct kms_decrypt_request in = {
        .ciphertext_blob = str_sub(sealed, HEAD, n),
        .encryption_context = *context,
    };
    struct kms_decrypt_response out;
    if (kms_call_decrypt(&t, c->arena, &in, &out, err) < 0) {
        return -1;
    }
    if (out.plaintext.n != AEAD_KEY_BYTES) {
        return err_set(err, ERR_INTERNAL, "damaged data key of a sealed value");
    }
    return aead_open(c->arena, (const unsigned char *)out.plaintext.p, bound,
                     str_sub(sealed, HEAD + n, sealed.n), ret, err);
}
