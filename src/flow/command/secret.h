/*
 * What of a secret may not appear in a log: the value, its lines, and both in every encoding that
 * people's tools make of it (base64 at each alignment and line width, base64url, URL, JSON, shell
 * quoting, hexadecimal); and where the value itself is base64, all that of the decoded bytes too.
 */
#pragma once

#include "flow/command/masker.h"

enum secret_verdict {
    SECRET_HIDDEN,
    SECRET_SHORT,    /* under MASK_MIN_BYTES: hiding it would hide ordinary text */
    SECRET_COMMON,   /* a word such as "production": the same */
    SECRET_TOO_MUCH, /* the masker is full: the value must not get into the build */
};

/* Adds every form of the value to the masker. */
enum secret_verdict secret_hide(struct masker *m, struct str value);

/* For the build's page: why a variable is not hidden; NULL for SECRET_HIDDEN. */
const char *secret_verdict_text(enum secret_verdict verdict);
