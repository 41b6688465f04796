/* What the gate asks about topics: their policy. */
#include "services/resources.h"
#include "services/sns/sns.h"

/* Services that publish for users need the topic's own leave; alarms do without, as on AWS. */
static bool needs_leave(const struct aws_principal *p) {
    return p->kind == AWS_PRINCIPAL_SERVICE &&
           (str_is(p->service, "events.amazonaws.com") ||
            str_is(p->service, "codestar-notifications.amazonaws.com"));
}

int sns_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) {
    (void)action;
    struct aws_arn arn;
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "sns")) {
        return 0;
    }
    r->policy_decides = needs_leave(c->principal);
    return sns_topic_policy(db, c->arena, r->arn, &r->policy, err) < 0 ? -1 : 0;
}
