/* What the gate asks about change sets: the stack that they belong to. */
#include "services/cloudformation/cf_store.h"
#include "services/resources.h"

/* CloudFormation's rights are on stacks, so a change set that is named by its ARN alone is its
 * stack. One that does not exist stays as it is named. */
int cloudformation_resource(const struct gate_call *c, struct db *db, struct str action,
                            struct gate_resource *r, struct err *err) {
    (void)action;
    struct aws_arn arn;
    struct str stack;
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "cloudformation") ||
        !str_starts(arn.resource, S("changeSet/"))) {
        return 0;
    }
    int found = cf_change_set_stack(db, c->arena, r->arn, &stack, err);
    r->arn = found > 0 ? stack : r->arn;
    return found < 0 ? -1 : 0;
}
