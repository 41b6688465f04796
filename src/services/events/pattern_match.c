/* Matching (pattern.h). Nothing here fails or allocates. */
#include "services/events/pattern_internal.h"

#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Numbers that EventBridge compares by value, it compares to six decimals. */
static bool same_number(double x, double y) {
    return x == y || (fabs(x) <= 5e9 && fabs(y) <= 5e9 && llround(x * 1e6) == llround(y * 1e6));
}

static bool in_range(const struct test *t, double x) {
    bool above =
        t->low_open ? x > t->low && !same_number(x, t->low) : x > t->low || same_number(x, t->low);
    bool below = t->high_open ? x < t->high && !same_number(x, t->high)
                              : x < t->high || same_number(x, t->high);
    return above && below;
}

static bool in_net(const struct net *net, struct str text) {
    struct net host;
    if (!ev_net_parse(text, false, &host) || host.family != net->family) {
        return false;
    }
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    unsigned mask = rest == 0 ? 0 : (0xffU << (8 - rest)) & 0xffU;
    return memcmp(host.bytes, net->bytes, whole) == 0 &&
           (rest == 0 || ((host.bytes[whole] ^ net->bytes[whole]) & mask) == 0);
}

/* The first part begins, the last one ends, those between follow each other. */
static bool match_wildcard(const struct str_list *parts, struct str text) {
    struct str first = parts->v[0], last = parts->v[parts->n - 1];
    if (parts->n == 1) {
        return str_eq(text, first);
    }
    if (text.n < first.n + last.n || !str_starts(text, first) || !str_ends(text, last)) {
        return false;
    }
    struct str between = str_sub(text, first.n, text.n - first.n - last.n);
    for (size_t i = 1; i + 1 < parts->n; i++) {
        size_t at = str_find(between, parts->v[i], 0);
        if (at == (size_t)-1) {
            return false;
        }
        between = str_sub(between, at + parts->v[i].n, between.n);
    }
    return true;
}

static bool match_text(const struct test *t, struct str text) {
    size_t n = t->text.n;
    switch (t->kind) {
    case TEST_EQUALS:
        return t->any_case ? str_ieq(text, t->text) : str_eq(text, t->text);
    case TEST_PREFIX:
        return t->any_case ? str_ieq(str_sub(text, 0, n), t->text) : str_starts(text, t->text);
    case TEST_SUFFIX:
        return text.n >= n && (t->any_case ? str_ieq(str_sub(text, text.n - n, n), t->text)
                                           : str_ends(text, t->text));
    case TEST_WILDCARD:
        return match_wildcard(&t->parts, text);
    case TEST_CIDR:
        return in_net(&t->net, text);
    default:
        return false;
    }
}

static bool match_test(const struct test *t, const json_t *value) {
    switch (t->kind) {
    case TEST_NUMBER:
        return json_is_number(value) && same_number(json_number_value(value), t->low);
    case TEST_RANGE:
        return json_is_number(value) && in_range(t, json_number_value(value));
    case TEST_LITERAL:
        return json_typeof(value) == t->literal;
    case TEST_EXISTS:
        return true;
    case TEST_BUT:
        for (size_t i = 0; i < t->but.n; i++) {
            if (match_test(&t->but.v[i], value)) {
                return false;
            }
        }
        return true;
    default:
        return json_is_string(value) && match_text(t, json_text(value));
    }
}

static int by_text(const void *x, const void *y) {
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static bool match_scalar(const struct leaf *leaf, const json_t *value) {
    if (json_is_string(value) && leaf->exact.n > 0) {
        struct str text = json_text(value);
        if (bsearch(&text, leaf->exact.v, leaf->exact.n, sizeof(text), by_text) != NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < leaf->tests.n; i++) {
        if (match_test(&leaf->tests.v[i], value)) {
            return true;
        }
    }
    return false;
}

/* One of the scalars below a field, arrays opened; objects are no leaves. */
static bool match_leaf(const struct leaf *leaf, const json_t *value) {
    if (!json_is_array(value)) {
        return value != NULL && !json_is_object(value) && match_scalar(leaf, value);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (match_leaf(leaf, json_array_get(value, i))) {
            return true;
        }
    }
    return false;
}

/* Is there a leaf? An object is none, nor is an array without any. */
static bool is_present(const json_t *value) {
    if (!json_is_array(value)) {
        return value != NULL && !json_is_object(value);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (is_present(json_array_get(value, i))) {
            return true;
        }
    }
    return false;
}

/* Is one of the fields that have to be absent there, in any element of the arrays on the way? */
static bool any_present(const struct ev_pattern *p, const json_t *value) {
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (any_present(p, json_array_get(value, i))) {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 0; i < p->fields.n; i++) {
        const struct field *f = &p->fields.v[i];
        const json_t *member = json_object_get(value, f->key);
        if (f->object != NULL ? any_present(f->object, member) : is_present(member)) {
            return true;
        }
    }
    return false;
}

static bool match_value(const struct ev_pattern *p, const json_t *value);

static bool match_field(const struct field *f, const json_t *value) {
    if (f->object != NULL) {
        return match_value(f->object, value);
    }
    return match_leaf(f->leaf, value) || (f->leaf->absent && !is_present(value));
}

/* All fields of one object, which may be NULL: then all of it has to be absent. */
static bool match_object(const struct ev_pattern *p, const json_t *object) {
    for (size_t i = 0; i < p->fields.n; i++) {
        if (!match_field(&p->fields.v[i], json_object_get(object, p->fields.v[i].key))) {
            return false;
        }
    }
    bool related = p->any.n == 0;
    for (size_t i = 0; i < p->any.n && !related; i++) {
        related = match_object(p->any.v[i], object);
    }
    return related;
}

static bool has_object(const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);
        if (json_is_object(one) || (json_is_array(one) && has_object(one))) {
            return true;
        }
    }
    return false;
}

static bool match_element(const struct ev_pattern *p, const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *one = json_array_get(array, i);
        if (json_is_array(one) ? match_element(p, one)
                               : json_is_object(one) && match_object(p, one)) {
            return true;
        }
    }
    return false;
}

/* What is nested: of an array, one element has to match as a whole. */
static bool match_value(const struct ev_pattern *p, const json_t *value) {
    if (p->only_absent) {
        return !any_present(p, value);
    }
    if (json_is_array(value) && has_object(value)) {
        return match_element(p, value);
    }
    return match_object(p, value);
}

bool ev_pattern_match(const struct ev_pattern *p, const json_t *event) {
    return json_is_object(event) && match_value(p, event);
}
