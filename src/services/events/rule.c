/* Rules: what they look for, and when those with a schedule fire. */
#include "services/core/arn.h"
#include "services/core/page.h"
#include "services/core/tags.h"
#include "services/events/events.h"
#include "services/events/pattern.h"
#include "services/events/tick.h"

bool ev_is_enabled(const struct ev_rule *rule) {
    return !str_is(rule->state, "DISABLED");
}

static int find_rule(struct call *c, struct str bus, struct str name, struct ev_rule *ret,
                     struct err *err) {
    struct ev_place at;
    return ev_place_of(c, bus, &at, err) < 0 ? -1
                                             : ev_rule_find(c->db, c->arena, &at, name, ret, err);
}

int ev_need_rule(struct call *c, struct str bus, struct str name, struct ev_rule *ret,
                 struct err *err) {
    struct ev_place at;
    if (ev_place_of(c, bus, &at, err) < 0) {
        return -1;
    }
    int found = ev_rule_find(c->db, c->arena, &at, name, ret, err);
    return found == 0 ? err_api(err, &events_ResourceNotFoundException,
                                "Rule %.*s does not exist on EventBus %.*s.", STR_ARG(name),
                                STR_ARG(at.bus))
                      : found - 1;
}

static struct str rule_arn(struct arena *a, const struct ev_place *at, struct str name) {
    bool own = !str_is(at->bus, "default");
    return str_printf(a, "arn:aws:events:%.*s:%.*s:rule/%.*s%s%.*s", STR_ARG(at->region),
                      STR_ARG(at->account), STR_ARG(own ? at->bus : S("")), own ? "/" : "",
                      STR_ARG(name));
}

/* ---- services' own rules ---- */

static struct str manager_of(const struct call *c) {
    bool service = c->principal->kind == AWS_PRINCIPAL_SERVICE;
    return service ? c->principal->service : STR_NONE;
}

/* A rule of a service is that service's to change. `force`: whoever may may delete it. */
static int may_change(const struct call *c, const struct ev_rule *rule, bool force,
                      struct err *err) {
    return force || rule->managed_by.p == NULL || str_eq(rule->managed_by, manager_of(c))
               ? 0
               : err_api(err, &events_ManagedRuleException,
                         "Rule %.*s is managed by %.*s and can't be modified.", STR_ARG(rule->name),
                         STR_ARG(rule->managed_by));
}

/* ---- operations ---- */

static int check_pattern(struct call *c, struct str text, struct err *err) {
    struct ev_pattern *compiled;
    struct err why = ERR_INIT;
    return ev_pattern_compile(c->arena, text, &compiled, &why) == 0
               ? 0
               : err_api(err, &events_InvalidEventPatternException,
                         "Event pattern is not valid. Reason: %.600s", why.msg);
}

static int check_rule(struct call *c, const struct events_put_rule_request *in,
                      const struct ev_place *at, struct err *err) {
    struct schedule schedule;
    struct err why = ERR_INIT;
    bool pattern = in->event_pattern.n > 0, timed = in->schedule_expression.n > 0;
    if (!ev_is_name(in->name)) {
        return ev_invalid(err, "Parameter Name is not valid: '%.*s'", STR_ARG(in->name));
    }
    if (!pattern && !timed) {
        return ev_invalid(err, "Parameter(s) EventPattern or ScheduleExpression must be "
                               "specified.");
    }
    if (timed && !str_is(at->bus, "default")) {
        return ev_invalid(err, "ScheduleExpression is supported only on the default event bus.");
    }
    if (timed && schedule_parse(in->schedule_expression, &schedule, &why) < 0) {
        return ev_invalid(err, "Parameter ScheduleExpression is not valid. Reason: %.300s",
                          why.msg);
    }
    return pattern ? check_pattern(c, in->event_pattern, err) : 0;
}

static int check_room(struct call *c, const struct ev_place *at, struct err *err) {
    int64_t n = 0;
    if (ev_rule_count(c->db, at, &n, err) < 0) {
        return -1;
    }
    return n < EV_RULES_MAX ? 0
                            : err_api(err, &events_LimitExceededException,
                                      "The requested resource exceeds the maximum number allowed.");
}

static void fill(struct call *c, const struct events_put_rule_request *in, bool is_new,
                 struct ev_rule *rule) {
    bool same = !is_new && str_eq(rule->schedule, in->schedule_expression);
    rule->pattern = in->event_pattern.n > 0 ? in->event_pattern : STR_NONE;
    rule->schedule = in->schedule_expression.n > 0 ? in->schedule_expression : STR_NONE;
    rule->anchor_ms = same ? rule->anchor_ms : c->now_ms;
    rule->state = in->state.p != NULL ? in->state : S("ENABLED");
    rule->description = in->description;
    rule->role = in->role_arn;
}

int events_put_rule(struct call *c, const struct events_put_rule_request *in,
                    struct events_put_rule_response *out, struct err *err) {
    struct ev_place at;
    struct ev_rule rule = {0};
    if (ev_place_of(c, in->event_bus_name, &at, err) < 0 || check_rule(c, in, &at, err) < 0) {
        return -1;
    }
    int found = ev_rule_find(c->db, c->arena, &at, in->name, &rule, err);
    if (found < 0 || (found > 0 && may_change(c, &rule, false, err) < 0) ||
        (found == 0 && manager_of(c).p == NULL && check_room(c, &at, err) < 0)) {
        return -1;
    }
    if (found == 0) {
        rule = (struct ev_rule){.arn = rule_arn(c->arena, &at, in->name),
                                .at = at,
                                .name = in->name,
                                .managed_by = manager_of(c),
                                .created_by = c->account};
    }
    fill(c, in, found == 0, &rule);
    out->rule_arn = rule.arn;
    if (found > 0) {
        if (ev_rule_update(c->db, &rule, err) < 0) {
            return -1;
        }
    } else if (ev_rule_insert(c->db, &rule, err) < 0 ||
               ev_put_tags(c, rule.arn, &in->tags, err) < 0) {
        return -1;
    }
    return ev_tick_set(c->db, &rule, c->now_ms, err);
}

int events_describe_rule(struct call *c, const struct events_describe_rule_request *in,
                         struct events_describe_rule_response *out, struct err *err) {
    struct ev_rule rule;
    if (ev_need_rule(c, in->event_bus_name, in->name, &rule, err) < 0) {
        return -1;
    }
    *out = (struct events_describe_rule_response){
        .name = rule.name,
        .arn = rule.arn,
        .event_pattern = rule.pattern,
        .schedule_expression = rule.schedule,
        .state = rule.state,
        .description = rule.description,
        .role_arn = rule.role,
        .managed_by = rule.managed_by,
        .event_bus_name = rule.at.bus,
        .created_by = rule.created_by,
    };
    return 0;
}

int events_list_rules(struct call *c, const struct events_list_rules_request *in,
                      struct events_list_rules_response *out, struct err *err) {
    struct ev_place at;
    struct str after;
    int64_t limit;
    struct ev_rules rows;
    if (ev_place_of(c, in->event_bus_name, &at, err) < 0 ||
        ev_page(c, in->next_token, in->has_limit, in->limit, &after, &limit, err) < 0 ||
        ev_rule_list(c->db, c->arena, &at, in->name_prefix, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    out->rules.v = arena_new_n(c->arena, struct events_rule, rows.n + 1);
    for (size_t i = 0; i < rows.n && (int64_t)i < limit; i++) {
        const struct ev_rule *r = &rows.v[i];
        out->rules.v[out->rules.n++] = (struct events_rule){
            .name = r->name,
            .arn = r->arn,
            .event_pattern = r->pattern,
            .state = r->state,
            .description = r->description,
            .schedule_expression = r->schedule,
            .role_arn = r->role,
            .managed_by = r->managed_by,
            .event_bus_name = r->at.bus,
        };
    }
    if ((int64_t)rows.n > limit) {
        out->next_token = page_token(c, rows.v[limit - 1].name);
    }
    return 0;
}

int events_delete_rule(struct call *c, const struct events_delete_rule_request *in,
                       struct events_delete_rule_output *out, struct err *err) {
    (void)out;
    struct ev_rule rule;
    int64_t targets = 0;
    int found = find_rule(c, in->event_bus_name, in->name, &rule, err);
    if (found <= 0) {
        return found; /* no error when it is gone, as on AWS */
    }
    if (may_change(c, &rule, in->force, err) < 0 ||
        ev_target_count(c->db, rule.seq, &targets, err) < 0) {
        return -1;
    }
    if (targets > 0) {
        return ev_invalid(err, "Rule can't be deleted since it has targets.");
    }
    return ev_tick_end(c->db, &rule, err) < 0 || tags_drop(c->db, rule.arn, err) < 0
               ? -1
               : ev_rule_remove(c->db, rule.seq, err);
}

static int set_state(struct call *c, struct str bus, struct str name, struct str state,
                     struct err *err) {
    struct ev_rule rule;
    if (ev_need_rule(c, bus, name, &rule, err) < 0 || may_change(c, &rule, false, err) < 0) {
        return -1;
    }
    rule.anchor_ms = ev_is_enabled(&rule) ? rule.anchor_ms : c->now_ms;
    rule.state = state;
    return ev_rule_update(c->db, &rule, err) < 0 ? -1 : ev_tick_set(c->db, &rule, c->now_ms, err);
}

int events_enable_rule(struct call *c, const struct events_enable_rule_request *in,
                       struct events_enable_rule_output *out, struct err *err) {
    (void)out;
    return set_state(c, in->event_bus_name, in->name, S("ENABLED"), err);
}

int events_disable_rule(struct call *c, const struct events_disable_rule_request *in,
                        struct events_disable_rule_output *out, struct err *err) {
    (void)out;
    return set_state(c, in->event_bus_name, in->name, S("DISABLED"), err);
}
