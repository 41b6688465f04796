/* Implementation of glob.h: a matcher with explicit backtracking points, linear in memory. */
#include "flow/definition/glob.h"

#include "platform/text/utf8.h"

static size_t class_end(struct str p, size_t at) {
    size_t i = at + 1;
    if (i < p.n && p.p[i] == '!') {
        i++;
    }
    if (i < p.n && p.p[i] == ']') {
        i++;
    }
    while (i < p.n && p.p[i] != ']') {
        i++;
    }
    return i < p.n ? i : (size_t)-1;
}

int glob_check(struct str p, struct err *err) {
    bool in_group = false;
    for (size_t i = 0; i < p.n; i++) {
        char c = p.p[i];
        if (c == '\\' && ++i >= p.n) {
            return err_set(err, ERR_INVALID, "pattern '%.*s': nothing follows the last '\\'",
                           STR_ARG(p));
        }
        if (c == '[') {
            size_t end = class_end(p, i);
            if (end == (size_t)-1) {
                return err_set(err, ERR_INVALID, "pattern '%.*s': '[' at column %zu has no ']'",
                               STR_ARG(p), i + 1);
            }
            i = end;
        } else if (c == '{' && in_group) {
            return err_set(err, ERR_INVALID, "pattern '%.*s': '{' inside '{' at column %zu",
                           STR_ARG(p), i + 1);
        } else if (c == '{' || c == '}') {
            in_group = c == '{';
        }
    }
    return in_group ? err_set(err, ERR_INVALID, "pattern '%.*s': '{' has no '}'", STR_ARG(p)) : 0;
}

/* The character at `i`, U+FFFD for a byte that belongs to none; *ret_next is behind it. */
static uint32_t at_char(struct str p, size_t i, size_t *ret_next) {
    uint32_t c = 0xFFFD;
    size_t n = utf8_decode(str_sub(p, i, p.n), &c);
    *ret_next = i + (n > 0 ? n : 1);
    return c;
}

/* p[at] is '[', p[end] its ']'. */
static bool in_class(struct str p, size_t at, size_t end, uint32_t c) {
    size_t i = at + 1;
    bool negate = i < end && p.p[i] == '!';
    bool found = false;
    i += negate ? 1 : 0;
    while (i < end) {
        uint32_t low = at_char(p, i, &i);
        uint32_t high = low;
        if (i + 1 < end && p.p[i] == '-') {
            high = at_char(p, i + 1, &i);
        }
        found = found || (c >= low && c <= high);
    }
    return c != '/' && found != negate;
}

/* A pattern on its way: an alternative of a group, and what is behind the group (absent outside of
 * groups, which do not nest). Side by side they would read as one: "*" and "*" are not "**". */
struct rest {
    struct str p;
    struct str then;
};

static bool match(struct rest r, struct str t, unsigned *steps);

/* What stands at i inside of a group ends here: a class and an escape hide what they hold. */
static size_t piece_end(struct str p, size_t i) {
    size_t end = p.p[i] == '[' ? class_end(p, i) : p.p[i] == '\\' ? i + 1 : i;
    return end < p.n ? end : p.n - 1;
}

/* '{' stands at the front of p: tries each alternative followed by what is behind the group. */
static bool match_group(struct str p, struct str t, unsigned *steps) {
    size_t end = 1;
    while (end < p.n && p.p[end] != '}') {
        end = piece_end(p, end) + 1;
    }
    if (end >= p.n) {
        return false;
    }
    struct str behind = str_sub(p, end + 1, p.n);
    size_t from = 1;
    for (size_t i = 1; i <= end; i = piece_end(p, i) + 1) {
        if (p.p[i] == ',' || i == end) {
            if (match((struct rest){str_sub(p, from, i - from), behind}, t, steps)) {
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

static bool match_star(struct rest r, struct str t, unsigned *steps) {
    bool deep = r.p.n > 1 && r.p.p[1] == '*';
    r.p = str_sub(r.p, deep ? 2 : 1, r.p.n);
    for (size_t skip = 0;; skip++) {
        if (match(r, str_sub(t, skip, t.n), steps)) {
            return true;
        }
        if (skip >= t.n || (!deep && t.p[skip] == '/')) {
            return false;
        }
    }
}

enum { MAX_STEPS = 200000 }; /* a pattern of 255 characters on a path of 4096 needs far fewer */

static bool match(struct rest r, struct str t, unsigned *steps) {
    while (r.p.n > 0 || r.then.n > 0) {
        if (r.p.n == 0) {
            r = (struct rest){r.then, STR_NONE};
        }
        struct str p = r.p;
        if (++*steps > MAX_STEPS) {
            return false;
        }
        char c = p.p[0];
        size_t used = 1;
        size_t taken = 1; /* of the text: a character may have several bytes */
        if (c == '*') {
            return match_star(r, t, steps);
        }
        if (c == '{') {
            return match_group(p, t, steps);
        }
        if (t.n == 0) {
            return false;
        }
        if (c == '[') {
            size_t end = class_end(p, 0);
            if (end == (size_t)-1 || !in_class(p, 0, end, at_char(t, 0, &taken))) {
                return false;
            }
            used = end + 1;
        } else if (c == '?') {
            if (at_char(t, 0, &taken) == '/') {
                return false;
            }
        } else {
            if (c == '\\' && p.n > 1) {
                c = p.p[1];
                used = 2;
            }
            if (t.p[0] != c) {
                return false;
            }
        }
        r.p = str_sub(p, used, p.n);
        t = str_sub(t, taken, t.n);
    }
    return t.n == 0;
}

bool glob_match(struct str pattern, struct str text) {
    struct err err = ERR_INIT;
    unsigned steps = 0;
    return glob_check(pattern, &err) == 0 && match((struct rest){pattern, STR_NONE}, text, &steps);
}

bool glob_passes(const struct str_list *includes, const struct str_list *excludes,
                 struct str text) {
    for (size_t i = 0; i < excludes->n; i++) {
        if (glob_match(excludes->v[i], text)) {
            return false;
        }
    }
    for (size_t i = 0; i < includes->n; i++) {
        if (glob_match(includes->v[i], text)) {
            return true;
        }
    }
    return includes->n == 0;
}
