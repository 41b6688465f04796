/*
 * From an event to the targets of the rules that it matches: one durable delivery for each, added
 * in the caller's transaction. What the target is to get is worked out here, by the rule and target
 * as they are now.
 */
#pragma once

#include "platform/text/json.h"
#include "services/events/events_store.h"

struct ev_event {
    struct ev_place at; /* the bus that gets it */
    struct str id;
    struct str account; /* who sent it */
    struct str source;
    struct str detail_type;
    struct str detail; /* JSON text of an object */
    struct str_list resources;
    int64_t time_ms;
    bool forwarded;       /* came from another bus: goes no further */
    struct str replay;    /* the replay that it is of; or absent */
    struct str_list only; /* ARNs of the rules that may have it; none: all */
};

/* The event as targets see it. ERR_INVALID when its detail is no JSON object. */
json_t *ev_event_json(struct arena *a, const struct ev_event *e, struct err *err) MUST_USE;

/* To all rules of the bus that match. */
int ev_route(struct db *db, struct arena *a, const struct ev_event *e, int64_t now_ms,
             struct err *err) MUST_USE;

/* To one rule's targets, whatever its pattern says. */
int ev_route_rule(struct db *db, struct arena *a, const struct ev_rule *rule,
                  const struct ev_event *e, const json_t *json, int64_t now_ms,
                  struct err *err) MUST_USE;
