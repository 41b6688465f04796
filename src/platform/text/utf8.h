/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include "base/str.h"

#include <stdint.h>

bool utf8_valid(struct str s);
/* Bytes that belong to no character become U+FFFD; valid text is copied. Owned by the arena. */
struct str utf8_repair(struct arena *a, struct str s);
/* Characters in valid UTF-8; bytes that are no character count one each. */
size_t utf8_length(struct str s);
/* Decodes the character at the start of s; returns its bytes, 0 if there is none. */
size_t utf8_decode(struct str s, uint32_t *ret);
/* Writes a character; returns its bytes (1 to 4). Surrogates and above U+10FFFF give U+FFFD. */
size_t utf8_encode(uint32_t c, char out[4]);
