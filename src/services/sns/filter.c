/* Implementation of services/sns/filter.h. A policy maps names to lists of rules; all names have to
 * match, one rule of each list is enough. */
#include "services/sns/filter.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { MOST_COMBINATIONS = 150, DEEPEST = 5 };

static int check_numeric(const json_t *terms, struct err *err) {
    size_t n = json_array_size(terms);
    if (n != 2 && n != 4) {
        return err_set(err, ERR_INVALID,
                       "Value of numeric must be an operator and a number, "
                       "once or twice");
    }
    for (size_t i = 0; i < n; i += 2) {
        struct str op = json_text(json_array_get(terms, i));
        bool known = str_is(op, "=") || str_is(op, "<") || str_is(op, "<=") || str_is(op, ">") ||
                     str_is(op, ">=");
        if (!known || !json_is_number(json_array_get(terms, i + 1))) {
            return err_set(err, ERR_INVALID, "Unrecognized numeric comparison operator or value");
        }
    }
    return 0;
}

static int check_rule(const json_t *rule, struct err *err) {
    if (!json_is_object(rule)) {
        return json_is_array(rule) ? err_set(err, ERR_INVALID,
                                             "Match value must be String, number, true, false, "
                                             "or null")
                                   : 0;
    }
    if (json_object_size(rule) != 1) {
        return err_set(err, ERR_INVALID, "Only one key allowed in match expression");
    }
    const char *op = json_object_iter_key(json_object_iter((json_t *)rule));
    const json_t *value = json_object_get(rule, op);
    if (strcmp(op, "numeric") == 0) {
        return check_numeric(value, err);
    }
    bool good = false;
    if (strcmp(op, "prefix") == 0 || strcmp(op, "suffix") == 0 ||
        strcmp(op, "equals-ignore-case") == 0 || strcmp(op, "cidr") == 0) {
        good = json_is_string(value);
    } else if (strcmp(op, "exists") == 0) {
        good = json_is_boolean(value);
    } else if (strcmp(op, "anything-but") == 0) {
        good = json_is_string(value) || json_is_number(value) || json_is_array(value) ||
               json_is_object(value);
    } else {
        return err_set(err, ERR_INVALID, "Unrecognized match type %s", op);
    }
    return good ? 0 : err_set(err, ERR_INVALID, "%s has a value of the wrong type", op);
}

static int check_level(const json_t *policy, bool nested, int depth, size_t *combinations,
                       struct err *err) {
    const char *key;
    json_t *rules;
    json_object_foreach((json_t *)policy, key, rules) {
        if (json_is_object(rules) && nested && depth < DEEPEST) {
            if (check_level(rules, nested, depth + 1, combinations, err) < 0) {
                return -1;
            }
            continue;
        }
        if (!json_is_array(rules)) {
            return err_set(err, ERR_INVALID, "\"%s\" must be an object or an array", key);
        }
        if (json_array_size(rules) == 0) {
            return err_set(err, ERR_INVALID, "Empty arrays are not allowed");
        }
        *combinations *= json_array_size(rules);
        if (*combinations > MOST_COMBINATIONS) {
            return err_set(err, ERR_INVALID, "Filter policy is too complex");
        }
        for (size_t i = 0; i < json_array_size(rules); i++) {
            if (check_rule(json_array_get(rules, i), err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int filter_check(const json_t *policy, bool nested, struct err *err) {
    size_t combinations = 1;
    if (!json_is_object(policy)) {
        return err_set(err, ERR_INVALID, "Filter policy must be a JSON object");
    }
    return check_level(policy, nested, 1, &combinations, err);
}

static bool same(const json_t *x, const json_t *y) {
    if (json_is_number(x) && json_is_number(y)) {
        return json_number_value(x) == json_number_value(y);
    }
    return json_equal(x, y);
}

static bool match_numeric(const json_t *terms, const json_t *value) {
    if (!json_is_number(value)) {
        return false;
    }
    double have = json_number_value(value);
    for (size_t i = 0; i + 1 < json_array_size(terms); i += 2) {
        struct str op = json_text(json_array_get(terms, i));
        double want = json_number_value(json_array_get(terms, i + 1));
        bool good = str_is(op, "=")    ? have == want
                    : str_is(op, "<")  ? have < want
                    : str_is(op, "<=") ? have <= want
                    : str_is(op, ">")  ? have > want
                                       : have >= want;
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool match_cidr(struct str cidr, struct str value) {
    char net[64];
    char host[64];
    unsigned long long bits = 32;
    size_t slash = str_find_c(cidr, '/', 0);
    struct str base = slash == (size_t)-1 ? cidr : str_sub(cidr, 0, slash);
    struct in_addr a;
    struct in_addr b;
    snprintf(net, sizeof(net), STR_FMT, STR_ARG(base));
    snprintf(host, sizeof(host), STR_FMT, STR_ARG(value));
    if ((slash != (size_t)-1 && !str_to_u64(str_sub(cidr, slash + 1, cidr.n), &bits)) ||
        bits > 32 || inet_pton(AF_INET, net, &a) != 1 || inet_pton(AF_INET, host, &b) != 1) {
        return false;
    }
    uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    return ((ntohl(a.s_addr) ^ ntohl(b.s_addr)) & mask) == 0;
}

static bool match_rule(const json_t *rule, const json_t *value);

static bool match_anything_but(const json_t *but, const json_t *value) {
    if (json_is_object(but)) {
        return !match_rule(but, value);
    }
    if (!json_is_array(but)) {
        return !same(but, value);
    }
    for (size_t i = 0; i < json_array_size(but); i++) {
        if (same(json_array_get(but, i), value)) {
            return false;
        }
    }
    return true;
}

static bool match_rule(const json_t *rule, const json_t *value) {
    if (!json_is_object(rule)) {
        return same(rule, value);
    }
    const char *op = json_object_iter_key(json_object_iter((json_t *)rule));
    const json_t *operand = json_object_get(rule, op);
    struct str text = json_text(value);
    struct str want = json_text(operand);
    if (strcmp(op, "exists") == 0) {
        return json_is_true(operand);
    }
    if (strcmp(op, "anything-but") == 0) {
        return match_anything_but(operand, value);
    }
    if (strcmp(op, "numeric") == 0) {
        return match_numeric(operand, value);
    }
    if (text.p == NULL) {
        return false;
    }
    if (strcmp(op, "prefix") == 0) {
        return str_starts(text, want);
    }
    if (strcmp(op, "suffix") == 0) {
        return str_ends(text, want);
    }
    return strcmp(op, "cidr") == 0 ? match_cidr(want, text) : str_ieq(text, want);
}

static bool wants_absence(const json_t *rules) {
    for (size_t i = 0; i < json_array_size(rules); i++) {
        if (json_is_false(json_object_get(json_array_get(rules, i), "exists"))) {
            return true;
        }
    }
    return false;
}

/* One of the rules for one of the values. */
static bool match_any(const json_t *rules, const json_t *value) {
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        for (size_t j = 0; j < json_array_size(rules); j++) {
            if (match_rule(json_array_get(rules, j), one)) {
                return true;
            }
        }
    }
    return false;
}

bool filter_match_body(const json_t *policy, const json_t *body) {
    if (!json_is_object(body)) {
        return false;
    }
    const char *key;
    json_t *rules;
    json_object_foreach((json_t *)policy, key, rules) {
        const json_t *value = json_object_get(body, key);
        if (json_is_object(rules)) {
            if (!filter_match_body(rules, value)) {
                return false;
            }
        } else if (value == NULL ? !wants_absence(rules) : !match_any(rules, value)) {
            return false;
        }
    }
    return true;
}

/* The attribute's value as JSON: a number for Number, a list for String.Array. */
static json_t *attribute_value(const json_t *attribute) {
    struct str type = json_str(attribute, "Type");
    struct str text = json_str(attribute, "Value");
    double number = 0;
    if (str_starts(type, S("Number")) && str_to_double(text, &number)) {
        return json_real(number);
    }
    if (str_starts(type, S("String.Array"))) {
        struct err err = ERR_INIT;
        json_t *list = json_parse(text, &err);
        if (list != NULL) {
            return list;
        }
    }
    return json_from_str(text);
}

bool filter_match_attributes(const json_t *policy, const json_t *attributes) {
    json_t *flat cleanup_json = json_object();
    const char *key;
    json_t *attribute;
    json_object_foreach((json_t *)attributes, key, attribute) {
        if (!str_is(json_str(attribute, "Type"), "Binary")) {
            json_set(flat, key, attribute_value(attribute));
        }
    }
    return filter_match_body(policy, flat);
}
