/* Implementation of version.h. */
#include "flow/checkout/version.h"

enum { NAME_MAX_BYTES = 512, COMMIT_DIGITS = 40, COMMIT_MIN = 4 };

static bool is_hex(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) {
            return false;
        }
    }
    return text.n > 0;
}

bool version_is_commit(struct str text) {
    return text.n == COMMIT_DIGITS && is_hex(text);
}

/* git's own rules for names of references, but for those that only matter on disk. */
static bool is_name(struct str name) {
    static const char forbidden[] = " ~^:?*[\\";
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool doubled = i > 0 && name.p[i - 1] == name.p[i] && (c == '.' || c == '/');
        if (c < ' ' || c == 0x7F || strchr(forbidden, c) != NULL || doubled) {
            return false;
        }
    }
    return name.n > 0 && name.n <= NAME_MAX_BYTES && name.p[0] != '-' && name.p[0] != '/' &&
           name.p[0] != '.' && !str_ends(name, S("/")) && !str_ends(name, S(".")) &&
           !str_ends(name, S(".lock")) && str_find(name, S("@{"), 0) == (size_t)-1 &&
           str_find(name, S("/."), 0) == (size_t)-1;
}

static void add_ref(struct version *v, struct str ref) {
    v->refs[v->refs_n++] = ref;
}

static bool is_number(struct str text) {
    unsigned long long n = 0;
    return text.n > 0 && text.n <= 10 && str_to_u64(text, &n);
}

/* "REF^{COMMIT}": the commit, which the reference is fetched for. */
static struct str take_commit(struct version *v, struct str text) {
    size_t at = str_find(text, S("^{"), 0);
    if (at == (size_t)-1 || !str_ends(text, S("}"))) {
        return text;
    }
    struct str commit = str_sub(text, at + 2, text.n - at - 3);
    if (version_is_commit(commit)) {
        v->commit = commit;
        return str_sub(text, 0, at);
    }
    return text;
}

int version_parse(struct arena *a, struct str text, struct version *ret, struct err *err) {
    *ret = (struct version){0};
    struct str name = take_commit(ret, text);
    if (text.n == 0) {
        return 0;
    }
    if (version_is_commit(name) && ret->commit.p == NULL) {
        ret->commit = str_lower(a, name);
        return 0;
    }
    if (!is_name(name)) {
        return err_set(err, ERR_INVALID, "'" STR_FMT "' is no commit, branch or tag",
                       STR_ARG(text));
    }
    if (str_starts(name, S("pr/")) && is_number(str_sub(name, 3, name.n))) {
        struct str n = str_sub(name, 3, name.n);
        add_ref(ret, str_printf(a, "refs/pull/" STR_FMT "/head", STR_ARG(n)));
        add_ref(ret, str_printf(a, "refs/merge-requests/" STR_FMT "/head", STR_ARG(n)));
        add_ref(ret, str_printf(a, "refs/pull-requests/" STR_FMT "/from", STR_ARG(n)));
        return 0;
    }
    if (str_starts(name, S("refs/"))) {
        add_ref(ret, str_dup(a, name));
        return 0;
    }
    add_ref(ret, str_printf(a, "refs/heads/" STR_FMT, STR_ARG(name)));
    add_ref(ret, str_printf(a, "refs/tags/" STR_FMT, STR_ARG(name)));
    if (is_hex(name) && name.n >= COMMIT_MIN && name.n < COMMIT_DIGITS && ret->commit.p == NULL) {
        ret->commit = str_dup(a, name);
        ret->abbreviated = true;
    }
    return 0;
}
