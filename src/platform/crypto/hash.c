/* Implementation of platform/crypto/hash.h. The algorithms are looked up once: OpenSSL 3 searches
 * its providers on every use otherwise, which costs more than hashing a short string. */
#include "platform/crypto/hash.h"

#include "base/arena.h"
#include "platform/crypto/encode.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct hash {
    EVP_MD_CTX *ctx;
    enum hash_kind kind;
};

static const char *const names[] = {
    [HASH_MD5] = "MD5",
    [HASH_SHA1] = "SHA1",
    [HASH_SHA256] = "SHA256",
    [HASH_SHA512] = "SHA512",
};
static EVP_MD *algorithms[sizeof(names) / sizeof(names[0])];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        algorithms[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (algorithms[i] == NULL) {
            abort();
        }
    }
}

static const EVP_MD *algorithm(enum hash_kind kind) {
    pthread_once(&once, fetch);
    return algorithms[kind];
}

static void restart(struct hash *h) {
    if (EVP_DigestInit_ex2(h->ctx, algorithm(h->kind), NULL) != 1) {
        abort();
    }
}

struct hash *hash_new(enum hash_kind kind) {
    struct hash *h = mem_alloc(sizeof(*h));
    h->kind = kind;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL) {
        abort();
    }
    restart(h);
    return h;
}

void hash_update(struct hash *h, struct str data) {
    if (data.n > 0 && EVP_DigestUpdate(h->ctx, data.p, data.n) != 1) {
        abort();
    }
}

size_t hash_end(struct hash *h, unsigned char out[HASH_MAX]) {
    unsigned size = 0;
    if (EVP_DigestFinal_ex(h->ctx, out, &size) != 1) {
        abort();
    }
    restart(h);
    return size;
}

void hash_free(struct hash *h) {
    if (h != NULL) {
        EVP_MD_CTX_free(h->ctx);
        free(h);
    }
}

void hash_freep(struct hash **h) {
    hash_free(*h);
}

static void digest(enum hash_kind kind, struct str data, unsigned char *out) {
    if (EVP_Digest(data.p ? data.p : "", data.n, out, NULL, algorithm(kind), NULL) != 1) {
        abort();
    }
}

void crypto_md5(struct str data, unsigned char out[16]) {
    digest(HASH_MD5, data, out);
}

void crypto_sha1(struct str data, unsigned char out[20]) {
    digest(HASH_SHA1, data, out);
}

void crypto_sha256(struct str data, unsigned char out[32]) {
    digest(HASH_SHA256, data, out);
}

struct str crypto_sha256_hex(struct arena *a, struct str data) {
    unsigned char out[32];
    crypto_sha256(data, out);
    return hex_encode(a, str_n((const char *)out, sizeof(out)));
}

int crypto_sha256_fd(struct arena *a, int fd, off_t offset, struct str *ret, struct err *err) {
    struct hash *h cleanup_hash = hash_new(HASH_SHA256);
    char bytes[64 * 1024];
    ssize_t got = 0;
    while ((got = pread(fd, bytes, sizeof(bytes), offset)) > 0) {
        hash_update(h, str_n(bytes, (size_t)got));
        offset += got;
    }
    if (got < 0) {
        return err_sys(err, errno, "the file cannot be read for its digest");
    }
    unsigned char out[HASH_MAX];
    *ret = hex_encode(a, str_n((const char *)out, hash_end(h, out)));
    return 0;
}

struct str crypto_md5_hex(struct arena *a, struct str data) {
    unsigned char out[16];
    crypto_md5(data, out);
    return hex_encode(a, str_n((const char *)out, sizeof(out)));
}

/* RFC 2104 over our own digest: OpenSSL's HMAC() looks its algorithm up on every call. */
void crypto_hmac_sha256(struct str key, struct str data, unsigned char out[32]) {
    enum { BLOCK = 64 };
    unsigned char pad[BLOCK] = {0};
    unsigned char inner[32];
    if (key.n > BLOCK) {
        crypto_sha256(key, pad);
    } else if (key.n > 0) {
        memcpy(pad, key.p, key.n);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, algorithm(HASH_SHA256), NULL) == 1 &&
              EVP_DigestUpdate(ctx, pad, BLOCK) == 1 &&
              EVP_DigestUpdate(ctx, data.p ? data.p : "", data.n) == 1 &&
              EVP_DigestFinal_ex(ctx, inner, NULL) == 1;
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    ok = ok && EVP_DigestInit_ex2(ctx, algorithm(HASH_SHA256), NULL) == 1 &&
         EVP_DigestUpdate(ctx, pad, BLOCK) == 1 &&
         EVP_DigestUpdate(ctx, inner, sizeof(inner)) == 1 &&
         EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_cleanse(pad, sizeof(pad));
    if (!ok) {
        abort();
    }
}

bool crypto_equal(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}
