/* Bytes as text: hexadecimal, base64, base64url. Results are owned by the arena. */
#pragma once

#include "base/str.h"

struct str hex_encode(struct arena *a, struct str bytes);
/* Digits of either case. False when the length is odd or a character is none. */
bool hex_decode(struct arena *a, struct str text, struct str *ret);

struct str base64_encode(struct arena *a, struct str bytes);
struct str base64url_encode(struct arena *a, struct str bytes); /* without padding */
/* Strict: padding is needed, no blanks, no bits left over. False when it is not base64. */
bool base64_decode(struct arena *a, struct str text, struct str *ret);
/* As base64(1) -d reads it: line breaks inside are skipped. */
bool base64_decode_lines(struct arena *a, struct str text, struct str *ret);
/* Padding is optional. */
bool base64url_decode(struct arena *a, struct str text, struct str *ret);
