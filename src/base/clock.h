/*
 * Time and randomness as interfaces, so that tests and the engine's simulator own both. Wall time
 * is milliseconds since 1970 (UTC); durations and timeouts use the monotonic clock.
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(void *ud);  /* wall clock */
    int64_t (*mono_ms)(void *ud); /* monotonic clock */
    void *ud;
};

struct rng {
    void (*fill)(void *ud, void *p, size_t n); /* unpredictable bytes in production */
    void *ud;
};

extern const struct clock clock_system;
extern const struct rng rng_system; /* getrandom(2); aborts if that fails */

static inline int64_t clock_now_ms(const struct clock *c) {
    return c->now_ms(c->ud);
}
static inline int64_t clock_mono_ms(const struct clock *c) {
    return c->mono_ms(c->ud);
}

/* A clock that stands still until it is told, for tests. */
struct clock_fake {
    int64_t now_ms;
    int64_t mono_ms;
};
struct clock clock_fake(struct clock_fake *state);

/* "2026-11-24T01:52:00Z", "2026-11-24T01:52:00.123Z", "20261124T015200Z"; arena-owned. */
struct str time_iso(struct arena *a, int64_t ms);
struct str time_iso_ms(struct arena *a, int64_t ms);
struct str time_basic(struct arena *a, int64_t ms);
struct str time_http(struct arena *a, int64_t ms); /* "Tue, 24 Nov 2026 01:52:00 GMT" */

/* Parses ISO 8601 (with or without fraction, 'Z' or +hh:mm), basic form, RFC 1123 or a decimal
 * epoch. False if it is none of these. */
bool time_parse(struct str s, int64_t *ret_ms);

/* Random version-4 UUID (36 characters), n lower-case hex digits, n characters of [A-Za-z0-9]. */
struct str rng_uuid(const struct rng *r, struct arena *a);
struct str rng_hex(const struct rng *r, struct arena *a, size_t n);
struct str rng_alnum(const struct rng *r, struct arena *a, size_t n);
