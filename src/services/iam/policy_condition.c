/* Condition operators and policy variables. */
#include "services/iam/policy_internal.h"

#include "aws/call/call.h"
#include "base/buf.h"
#include "base/clock.h"
#include "platform/crypto/encode.h"

#include <arpa/inet.h>

const struct policy_op policy_ops[] = {
    {"StringEquals", POLICY_OP_STRING, 0, false},
    {"StringNotEquals", POLICY_OP_STRING, 0, true},
    {"StringEqualsIgnoreCase", POLICY_OP_STRING_NO_CASE, 0, false},
    {"StringNotEqualsIgnoreCase", POLICY_OP_STRING_NO_CASE, 0, true},
    {"StringLike", POLICY_OP_LIKE, 0, false},
    {"StringNotLike", POLICY_OP_LIKE, 0, true},
    {"NumericEquals", POLICY_OP_NUMBER, 0, false},
    {"NumericNotEquals", POLICY_OP_NUMBER, 0, true},
    {"NumericLessThan", POLICY_OP_NUMBER, -1, false},
    {"NumericLessThanEquals", POLICY_OP_NUMBER, -2, false},
    {"NumericGreaterThan", POLICY_OP_NUMBER, 1, false},
    {"NumericGreaterThanEquals", POLICY_OP_NUMBER, 2, false},
    {"DateEquals", POLICY_OP_DATE, 0, false},
    {"DateNotEquals", POLICY_OP_DATE, 0, true},
    {"DateLessThan", POLICY_OP_DATE, -1, false},
    {"DateLessThanEquals", POLICY_OP_DATE, -2, false},
    {"DateGreaterThan", POLICY_OP_DATE, 1, false},
    {"DateGreaterThanEquals", POLICY_OP_DATE, 2, false},
    {"Bool", POLICY_OP_BOOL, 0, false},
    {"BinaryEquals", POLICY_OP_BINARY, 0, false},
    {"IpAddress", POLICY_OP_IP, 0, false},
    {"NotIpAddress", POLICY_OP_IP, 0, true},
    {"ArnEquals", POLICY_OP_ARN, 0, false},
    {"ArnLike", POLICY_OP_ARN, 0, false},
    {"ArnNotEquals", POLICY_OP_ARN, 0, true},
    {"ArnNotLike", POLICY_OP_ARN, 0, true},
    {"Null", POLICY_OP_NULL, 0, false},
};
const size_t policy_n_ops = sizeof(policy_ops) / sizeof(*policy_ops);

/* Backtracks to the last star only, so the time is at most pattern times text. */
bool policy_glob(struct str pattern, struct str text, bool ignore_case) {
    size_t p = 0, t = 0, star = (size_t)-1, star_text = 0;
    while (t < text.n) {
        bool literal = p + 1 < pattern.n && pattern.p[p] == '\x01';
        size_t at = p + literal;
        if (p < pattern.n && !literal && pattern.p[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        if (p < pattern.n && ((!literal && pattern.p[p] == '?') ||
                              (ignore_case ? str_ieq(str_n(pattern.p + at, 1), str_n(text.p + t, 1))
                                           : pattern.p[at] == text.p[t]))) {
            p = at + 1;
            t++;
            continue;
        }
        if (star == (size_t)-1) {
            return false;
        }
        p = star + 1;
        t = ++star_text;
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

/* Segment by segment, so that a star in the account does not run into the resource. */
bool policy_arn_match(struct str pattern, struct str arn) {
    struct aws_arn want, is;
    if (!aws_arn_parse(pattern, &want)) {
        return !str_starts(pattern, S("arn:")) && policy_glob(pattern, arn, false);
    }
    if (!aws_arn_parse(arn, &is)) {
        return false;
    }
    return policy_glob(want.partition, is.partition, false) &&
           policy_glob(want.service, is.service, false) &&
           policy_glob(want.region, is.region, false) &&
           policy_glob(want.account, is.account, false) &&
           policy_glob(want.resource, is.resource, false);
}

/* What a variable stands for is text, whatever characters it holds. */
static void add_literal(struct buf *b, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '?' || s.p[i] == '\x01') {
            buf_add_c(b, '\x01');
        }
        buf_add_c(b, s.p[i]);
    }
}

static bool add_variable(struct buf *b, struct str name, const struct policy_request *r) {
    if (str_is(name, "*") || str_is(name, "?") || str_is(name, "$")) {
        add_literal(b, name);
        return true;
    }
    struct str fallback = STR_NONE;
    size_t comma = str_find_c(name, ',', 0);
    if (comma != (size_t)-1) {
        fallback = str_trim(str_sub(name, comma + 1, name.n));
        name = str_trim(str_sub(name, 0, comma));
        if (fallback.n >= 2 && fallback.p[0] == '\'' && fallback.p[fallback.n - 1] == '\'') {
            fallback = str_sub(fallback, 1, fallback.n - 2);
        }
    }
    struct str_list values = {NULL, 0};
    if (r->value(r->ud, name, &values) && values.n == 1) {
        add_literal(b, values.v[0]);
        return true;
    }
    if (fallback.p == NULL) {
        return false;
    }
    add_literal(b, fallback);
    return true;
}

bool policy_expand(const struct policy *p, struct str text, const struct policy_request *r,
                   struct str *ret) {
    size_t at = p->variables ? str_find(text, S("${"), 0) : (size_t)-1;
    if (at == (size_t)-1) {
        *ret = text;
        return true;
    }
    struct buf out cleanup_buf;
    buf_init(&out, POLICY_MAX_BYTES);
    size_t from = 0;
    while (at != (size_t)-1) {
        size_t end = str_find_c(text, '}', at);
        if (end == (size_t)-1) {
            break;
        }
        buf_add(&out, str_sub(text, from, at - from));
        if (!add_variable(&out, str_sub(text, at + 2, end - at - 2), r)) {
            return false;
        }
        from = end + 1;
        at = str_find(text, S("${"), from);
    }
    buf_add(&out, str_sub(text, from, text.n));
    *ret = buf_dup(r->arena, &out);
    return !out.overflow;
}

static struct str without_escapes(struct arena *a, struct str s) {
    if (str_find_c(s, '\x01', 0) == (size_t)-1) {
        return s;
    }
    char *out = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\x01' && i + 1 < s.n) {
            i++;
        }
        out[n++] = s.p[i];
    }
    return str_n(out, n);
}

static bool compare(int how, double diff) {
    switch (how) {
    case -1:
        return diff < 0;
    case -2:
        return diff <= 0;
    case 1:
        return diff > 0;
    case 2:
        return diff >= 0;
    default:
        return diff <= 0 && diff >= 0;
    }
}

static bool address(struct arena *a, struct str text, unsigned char ret[16], size_t *ret_n) {
    const char *z = str_z(a, text);
    if (inet_pton(AF_INET, z, ret) == 1) {
        *ret_n = 4;
        return true;
    }
    *ret_n = 16;
    return inet_pton(AF_INET6, z, ret) == 1;
}

static bool in_network(struct arena *a, struct str network, struct str ip) {
    unsigned char net[16], is[16];
    size_t n = 0, m = 0;
    size_t slash = str_find_c(network, '/', 0);
    if (!address(a, str_sub(network, 0, slash == (size_t)-1 ? network.n : slash), net, &n) ||
        !address(a, ip, is, &m) || n != m) {
        return false;
    }
    unsigned long long bits = n * 8;
    if (slash != (size_t)-1 &&
        (!str_to_u64(str_sub(network, slash + 1, network.n), &bits) || bits > n * 8)) {
        return false;
    }
    for (size_t i = 0; i < bits; i++) {
        if (((net[i / 8] ^ is[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

static bool match_number(const struct policy_op *op, struct str want, struct str is) {
    double x = 0, y = 0;
    return str_to_double(want, &y) && str_to_double(is, &x) && compare(op->compare, x - y);
}

static bool match_date(const struct policy_op *op, struct str want, struct str is) {
    int64_t x = 0, y = 0;
    return time_parse(want, &y) && time_parse(is, &x) && compare(op->compare, (double)(x - y));
}

/* One value of the policy against one of the request. */
static bool match_value(const struct policy *p, const struct policy_op *op, struct str want,
                        struct str is, const struct policy_request *r) {
    struct str text = STR_NONE;
    if (!policy_expand(p, want, r, &text)) {
        return false;
    }
    struct str plain = without_escapes(r->arena, text);
    struct str bytes = STR_NONE;
    switch (op->kind) {
    case POLICY_OP_STRING:
        return str_eq(plain, is);
    case POLICY_OP_STRING_NO_CASE:
    case POLICY_OP_BOOL:
        return str_ieq(plain, is);
    case POLICY_OP_LIKE:
        return policy_glob(text, is, false);
    case POLICY_OP_NUMBER:
        return match_number(op, plain, is);
    case POLICY_OP_DATE:
        return match_date(op, plain, is);
    case POLICY_OP_BINARY:
        return base64_decode(r->arena, plain, &bytes) && str_eq(bytes, is);
    case POLICY_OP_IP:
        return in_network(r->arena, plain, is);
    case POLICY_OP_ARN:
        return policy_arn_match(text, is);
    case POLICY_OP_NULL:
        break;
    }
    return false;
}

/* Negated operators mean: none of the policy's values. */
static bool match_any(const struct policy *p, const struct policy_condition *c, struct str is,
                      const struct policy_request *r) {
    const struct policy_op *op = &policy_ops[c->op];
    for (size_t i = 0; i < c->values.n; i++) {
        if (match_value(p, op, c->values.v[i], is, r)) {
            return !op->negated;
        }
    }
    return op->negated;
}

bool policy_condition_met(const struct policy *p, const struct policy_condition *c,
                          const struct policy_request *r) {
    const struct policy_op *op = &policy_ops[c->op];
    struct str_list values = {NULL, 0};
    bool present = r->value(r->ud, c->key, &values) && values.n > 0;
    if (op->kind == POLICY_OP_NULL) {
        for (size_t i = 0; i < c->values.n; i++) {
            if (str_ieq(c->values.v[i], present ? S("false") : S("true"))) {
                return true;
            }
        }
        return false;
    }
    if (!present) {
        return c->if_exists || c->set == 'A' || (c->set == 0 && op->negated);
    }
    for (size_t i = 0; i < values.n; i++) {
        bool met = match_any(p, c, values.v[i], r);
        bool all = c->set == 'A' || (c->set == 0 && op->negated);
        if (met != all) {
            return met;
        }
    }
    return c->set == 'A' || (c->set == 0 && op->negated);
}
