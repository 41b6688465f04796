/* Implementation of number.h on arrays of decimal digits. */
#include "services/dynamodb/number.h"

#include <string.h>

enum {
    MIN_EXPONENT = -129,                                         /* 1E-130 = 0.1 * 10^-129 */
    MAX_EXPONENT = 126,                                          /* 9.9E+125 = 0.99 * 10^126 */
    WIDTH = MAX_EXPONENT - MIN_EXPONENT + DDB_NUMBER_DIGITS + 2, /* any sum, exactly */
    INPUT_MAX = 1024,
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int not_a_number(struct str text, struct err *err) {
    return err_set(err, ERR_INVALID,
                   "The parameter cannot be converted to a numeric value: " STR_FMT,
                   STR_ARG(str_sub(text, 0, 200)));
}

/* Drops zeros at both ends of `digits` (first digit counts 10^-1 of 10^exponent) and checks what
 * is left against the limits. */
static int normalize(const unsigned char *digits, size_t n, long exponent, bool negative,
                     struct ddb_number *ret, struct err *err) {
    *ret = (struct ddb_number){0};
    while (n > 0 && digits[0] == 0) {
        digits++;
        n--;
        exponent--;
    }
    while (n > 0 && digits[n - 1] == 0) {
        n--;
    }
    if (n == 0) {
        return 0;
    }
    if (n > DDB_NUMBER_DIGITS) {
        return err_set(err, ERR_INVALID,
                       "Attempting to store more than 38 significant digits in a Number");
    }
    if (exponent > MAX_EXPONENT) {
        return err_set(err, ERR_INVALID,
                       "Number overflow. Attempting to store a number with magnitude larger than "
                       "supported range");
    }
    if (exponent < MIN_EXPONENT) {
        return err_set(err, ERR_INVALID,
                       "Number underflow. Attempting to store a number with magnitude smaller than "
                       "supported range");
    }
    memcpy(ret->digits, digits, n);
    ret->n = (int)n;
    ret->negative = negative;
    ret->exponent = (int)exponent;
    return 0;
}

/* The part behind 'e'. Numbers beyond any limit saturate. */
static bool parse_exponent(struct str s, long *ret) {
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        s = str_sub(s, 1, s.n);
    }
    long value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i])) {
            return false;
        }
        value = value < 100000 ? value * 10 + (s.p[i] - '0') : value;
    }
    *ret = negative ? -value : value;
    return s.n > 0;
}

int ddb_number_parse(struct str text, struct ddb_number *ret, struct err *err) {
    unsigned char digits[INPUT_MAX];
    size_t n = 0;
    size_t at = 0;
    bool point = false;
    bool any = false;
    long exponent = 0;
    bool negative = text.n > 0 && text.p[0] == '-';
    if (text.n > INPUT_MAX) {
        return not_a_number(text, err);
    }
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        at = 1;
    }
    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '.' && !point) {
            point = true;
        } else if (is_digit(c)) {
            any = true;
            digits[n++] = (unsigned char)(c - '0');
            exponent += point ? 0 : 1;
        } else {
            break;
        }
    }
    if (at < text.n) {
        long shift = 0;
        if ((text.p[at] != 'e' && text.p[at] != 'E') ||
            !parse_exponent(str_sub(text, at + 1, text.n), &shift)) {
            return not_a_number(text, err);
        }
        exponent += shift;
    }
    return any ? normalize(digits, n, exponent, negative, ret, err) : not_a_number(text, err);
}

struct str ddb_number_text(struct arena *a, const struct ddb_number *n) {
    if (n->n == 0) {
        return S("0");
    }
    char out[WIDTH + 8];
    size_t at = 0;
    if (n->negative) {
        out[at++] = '-';
    }
    if (n->exponent <= 0) {
        out[at++] = '0';
        out[at++] = '.';
        for (int i = n->exponent; i < 0; i++) {
            out[at++] = '0';
        }
    }
    for (int i = 0; i < n->n; i++) {
        if (i > 0 && i == n->exponent) {
            out[at++] = '.';
        }
        out[at++] = (char)('0' + n->digits[i]);
    }
    for (int i = n->n; i < n->exponent; i++) {
        out[at++] = '0';
    }
    return str_dup(a, str_n(out, at));
}

static int cmp_magnitude(const struct ddb_number *x, const struct ddb_number *y) {
    if (x->n == 0 || y->n == 0) {
        return (x->n > 0) - (y->n > 0);
    }
    if (x->exponent != y->exponent) {
        return x->exponent < y->exponent ? -1 : 1;
    }
    return str_cmp(str_n((const char *)x->digits, (size_t)x->n),
                   str_n((const char *)y->digits, (size_t)y->n));
}

int ddb_number_cmp(const struct ddb_number *x, const struct ddb_number *y) {
    if (x->negative != y->negative) {
        return x->negative ? -1 : 1;
    }
    return x->negative ? cmp_magnitude(y, x) : cmp_magnitude(x, y);
}

/* Adds digits of n, times `sign`, into columns; column 0 is the 10^-1 of 10^(MAX_EXPONENT + 1). */
static void spread(const struct ddb_number *n, int sign, int columns[WIDTH]) {
    int first = MAX_EXPONENT + 1 - n->exponent;
    for (int i = 0; i < n->n; i++) {
        columns[first + i] += sign * n->digits[i];
    }
}

int ddb_number_add(const struct ddb_number *x, const struct ddb_number *y, bool subtract,
                   struct ddb_number *ret, struct err *err) {
    int x_sign = x->negative ? -1 : 1;
    int y_sign = y->negative != subtract ? -1 : 1;
    bool negative = x_sign < 0;
    if (x_sign != y_sign) { /* the larger magnitude gives the sign */
        negative = cmp_magnitude(x, y) >= 0 ? x_sign < 0 : y_sign < 0;
    }
    int columns[WIDTH] = {0};
    int flip = negative ? -1 : 1;
    spread(x, x_sign * flip, columns);
    spread(y, y_sign * flip, columns);
    unsigned char digits[WIDTH];
    int carry = 0;
    for (int i = WIDTH - 1; i >= 0; i--) {
        int value = columns[i] + carry;
        carry = value < 0 ? -1 : value / 10;
        digits[i] = (unsigned char)(value - carry * 10);
    }
    return normalize(digits, WIDTH, MAX_EXPONENT + 1, negative, ret, err);
}

/* Sign, exponent, digits + 1 and an end mark below any digit; all of it inverted when negative. */
size_t ddb_number_key(const struct ddb_number *n, unsigned char key[DDB_NUMBER_KEY_MAX]) {
    if (n->n == 0) {
        key[0] = 0x80;
        return 1;
    }
    unsigned biased = (unsigned)(n->exponent + 0x1000);
    size_t at = 0;
    key[at++] = 0x81;
    key[at++] = (unsigned char)(biased >> 8);
    key[at++] = (unsigned char)biased;
    for (int i = 0; i < n->n; i++) {
        key[at++] = (unsigned char)(n->digits[i] + 1);
    }
    key[at++] = 0;
    for (size_t i = 0; n->negative && i < at; i++) {
        key[i] = (unsigned char)~key[i];
    }
    return at;
}
