/* Implementation of pattern.h: terms here, JSON conditions by recursive descent below. */
#include "services/logs/pattern.h"

#include "platform/text/json.h"

#include <math.h>

enum { MAX_DEPTH = 16 };

enum term_kind { TERM_ALL, TERM_ANY, TERM_NONE };

struct term {
    enum term_kind kind;
    struct str text;
};

struct term_list {
    struct term *v;
    size_t n;
};

enum node_kind { NODE_AND, NODE_OR, NODE_COMPARE, NODE_IS };

struct node {
    enum node_kind kind;
    const struct node *left, *right;
    struct str path;  /* "a.b[0]" behind "$." */
    struct str op;    /* = != < <= > >= ; IS: "NULL", "TRUE", "FALSE", "NOT EXISTS" */
    struct str value; /* text, maybe with '*' */
    bool number;
    double as_number;
};

struct pattern {
    struct term_list terms;
    const struct node *json; /* NULL: terms */
};

/* ---- words ---- */

static bool cut_term(struct str *rest, struct str *ret) {
    *rest = str_trim(*rest);
    if (rest->n == 0) {
        return false;
    }
    size_t n = 0;
    bool quoted = false;
    while (n < rest->n && (quoted || rest->p[n] != ' ')) {
        if (rest->p[n] == '\\' && n + 1 < rest->n) {
            n++;
        } else if (rest->p[n] == '"') {
            quoted = !quoted;
        }
        n++;
    }
    *ret = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return true;
}

static struct str unquote(struct arena *a, struct str s) {
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"') {
        return s;
    }
    char *out = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && i + 2 < s.n) {
            i++;
        }
        out[n++] = s.p[i];
    }
    return str_n(out, n);
}

static int parse_terms(struct arena *a, struct str text, struct pattern *p, struct err *err) {
    struct str rest = text;
    struct str word = STR_NONE;
    while (cut_term(&rest, &word)) {
        struct term *t = arena_push(a, &p->terms);
        t->kind = word.p[0] == '?' ? TERM_ANY : word.p[0] == '-' ? TERM_NONE : TERM_ALL;
        t->text = unquote(a, t->kind == TERM_ALL ? word : str_sub(word, 1, word.n));
        if (t->text.n == 0 && word.p[0] != '"') {
            return err_set(err, ERR_INVALID, "Invalid filter pattern: nothing follows '%c'",
                           word.p[0]);
        }
        if (t->kind == TERM_ALL && word.n > 1 && word.p[0] == '%' && word.p[word.n - 1] == '%') {
            return err_set(err, ERR_INVALID,
                           "Invalid filter pattern: regular expressions are not available here");
        }
    }
    return 0;
}

static bool match_terms(const struct term_list *terms, struct str message) {
    bool all = false;
    bool any = false;
    bool any_hit = false;
    for (size_t i = 0; i < terms->n; i++) {
        bool there = str_find(message, terms->v[i].text, 0) != (size_t)-1;
        switch (terms->v[i].kind) {
        case TERM_ALL:
            all = true;
            if (!there) {
                return false;
            }
            break;
        case TERM_NONE:
            if (there) {
                return false;
            }
            break;
        case TERM_ANY:
            any = true;
            any_hit = any_hit || there;
            break;
        }
    }
    return !any || all || any_hit; /* beside plain words, ?words decide nothing */
}

/* ---- conditions on JSON ---- */

struct reader {
    struct arena *arena;
    struct str rest;
    int depth;
    struct err *err;
};

static bool take(struct reader *r, const char *word) {
    r->rest = str_trim(r->rest);
    if (!str_starts(r->rest, str_c(word))) {
        return false;
    }
    r->rest = str_sub(r->rest, strlen(word), r->rest.n);
    return true;
}

static int broken(struct reader *r) {
    return err_set(r->err, ERR_INVALID, "Invalid filter pattern near '%.*s'",
                   STR_ARG(str_sub(r->rest, 0, 40)));
}

static int read_or(struct reader *r, const struct node **ret);

static int read_operand(struct reader *r, struct node *n) {
    r->rest = str_trim(r->rest);
    struct str word = STR_NONE;
    if (r->rest.n > 0 && r->rest.p[0] == '"') {
        size_t end = 1;
        while (end < r->rest.n && r->rest.p[end] != '"') {
            end += r->rest.p[end] == '\\' ? 2 : 1;
        }
        if (end >= r->rest.n) {
            return broken(r);
        }
        n->value = unquote(r->arena, str_sub(r->rest, 0, end + 1));
        r->rest = str_sub(r->rest, end + 1, r->rest.n);
        return 0;
    }
    size_t end = 0;
    while (end < r->rest.n && strchr(" )}&|", r->rest.p[end]) == NULL) {
        end++;
    }
    word = str_sub(r->rest, 0, end);
    r->rest = str_sub(r->rest, end, r->rest.n);
    n->value = word;
    n->number = str_to_double(word, &n->as_number);
    return word.n > 0 ? 0 : broken(r);
}

static int read_compare(struct reader *r, const struct node **ret) {
    static const char *const ops[] = {"!=", "<=", ">=", "=", "<", ">"};
    static const char *const states[] = {"NULL", "TRUE", "FALSE"};
    struct node *n = arena_new(r->arena, struct node);
    *ret = n;
    if (!take(r, "$.")) {
        return broken(r);
    }
    size_t end = 0;
    while (end < r->rest.n && strchr(" =!<>)}&|", r->rest.p[end]) == NULL) {
        end++;
    }
    n->path = str_sub(r->rest, 0, end);
    r->rest = str_sub(r->rest, end, r->rest.n);
    if (take(r, "NOT EXISTS")) {
        n->kind = NODE_IS;
        n->op = S("NOT EXISTS");
        return 0;
    }
    if (take(r, "IS")) {
        for (size_t i = 0; i < 3; i++) {
            if (take(r, states[i])) {
                n->kind = NODE_IS;
                n->op = str_c(states[i]);
                return 0;
            }
        }
        return broken(r);
    }
    n->kind = NODE_COMPARE;
    for (size_t i = 0; i < 6; i++) {
        if (take(r, ops[i])) {
            n->op = str_c(ops[i]);
            return read_operand(r, n);
        }
    }
    return broken(r);
}

static int read_one(struct reader *r, const struct node **ret) {
    if (!take(r, "(")) {
        return read_compare(r, ret);
    }
    if (++r->depth > MAX_DEPTH) {
        return err_set(r->err, ERR_LIMIT, "Invalid filter pattern: nested too deep");
    }
    if (read_or(r, ret) < 0) {
        return -1;
    }
    r->depth--;
    return take(r, ")") ? 0 : broken(r);
}

static int read_chain(struct reader *r, const char *sign, enum node_kind kind,
                      int (*part)(struct reader *r, const struct node **ret),
                      const struct node **ret) {
    if (part(r, ret) < 0) {
        return -1;
    }
    while (take(r, sign)) {
        struct node *n = arena_new(r->arena, struct node);
        n->kind = kind;
        n->left = *ret;
        if (part(r, &n->right) < 0) {
            return -1;
        }
        *ret = n;
    }
    return 0;
}

static int read_and(struct reader *r, const struct node **ret) {
    return read_chain(r, "&&", NODE_AND, read_one, ret);
}

static int read_or(struct reader *r, const struct node **ret) {
    return read_chain(r, "||", NODE_OR, read_and, ret);
}

/* ---- judging ---- */

static const json_t *follow(const json_t *at, struct str path) {
    struct str rest = path;
    struct str part = STR_NONE;
    while (at != NULL && str_cut(&rest, '.', &part)) {
        size_t bracket = str_find_c(part, '[', 0);
        struct str name = str_sub(part, 0, bracket);
        at = name.n > 0 ? json_object_getn(at, name.p, name.n) : at;
        unsigned long long index = 0;
        if (bracket != (size_t)-1) {
            struct str digits = str_sub(part, bracket + 1, part.n - bracket - 2);
            at = str_to_u64(digits, &index) ? json_array_get(at, (size_t)index) : NULL;
        }
    }
    return at;
}

static bool wild(struct str pattern, struct str text) {
    size_t star = str_find_c(pattern, '*', 0);
    if (star == (size_t)-1) {
        return str_eq(pattern, text);
    }
    if (!str_starts(text, str_sub(pattern, 0, star))) {
        return false;
    }
    struct str behind = str_sub(pattern, star + 1, pattern.n);
    for (size_t i = star; i <= text.n; i++) {
        if (wild(behind, str_sub(text, i, text.n))) {
            return true;
        }
    }
    return false;
}

static bool compare(const struct node *n, const json_t *value) {
    if (n->number && json_is_number(value)) {
        double x = json_number_value(value);
        return str_is(n->op, "=")    ? fabs(x - n->as_number) == 0
               : str_is(n->op, "!=") ? fabs(x - n->as_number) > 0
               : str_is(n->op, "<")  ? x < n->as_number
               : str_is(n->op, "<=") ? x <= n->as_number
               : str_is(n->op, ">")  ? x > n->as_number
                                     : x >= n->as_number;
    }
    if (!json_is_string(value)) {
        return false;
    }
    bool same = wild(n->value, json_text(value));
    return str_is(n->op, "=") ? same : str_is(n->op, "!=") && !same;
}

static bool judge(const struct node *n, const json_t *root) {
    if (n->kind == NODE_AND) {
        return judge(n->left, root) && judge(n->right, root);
    }
    if (n->kind == NODE_OR) {
        return judge(n->left, root) || judge(n->right, root);
    }
    const json_t *value = follow(root, n->path);
    if (n->kind == NODE_COMPARE) {
        return value != NULL && compare(n, value);
    }
    return str_is(n->op, "NOT EXISTS") ? value == NULL
           : str_is(n->op, "NULL")     ? json_is_null(value)
           : str_is(n->op, "TRUE")     ? json_is_true(value)
                                       : json_is_false(value);
}

int pattern_parse(struct arena *a, struct str text, struct pattern **ret, struct err *err) {
    struct pattern *p = arena_new(a, struct pattern);
    struct str t = str_trim(text);
    *ret = p;
    if (t.n == 0) {
        return 0;
    }
    if (t.p[0] == '[') {
        return err_set(err, ERR_INVALID, "Invalid filter pattern: space-delimited patterns are not "
                                         "available here");
    }
    if (t.p[0] != '{') {
        return parse_terms(a, t, p, err);
    }
    struct reader r = {.arena = a, .rest = str_sub(t, 1, t.n), .err = err};
    if (read_or(&r, &p->json) < 0) {
        return -1;
    }
    return take(&r, "}") && str_trim(r.rest).n == 0 ? 0 : broken(&r);
}

bool pattern_match(const struct pattern *p, struct str message) {
    if (p->json == NULL) {
        return match_terms(&p->terms, message);
    }
    struct err ignored = ERR_INIT;
    json_t *root cleanup_json = json_parse(message, &ignored);
    return root != NULL && judge(p->json, root);
}
