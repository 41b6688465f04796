/*
 * Strings that know their length. A `struct str` is a view: it owns nothing and need not end with
 * NUL. `p == NULL` means absent; `p != NULL && n == 0` means present and empty. The AWS
 * descriptors depend on that difference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct arena;

struct str {
    const char *p; /* bytes, not NUL-terminated in general; NULL = absent */
    size_t n;      /* number of bytes */
};

struct str_list {
    struct str *v; /* NULL = absent */
    size_t n;
};

struct str_pair {
    struct str key;
    struct str value;
};

struct str_map {
    struct str_pair *v; /* in order of appearance; NULL = absent */
    size_t n;
};

/* For literals: S("x"). For printf: "%.*s", STR_ARG(s); a NULL string prints as empty. */
#define S(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define S_INIT(literal) {"" literal, sizeof(literal) - 1}
#define STR_NONE ((struct str){NULL, 0})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_n(const char *p, size_t n) {
    return (struct str){p, n};
}

/* View of a C string; NULL gives an absent string. */
static inline struct str str_c(const char *z) {
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z) {
    return str_eq(a, str_c(z));
}

bool str_ieq(struct str a, struct str b); /* ASCII case-insensitive */
int str_cmp(struct str a, struct str b);  /* byte order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Offset of the first `c` (or of the first `needle`) at or after `from`; (size_t)-1 if none. */
size_t str_find_c(struct str s, char c, size_t from);
size_t str_rfind_c(struct str s, char c);
size_t str_find(struct str s, struct str needle, size_t from);

/* Part of s from `from` (clamped) with at most `n` bytes. */
struct str str_sub(struct str s, size_t from, size_t n);
struct str str_trim(struct str s); /* blanks, tabs, CR and LF at both ends */

/* Cuts the part before the next `sep` off *rest into *ret; false when *rest is absent. After the
 * last part *rest is absent. "a,b" gives a, b; "" gives one empty part. */
bool str_cut(struct str *rest, char sep, struct str *ret);

/* Strict decimal numbers over the whole string, no sign but '-', no blanks. False if not one. */
bool str_to_i64(struct str s, long long *ret);
bool str_to_u64(struct str s, unsigned long long *ret);
bool str_to_double(struct str s, double *ret);

/* Linear search; absent string if there is no such key. */
struct str str_map_get(const struct str_map *m, struct str key);
bool str_list_has(const struct str_list *l, struct str s);

/* Copies owned by the arena, NUL-terminated behind the end (the NUL is not counted). An absent
 * string stays absent (str_dup) or becomes "" (str_z). */
struct str str_dup(struct arena *a, struct str s);
const char *str_z(struct arena *a, struct str s);
struct str str_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str str_lower(struct arena *a, struct str s);
struct str str_concat(struct arena *a, struct str x, struct str y);
