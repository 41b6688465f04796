/* The store's form of engine states and events. Members that have their zero value are left out. */
#include "flow/execution/engine.h"

#include "platform/text/json.h"

/* ---- writing ---- */

static void put_str(json_t *o, const char *key, struct str s) {
    json_set_str(o, key, s);
}

static void put_int(json_t *o, const char *key, int64_t value) {
    if (value != 0) {
        json_object_set_new(o, key, json_integer(value));
    }
}

static void put_bool(json_t *o, const char *key, bool value) {
    if (value) {
        json_object_set_new(o, key, json_true());
    }
}

static json_t *plan_to_json(const struct engine_plan *plan) {
    json_t *stages = json_array();
    for (size_t i = 0; i < plan->n; i++) {
        json_t *stage = json_object();
        put_str(stage, "name", plan->v[i].name);
        put_bool(stage, "entryCondition", plan->v[i].entry_condition);
        json_t *actions = json_array();
        for (size_t k = 0; k < plan->v[i].actions.n; k++) {
            const struct engine_plan_action *from = &plan->v[i].actions.v[k];
            json_t *action = json_object();
            put_str(action, "name", from->name);
            put_int(action, "runOrder", from->run_order);
            put_bool(action, "approval", from->approval);
            json_array_append_new(actions, action);
        }
        json_object_set_new(stage, "actions", actions);
        json_array_append_new(stages, stage);
    }
    json_t *o = json_object();
    put_int(o, "version", plan->version);
    json_object_set_new(o, "stages", stages);
    return o;
}

static json_t *action_to_json(const struct engine_action *a) {
    json_t *o = json_object();
    put_str(o, "name", a->name);
    put_int(o, "runOrder", a->run_order);
    put_bool(o, "approval", a->approval);
    put_int(o, "status", a->status);
    put_str(o, "id", a->id);
    put_str(o, "token", a->token);
    return o;
}

static json_t *execution_to_json(const struct engine_execution *e) {
    json_t *o = json_object();
    put_str(o, "id", e->id);
    put_int(o, "number", e->number);
    put_int(o, "version", e->version);
    put_int(o, "status", e->status);
    put_int(o, "place", e->place);
    put_str(o, "stage", e->stage);
    put_int(o, "attempt", e->attempt);
    put_str(o, "check", e->check);
    put_bool(o, "checkFailed", e->check_failed);
    put_bool(o, "cancelling", e->cancelling);
    put_bool(o, "abandoning", e->abandoning);
    json_t *actions = json_array();
    for (size_t i = 0; i < e->actions.n; i++) {
        json_array_append_new(actions, action_to_json(&e->actions.v[i]));
    }
    json_object_set_new(o, "actions", actions);
    return o;
}

static json_t *stage_to_json(const struct engine_stage *s) {
    json_t *o = json_object();
    put_str(o, "name", s->name);
    put_str(o, "holder", s->holder);
    put_str(o, "waiting", s->waiting);
    put_str(o, "last", s->last);
    put_bool(o, "inboundDisabled", s->inbound_disabled);
    put_bool(o, "outboundDisabled", s->outbound_disabled);
    return o;
}

json_t *engine_state_to_json(const struct engine_state *s) {
    json_t *o = json_object();
    json_object_set_new(o, "plan", plan_to_json(&s->plan));
    put_int(o, "started", s->started);
    json_t *stages = json_array();
    for (size_t i = 0; i < s->stages.n; i++) {
        json_array_append_new(stages, stage_to_json(&s->stages.v[i]));
    }
    json_object_set_new(o, "stages", stages);
    json_t *executions = json_array();
    for (size_t i = 0; i < s->executions.n; i++) {
        json_array_append_new(executions, execution_to_json(&s->executions.v[i]));
    }
    json_object_set_new(o, "executions", executions);
    return o;
}

/* ---- reading ---- */

static struct str get_str(struct arena *a, const json_t *o, const char *key) {
    return str_dup(a, json_str(o, key));
}

static int64_t get_int(const json_t *o, const char *key) {
    return json_int(o, key);
}

static bool get_bool(const json_t *o, const char *key) {
    return json_bool(o, key);
}

static void plan_from_json(struct arena *a, const json_t *o, struct engine_plan *ret) {
    const json_t *stages = json_object_get(o, "stages");
    *ret = (struct engine_plan){.version = (int)get_int(o, "version"), .n = json_array_size(stages)};
    ret->v = arena_new_n(a, struct engine_plan_stage, ret->n);
    for (size_t i = 0; i < ret->n; i++) {
        const json_t *stage = json_array_get(stages, i);
        ret->v[i].name = get_str(a, stage, "name");
        ret->v[i].entry_condition = get_bool(stage, "entryCondition");
        const json_t *actions = json_object_get(stage, "actions");
        for (size_t k = 0; k < json_array_size(actions); k++) {
            const json_t *from = json_array_get(actions, k);
            struct engine_plan_action *action = arena_push(a, &ret->v[i].actions);
            action->name = get_str(a, from, "name");
            action->run_order = (int)get_int(from, "runOrder");
            action->approval = get_bool(from, "approval");
        }
    }
}

static void execution_from_json(struct arena *a, const json_t *o, struct engine_execution *e) {
    e->id = get_str(a, o, "id");
    e->number = get_int(o, "number");
    e->version = (int)get_int(o, "version");
    e->status = (enum exec_status)get_int(o, "status");
    e->place = (enum exec_place)get_int(o, "place");
    e->stage = get_str(a, o, "stage");
    e->attempt = (int)get_int(o, "attempt");
    e->check = get_str(a, o, "check");
    e->check_failed = get_bool(o, "checkFailed");
    e->cancelling = get_bool(o, "cancelling");
    e->abandoning = get_bool(o, "abandoning");
    const json_t *actions = json_object_get(o, "actions");
    for (size_t i = 0; i < json_array_size(actions); i++) {
        const json_t *from = json_array_get(actions, i);
        struct engine_action *action = arena_push(a, &e->actions);
        action->name = get_str(a, from, "name");
        action->run_order = (int)get_int(from, "runOrder");
        action->approval = get_bool(from, "approval");
        action->status = (enum run_status)get_int(from, "status");
        action->id = get_str(a, from, "id");
        action->token = get_str(a, from, "token");
    }
}

int engine_state_from_json(struct arena *a, const json_t *json, struct engine_state *ret,
                           struct err *err) {
    const json_t *stages = json_object_get(json, "stages");
    const json_t *executions = json_object_get(json, "executions");
    if (!json_is_array(stages) || !json_is_array(executions)) {
        return err_set(err, ERR_INTERNAL, "the stored state of a pipeline is damaged");
    }
    *ret = (struct engine_state){.started = get_int(json, "started")};
    plan_from_json(a, json_object_get(json, "plan"), &ret->plan);
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *from = json_array_get(stages, i);
        struct engine_stage *stage = arena_push(a, &ret->stages);
        stage->name = get_str(a, from, "name");
        stage->holder = get_str(a, from, "holder");
        stage->waiting = get_str(a, from, "waiting");
        stage->last = get_str(a, from, "last");
        stage->inbound_disabled = get_bool(from, "inboundDisabled");
        stage->outbound_disabled = get_bool(from, "outboundDisabled");
    }
    for (size_t i = 0; i < json_array_size(executions); i++) {
        execution_from_json(a, json_array_get(executions, i), arena_push(a, &ret->executions));
    }
    return 0;
}

json_t *engine_event_to_json(const struct engine_event *e) {
    json_t *o = json_object();
    json_object_set_new(o, "kind", json_integer(e->kind));
    put_str(o, "seed", e->seed);
    put_str(o, "execution", e->execution);
    put_str(o, "stage", e->stage);
    put_str(o, "action", e->action);
    put_str(o, "actionId", e->action_id);
    put_str(o, "token", e->token);
    put_bool(o, "ok", e->ok);
    put_bool(o, "inbound", e->inbound);
    put_bool(o, "abandon", e->abandon);
    put_bool(o, "allActions", e->all_actions);
    if (e->kind == EVENT_DEFINE) {
        json_object_set_new(o, "plan", plan_to_json(&e->plan));
    }
    return o;
}

int engine_event_from_json(struct arena *a, const json_t *json, struct engine_event *ret,
                           struct err *err) {
    int64_t kind = get_int(json, "kind");
    if (!json_is_integer(json_object_get(json, "kind")) || kind < 0 || kind > EVENT_RETRY) {
        return err_set(err, ERR_INTERNAL, "an event of a pipeline is of a kind that this version "
                                          "does not know");
    }
    *ret = (struct engine_event){.kind = (enum event_kind)kind};
    ret->seed = get_str(a, json, "seed");
    ret->execution = get_str(a, json, "execution");
    ret->stage = get_str(a, json, "stage");
    ret->action = get_str(a, json, "action");
    ret->action_id = get_str(a, json, "actionId");
    ret->token = get_str(a, json, "token");
    ret->ok = get_bool(json, "ok");
    ret->inbound = get_bool(json, "inbound");
    ret->abandon = get_bool(json, "abandon");
    ret->all_actions = get_bool(json, "allActions");
    if (kind == EVENT_DEFINE) {
        plan_from_json(a, json_object_get(json, "plan"), &ret->plan);
    }
    return 0;
}
