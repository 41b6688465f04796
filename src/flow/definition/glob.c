/* Implementation of glob.h: a matcher with explicit backtracking points, linear in memory. */
#include "flow/definition/glob.h"

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

static bool in_class(struct str p, size_t at, size_t end, char c) {
    size_t i = at + 1;
    bool negate = i < end && p.p[i] == '!';
    bool found = false;
    for (i += negate ? 1 : 0; i < end; i++) {
        if (i + 2 < end && p.p[i + 1] == '-') {
            found = found || (c >= p.p[i] && c <= p.p[i + 2]);
            i += 2;
        } else {
            found = found || c == p.p[i];
        }
    }
    return c != '/' && found != negate;
}

static bool match(struct str p, struct str t, unsigned *steps);

/* '{' stands at the front of p: tries each alternative followed by what is behind the group. */
static bool match_group(struct str p, struct str t, unsigned *steps) {
    size_t end = 1;
    while (end < p.n && p.p[end] != '}') {
        end += p.p[end] == '\\' ? 2 : 1;
    }
    if (end >= p.n) {
        return false;
    }
    struct str behind = str_sub(p, end + 1, p.n);
    size_t from = 1;
    for (size_t i = 1; i <= end; i++) {
        if (p.p[i] == '\\' && i + 1 < end) {
            i++;
        } else if (p.p[i] == ',' || i == end) {
            char text[512];
            size_t n = i - from;
            if (n + behind.n > sizeof(text)) {
                return false;
            }
            memcpy(text, p.p + from, n);
            memcpy(text + n, behind.p, behind.n);
            if (match(str_n(text, n + behind.n), t, steps)) {
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

static bool match_star(struct str p, struct str t, unsigned *steps) {
    bool deep = p.n > 1 && p.p[1] == '*';
    struct str behind = str_sub(p, deep ? 2 : 1, p.n);
    for (size_t skip = 0;; skip++) {
        if (match(behind, str_sub(t, skip, t.n), steps)) {
            return true;
        }
        if (skip >= t.n || (!deep && t.p[skip] == '/')) {
            return false;
        }
    }
}

enum { MAX_STEPS = 200000 }; /* a pattern of 255 characters on a path of 4096 needs far fewer */

static bool match(struct str p, struct str t, unsigned *steps) {
    while (p.n > 0) {
        if (++*steps > MAX_STEPS) {
            return false;
        }
        char c = p.p[0];
        size_t used = 1;
        if (c == '*') {
            return match_star(p, t, steps);
        }
        if (c == '{') {
            return match_group(p, t, steps);
        }
        if (t.n == 0) {
            return false;
        }
        if (c == '[') {
            size_t end = class_end(p, 0);
            if (end == (size_t)-1 || !in_class(p, 0, end, t.p[0])) {
                return false;
            }
            used = end + 1;
        } else if (c == '?') {
            if (t.p[0] == '/') {
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
        p = str_sub(p, used, p.n);
        t = str_sub(t, 1, t.n);
    }
    return t.n == 0;
}

bool glob_match(struct str pattern, struct str text) {
    struct err err = ERR_INIT;
    unsigned steps = 0;
    return glob_check(pattern, &err) == 0 && match(pattern, text, &steps);
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
