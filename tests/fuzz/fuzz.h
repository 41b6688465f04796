/* What every target includes. A target takes any bytes; only a crash, a leak or abort() is a find.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct str fuzz_str(const uint8_t *data, size_t size) {
    return str_n((const char *)data, size);
}

/* A property that must hold whatever came in. */
#define FUZZ_MUST(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
