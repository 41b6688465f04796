/*
 * Page tokens: where a list goes on, opaque to clients, good only for the same operation in the
 * same account and region. The services answer a broken one with their own error.
 */
#pragma once

#include "aws/call/call.h"

/* Token that leads back to `key` (any bytes). Equal keys give equal tokens. */
struct str page_token(const struct call *c, struct str key);

/* False when the token is not one of ours for this call. Absent token: true, absent key. */
bool page_key(const struct call *c, struct str token, struct str *ret_key);

/* The same for lists that go on from a row number. Absent token: true, 0. */
struct str page_token_i64(const struct call *c, int64_t key);
bool page_key_i64(const struct call *c, struct str token, int64_t *ret_key);
