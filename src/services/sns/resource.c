/* What the gate asks about topics: their policy. */
#include "services/resources.h"
#include "services/sns/sns.h"

int sns_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) {
    (void)action;
    struct aws_arn arn;
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "sns")) {
        return 0;
    }
    return sns_topic_policy(db, c->arena, r->arn, &r->policy, err) < 0 ? -1 : 0;
}
