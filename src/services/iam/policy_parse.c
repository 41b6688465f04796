/*
 * Reads policy documents. Refusals are worded as IAM words them, because users search for those
 * sentences; everything is checked here so that evaluation cannot fail.
 */
#include "services/iam/policy_internal.h"

#include "platform/text/json.h"
#include "services/core/arn.h"

struct parse {
    struct arena *a;
    enum policy_use use;
    struct err *err;
};

static int syntax(struct parse *p) {
    return err_set(p->err, ERR_INVALID, "Syntax errors in policy.");
}

/* A string or a list of strings, also numbers and booleans where conditions have them. */
static int read_values(struct parse *p, const json_t *json, bool scalars, struct str_list *ret) {
    size_t n = json_is_array(json) ? json_array_size(json) : 1;
    *ret = (struct str_list){arena_new_n(p->a, struct str, n), 0};
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(json) ? json_array_get(json, i) : json;
        if (json_is_string(one)) {
            ret->v[ret->n++] = str_dup(p->a, json_text(one));
        } else if (scalars && (json_is_boolean(one) || json_is_number(one))) {
            ret->v[ret->n++] = json_dump_str(p->a, one);
        } else {
            return syntax(p);
        }
    }
    return 0;
}

static int read_element(struct parse *p, const json_t *json, const char *name, const char *not_name,
                        struct policy_element *ret) {
    const json_t *plain = json_object_get(json, name);
    const json_t *negated = json_object_get(json, not_name);
    if (plain != NULL && negated != NULL) {
        return syntax(p);
    }
    if (plain == NULL && negated == NULL) {
        return 0;
    }
    ret->given = true;
    ret->negated = negated != NULL;
    return read_values(p, plain ? plain : negated, false, &ret->values);
}

static int check_actions(struct parse *p, const struct policy_element *e) {
    if (!e->given) {
        return err_set(p->err, ERR_INVALID, "Policy statement must contain actions.");
    }
    for (size_t i = 0; i < e->values.n; i++) {
        struct str action = e->values.v[i];
        size_t colon = str_find_c(action, ':', 0);
        if (str_is(action, "*")) {
            continue;
        }
        if (colon == (size_t)-1) {
            return err_set(p->err, ERR_INVALID,
                           "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, "
                           "etc.");
        }
        if (str_find_c(str_sub(action, 0, colon), '*', 0) != (size_t)-1 ||
            str_find_c(action, ' ', 0) != (size_t)-1 || colon == 0) {
            return err_set(p->err, ERR_INVALID, "Vendor " STR_FMT " is not valid",
                           STR_ARG(str_sub(action, 0, colon)));
        }
    }
    return 0;
}

static int check_resources(struct parse *p, const struct policy_element *e) {
    if (p->use == POLICY_TRUST) {
        return e->given ? err_set(p->err, ERR_INVALID, "Has prohibited field Resource") : 0;
    }
    if (!e->given) {
        return err_set(p->err, ERR_INVALID, "Policy statement must contain resources.");
    }
    for (size_t i = 0; i < e->values.n; i++) {
        struct str resource = e->values.v[i];
        struct aws_arn arn;
        if (str_starts(resource, S("arn:")) && !aws_arn_parse(resource, &arn)) {
            return err_set(p->err, ERR_INVALID, "The policy failed legacy parsing");
        }
        if (p->use == POLICY_IDENTITY && !str_is(resource, "*") &&
            !str_starts(resource, S("arn:")) && !str_starts(resource, S("*"))) {
            return err_set(p->err, ERR_INVALID,
                           "Resource " STR_FMT " must be in ARN format or \"*\".",
                           STR_ARG(resource));
        }
    }
    return 0;
}

static bool principal_is_fine(struct str type, struct str value) {
    if (value.n == 0) {
        return false;
    }
    if (!str_is(type, "AWS")) {
        return true;
    }
    struct aws_arn arn;
    if (str_is(value, "*") || arn_is_account(value)) {
        return true;
    }
    /* A unique id stands where the principal of a saved policy was deleted. */
    if (str_starts(value, S("AROA")) || str_starts(value, S("AIDA"))) {
        return true;
    }
    return aws_arn_parse(value, &arn) && arn_is_account(arn.account) &&
           (str_is(arn.service, "iam") || str_is(arn.service, "sts"));
}

static int read_principals(struct parse *p, const json_t *json, struct policy_statement *s) {
    if (json_is_string(json)) {
        if (!str_is(json_text(json), "*")) {
            return err_set(p->err, ERR_INVALID, "Invalid principal in policy: \"" STR_FMT "\"",
                           STR_ARG(json_text(json)));
        }
        *arena_push(p->a, &s->principal) = (struct policy_principal){S("*"), S("*")};
        return 0;
    }
    if (!json_is_object(json) || json_object_size(json) == 0) {
        return err_set(p->err, ERR_INVALID, "Invalid principal in policy.");
    }
    const char *type;
    json_t *value;
    json_object_foreach((json_t *)json, type, value) {
        struct str kind = str_dup(p->a, str_c(type));
        struct str_list values = {NULL, 0};
        if (!str_is(kind, "AWS") && !str_is(kind, "Service") && !str_is(kind, "Federated") &&
            !str_is(kind, "CanonicalUser")) {
            return err_set(p->err, ERR_INVALID, "Invalid principal in policy: \"%s\"", type);
        }
        if (read_values(p, value, false, &values) < 0) {
            return -1;
        }
        for (size_t i = 0; i < values.n; i++) {
            if (!principal_is_fine(kind, values.v[i])) {
                return err_set(p->err, ERR_INVALID,
                               "Invalid principal in policy: \"%s\":\"" STR_FMT "\"", type,
                               STR_ARG(values.v[i]));
            }
            *arena_push(p->a, &s->principal) = (struct policy_principal){kind, values.v[i]};
        }
    }
    return 0;
}

static int read_principal_element(struct parse *p, const json_t *json, struct policy_statement *s) {
    const json_t *plain = json_object_get(json, "Principal");
    const json_t *negated = json_object_get(json, "NotPrincipal");
    if (p->use == POLICY_IDENTITY) {
        return plain || negated
                   ? err_set(p->err, ERR_INVALID, "Policy document should not specify a principal.")
                   : 0;
    }
    if ((plain != NULL) == (negated != NULL)) {
        return plain ? syntax(p) : err_set(p->err, ERR_INVALID, "Missing required field Principal");
    }
    if (p->use == POLICY_TRUST && negated != NULL && !s->deny) {
        return err_set(p->err, ERR_INVALID, "Allow with NotPrincipal is not allowed.");
    }
    s->principal.given = true;
    s->principal.negated = negated != NULL;
    return read_principals(p, plain ? plain : negated, s);
}

static int find_operator(struct str name, struct policy_condition *ret) {
    struct str any = S("ForAnyValue:"), all = S("ForAllValues:"), tail = S("IfExists");
    if (str_ieq(str_sub(name, 0, any.n), any)) {
        ret->set = 'O';
        name = str_sub(name, any.n, name.n);
    } else if (str_ieq(str_sub(name, 0, all.n), all)) {
        ret->set = 'A';
        name = str_sub(name, all.n, name.n);
    }
    if (name.n > tail.n && str_ieq(str_sub(name, name.n - tail.n, tail.n), tail)) {
        ret->if_exists = true;
        name = str_sub(name, 0, name.n - tail.n);
    }
    for (size_t i = 0; i < policy_n_ops; i++) {
        if (str_ieq(name, str_c(policy_ops[i].name))) {
            ret->op = (int)i;
            return 0;
        }
    }
    return -1;
}

static int read_conditions(struct parse *p, const json_t *json, struct policy_statement *s) {
    const char *op, *key;
    json_t *keys, *value;
    if (json == NULL) {
        return 0;
    }
    if (!json_is_object(json)) {
        return syntax(p);
    }
    json_object_foreach((json_t *)json, op, keys) {
        struct policy_condition proto = {0};
        if (find_operator(str_c(op), &proto) < 0) {
            return err_set(p->err, ERR_INVALID, "Invalid Condition type : %s.", op);
        }
        if (!json_is_object(keys)) {
            return syntax(p);
        }
        json_object_foreach(keys, key, value) {
            struct policy_condition *c = arena_push(p->a, &s->conditions);
            *c = proto;
            c->key = str_dup(p->a, str_c(key));
            if (str_find_c(c->key, ':', 0) == (size_t)-1) {
                return err_set(p->err, ERR_INVALID,
                               "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
                               "ec2, etc.");
            }
            if (read_values(p, value, true, &c->values) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int check_names(struct parse *p, const json_t *json) {
    static const char *const known[] = {"Sid",       "Effect",       "Action",
                                        "NotAction", "Resource",     "NotResource",
                                        "Principal", "NotPrincipal", "Condition"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)json, name, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
            found = found || strcmp(known[i], name) == 0;
        }
        if (!found) {
            return syntax(p);
        }
    }
    return 0;
}

static int read_statement(struct parse *p, const json_t *json, struct policy_statement *s) {
    if (!json_is_object(json) || check_names(p, json) < 0) {
        return syntax(p);
    }
    struct str effect = json_str(json, "Effect");
    if (effect.p == NULL) {
        return err_set(p->err, ERR_INVALID, "Missing required field Effect");
    }
    if (!str_is(effect, "Allow") && !str_is(effect, "Deny")) {
        return err_set(p->err, ERR_INVALID, "Invalid effect: " STR_FMT, STR_ARG(effect));
    }
    s->deny = str_is(effect, "Deny");
    s->sid = str_dup(p->a, json_str(json, "Sid"));
    s->text = json_dump_str(p->a, json);
    if (read_principal_element(p, json, s) < 0 ||
        read_element(p, json, "Action", "NotAction", &s->action) < 0 ||
        check_actions(p, &s->action) < 0 ||
        read_element(p, json, "Resource", "NotResource", &s->resource) < 0 ||
        check_resources(p, &s->resource) < 0) {
        return -1;
    }
    return read_conditions(p, json_object_get(json, "Condition"), s);
}

static int check_sids(struct parse *p, const struct policy *policy) {
    for (size_t i = 0; i < policy->n; i++) {
        for (size_t j = 0; j < i && policy->v[i].sid.n > 0; j++) {
            if (str_eq(policy->v[i].sid, policy->v[j].sid)) {
                return err_set(p->err, ERR_INVALID,
                               "Statement IDs (SID) in a single policy must be unique.");
            }
        }
    }
    return 0;
}

static int read_document(struct parse *p, const json_t *json, struct policy *ret) {
    struct str version = json_str(json, "Version");
    const json_t *statements = json_object_get(json, "Statement");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)json, name, value) {
        if (strcmp(name, "Version") != 0 && strcmp(name, "Id") != 0 &&
            strcmp(name, "Statement") != 0) {
            return syntax(p);
        }
    }
    if (version.p != NULL && !str_is(version, "2012-10-17") && !str_is(version, "2008-10-17")) {
        return syntax(p);
    }
    ret->variables = str_is(version, "2012-10-17");
    size_t n = json_is_array(statements) ? json_array_size(statements) : 1;
    if (statements == NULL || n == 0 || n > POLICY_MAX_STATEMENTS) {
        return syntax(p);
    }
    ret->v = arena_new_n(p->a, struct policy_statement, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(statements) ? json_array_get(statements, i) : statements;
        ret->v[i].index = i;
        if (read_statement(p, one, &ret->v[i]) < 0) {
            return -1;
        }
    }
    ret->n = n;
    return check_sids(p, ret);
}

int policy_parse(struct arena *a, struct str text, enum policy_use use, struct policy *ret,
                 struct err *err) {
    struct parse p = {a, use, err};
    *ret = (struct policy){0};
    if (text.n > POLICY_MAX_BYTES) {
        return err_set(err, ERR_LIMIT, "Policy document is too large: %zu bytes, %d are possible",
                       text.n, POLICY_MAX_BYTES);
    }
    struct err why = ERR_INIT;
    json_t *json cleanup_json = json_parse(text, &why);
    if (json == NULL || !json_is_object(json)) {
        return err_set(err, ERR_INVALID, "This policy contains invalid Json");
    }
    return read_document(&p, json, ret);
}
