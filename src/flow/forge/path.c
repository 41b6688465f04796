/* Implementation of path.h: a path is cut into steps; each `*` tries every element. */
#include "flow/forge/path.h"

#include "platform/text/json.h"

#include <limits.h>

enum { MAX_VISITS = 100000, MAX_NUMBER = 10 };

enum step_kind { STEP_END, STEP_NAME, STEP_INDEX, STEP_ANY };

struct step {
    enum step_kind kind;
    struct str name;
    long long index;
};

static int wrong(struct err *err, struct str path, struct str rest, const char *what) {
    return err_set(err, ERR_INVALID, "'" STR_FMT "': %s at column %zu", STR_ARG(path), what,
                   path.n - rest.n + 1);
}

static bool in_name(char c) {
    return c != '.' && c != '[' && c != ']' && c != '\'' && c != '"' && c != '*' && c != '(' &&
           c != ')' && c != '?' && c != ' ';
}

/* ".name", ".*" */
static const char *dot_step(struct str *rest, struct step *ret) {
    struct str s = str_sub(*rest, 1, rest->n);
    size_t n = 0;
    if (str_starts(s, S("*"))) {
        ret->kind = STEP_ANY;
        *rest = str_sub(s, 1, s.n);
        return NULL;
    }
    while (n < s.n && in_name(s.p[n])) {
        n++;
    }
    if (n == 0) {
        return str_starts(s, S(".")) ? "'..' is not supported" : "a name is missing";
    }
    *ret = (struct step){STEP_NAME, str_sub(s, 0, n), 0};
    *rest = str_sub(s, n, s.n);
    return NULL;
}

/* "['name']", "[0]", "[*]" */
static const char *bracket_step(struct str *rest, struct step *ret) {
    char quote = rest->n > 1 ? rest->p[1] : '\0';
    bool quoted = quote == '\'' || quote == '"';
    size_t from = quoted ? 2 : 1;
    size_t end = quoted ? str_find_c(*rest, quote, from) : str_find_c(*rest, ']', from);
    if (end == (size_t)-1 || (quoted && (end + 1 >= rest->n || rest->p[end + 1] != ']'))) {
        return "a ']' is missing";
    }
    struct str inside = str_sub(*rest, from, end - from);
    *rest = str_sub(*rest, end + (quoted ? 2 : 1), rest->n);
    if (quoted) {
        *ret = (struct step){STEP_NAME, inside, 0};
        return NULL;
    }
    if (str_is(inside, "*")) {
        ret->kind = STEP_ANY;
        return NULL;
    }
    ret->kind = STEP_INDEX;
    return inside.n <= MAX_NUMBER && str_to_i64(inside, &ret->index)
               ? NULL
               : "only a name in quotes, a number or '*' may stand in brackets";
}

/* Cuts the first step off; an error text when it is none. */
static const char *next_step(struct str *rest, struct step *ret) {
    *ret = (struct step){.kind = STEP_END};
    return rest->n == 0        ? NULL
           : rest->p[0] == '.' ? dot_step(rest, ret)
           : rest->p[0] == '[' ? bracket_step(rest, ret)
                               : "'.' or '[' is missing";
}

int forge_path_check(struct str path, struct err *err) {
    struct step step;
    struct str rest = str_sub(path, 1, path.n);
    if (!str_starts(path, S("$"))) {
        return wrong(err, path, path, "the path does not begin with '$'");
    }
    do {
        struct str before = rest;
        const char *what = next_step(&rest, &step);
        if (what != NULL) {
            return wrong(err, path, before, what);
        }
    } while (step.kind != STEP_END);
    return 0;
}

static bool is_text(const json_t *value, struct str text) {
    char number[64];
    if (value == NULL || json_is_null(value)) {
        return false;
    }
    if (text.p == NULL || json_is_string(value)) {
        return text.p == NULL || str_eq(json_text(value), text);
    }
    if (json_is_object(value) || json_is_array(value)) {
        return false;
    }
    size_t n = json_dumpb(value, number, sizeof(number), JSON_ENCODE_ANY);
    return n <= sizeof(number) && str_eq(str_n(number, n), text);
}

struct search {
    struct str text;
    unsigned visits;
};

static bool find(struct search *s, const json_t *value, struct str rest);

static bool find_any(struct search *s, const json_t *value, struct str rest) {
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (find(s, json_array_get(value, i), rest)) {
            return true;
        }
    }
    const char *key = NULL;
    json_t *one = NULL;
    json_object_foreach((json_t *)value, key, one) { /* the macro wants it writable */
        if (find(s, one, rest)) {
            return true;
        }
    }
    return false;
}

static bool find(struct search *s, const json_t *value, struct str rest) {
    struct step step;
    while (value != NULL && ++s->visits <= MAX_VISITS && next_step(&rest, &step) == NULL) {
        long long n = (long long)json_array_size(value);
        switch (step.kind) {
        case STEP_END:
            return is_text(value, s->text);
        case STEP_ANY:
            return find_any(s, value, rest);
        case STEP_NAME:
            value = json_object_getn(value, step.name.p, step.name.n);
            break;
        case STEP_INDEX:
            step.index += step.index < 0 ? n : 0;
            value = step.index >= 0 && step.index < n ? json_array_get(value, (size_t)step.index)
                                                      : NULL;
            break;
        }
    }
    return false;
}

bool forge_path_matches(const json_t *root, struct str path, struct str text) {
    struct search s = {.text = text};
    struct err ignored = ERR_INIT;
    return forge_path_check(path, &ignored) == 0 && find(&s, root, str_sub(path, 1, path.n));
}
