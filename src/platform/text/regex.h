/*
 * Regular expressions in RE2's syntax, as buildspecs and webhook filters use them: matched by
 * walking all possibilities at once, so time is bounded by pattern times text whatever both say.
 * Characters are UTF-8; a byte that belongs to none counts as U+FFFD.
 *
 * Not here, and refused with a reason: back references and look-around (RE2 has none either),
 * \p{...}, \C, captures' contents. Case folding (?i) is that of ASCII.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum {
    REGEX_MAX_PATTERN = 16 * 1024, /* bytes */
    REGEX_MAX_PROGRAM = 20000,     /* instructions, after repetitions are written out */
    REGEX_MAX_REPEAT = 1000,       /* {n}, as RE2 */
    REGEX_MAX_DEPTH = 200,         /* groups within groups */
};

struct regex;

/* Owned by the arena. ERR_INVALID names what is wrong and the offset; ERR_LIMIT for too large. */
int regex_compile(struct arena *a, struct str pattern, struct regex **ret,
                  struct err *err) MUST_USE;

/* Does it match anywhere in the text? */
bool regex_search(const struct regex *re, struct str text);
