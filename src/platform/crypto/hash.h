/*
 * Digests: one-shot and incremental, HMAC, comparison in constant time. No keys are kept here and
 * only reading a file can fail: the algorithms are part of every OpenSSL that we run with, and a
 * missing one ends the process.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>
#include <sys/types.h>

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA512 };

enum { HASH_MAX = 64 }; /* bytes of the longest digest */

/* Incremental. */
struct hash;
struct hash *hash_new(enum hash_kind kind);
void hash_update(struct hash *h, struct str data);
/* Writes the digest, returns its size; the hash starts again, empty. */
size_t hash_end(struct hash *h, unsigned char out[HASH_MAX]);
void hash_free(struct hash *h); /* NULL ok */
void hash_freep(struct hash **h);
#define cleanup_hash __attribute__((cleanup(hash_freep)))

/* One-shot. */
void crypto_md5(struct str data, unsigned char out[16]);
void crypto_sha1(struct str data, unsigned char out[20]);
void crypto_sha256(struct str data, unsigned char out[32]);
struct str crypto_sha256_hex(struct arena *a, struct str data); /* 64 lower-case digits */
struct str crypto_md5_hex(struct arena *a, struct str data);

/* SHA-256 of a file from `offset` to its end as 64 digits; its position stays. ERR_SYSTEM when it
 * cannot be read. */
int crypto_sha256_fd(struct arena *a, int fd, off_t offset, struct str *ret,
                     struct err *err) MUST_USE;

void crypto_hmac_sha256(struct str key, struct str data, unsigned char out[32]);

/* Compares without telling by its time where the difference is; lengths are not secret. */
bool crypto_equal(struct str a, struct str b);
