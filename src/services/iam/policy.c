/* Evaluation of one policy. */
#include "services/iam/policy_internal.h"

#include "aws/call/call.h"
#include "services/core/arn.h"

static bool element_matches(const struct policy *p, const struct policy_element *e, bool arn,
                            const struct policy_request *r) {
    if (!e->given) {
        return true;
    }
    bool found = false;
    for (size_t i = 0; i < e->values.n && !found; i++) {
        struct str pattern = e->values.v[i];
        if (!arn) {
            found = policy_glob(pattern, r->action, true);
        } else if (policy_expand(p, pattern, r, &pattern)) {
            found = str_is(pattern, "*") || policy_arn_match(pattern, r->resource);
        }
    }
    return found != e->negated;
}

static bool names_account(struct str value, struct str account) {
    struct aws_arn arn;
    if (account.p == NULL) {
        return false;
    }
    return str_eq(value, account) || (aws_arn_parse(value, &arn) && str_is(arn.service, "iam") &&
                                      str_is(arn.resource, "root") && str_eq(arn.account, account));
}

static enum policy_match principal_matches(const struct policy_principal *p,
                                           const struct policy_request *r) {
    bool any = str_is(p->value, "*");
    if (str_is(p->type, "Service")) {
        bool same =
            r->principal_service.p != NULL && (any || str_ieq(p->value, r->principal_service));
        return same ? POLICY_MATCH : POLICY_MISS;
    }
    if (!str_is(p->type, "AWS") && !str_is(p->type, "*")) {
        return POLICY_MISS;
    }
    if (any) {
        return POLICY_MATCH_ROLE;
    }
    if (r->principal_service.p != NULL) {
        return POLICY_MISS;
    }
    if (str_eq(p->value, r->principal_arn)) {
        return POLICY_MATCH;
    }
    if (r->principal_role.p != NULL && str_eq(p->value, r->principal_role)) {
        return POLICY_MATCH_ROLE;
    }
    return names_account(p->value, r->principal_account) ? POLICY_MATCH_ACCOUNT : POLICY_MISS;
}

static enum policy_match principals_match(const struct policy_statement *s,
                                          const struct policy_request *r) {
    if (!s->principal.given) {
        return POLICY_MATCH;
    }
    enum policy_match best = POLICY_MISS;
    for (size_t i = 0; i < s->principal.n; i++) {
        enum policy_match one = principal_matches(&s->principal.v[i], r);
        best = one > best ? one : best;
    }
    if (s->principal.negated) {
        return best == POLICY_MISS ? POLICY_MATCH_ROLE : POLICY_MISS;
    }
    return best;
}

static enum policy_match statement_matches(const struct policy *p, const struct policy_statement *s,
                                           const struct policy_request *r, struct str *ret_key) {
    if (!element_matches(p, &s->action, false, r)) {
        return POLICY_MISS;
    }
    enum policy_match as = principals_match(s, r);
    if (as == POLICY_MISS) {
        return POLICY_MISS_PRINCIPAL;
    }
    if (!element_matches(p, &s->resource, true, r)) {
        return POLICY_MISS_RESOURCE;
    }
    for (size_t i = 0; i < s->conditions.n; i++) {
        if (!policy_condition_met(p, &s->conditions.v[i], r)) {
            *ret_key = s->conditions.v[i].key;
            return POLICY_MISS_CONDITION;
        }
    }
    return as;
}

struct policy_result policy_evaluate(const struct policy *p, const struct policy_request *r) {
    struct policy_result result = {0};
    for (size_t i = 0; i < p->n; i++) {
        const struct policy_statement *s = &p->v[i];
        struct str key = STR_NONE;
        enum policy_match match = statement_matches(p, s, r, &key);
        if (s->deny) {
            if (match >= POLICY_MATCH_ACCOUNT) {
                return (struct policy_result){.deny = true, .statement = s};
            }
        } else if (match > result.allow) {
            result = (struct policy_result){false, match, s, key};
        }
    }
    return result;
}
