/* Compiling patterns (pattern.h): every mistake is found here, so that matching cannot fail. */
#include "services/events/pattern_internal.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>

enum { NUMBER_MAX = 5, NUMBER_SCALE = 1000 * 1000 * 1000 }; /* numbers reach to 5e9 */

struct compiler {
    struct arena *a;
    struct err *err;
};

static int bad(const struct compiler *c, const char *what) {
    return err_set(c->err, ERR_INVALID, "%s", what);
}

static int compile_object(const struct compiler *c, const json_t *json, struct ev_pattern **ret,
                          size_t *ways);

/* ---- single tests ---- */

static int number_of(const struct compiler *c, const json_t *json, double *ret) {
    *ret = json_number_value(json);
    if (!json_is_number(json)) {
        return bad(c, "Value of numeric must be numbers");
    }
    return fabs(*ret) <= (double)NUMBER_MAX * NUMBER_SCALE
               ? 0
               : bad(c, "Value must be between -5.0E9 and 5.0E9, inclusive");
}

static int compile_range(const struct compiler *c, const json_t *terms, struct test *t) {
    size_t n = json_array_size(terms);
    *t = (struct test){.kind = TEST_RANGE, .low = -INFINITY, .high = INFINITY};
    if (!json_is_array(terms) || (n != 2 && n != 4)) {
        return bad(c, "Value of numeric must be an array of an operator and a number, once or "
                      "twice");
    }
    for (size_t i = 0; i < n; i += 2) {
        struct str op = json_text(json_array_get(terms, i));
        bool lower = str_is(op, ">") || str_is(op, ">=");
        bool upper = str_is(op, "<") || str_is(op, "<=");
        double value = 0;
        if (number_of(c, json_array_get(terms, i + 1), &value) < 0) {
            return -1;
        }
        if (str_is(op, "=") && n == 2) {
            t->low = t->high = value;
        } else if (lower && i == 0) {
            t->low = value;
            t->low_open = op.n == 1;
        } else if (upper && (i > 0 || n == 2)) {
            t->high = value;
            t->high_open = op.n == 1;
        } else {
            return bad(c, "Bad numeric range operator");
        }
    }
    return t->low < t->high || (t->low == t->high && !t->low_open && !t->high_open)
               ? 0
               : bad(c, "Bottom must be less than top");
}

bool ev_net_parse(struct str text, bool network, struct net *ret) {
    char host[64];
    unsigned long long bits = 0;
    size_t slash = str_find_c(text, '/', 0);
    if (network != (slash != (size_t)-1)) {
        return false;
    }
    struct str base = network ? str_sub(text, 0, slash) : text;
    if (base.n == 0 || base.n >= sizeof(host) || memchr(base.p, '\0', base.n) != NULL) {
        return false;
    }
    memcpy(host, base.p, base.n);
    host[base.n] = '\0';
    *ret = (struct net){.family = memchr(base.p, ':', base.n) != NULL ? AF_INET6 : AF_INET};
    unsigned most = ret->family == AF_INET6 ? 128 : 32;
    if (inet_pton(ret->family, host, ret->bytes) != 1 ||
        (network && (!str_to_u64(str_sub(text, slash + 1, text.n), &bits) || bits > most))) {
        return false;
    }
    ret->bits = network ? (unsigned)bits : most;
    return true;
}

/* Cuts "a*b\*c" at its stars: the parts "a" and "b*c". */
static int compile_wildcard(const struct compiler *c, struct str text, struct test *t) {
    *t = (struct test){.kind = TEST_WILDCARD};
    char *part = arena_alloc(c->a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool escaped = text.p[i] == '\\';
        if (escaped && (++i == text.n || (text.p[i] != '*' && text.p[i] != '\\'))) {
            return bad(c, "Invalid escape character: only '*' and '\\' can be escaped in wildcard");
        }
        if (text.p[i] != '*' || escaped) {
            part[n++] = text.p[i];
            continue;
        }
        if (i + 1 < text.n && text.p[i + 1] == '*') {
            return bad(c, "Consecutive wildcard characters are not allowed");
        }
        *arena_push(c->a, &t->parts) = str_n(part, n);
        part += n;
        n = 0;
    }
    *arena_push(c->a, &t->parts) = str_n(part, n);
    return 0;
}

/* prefix, suffix: text, or {"equals-ignore-case": text}. */
static int compile_end(const struct compiler *c, const json_t *value, bool nested, struct test *t) {
    const json_t *inner = json_object_get(value, "equals-ignore-case");
    if (nested && json_object_size(value) == 1 && inner != NULL) {
        t->any_case = true;
        value = inner;
    }
    t->text = str_dup(c->a, json_text(value));
    return t->text.p != NULL ? 0 : bad(c, "prefix/suffix match pattern must be a string");
}

static int compile_text_test(const struct compiler *c, const char *op, const json_t *value,
                             bool nested, struct test *t) {
    *t = (struct test){.kind = TEST_EQUALS};
    if (strcmp(op, "prefix") == 0 || strcmp(op, "suffix") == 0) {
        t->kind = op[0] == 'p' ? TEST_PREFIX : TEST_SUFFIX;
        return compile_end(c, value, nested, t);
    }
    if (!json_is_string(value)) {
        return err_set(c->err, ERR_INVALID, "%s match pattern must be a string", op);
    }
    if (strcmp(op, "wildcard") == 0) {
        return compile_wildcard(c, json_text(value), t);
    }
    t->any_case = true;
    t->text = str_dup(c->a, json_text(value));
    return 0;
}

static bool is_text_test(const char *op) {
    return strcmp(op, "prefix") == 0 || strcmp(op, "suffix") == 0 || strcmp(op, "wildcard") == 0 ||
           strcmp(op, "equals-ignore-case") == 0;
}

static const char *only_key(const json_t *object) {
    return json_object_size(object) == 1 ? json_object_iter_key(json_object_iter((json_t *)object))
                                         : NULL;
}

/* ---- anything-but ---- */

static int compile_but_value(const struct compiler *c, const json_t *value, struct test *t) {
    if (json_is_string(value)) {
        *t = (struct test){.kind = TEST_EQUALS, .text = str_dup(c->a, json_text(value))};
        return 0;
    }
    *t = (struct test){.kind = TEST_NUMBER};
    return json_is_number(value) ? number_of(c, value, &t->low)
                                 : bad(c, "Value of anything-but must be a string or a number, or "
                                          "a list of one of these kinds");
}

static int compile_but_test(const struct compiler *c, const json_t *object, struct test_list *but) {
    const char *op = only_key(object);
    if (op == NULL || !is_text_test(op)) {
        return bad(c, "Unsupported anything-but pattern");
    }
    const json_t *value = json_object_get(object, op);
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (json_is_string(one) && json_string_length(one) == 0) {
            return bad(c, "Null prefix/suffix not allowed");
        }
        if (compile_text_test(c, op, one, false, arena_push(c->a, but)) < 0) {
            return -1;
        }
    }
    return n > 0 ? 0 : bad(c, "Empty arrays are not allowed");
}

static int compile_but(const struct compiler *c, const json_t *value, struct test *t) {
    *t = (struct test){.kind = TEST_BUT};
    if (json_is_object(value)) {
        return compile_but_test(c, value, &t->but);
    }
    if (!json_is_array(value)) {
        return compile_but_value(c, value, arena_push(c->a, &t->but));
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        if (json_is_string(one) != json_is_string(json_array_get(value, 0))) {
            return bad(c, "Inside anything but list, either all values are number or string, "
                          "mixed type is not supported");
        }
        if (compile_but_value(c, one, arena_push(c->a, &t->but)) < 0) {
            return -1;
        }
    }
    return t->but.n > 0 ? 0 : bad(c, "Empty arrays are not allowed");
}

/* ---- fields ---- */

static int compile_expression(const struct compiler *c, const json_t *json, struct leaf *leaf) {
    const char *op = only_key(json);
    const json_t *value = op ? json_object_get(json, op) : NULL;
    struct test t;
    if (op == NULL) {
        return bad(c, "Only one key allowed in match expression");
    }
    if (strcmp(op, "exists") == 0) {
        if (!json_is_boolean(value)) {
            return bad(c, "exists match pattern must be either true or false");
        }
        t = (struct test){.kind = json_is_true(value) ? TEST_EXISTS : TEST_ABSENT};
        leaf->absent = leaf->absent || json_is_false(value);
    } else if (is_text_test(op)) {
        if (compile_text_test(c, op, value, true, &t) < 0) {
            return -1;
        }
    } else if (strcmp(op, "numeric") == 0) {
        if (compile_range(c, value, &t) < 0) {
            return -1;
        }
    } else if (strcmp(op, "anything-but") == 0) {
        if (compile_but(c, value, &t) < 0) {
            return -1;
        }
    } else if (strcmp(op, "cidr") == 0) {
        t = (struct test){.kind = TEST_CIDR};
        if (!ev_net_parse(json_text(value), true, &t.net)) {
            return bad(c, "Malformed CIDR");
        }
    } else {
        return err_set(c->err, ERR_INVALID, "Unrecognized match type %.100s", op);
    }
    *arena_push(c->a, &leaf->tests) = t;
    return 0;
}

static int compile_value(const struct compiler *c, const json_t *json, struct leaf *leaf) {
    switch (json_typeof(json)) {
    case JSON_STRING:
        *arena_push(c->a, &leaf->exact) = str_dup(c->a, json_text(json));
        return 0;
    case JSON_INTEGER:
    case JSON_REAL:
        *arena_push(c->a, &leaf->tests) =
            (struct test){.kind = TEST_NUMBER, .low = json_number_value(json)};
        return 0;
    case JSON_OBJECT:
        return compile_expression(c, json, leaf);
    case JSON_ARRAY:
        return bad(c, "Match value must be String, number, true, false, or null");
    default:
        *arena_push(c->a, &leaf->tests) =
            (struct test){.kind = TEST_LITERAL, .literal = json_typeof(json)};
        return 0;
    }
}

static int by_text(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static int by_key(const void *x, const void *y) {
    return strcmp(((const struct field *)x)->key, ((const struct field *)y)->key);
}

static int compile_leaf(const struct compiler *c, const json_t *values, struct leaf **ret) {
    struct leaf *leaf = *ret = arena_new(c->a, struct leaf);
    if (json_array_size(values) == 0) {
        return bad(c, "Empty arrays are not allowed");
    }
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (compile_value(c, json_array_get(values, i), leaf) < 0) {
            return -1;
        }
    }
    if (leaf->exact.n > 0) {
        qsort(leaf->exact.v, leaf->exact.n, sizeof(*leaf->exact.v), by_text);
    }
    return 0;
}

/* $or is a relation when two objects or more stand in it, none with an operator's name. */
static bool is_relation(const char *key, const json_t *value) {
    static const char *const reserved[] = {"exactly", "prefix", "suffix",   "equals-ignore-case",
                                           "numeric", "cidr",   "wildcard", "anything-but",
                                           "exists",  "regex",  "="};
    if (strcmp(key, "$or") != 0 || json_array_size(value) < 2) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        if (json_object_size(one) == 0) {
            return false;
        }
        for (size_t k = 0; k < sizeof(reserved) / sizeof(reserved[0]); k++) {
            if (json_object_get(one, reserved[k]) != NULL) {
                return false;
            }
        }
    }
    return true;
}

static int compile_relation(const struct compiler *c, const json_t *list, struct ev_pattern *p,
                            size_t *ways) {
    size_t sum = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t own = 1;
        if (compile_object(c, json_array_get(list, i), arena_push(c->a, &p->any), &own) < 0) {
            return -1;
        }
        sum += own;
    }
    *ways *= sum;
    return *ways <= PATTERN_COMBINATIONS ? 0 : bad(c, "Rule is too complex");
}

static int compile_field(const struct compiler *c, const char *key, const json_t *value,
                         struct ev_pattern *p, size_t *ways) {
    if (is_relation(key, value)) {
        return compile_relation(c, value, p, ways);
    }
    struct field *f = arena_push(c->a, &p->fields);
    f->key = str_z(c->a, str_c(key));
    if (json_is_object(value)) {
        return compile_object(c, value, &f->object, ways);
    }
    if (!json_is_array(value)) {
        return err_set(c->err, ERR_INVALID, "\"%.100s\" must be an object or an array", key);
    }
    return compile_leaf(c, value, &f->leaf);
}

static bool is_only_absent(const struct ev_pattern *p) {
    for (size_t i = 0; i < p->fields.n; i++) {
        const struct field *f = &p->fields.v[i];
        if (f->object != NULL ? !f->object->only_absent
                              : !f->leaf->absent || f->leaf->exact.n + f->leaf->tests.n != 1) {
            return false;
        }
    }
    return p->any.n == 0;
}

static int compile_object(const struct compiler *c, const json_t *json, struct ev_pattern **ret,
                          size_t *ways) {
    struct ev_pattern *p = *ret = arena_new(c->a, struct ev_pattern);
    const char *key;
    json_t *value;
    if (json_object_size(json) == 0) {
        return bad(c, "Empty objects are not allowed");
    }
    json_object_foreach((json_t *)json, key, value) {
        if (compile_field(c, key, value, p, ways) < 0) {
            return -1;
        }
    }
    if (p->fields.n > 0) {
        qsort(p->fields.v, p->fields.n, sizeof(*p->fields.v), by_key);
    }
    p->only_absent = is_only_absent(p);
    return *ways <= PATTERN_COMBINATIONS ? 0 : bad(c, "Rule is too complex");
}

int ev_pattern_compile(struct arena *a, struct str text, struct ev_pattern **ret, struct err *err) {
    const struct compiler c = {a, err};
    size_t ways = 1;
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL) {
        return -1;
    }
    return json_is_object(json) ? compile_object(&c, json, ret, &ways)
                                : bad(&c, "Filter is not an object");
}
