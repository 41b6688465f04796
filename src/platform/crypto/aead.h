/*
 * AES-256-GCM over whole values. The sealed form is nonce (12 random bytes), ciphertext, tag (16):
 * opening it with another key, other `context` bytes or a single changed bit fails. Who keeps the
 * key is the caller's business.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

enum { AEAD_KEY_BYTES = 32, AEAD_OVERHEAD = 28 };

struct str aead_seal(struct arena *a, const struct rng *rng,
                     const unsigned char key[AEAD_KEY_BYTES], struct str context, struct str plain);
/* ERR_DENIED when it was not sealed by this key and context, or was changed since. */
int aead_open(struct arena *a, const unsigned char key[AEAD_KEY_BYTES], struct str context,
              struct str sealed, struct str *ret, struct err *err) MUST_USE;
