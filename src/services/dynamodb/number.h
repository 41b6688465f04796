/*
 * DynamoDB's numbers: exact decimals of up to 38 significant digits, magnitude 1E-130 to
 * 9.99E+125. Never a double.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { DDB_NUMBER_DIGITS = 38, DDB_NUMBER_KEY_MAX = DDB_NUMBER_DIGITS + 4 };

/* value = sign * 0.d1d2d3... * 10^exponent; no leading and no trailing zero digits; zero has none.
 */
struct ddb_number {
    bool negative;
    int n;
    unsigned char digits[DDB_NUMBER_DIGITS]; /* 0 to 9 */
    int exponent;
};

/* ERR_INVALID with AWS's sentence. */
int ddb_number_parse(struct str text, struct ddb_number *ret, struct err *err) MUST_USE;
/* Plain decimal digits without exponent, as DynamoDB returns them. */
struct str ddb_number_text(struct arena *a, const struct ddb_number *n);
int ddb_number_cmp(const struct ddb_number *x, const struct ddb_number *y);
/* x + y, or x - y. ERR_INVALID if the sum needs more digits or is out of range. */
int ddb_number_add(const struct ddb_number *x, const struct ddb_number *y, bool subtract,
                   struct ddb_number *ret, struct err *err) MUST_USE;
/* Bytes whose memcmp order is the numeric order. Returns their number. */
size_t ddb_number_key(const struct ddb_number *n, unsigned char key[DDB_NUMBER_KEY_MAX]);
