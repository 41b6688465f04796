/* Event buses, and who may put events on them. */
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/events/archive_store.h"
#include "services/events/events.h"
#include "services/iam/policy.h"

enum { POLICY_MAX = 10240 }; /* EventBridge's limit of a bus's policy */

int ev_invalid(struct err *err, const char *fmt, ...) {
    struct err inner = ERR_INIT;
    va_list args;
    va_start(args, fmt);
    err_vset(&inner, ERR_INVALID, fmt, args);
    va_end(args);
    return err_api(err, &events_ValidationException, "%s", inner.msg);
}

bool ev_is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '-' || c == '_';
        if (!good) {
            return false;
        }
    }
    return name.n > 0;
}

struct str ev_bus_arn(struct arena *a, const struct ev_place *at) {
    return str_printf(a, "arn:aws:events:%.*s:%.*s:event-bus/%.*s", STR_ARG(at->region),
                      STR_ARG(at->account), STR_ARG(at->bus));
}

/* 1: *ret is the bus; the default one is there without a row. 0: no such bus. */
static int find_bus(struct call *c, const struct ev_place *at, struct ev_bus *ret,
                    struct err *err) {
    int found = ev_bus_find(c->db, c->arena, at, ret, err);
    if (found == 0 && str_is(at->bus, "default")) {
        *ret = (struct ev_bus){.at = *at};
        found = 1;
    }
    return found;
}

static int read_place(struct call *c, struct str bus, struct ev_place *ret, struct err *err) {
    *ret = (struct ev_place){c->account, c->region, bus.p != NULL ? bus : S("default")};
    struct aws_arn arn;
    if (!aws_arn_parse(ret->bus, &arn)) {
        return ev_is_name(ret->bus) ? 0
                                    : ev_invalid(err, "Parameter EventBusName is not valid: '%.*s'",
                                                 STR_ARG(ret->bus));
    }
    struct str head = S("event-bus/");
    if (!str_is(arn.service, "events") || !str_starts(arn.resource, head)) {
        return ev_invalid(err, "Parameter EventBusName is not valid: '%.*s' is no event bus",
                          STR_ARG(bus));
    }
    *ret =
        (struct ev_place){arn.account, arn.region, str_sub(arn.resource, head.n, arn.resource.n)};
    return 0;
}

static int need_bus(struct call *c, struct str bus, struct ev_bus *ret, struct err *err) {
    struct ev_place at;
    if (read_place(c, bus, &at, err) < 0) {
        return -1;
    }
    int found = find_bus(c, &at, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Event bus %.*s does not exist.", STR_ARG(at.bus))
                      : found - 1;
}

int ev_place_of(struct call *c, struct str bus, struct ev_place *ret, struct err *err) {
    struct ev_bus row;
    if (need_bus(c, bus, &row, err) < 0) {
        return -1;
    }
    *ret = row.at;
    return 0;
}

/* ---- operations ---- */

static int check_settings(const struct events_dead_letter_config *dlq,
                          const struct events_log_config *log, struct err *err) {
    if (dlq != NULL && dlq->arn.n > 0) {
        return ev_invalid(err,
                          "Parameter DeadLetterConfig is not valid. Reason: dead-letter queues "
                          "need SQS, which is not available here.");
    }
    return log == NULL || log->level.n == 0 || str_is(log->level, "OFF")
               ? 0
               : ev_invalid(err, "Parameter LogConfig is not valid. Reason: logs of event buses "
                                 "are not available here; use a rule with a log group as target.");
}

int events_create_event_bus(struct call *c, const struct events_create_event_bus_request *in,
                            struct events_create_event_bus_response *out, struct err *err) {
    struct ev_bus row = {.at = {c->account, c->region, in->name},
                         .description = in->description,
                         .kms_key = in->kms_key_identifier,
                         .created_ms = c->now_ms,
                         .modified_ms = c->now_ms};
    struct ev_bus have;
    struct ev_buses all;
    if (in->event_source_name.p != NULL) {
        return ev_invalid(err, "Parameter EventSourceName is not valid. Reason: partner event "
                               "sources are not available here.");
    }
    if (!ev_is_name(in->name)) {
        return ev_invalid(err, "Parameter Name is not valid: '%.*s'", STR_ARG(in->name));
    }
    int found = find_bus(c, &row.at, &have, err);
    if (found != 0) {
        return found < 0 ? -1
                         : err_api(err, &events_ResourceAlreadyExistsException,
                                   "Event bus %.*s already exists.", STR_ARG(in->name));
    }
    if (check_settings(in->dead_letter_config, in->log_config, err) < 0 ||
        ev_bus_list(c->db, c->arena, &row.at, STR_NONE, STR_NONE, EV_BUSES_MAX + 1, &all, err) <
            0) {
        return -1;
    }
    if (all.n > EV_BUSES_MAX) {
        return err_api(err, &events_LimitExceededException,
                       "The requested resource exceeds the maximum number allowed.");
    }
    out->event_bus_arn = ev_bus_arn(c->arena, &row.at);
    out->description = row.description;
    out->kms_key_identifier = row.kms_key;
    return ev_bus_put(c->db, &row, err) < 0 ? -1
                                            : ev_put_tags(c, out->event_bus_arn, &in->tags, err);
}

int events_update_event_bus(struct call *c, const struct events_update_event_bus_request *in,
                            struct events_update_event_bus_response *out, struct err *err) {
    struct ev_bus row;
    if (need_bus(c, in->name, &row, err) < 0 ||
        check_settings(in->dead_letter_config, in->log_config, err) < 0) {
        return -1;
    }
    row.description = in->description.p != NULL ? in->description : row.description;
    row.kms_key = in->kms_key_identifier.p != NULL ? in->kms_key_identifier : row.kms_key;
    row.kms_key = row.kms_key.n > 0 ? row.kms_key : STR_NONE;
    row.created_ms = row.created_ms > 0 ? row.created_ms : c->now_ms;
    row.modified_ms = c->now_ms;
    out->arn = ev_bus_arn(c->arena, &row.at);
    out->name = row.at.bus;
    out->description = row.description;
    out->kms_key_identifier = row.kms_key;
    return ev_bus_put(c->db, &row, err);
}

int events_describe_event_bus(struct call *c, const struct events_describe_event_bus_request *in,
                              struct events_describe_event_bus_response *out, struct err *err) {
    struct ev_bus row;
    if (need_bus(c, in->name, &row, err) < 0) {
        return -1;
    }
    out->name = row.at.bus;
    out->arn = ev_bus_arn(c->arena, &row.at);
    out->description = row.description;
    out->kms_key_identifier = row.kms_key;
    out->policy = row.policy;
    out->has_creation_time = out->has_last_modified_time = row.created_ms > 0;
    out->creation_time = row.created_ms;
    out->last_modified_time = row.modified_ms;
    return 0;
}

int events_delete_event_bus(struct call *c, const struct events_delete_event_bus_request *in,
                            struct events_delete_event_bus_output *out, struct err *err) {
    (void)out;
    struct ev_place at;
    struct ev_rules rules;
    struct ev_archives archives;
    if (read_place(c, in->name, &at, err) < 0) {
        return -1;
    }
    if (str_is(at.bus, "default")) {
        return ev_invalid(err, "Cannot delete event bus default.");
    }
    if (ev_rule_list(c->db, c->arena, &at, STR_NONE, STR_NONE, 1, &rules, err) < 0) {
        return -1;
    }
    if (rules.n > 0) {
        return ev_invalid(err, "Event bus can't be deleted since it has rules.");
    }
    if (ev_archive_of_bus(c->db, c->arena, &at, &archives, err) < 0) {
        return -1;
    }
    if (archives.n > 0) {
        return ev_invalid(err, "Event bus can't be deleted since it has archives.");
    }
    return ev_bus_remove(c->db, &at, err) < 0 ? -1
                                              : tags_drop(c->db, ev_bus_arn(c->arena, &at), err);
}

int ev_page(const struct call *c, struct str token, bool has_limit, int32_t limit,
            struct str *ret_after, int64_t *ret_limit, struct err *err) {
    *ret_limit = has_limit ? limit : EV_PAGE;
    return page_key(c, token, ret_after) ? 0 : ev_invalid(err, "Parameter NextToken is not valid.");
}

int events_list_event_buses(struct call *c, const struct events_list_event_buses_request *in,
                            struct events_list_event_buses_response *out, struct err *err) {
    const struct ev_place here = {c->account, c->region, EV_DEFAULT_BUS};
    struct str after;
    int64_t limit;
    struct ev_buses rows;
    if (ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_bus_list(c->db, c->arena, &here, in->name_prefix, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->event_buses.v = arena_new_n(c->arena, struct events_event_bus, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_bus *b = &rows.v[i];
        out->event_buses.v[out->event_buses.n++] = (struct events_event_bus){
            .name = b->at.bus,
            .arn = ev_bus_arn(c->arena, &b->at),
            .description = b->description,
            .policy = b->policy,
            .creation_time = b->created_ms,
            .has_creation_time = b->created_ms > 0,
            .last_modified_time = b->modified_ms,
            .has_last_modified_time = b->modified_ms > 0,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].at.bus);
    }
    return 0;
}

/* ---- policies ---- */

static int set_policy(struct call *c, struct ev_bus *bus, struct str policy, struct err *err) {
    if (policy.n > POLICY_MAX) {
        return err_api(err, &events_PolicyLengthExceededException, "The policy is over %d bytes.",
                       POLICY_MAX);
    }
    bus->policy = policy;
    bus->created_ms = bus->created_ms > 0 ? bus->created_ms : c->now_ms;
    bus->modified_ms = c->now_ms;
    return ev_bus_put(c->db, bus, err);
}

static int put_document(struct call *c, struct ev_bus *bus, struct str text, struct err *err) {
    struct policy parsed;
    struct err why = ERR_INIT;
    if (policy_parse(c->arena, text, POLICY_RESOURCE, &parsed, &why) < 0) {
        return ev_invalid(err, "Parameter Policy is not valid. Reason: %.500s", why.msg);
    }
    return set_policy(c, bus, text, err);
}

static json_t *single(const char *key, json_t *value) {
    json_t *object = json_object();
    json_set(object, key, value);
    return object;
}

static json_t *statement(struct call *c, const struct events_put_permission_request *in,
                         struct str arn) {
    struct arena *a = c->arena;
    json_t *s = json_object();
    json_set_str(s, "Sid", in->statement_id);
    json_set_str(s, "Effect", S("Allow"));
    json_set(s, "Principal",
             str_is(in->principal, "*")
                 ? json_string("*")
                 : single("AWS", json_from_str(str_printf(a, "arn:aws:iam::%.*s:root",
                                                          STR_ARG(in->principal)))));
    json_set_str(s, "Action", in->action);
    json_set_str(s, "Resource", arn);
    if (in->condition != NULL) {
        json_t *test = single(str_z(a, in->condition->key), json_from_str(in->condition->value));
        json_set(s, "Condition", single(str_z(a, in->condition->type), test));
    }
    return s;
}

/* The statements of a policy but for the one of that id; how many were left out. */
static json_t *statements_without(const json_t *policy, struct str sid, size_t *ret_gone) {
    json_t *kept = json_array();
    const json_t *list = json_object_get(policy, "Statement");
    *ret_gone = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *s = json_array_get(list, i);
        if (str_eq(json_str(s, "Sid"), sid)) {
            ++*ret_gone;
        } else {
            json_array_append(kept, s);
        }
    }
    return kept;
}

static struct str document(struct arena *a, json_t *statements) {
    json_t *policy cleanup_json = json_object();
    json_set_str(policy, "Version", S("2012-10-17"));
    json_set(policy, "Statement", statements);
    return json_dump_str(a, policy);
}

int events_put_permission(struct call *c, const struct events_put_permission_request *in,
                          struct events_put_permission_output *out, struct err *err) {
    (void)out;
    struct ev_bus bus;
    struct err ignored = ERR_INIT;
    size_t gone;
    if (need_bus(c, in->event_bus_name, &bus, err) < 0) {
        return -1;
    }
    if (in->policy.p != NULL) {
        return put_document(c, &bus, in->policy, err);
    }
    if (in->statement_id.p == NULL || in->principal.p == NULL || in->action.p == NULL) {
        return ev_invalid(err, "Parameters StatementId, Principal and Action, or Policy must be "
                               "specified.");
    }
    if (!str_is(in->action, "events:PutEvents")) {
        return ev_invalid(err, "Provided value in parameter 'action' is not supported.");
    }
    if (!str_is(in->principal, "*") && !arn_is_account(in->principal)) {
        return ev_invalid(err, "Parameter Principal is not valid: an account or *");
    }
    json_t *old cleanup_json = bus.policy.n > 0 ? json_parse(bus.policy, &ignored) : NULL;
    json_t *list = statements_without(old, in->statement_id, &gone);
    json_array_append_new(list, statement(c, in, ev_bus_arn(c->arena, &bus.at)));
    return put_document(c, &bus, document(c->arena, list), err);
}

int events_remove_permission(struct call *c, const struct events_remove_permission_request *in,
                             struct events_remove_permission_output *out, struct err *err) {
    (void)out;
    struct ev_bus bus;
    struct err ignored = ERR_INIT;
    size_t gone = 0;
    if (need_bus(c, in->event_bus_name, &bus, err) < 0) {
        return -1;
    }
    if (in->remove_all_permissions) {
        return set_policy(c, &bus, STR_NONE, err);
    }
    json_t *old cleanup_json = bus.policy.n > 0 ? json_parse(bus.policy, &ignored) : NULL;
    json_t *list cleanup_json = statements_without(old, in->statement_id, &gone);
    if (gone == 0) {
        return err_api(err, &events_ResourceNotFoundException,
                       "Statement with the provided id does not exist.");
    }
    bool empty = json_array_size(list) == 0;
    return set_policy(c, &bus, empty ? STR_NONE : document(c->arena, json_incref(list)), err);
}
