/*
 * Secrets at rest: values are sealed (AES-256-GCM) by the data directory's key, which never lies in
 * the store. One process serves one data directory, so there is one key; it is loaded before any
 * service runs and does not change.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

/* Reads DIR/seal.key, making it (0600, 32 random bytes, synced) when it is not there. NULL: a key
 * in memory only, for tests. ERR_INVALID when the file is damaged, or gone while the store is
 * there. */
int seal_load(const char *data_dir, const struct rng *rng, struct err *err) MUST_USE;

/* `context` says what the value is ("ssm/111111111111/name/3"): opening with another one fails. */
struct str seal_make(struct arena *a, const struct rng *rng, struct str context, struct str plain);
int seal_open(struct arena *a, struct str context, struct str sealed, struct str *ret,
              struct err *err) MUST_USE;

/* First 16 bytes of a keyed digest of text, as bytes: for things that only we may make. */
void seal_mac(struct str context, struct str text, unsigned char ret[16]);
