/* Implementation of platform/crypto/aead.h. */
#include "platform/crypto/aead.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { NONCE = 12, TAG = 16 };

static void free_ctx(EVP_CIPHER_CTX **ctx) {
    EVP_CIPHER_CTX_free(*ctx);
}

struct str aead_seal(struct arena *a, const struct rng *rng,
                     const unsigned char key[AEAD_KEY_BYTES], struct str context,
                     struct str plain) {
    unsigned char *out = arena_alloc(a, plain.n + AEAD_OVERHEAD);
    rng->fill(rng->ud, out, NONCE);
    EVP_CIPHER_CTX *ctx __attribute__((cleanup(free_ctx))) = EVP_CIPHER_CTX_new();
    int n = 0;
    if (plain.n > INT_MAX || context.n > INT_MAX || ctx == NULL ||
        EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) != 1 ||
        (context.n > 0 &&
         EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context.p, (int)context.n) != 1) ||
        (plain.n > 0 && EVP_EncryptUpdate(ctx, out + NONCE, &n, (const unsigned char *)plain.p,
                                          (int)plain.n) != 1) ||
        EVP_EncryptFinal_ex(ctx, out + NONCE + plain.n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + plain.n) != 1) {
        abort();
    }
    return str_n((const char *)out, plain.n + AEAD_OVERHEAD);
}

int aead_open(struct arena *a, const unsigned char key[AEAD_KEY_BYTES], struct str context,
              struct str sealed, struct str *ret, struct err *err) {
    if (sealed.n < AEAD_OVERHEAD || sealed.n > INT_MAX || context.n > INT_MAX) {
        return err_set(err, ERR_DENIED, "sealed value of %zu bytes is damaged", sealed.n);
    }
    const unsigned char *in = (const unsigned char *)sealed.p;
    size_t size = sealed.n - AEAD_OVERHEAD;
    unsigned char *out = arena_alloc(a, size + 1);
    unsigned char tag[TAG];
    memcpy(tag, in + NONCE + size, TAG);
    EVP_CIPHER_CTX *ctx __attribute__((cleanup(free_ctx))) = EVP_CIPHER_CTX_new();
    int n = 0;
    if (ctx == NULL) {
        abort();
    }
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, in) != 1 ||
        (context.n > 0 &&
         EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)context.p, (int)context.n) != 1) ||
        (size > 0 && EVP_DecryptUpdate(ctx, out, &n, in + NONCE, (int)size) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, out + size, &n) != 1) {
        memset(out, 0, size);
        return err_set(err, ERR_DENIED, "sealed value was changed, or sealed by another key");
    }
    *ret = str_n((const char *)out, size);
    return 0;
}
