/* What the gate asks about event buses: their policy. */
#include "services/events/events.h"
#include "services/resources.h"

int events_resource(const struct gate_call *c, struct db *db, struct str action,
                    struct gate_resource *r, struct err *err) {
    (void)action;
    struct aws_arn arn;
    struct ev_bus bus = {0};
    struct str head = S("event-bus/");
    if (!aws_arn_parse(r->arn, &arn) || !str_is(arn.service, "events") ||
        !str_starts(arn.resource, head)) {
        return 0;
    }
    const struct ev_place at = {arn.account, arn.region,
                                str_sub(arn.resource, head.n, arn.resource.n)};
    int found = ev_bus_find(db, c->arena, &at, &bus, err);
    r->policy = bus.policy;
    return found < 0 ? -1 : 0;
}
