/* Patterns of artifacts. Backtracking goes to the last star only, so no pattern is slow. */
#include "flow/artifact/match.h"

/* Length of "[...]" at p, 0 if it is not closed; *ret says whether c is in it. */
static size_t match_class(struct str p, char c, bool *ret) {
    size_t i = 1;
    bool negated = i < p.n && (p.p[i] == '!' || p.p[i] == '^');
    bool found = false;
    i += negated;
    for (size_t first = i; i < p.n && (p.p[i] != ']' || i == first); i++) {
        if (i + 2 < p.n && p.p[i + 1] == '-' && p.p[i + 2] != ']') {
            found |= p.p[i] <= c && c <= p.p[i + 2];
            i += 2;
        } else {
            found |= p.p[i] == c;
        }
    }
    *ret = found != negated;
    return i < p.n ? i + 1 : 0;
}

/* Length of the pattern's element that matches c, 0 if it does not. */
static size_t match_one(struct str p, char c) {
    if (p.n == 0) {
        return 0;
    }
    bool in_class = false;
    size_t n = p.p[0] == '[' ? match_class(p, c, &in_class) : 0;
    if (n > 0) {
        return in_class ? n : 0;
    }
    if (p.p[0] == '\\' && p.n > 1) {
        return p.p[1] == c ? 2 : 0;
    }
    return p.p[0] == '?' || p.p[0] == c ? 1 : 0;
}

static bool match_component(struct str pattern, struct str text) {
    size_t i = 0;
    size_t p = 0;
    size_t star = (size_t)-1;
    size_t star_i = 0;
    while (i < text.n) {
        struct str rest = str_sub(pattern, p, pattern.n);
        size_t n = rest.n > 0 && rest.p[0] == '*' ? 0 : match_one(rest, text.p[i]);
        if (rest.n > 0 && rest.p[0] == '*') {
            star = p++;
            star_i = i;
        } else if (n > 0) {
            p += n;
            i++;
        } else if (star != (size_t)-1) {
            p = star + 1;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool artifact_match(struct str pattern, struct str path) {
    struct str p = pattern;
    struct str t = path;
    struct str star_p = STR_NONE;
    struct str star_t = STR_NONE;
    bool retry = false;
    while (t.p != NULL) {
        struct str p_next = p;
        struct str t_next = t;
        struct str pc = STR_NONE;
        struct str tc = STR_NONE;
        bool more = str_cut(&p_next, '/', &pc);
        str_cut(&t_next, '/', &tc);
        if (more && str_is(pc, "**")) {
            retry = true;
            star_p = p_next;
            star_t = t;
            p = p_next;
            if (p.p == NULL) {
                return true;
            }
        } else if (more && match_component(pc, tc)) {
            p = p_next;
            t = t_next;
        } else if (retry) {
            str_cut(&star_t, '/', &tc);
            p = star_p;
            t = star_t;
            if (t.p == NULL) {
                return false;
            }
        } else {
            return false;
        }
        if (p.p == NULL && t.p != NULL && !retry) {
            return false;
        }
    }
    return p.p == NULL;
}
