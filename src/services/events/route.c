/* Implementation of services/events/route.h. */
#include "services/events/route.h"

#include "services/core/value.h"
#include "services/events/archive.h"
#include "services/events/deliver.h"
#include "services/events/events.h"
#include "services/events/pattern.h"
#include "services/events/transform.h"

json_t *ev_event_json(struct arena *a, const struct ev_event *e, struct err *err) {
    json_t *detail = json_parse(e->detail, err);
    if (!json_is_object(detail)) {
        json_decref(detail);
        err_set(err, ERR_INVALID, "Detail is malformed.");
        return NULL;
    }
    json_t *json = json_object();
    json_t *resources = json_array();
    for (size_t i = 0; i < e->resources.n; i++) {
        json_array_append_new(resources, json_from_str(e->resources.v[i]));
    }
    json_set_str(json, "version", S("0"));
    json_set_str(json, "id", e->id);
    json_set_str(json, "detail-type", e->detail_type);
    json_set_str(json, "source", e->source);
    json_set_str(json, "account", e->account);
    json_set_str(json, "time", time_iso(a, e->time_ms));
    json_set_str(json, "region", e->at.region);
    json_set_str(json, "replay-name", e->replay);
    json_set(json, "resources", resources);
    json_set(json, "detail", detail);
    return json;
}

/* What the target gets: its Input, a part of the event, what its template makes, or all of it. */
static int input_of(struct arena *a, const struct ev_rule *rule, const struct events_target *t,
                    const json_t *event, int64_t now_ms, struct str *ret, struct err *err) {
    if (t->input.p != NULL) {
        *ret = t->input;
        return 0;
    }
    if (t->input_transformer != NULL) {
        const struct transform_about about = {rule->arn, rule->name, now_ms};
        return transform_template(a, event, &about, &t->input_transformer->input_paths_map,
                                  t->input_transformer->input_template, ret, err);
    }
    json_t *part cleanup_json = t->input_path.p != NULL ? transform_path(event, t->input_path)
                                                        : json_incref((json_t *)event);
    *ret = part != NULL ? json_dump_str(a, part) : S("{}");
    return 0;
}

static int add_delivery(struct db *db, struct arena *a, const struct ev_rule *rule,
                        const struct ev_target *row, const struct ev_event *e, const json_t *event,
                        int64_t now_ms, struct err *err) {
    struct events_target target = {0};
    struct ev_delivery d = {.event = e, .rule = rule, .target = &target, .now_ms = now_ms};
    json_t *body cleanup_json = json_parse(row->body, err);
    struct err why = ERR_INIT;
    if (body == NULL || value_from_json(a, ev_target_shape(), body, 0, &target, err) < 0) {
        return -1;
    }
    if (input_of(a, rule, &target, event, now_ms, &d.input, &why) < 0) {
        d.failure = str_dup(a, str_c(why.msg));
    }
    d.whole = ev_target_wants_event(&target) ? json_dump_str(a, event) : STR_NONE;
    return ev_deliver_add(db, a, &d, err);
}

int ev_route_rule(struct db *db, struct arena *a, const struct ev_rule *rule,
                  const struct ev_event *e, const json_t *json, int64_t now_ms, struct err *err) {
    struct ev_targets targets;
    if (ev_target_list(db, a, rule->seq, STR_NONE, EV_TARGETS_MAX, &targets, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < targets.n; i++) {
        if (add_delivery(db, a, rule, &targets.v[i], e, json, now_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A pattern that is stored was checked; one that an older version took and this one does not
 * matches nothing. */
static bool matches(struct arena *a, const struct ev_rule *rule, const json_t *event) {
    struct arena_mark mark = arena_mark(a);
    struct ev_pattern *pattern = NULL;
    struct err ignored = ERR_INIT;
    bool good = ev_pattern_compile(a, rule->pattern, &pattern, &ignored) == 0 &&
                ev_pattern_match(pattern, event);
    arena_reset(a, mark);
    return good;
}

static bool may_have(const struct ev_event *e, const struct ev_rule *rule) {
    return e->only.n == 0 || str_list_has(&e->only, rule->arn);
}

int ev_route(struct db *db, struct arena *a, const struct ev_event *e, int64_t now_ms,
             struct err *err) {
    struct ev_rules rules;
    if (ev_archive_keep(db, a, e, err) < 0 || ev_rule_listening(db, a, &e->at, &rules, err) < 0) {
        return -1;
    }
    if (rules.n == 0) {
        return 0;
    }
    json_t *json cleanup_json = ev_event_json(a, e, err);
    if (json == NULL) {
        return -1;
    }
    for (size_t i = 0; i < rules.n; i++) {
        if (may_have(e, &rules.v[i]) && matches(a, &rules.v[i], json) &&
            ev_route_rule(db, a, &rules.v[i], e, json, now_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}
