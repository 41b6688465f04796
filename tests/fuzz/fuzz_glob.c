/*
 * Patterns of artifacts and of triggers: the input is a pattern, a line end, and a path. Whatever
 * the pattern, matching ends soon; a pattern without a special character matches itself alone; "**"
 * of triggers matches all; and both kinds equal naive matchers, written here a second time, for the
 * characters that both know.
 */
#include "fuzz.h"

#include "flow/artifact/select.h"
#include "flow/definition/glob.h"

/* '*' within a name, '**' across, '?' one character: by trying everything. */
static bool naive(const char *p, size_t pn, const char *t, size_t tn) {
    if (pn == 0) {
        return tn == 0;
    }
    if (pn >= 3 && memcmp(p, "**/", 3) == 0) {
        if (naive(p + 3, pn - 3, t, tn)) {
            return true;
        }
        for (size_t i = 0; i < tn; i++) {
            if (t[i] == '/' && naive(p + 3, pn - 3, t + i + 1, tn - i - 1)) {
                return true;
            }
        }
        return false;
    }
    if (p[0] == '*') {
        bool across = pn >= 2 && p[1] == '*';
        size_t skip = across ? 2 : 1;
        for (size_t i = 0;; i++) {
            if (naive(p + skip, pn - skip, t + i, tn - i)) {
                return true;
            }
            if (i >= tn || (!across && t[i] == '/')) {
                return false;
            }
        }
    }
    return tn > 0 && (p[0] == t[0] || (p[0] == '?' && t[0] != '/')) &&
           naive(p + 1, pn - 1, t + 1, tn - 1);
}

/* Triggers' patterns likewise, with groups; `then` is what stands behind the group. */
static bool naive_trigger(struct str p, struct str then, struct str t) {
    if (p.n == 0) {
        return then.n > 0 ? naive_trigger(then, S(""), t) : t.n == 0;
    }
    char c = p.p[0];
    if (c == '*') {
        bool across = p.n > 1 && p.p[1] == '*';
        struct str rest = str_sub(p, across ? 2 : 1, p.n);
        size_t skip = 0;
        while (!naive_trigger(rest, then, str_sub(t, skip, t.n))) {
            if (skip >= t.n || (!across && t.p[skip] == '/')) {
                return false;
            }
            skip++;
        }
        return true;
    }
    if (c == '{') {
        size_t end = str_find_c(p, '}', 0);
        struct str inside = str_sub(p, 1, end - 1);
        struct str behind = str_sub(p, end + 1, p.n);
        size_t from = 0;
        for (size_t i = 0; i <= inside.n; i++) {
            if (i == inside.n || inside.p[i] == ',') {
                if (naive_trigger(str_sub(inside, from, i - from), behind, t)) {
                    return true;
                }
                from = i + 1;
            }
        }
        return false;
    }
    return t.n > 0 && (c == t.p[0] || (c == '?' && t.p[0] != '/')) &&
           naive_trigger(str_sub(p, 1, p.n), then, str_sub(t, 1, t.n));
}

/* Characters of several bytes are one to a pattern, and not to the naive ones. */
static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool has_any(struct str s, const char *characters) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\0' || strchr(characters, s.p[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "**" that is no component of its own, which is two stars within one. */
static bool has_odd_stars(struct str p) {
    for (size_t i = 0; i + 1 < p.n; i++) {
        if (p.p[i] == '*' && p.p[i + 1] == '*' &&
            ((i > 0 && p.p[i - 1] != '/') || (i + 2 < p.n && p.p[i + 2] != '/'))) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = fuzz_str(data, size);
    struct str pattern;
    struct err err = ERR_INIT;
    if (!str_cut(&rest, '\n', &pattern)) {
        return 0;
    }
    struct str text = rest.p ? rest : S("");
    bool good = glob_check(pattern, &err) == 0;
    bool matched = glob_match(pattern, text);
    FUZZ_MUST(good || !matched);
    bool plain = !has_any(pattern, "*?[]{}\\!,");
    FUZZ_MUST(!plain || !good || matched == str_eq(pattern, text));
    FUZZ_MUST(!str_is(pattern, "**") || matched);
    bool selected = artifact_match(pattern, text);
    FUZZ_MUST(!plain || has_any(pattern, "./") || selected == str_eq(pattern, text));
    size_t stars = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        stars += pattern.p[i] == '*';
    }
    bool simple = !has_any(pattern, "[]{}\\!,") && stars <= 3 && pattern.n < 24 && text.n < 24;
    bool few = stars <= 4 && pattern.n < 24 && text.n < 24 && !has_any(pattern, "[]\\");
    if (good && few && is_ascii(pattern) && is_ascii(text)) {
        FUZZ_MUST(matched == naive_trigger(pattern, S(""), text));
    }
    bool odd = has_odd_stars(pattern);
    if (simple && !odd && pattern.n > 0 && text.n > 0 && !str_starts(pattern, S("/")) &&
        !str_starts(pattern, S("./"))) {
        FUZZ_MUST(selected == naive(pattern.p, pattern.n, text.p, text.n));
    }
    return 0;
}
