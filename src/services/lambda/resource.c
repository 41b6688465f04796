/* What the gate asks about functions: their resource policy. */
#include "services/lambda/lambda.h"
#include "services/resources.h"

int lambda_resource(const struct gate_call *c, struct db *db, struct str action,
                    struct gate_resource *r, struct err *err) {
    (void)action;
    struct aws_arn arn;
    struct str_list statements;
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "lambda") ||
        !str_starts(arn.resource, S("function:"))) {
        return 0;
    }
    struct str rest = str_sub(arn.resource, 9, arn.resource.n);
    struct str name;
    str_cut(&rest, ':', &name);
    struct str function = str_sub(r->arn, 0, (size_t)(name.p + name.n - r->arn.p));
    if (lambda_statements(db, c->arena, function, rest.p != NULL ? rest : S(""), &statements, err) <
        0) {
        return -1;
    }
    r->policy = statements.n > 0 ? lambda_policy_text(c->arena, &statements) : STR_NONE;
    return 0;
}
