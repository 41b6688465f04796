/*
 * May the caller do this? Every right that the operation needs is decided by the policies that have
 * a say: the principal's own, its session's, the resource's. Explicit denial wins. Inside an
 * account either side may allow; across accounts both must. Nothing is written here; a refusal is
 * noted by the gate after the rollback.
 */
#include "services/gate/internal.h"

#include "aws/shape/rights.h"
#include "platform/text/json.h"
#include "services/core/arn.h"
#include "services/iam/iam_store.h"

/* Which kind of policy decided. */
enum by { BY_IDENTITY, BY_SESSION, BY_RESOURCE, BY_BOUNDARY };

struct decision {
    bool allowed;
    bool denied; /* by a statement */
    enum by by;  /* who denied, or who lacks an allowance */
    const struct policy_statement *statement;
    enum policy_match nearest;
    struct str condition_key;
    struct policy_result by_resource; /* what the resource's policy said */
};

struct judge {
    struct gate *g;
    const struct gate_call *c;
    struct gate_policies identity;
    const struct policy *session; /* NULL: the session has no policy of its own */
    bool has_session;
    struct gate_resource resource;
    struct gate_context context;
    struct policy_request request;
};

static void note_nearest(struct decision *d, const struct policy_result *r) {
    if (r->allow > d->nearest) {
        d->nearest = r->allow;
        d->statement = r->statement;
        d->condition_key = r->condition_key;
    }
}

/* Best allowance of the identity policies; true when one denies. */
static bool ask_identity(struct judge *j, struct decision *d, bool *ret_allow) {
    *ret_allow = j->c->principal->kind == AWS_PRINCIPAL_ROOT;
    for (size_t i = 0; i < j->identity.n; i++) {
        struct policy_result r = policy_evaluate(j->identity.v[i], &j->request);
        if (r.deny) {
            *d = (struct decision){.denied = true, .by = BY_IDENTITY, .statement = r.statement};
            return true;
        }
        *ret_allow = *ret_allow || r.allow >= POLICY_MATCH_ACCOUNT;
        note_nearest(d, &r);
    }
    return false;
}

/* What is not allowed by the boundary too, identity policies cannot allow. */
static bool ask_boundary(struct judge *j, struct decision *d, bool *ret_allow) {
    *ret_allow = !j->identity.bounded;
    if (j->identity.boundary != NULL) {
        struct policy_result r = policy_evaluate(j->identity.boundary, &j->request);
        if (r.deny) {
            *d = (struct decision){.denied = true, .by = BY_BOUNDARY, .statement = r.statement};
            return true;
        }
        *ret_allow = r.allow >= POLICY_MATCH_ACCOUNT;
    }
    return false;
}

static bool ask_session(struct judge *j, struct decision *d, bool *ret_allow) {
    *ret_allow = !j->has_session;
    if (j->has_session && j->session != NULL) {
        struct policy_result r = policy_evaluate(j->session, &j->request);
        if (r.deny) {
            *d = (struct decision){.denied = true, .by = BY_SESSION, .statement = r.statement};
            return true;
        }
        *ret_allow = r.allow >= POLICY_MATCH_ACCOUNT;
    }
    return false;
}

static bool ask_resource(struct judge *j, struct decision *d, enum policy_match *ret_match) {
    enum policy_use use = str_is(j->request.action, "sts:AssumeRole") ||
                                  str_is(j->request.action, "sts:TagSession") ||
                                  str_is(j->request.action, "sts:SetSourceIdentity")
                              ? POLICY_TRUST
                              : POLICY_RESOURCE;
    *ret_match = POLICY_MISS;
    if (j->resource.policy.p == NULL) {
        return false;
    }
    const struct policy *policy = gate_cache_policy(j->g, j->resource.policy, use);
    if (policy == NULL) {
        return false;
    }
    struct policy_result r = policy_evaluate(policy, &j->request);
    if (r.deny) {
        *d = (struct decision){.denied = true, .by = BY_RESOURCE, .statement = r.statement};
        return true;
    }
    *ret_match = r.allow;
    d->by_resource = r;
    return false;
}

/* Services of ours act for one account only: there its own resources' policies may refuse, but need
 * not allow. Who did not sign at all ("anonymous") is no service: beside what is open to everybody
 * he may only call what needs no signature. */
static bool service_may(const struct judge *j, enum policy_match by_resource) {
    const struct aws_principal *p = j->c->principal;
    bool ours = str_ends(p->service, S(".amazonaws.com"));
    bool same = str_eq(j->resource.account, p->account);
    return by_resource >= POLICY_MATCH_ACCOUNT ||
           (ours ? same && !j->resource.policy_decides
                 : (j->c->op->flags & SHAPE_OP_UNSIGNED) != 0);
}

static struct decision weigh(struct judge *j) {
    struct decision d = {.by = BY_IDENTITY};
    bool by_identity = false, by_boundary = false, by_session = false;
    enum policy_match by_resource = POLICY_MISS;
    if (ask_identity(j, &d, &by_identity) || ask_boundary(j, &d, &by_boundary) ||
        ask_session(j, &d, &by_session) || ask_resource(j, &d, &by_resource)) {
        return d;
    }
    enum by lacking = !by_identity ? BY_IDENTITY : !by_boundary ? BY_BOUNDARY : BY_SESSION;
    if (j->c->principal->kind == AWS_PRINCIPAL_SERVICE) {
        d.allowed = service_may(j, by_resource);
        d.by = BY_RESOURCE;
        return d;
    }
    bool same = str_eq(j->resource.account, j->c->principal->account);
    bool identity = by_identity && by_boundary && by_session;
    if (!same) {
        d.allowed = identity && by_resource >= POLICY_MATCH_ACCOUNT;
        d.by = identity ? BY_RESOURCE : lacking;
        return d;
    }
    bool delegated = !j->resource.policy_decides || by_resource >= POLICY_MATCH_ACCOUNT;
    d.allowed = by_resource == POLICY_MATCH ||
                (by_resource == POLICY_MATCH_ROLE && by_boundary && by_session) ||
                (identity && delegated);
    d.by = delegated ? lacking : BY_RESOURCE;
    return d;
}

static struct decision decide(struct judge *j) {
    struct decision d = weigh(j);
    if (d.by == BY_RESOURCE && !d.denied) {
        d.statement = d.by_resource.statement;
        d.nearest = d.by_resource.allow;
        d.condition_key = d.by_resource.condition_key;
    }
    return d;
}

static struct str caller(const struct gate_call *c) {
    const struct aws_principal *p = c->principal;
    return p->kind == AWS_PRINCIPAL_SERVICE ? p->service : p->arn;
}

static struct str reason_of(const struct judge *j, const struct decision *d) {
    static const char *const kinds[] = {"identity-based policy", "session policy",
                                        "resource-based policy", "permissions boundary"};
    struct arena *a = j->c->arena;
    bool s3 = str_is(str_c(j->c->op->service->name), "s3");
    struct str quote = s3 ? S("\"") : S("");
    struct str head = str_printf(a,
                                 "User: " STR_FMT " is not authorized to perform: " STR_FMT
                                 " on resource: " STR_FMT STR_FMT STR_FMT,
                                 STR_ARG(caller(j->c)), STR_ARG(j->request.action), STR_ARG(quote),
                                 STR_ARG(j->request.resource), STR_ARG(quote));
    if (d->denied) {
        return str_printf(a, STR_FMT " with an explicit deny in a%s %s", STR_ARG(head),
                          d->by == BY_IDENTITY ? "n" : "", kinds[d->by]);
    }
    if (str_is(j->request.action, "sts:AssumeRole")) {
        return head;
    }
    return str_printf(a, STR_FMT " because no %s allows the " STR_FMT " action", STR_ARG(head),
                      kinds[d->by], STR_ARG(j->request.action));
}

/* The statement that would have allowed it, or the one that denied. */
static struct str missing_of(const struct judge *j, const struct decision *d) {
    if (d->denied) {
        return d->statement->text;
    }
    json_t *s cleanup_json = json_object();
    json_set_str(s, "Effect", S("Allow"));
    if (d->by == BY_RESOURCE) {
        json_t *principal = json_object();
        bool service = j->c->principal->kind == AWS_PRINCIPAL_SERVICE;
        struct str role = j->c->principal->role_arn;
        json_set_str(principal, service ? "Service" : "AWS", role.p ? role : caller(j->c));
        json_set(s, "Principal", principal);
    }
    json_set_str(s, "Action", j->request.action);
    json_set_str(s, "Resource", j->request.resource);
    return json_dump_str(j->c->arena, s);
}

static struct str hint_of(const struct judge *j, const struct decision *d) {
    struct arena *a = j->c->arena;
    static const char *const where[] = {"a policy of the caller", "the session's policy",
                                        "the resource's own policy", "the permissions boundary"};
    struct str place = str_c(where[d->by]);
    if (d->denied) {
        return str_printf(a, "a Deny statement of " STR_FMT " matches", STR_ARG(place));
    }
    if (d->statement == NULL || d->nearest == POLICY_MISS) {
        return STR_NONE;
    }
    struct str sid =
        d->statement->sid.p ? d->statement->sid : str_printf(a, "%zu", d->statement->index + 1);
    if (d->nearest == POLICY_MISS_CONDITION) {
        return str_printf(a,
                          "statement " STR_FMT " of " STR_FMT
                          " would allow it, but its condition on " STR_FMT " is not met",
                          STR_ARG(sid), STR_ARG(place), STR_ARG(d->condition_key));
    }
    if (d->nearest == POLICY_MISS_RESOURCE) {
        return str_printf(
            a, "statement " STR_FMT " of " STR_FMT " allows the action on other resources",
            STR_ARG(sid), STR_ARG(place));
    }
    if (d->nearest == POLICY_MISS_PRINCIPAL) {
        return str_printf(a, "statement " STR_FMT " of " STR_FMT " allows the action to others",
                          STR_ARG(sid), STR_ARG(place));
    }
    return str_printf(a, "one side allows it; " STR_FMT " does not", STR_ARG(place));
}

/* Names of roles and users come without their path; policies name them with it. */
static int with_path(struct judge *j, struct str action, struct err *err) {
    struct gate_resource *r = &j->resource;
    struct aws_arn arn;
    struct iam_role_row role = {0};
    if (!str_starts(action, S("iam:")) || str_starts(action, S("iam:Create")) ||
        !aws_arn_parse(r->arn, &arn) || !str_starts(arn.resource, S("role/"))) {
        return 0;
    }
    struct str name = str_sub(arn.resource, 5, arn.resource.n);
    int found = iam_role_find(j->g->db, j->c->arena, arn.account, name, &role, err);
    if (found > 0) {
        r->arn = iam_arn(j->c->arena, "role", role.account, role.path, role.name);
    }
    return found < 0 ? -1 : 0;
}

static const struct gate_service *service_of(struct gate *g, struct str action) {
    struct str prefix = str_sub(action, 0, str_find_c(action, ':', 0));
    for (size_t i = 0; i < g->n_services; i++) {
        if (str_is(prefix, g->services[i].shape->signing)) {
            return &g->services[i];
        }
    }
    return NULL;
}

static int find_resource(struct judge *j, const struct shape_need *need, struct err *err) {
    struct str account = arn_account(need->resource);
    j->resource = (struct gate_resource){
        .arn = need->resource,
        .account = arn_is_account(account) ? account : j->c->account,
    };
    if (with_path(j, need->action, err) < 0) {
        return -1;
    }
    const struct gate_service *service = service_of(j->g, need->action);
    if (service != NULL && service->resource != NULL &&
        service->resource(j->c, j->g->db, need->action, &j->resource, err) < 0) {
        return -1;
    }
    j->context.action = need->action;
    const struct aws_principal *p = j->c->principal;
    bool service_caller = p->kind == AWS_PRINCIPAL_SERVICE;
    j->request = (struct policy_request){
        .action = need->action,
        .resource = j->resource.arn,
        .principal_arn = p->arn,
        .principal_role = p->role_arn,
        .principal_account = service_caller ? STR_NONE : p->account,
        .principal_service = service_caller ? p->service : STR_NONE,
        .value = gate_context_value,
        .ud = &j->context,
        .arena = j->c->arena,
    };
    return 0;
}

static int refuse(struct judge *j, const struct decision *d, struct gate_refusal *ret,
                  struct err *err) {
    *ret = (struct gate_refusal){
        .action = j->request.action,
        .resource = j->request.resource,
        .reason = reason_of(j, d),
        .missing = missing_of(j, d),
        .hint = hint_of(j, d),
    };
    return gate_access_denied(j->c, ret->reason, err);
}

int gate_authorize(struct gate *g, const struct gate_call *c, struct gate_refusal *ret,
                   struct err *err) {
    struct judge j = {.g = g, .c = c, .context = {.g = g, .c = c, .now_ms = c->now_ms}};
    j.context.resource = &j.resource;
    const struct aws_principal *p = c->principal;
    *ret = (struct gate_refusal){0};
    if (gate_cache_identity(g, c->arena, p, &j.identity, err) < 0) {
        return -1;
    }
    j.has_session = p->session_policy.p != NULL;
    if (j.has_session) {
        j.session = gate_cache_policy(g, p->session_policy, POLICY_IDENTITY);
    }
    struct shape_need_list needs = shape_needs(c->arena, c->op, c->in, c->account, c->region);
    for (size_t i = 0; i < needs.n; i++) {
        if (find_resource(&j, &needs.v[i], err) < 0) {
            return -1;
        }
        struct decision d = decide(&j);
        if (!d.allowed) {
            return refuse(&j, &d, ret, err);
        }
        if (i == 0) {
            ret->action = j.request.action;
            ret->resource = j.request.resource;
        }
    }
    return 0;
}
