/* PutEvents and TestEventPattern. */
#include "services/events/events.h"
#include "services/events/pattern.h"
#include "services/events/route.h"

/* An event on its way from one bus to another (send_aws.c); exists in process only. */
static bool is_passed_on(const struct call *c) {
    return str_is(c->principal->via, "events.amazonaws.com");
}

/*
 * Sources that begin with "aws." are AWS's: nobody else may use them. Our services call PutEvents
 * in process as what they are (codepipeline.amazonaws.com), and speak in their own name only.
 */
static bool may_use_source(const struct call *c, struct str source) {
    if (!str_starts(source, S("aws.")) || is_passed_on(c)) {
        return true;
    }
    struct str own = c->principal->service;
    struct str tail = S(".amazonaws.com");
    return c->principal->kind == AWS_PRINCIPAL_SERVICE && str_ends(own, tail) &&
           str_eq(str_sub(own, 0, own.n - tail.n), str_sub(source, 4, source.n));
}

/* As EventBridge counts: the time is 14 bytes, everything else what it has as UTF-8. */
static size_t size_of(const struct events_put_events_request_entry *e) {
    size_t n = (e->has_time ? 14 : 0) + e->source.n + e->detail_type.n + e->detail.n;
    for (size_t i = 0; i < e->resources.n; i++) {
        n += e->resources.v[i].n;
    }
    return n;
}

static bool malformed(struct events_put_events_result_entry *r, struct str code, struct str text) {
    *r = (struct events_put_events_result_entry){.error_code = code, .error_message = text};
    return false;
}

static bool check_entry(const struct call *c, const struct events_put_events_request_entry *e,
                        struct events_put_events_result_entry *r) {
    struct err ignored = ERR_INIT;
    struct str invalid = S("InvalidArgument");
    if (e->source.n == 0) {
        return malformed(r, invalid,
                         S("Parameter Source is not valid. Reason: Source is a "
                           "required argument."));
    }
    if (e->detail_type.n == 0) {
        return malformed(r, invalid,
                         S("Parameter DetailType is not valid. Reason: DetailType is "
                           "a required argument."));
    }
    if (e->detail.n == 0) {
        return malformed(r, invalid,
                         S("Parameter Detail is not valid. Reason: Detail is a "
                           "required argument."));
    }
    json_t *detail cleanup_json = json_parse(e->detail, &ignored);
    if (!json_is_object(detail)) {
        return malformed(r, S("MalformedDetail"), S("Detail is malformed."));
    }
    if (!may_use_source(c, e->source)) {
        return malformed(r, S("NotAuthorizedForSourceException"),
                         S("Not authorized for the source."));
    }
    return true;
}

static int put(struct call *c, const struct events_put_events_request_entry *e,
               struct events_put_events_result_entry *r, struct err *err) {
    struct err why = ERR_INIT;
    struct ev_event event = {
        .id = rng_uuid(c->rng, c->arena),
        .account = c->principal->account,
        .source = e->source,
        .detail_type = e->detail_type,
        .detail = e->detail,
        .resources = e->resources,
        .time_ms = e->has_time ? e->time : c->now_ms,
    };
    if (is_passed_on(c)) {
        struct str rest = e->trace_header; /* "sender/id" */
        event.forwarded = str_cut(&rest, '/', &event.account);
        event.id = rest;
    }
    if (ev_place_of(c, e->event_bus_name, &event.at, &why) < 0) {
        if (why.api == NULL) {
            *err = why;
            return -1;
        }
        malformed(r, str_c(why.api->code), str_dup(c->arena, str_c(why.msg)));
        return 0;
    }
    r->event_id = event.id;
    return ev_route(c->db, c->arena, &event, c->now_ms, err);
}

int events_put_events(struct call *c, const struct events_put_events_request *in,
                      struct events_put_events_response *out, struct err *err) {
    size_t size = 0;
    if (in->endpoint_id.p != NULL) {
        return ev_invalid(err, "Parameter EndpointId is not valid. Reason: global endpoints are "
                               "not available here.");
    }
    for (size_t i = 0; i < in->entries.n; i++) {
        size += size_of(&in->entries.v[i]);
    }
    if (size >= EV_EVENT_MAX) {
        return ev_invalid(err, "Total size of the entries in the request is over the limit.");
    }
    out->entries.v = arena_new_n(c->arena, struct events_put_events_result_entry, in->entries.n);
    out->entries.n = in->entries.n;
    out->has_failed_entry_count = true;
    for (size_t i = 0; i < in->entries.n; i++) {
        struct events_put_events_result_entry *r = &out->entries.v[i];
        if (check_entry(c, &in->entries.v[i], r) && put(c, &in->entries.v[i], r, err) < 0) {
            return -1;
        }
        out->failed_entry_count += r->error_code.p != NULL;
    }
    return 0;
}

int events_test_event_pattern(struct call *c, const struct events_test_event_pattern_request *in,
                              struct events_test_event_pattern_response *out, struct err *err) {
    static const char *const needed[] = {"id",     "account",   "source",     "time",
                                         "region", "resources", "detail-type"};
    struct ev_pattern *pattern;
    struct err why = ERR_INIT;
    if (in->event.n > EV_EVENT_MAX) {
        return ev_invalid(err, "Parameter Event is not valid. Reason: it is over the limit.");
    }
    json_t *event cleanup_json = json_parse(in->event, &why);
    if (!json_is_object(event)) {
        return ev_invalid(err, "Parameter Event is not valid. Reason: %.300s",
                          event == NULL ? why.msg : "it is not an object");
    }
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (json_object_get(event, needed[i]) == NULL) {
            return ev_invalid(err, "Parameter Event is not valid. Reason: %s is a required field.",
                              needed[i]);
        }
    }
    if (ev_pattern_compile(c->arena, in->event_pattern, &pattern, &why) < 0) {
        return err_api(err, &events_InvalidEventPatternException,
                       "Event pattern is not valid. Reason: %.600s", why.msg);
    }
    out->result = ev_pattern_match(pattern, event);
    out->has_result = true;
    return 0;
}
