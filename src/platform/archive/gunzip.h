/* Compressed request bodies: some clients send large ones as gzip. In memory, bounded. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* ERR_INVALID when it is not gzip or is damaged, ERR_LIMIT when more than `max` bytes come out. */
int gunzip(struct arena *a, struct str data, size_t max, struct str *ret, struct err *err) MUST_USE;
