/* Implementation of base/str.h. ASCII only where case matters; bytes everywhere else. */
#include "base/str.h"

#include "base/arena.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned char lower(unsigned char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_ieq(struct str a, struct str b) {
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i])) {
            return false;
        }
    }
    return true;
}

int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix) {
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix) {
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t str_find_c(struct str s, char c, size_t from) {
    if (from >= s.n) {
        return (size_t)-1;
    }
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : (size_t)-1;
}

size_t str_rfind_c(struct str s, char c) {
    for (size_t i = s.n; i > 0; i--) {
        if (s.p[i - 1] == c) {
            return i - 1;
        }
    }
    return (size_t)-1;
}

size_t str_find(struct str s, struct str needle, size_t from) {
    if (from > s.n || needle.n > s.n - from) {
        return (size_t)-1;
    }
    if (needle.n == 0) {
        return from;
    }
    const char *hit = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : (size_t)-1;
}

struct str str_sub(struct str s, size_t from, size_t n) {
    if (from > s.n) {
        from = s.n;
    }
    if (n > s.n - from) {
        n = s.n - from;
    }
    return (struct str){s.p ? s.p + from : NULL, n};
}

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s) {
    while (s.n > 0 && blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && blank(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

bool str_cut(struct str *rest, char sep, struct str *ret) {
    if (rest->p == NULL) {
        return false;
    }
    size_t at = str_find_c(*rest, sep, 0);
    if (at == (size_t)-1) {
        *ret = *rest;
        *rest = STR_NONE;
        return true;
    }
    *ret = str_n(rest->p, at);
    *rest = str_n(rest->p + at + 1, rest->n - at - 1);
    return true;
}

bool str_to_u64(struct str s, unsigned long long *ret) {
    if (s.n == 0 || s.n > 20) {
        return false;
    }
    unsigned long long value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (value > (ULLONG_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool str_to_i64(struct str s, long long *ret) {
    bool negative = s.n > 0 && s.p[0] == '-';
    unsigned long long value = 0;
    if (!str_to_u64(negative ? str_sub(s, 1, s.n) : s, &value)) {
        return false;
    }
    if (value > (unsigned long long)LLONG_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *ret = negative ? (long long)(0 - value) : (long long)value;
    return true;
}

bool str_to_double(struct str s, double *ret) {
    char text[64];
    if (s.n == 0 || s.n >= sizeof(text) || blank(s.p[0])) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end != text + s.n || errno == ERANGE) {
        return false;
    }
    *ret = value;
    return true;
}

struct str str_map_get(const struct str_map *m, struct str key) {
    for (size_t i = 0; i < m->n; i++) {
        if (str_eq(m->v[i].key, key)) {
            return m->v[i].value;
        }
    }
    return STR_NONE;
}

bool str_list_has(const struct str_list *l, struct str s) {
    for (size_t i = 0; i < l->n; i++) {
        if (str_eq(l->v[i], s)) {
            return true;
        }
    }
    return false;
}

struct str str_dup(struct arena *a, struct str s) {
    if (s.p == NULL) {
        return s;
    }
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = '\0';
    return str_n(copy, s.n);
}

const char *str_z(struct arena *a, struct str s) {
    return s.p == NULL ? "" : str_dup(a, s).p;
}

struct str str_printf(struct arena *a, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    struct str text = arena_vprintf(a, fmt, args);
    va_end(args);
    return text;
}

struct str str_lower(struct arena *a, struct str s) {
    char *copy = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        copy[i] = (char)lower((unsigned char)s.p[i]);
    }
    copy[s.n] = '\0';
    return str_n(copy, s.n);
}

struct str str_concat(struct arena *a, struct str x, struct str y) {
    char *both = arena_alloc(a, x.n + y.n + 1);
    if (x.n > 0) {
        memcpy(both, x.p, x.n);
    }
    if (y.n > 0) {
        memcpy(both + x.n, y.p, y.n);
    }
    return str_n(both, x.n + y.n);
}
