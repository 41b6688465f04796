/* Implementation of emitter.h. */
#include "daemon/emitter.h"

#include "gen/events.h"
#include "services/events/events_store.h"

static int listened(void *ud, struct err *err) {
    struct emitter *e = ud;
    return ev_rule_any(e->db, err);
}

static int emit(void *ud, struct arena *a, const struct flow_event *event, struct err *err) {
    struct emitter *e = ud;
    struct aws_target target;
    struct err why = ERR_INIT;
    struct str service = str_printf(a, "%.*s.amazonaws.com", STR_ARG(event->service));
    struct str resource = event->resource;
    struct events_put_events_request_entry entry = {
        .source = str_printf(a, "aws.%.*s", STR_ARG(event->service)),
        .detail_type = event->detail_type,
        .detail = event->detail,
        .resources = {&resource, 1},
        .time = event->at_ms,
        .has_time = true};
    const struct events_put_events_request in = {.entries = {&entry, 1}};
    struct events_put_events_response out;
    if (world_service_target(e->world, a, service, event->account, event->region, &target, &why) <
        0) {
        if (why.kind == ERR_UNSUPPORTED) {
            return 0; /* a real account */
        }
        *err = why;
        return -1;
    }
    return events_call_put_events(&target, a, &in, &out, err);
}

void emitter_init(struct emitter *e, struct db *db, struct world *world) {
    *e = (struct emitter){.db = db, .world = world};
    e->events = (struct flow_events){.listened = listened, .emit = emit, .ud = e};
}
