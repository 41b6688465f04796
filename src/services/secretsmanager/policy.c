/* Resource policies: put, get, delete, validate, and what the gate asks. */
#include "services/iam/policy.h"

#include "services/resources.h"
#include "services/secretsmanager/sm.h"

/* A policy as it is checked before it is stored. */
struct checked {
    struct policy policy;
    bool is_public; /* allows everybody, on no condition */
    bool locks_out; /* the caller could not change it any more */
};

static bool no_value(void *ud, struct str key, struct str_list *ret) {
    (void)ud;
    (void)key;
    *ret = (struct str_list){NULL, 0};
    return false;
}

static bool allows_everybody(const struct policy *p) {
    for (size_t i = 0; i < p->n; i++) {
        const struct policy_statement *s = &p->v[i];
        for (size_t k = 0; !s->deny && s->conditions.n == 0 && k < s->principal.n; k++) {
            if (str_is(s->principal.v[k].value, "*") || s->principal.negated) {
                return true;
            }
        }
    }
    return false;
}

static bool denies_caller(struct call *c, const struct policy *p, struct str arn) {
    struct policy_request r = {
        .action = S("secretsmanager:PutResourcePolicy"),
        .resource = arn,
        .principal_arn = c->principal->arn,
        .principal_role = c->principal->role_arn,
        .principal_account = c->principal->account,
        .value = no_value,
        .arena = c->arena,
    };
    return policy_evaluate(p, &r).deny;
}

/* MalformedPolicyDocumentException. */
static int check(struct call *c, struct str text, struct str arn, struct checked *ret,
                 struct err *err) {
    struct err why = ERR_INIT;
    if (policy_parse(c->arena, text, POLICY_RESOURCE, &ret->policy, &why) < 0) {
        return err_api(err, &secretsmanager_MalformedPolicyDocumentException,
                       "This resource policy contains invalid Json or breaks the policy grammar: "
                       "%s",
                       why.msg);
    }
    ret->is_public = allows_everybody(&ret->policy);
    ret->locks_out = denies_caller(c, &ret->policy, arn);
    return 0;
}

static const char locked_out[] =
    "This resource policy will not allow you to manage this secret in the future.";
static const char broad[] = "This resource policy grants broad access to the secret: its Principal "
                            "is a wildcard without a condition.";

int secretsmanager_put_resource_policy(struct call *c,
                                       const struct secretsmanager_put_resource_policy_request *in,
                                       struct secretsmanager_put_resource_policy_response *out,
                                       struct err *err) {
    struct sm_secret s = {0};
    struct checked checked = {0};
    if (sm_need_alive(c, in->secret_id, &s, err) < 0 ||
        check(c, in->resource_policy, s.arn, &checked, err) < 0) {
        return -1;
    }
    if (checked.is_public && in->block_public_policy) {
        return err_api(err, &secretsmanager_PublicPolicyException, "%s", broad);
    }
    if (checked.locks_out) {
        return err_api(err, &secretsmanager_MalformedPolicyDocumentException, "%s", locked_out);
    }
    s.policy = in->resource_policy;
    s.changed_ms = c->now_ms;
    out->arn = s.arn;
    out->name = s.name;
    return sm_put(c->db, &s, err);
}

int secretsmanager_get_resource_policy(struct call *c,
                                       const struct secretsmanager_get_resource_policy_request *in,
                                       struct secretsmanager_get_resource_policy_response *out,
                                       struct err *err) {
    struct sm_secret s = {0};
    if (sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    out->arn = s.arn;
    out->name = s.name;
    out->resource_policy = s.policy;
    return 0;
}

int secretsmanager_delete_resource_policy(
    struct call *c, const struct secretsmanager_delete_resource_policy_request *in,
    struct secretsmanager_delete_resource_policy_response *out, struct err *err) {
    struct sm_secret s = {0};
    if (sm_need_alive(c, in->secret_id, &s, err) < 0) {
        return -1;
    }
    s.policy = STR_NONE;
    s.changed_ms = c->now_ms;
    out->arn = s.arn;
    out->name = s.name;
    return sm_put(c->db, &s, err);
}

int secretsmanager_validate_resource_policy(
    struct call *c, const struct secretsmanager_validate_resource_policy_request *in,
    struct secretsmanager_validate_resource_policy_response *out, struct err *err) {
    struct sm_secret s = {0};
    struct checked checked = {0};
    out->validation_errors.v =
        arena_new_n(c->arena, struct secretsmanager_validation_errors_entry, 2);
    if ((in->secret_id.p != NULL && sm_need_alive(c, in->secret_id, &s, err) < 0) ||
        check(c, in->resource_policy, s.arn.p ? s.arn : S("*"), &checked, err) < 0) {
        return -1;
    }
    struct secretsmanager_validation_errors_entry_list *list = &out->validation_errors;
    if (checked.is_public) {
        list->v[list->n++] =
            (struct secretsmanager_validation_errors_entry){S("PUBLIC_POLICY"), str_c(broad)};
    }
    if (checked.locks_out) {
        list->v[list->n++] =
            (struct secretsmanager_validation_errors_entry){S("LOCK_OUT"), str_c(locked_out)};
    }
    out->policy_validation_passed = list->n == 0;
    out->has_policy_validation_passed = true;
    return 0;
}

/* The request's SecretId, if it names the secret by a name: then `arn` was made of it. */
static struct str named(const struct gate_call *c) {
    const struct shape_member *m = shape_find_member(c->op->in, S("SecretId"));
    const struct str *id = m != NULL ? shape_get(m, c->in) : NULL;
    return id != NULL && !str_starts(*id, S("arn:")) ? *id : STR_NONE;
}

int secretsmanager_resource(const struct gate_call *c, struct db *db, struct str action,
                            struct gate_resource *r, struct err *err) {
    struct sm_secret s = {0};
    struct str name = named(c);
    (void)action;
    int found = str_is(r->arn, "*") ? 0
                                    : sm_resolve(db, c->arena, c->account, c->region,
                                                 name.p ? name : r->arn, &s, err);
    if (found > 0) {
        r->arn = s.arn;
        r->account = s.account;
        r->policy = s.policy;
    }
    return found < 0 ? -1 : 0;
}
