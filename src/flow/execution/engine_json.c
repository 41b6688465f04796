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
        put_int(stage, "entry", plan->v[i].entry);
        put_int(stage, "success", plan->v[i].success);
        put_int(stage, "failure", plan->v[i].failure);
        put_int(stage, "failed", plan->v[i].failed);
        put_bool(stage, "retryAll", plan->v[i].retry_all);
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
    put_int(o, "mode", plan->mode);
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
    put_bool(o, "parallel", e->parallel);
    put_str(o, "rollbackOf", e->rollback_of);
    put_int(o, "status", e->status);
    put_int(o, "place", e->place);
    put_str(o, "stage", e->stage);
    put_int(o, "attempt", e->attempt);
    put_int(o, "autoRetries", e->auto_retries);
    put_int(o, "manualRetries", e->manual_retries);
    put_bool(o, "autoLast", e->auto_last);
    put_str(o, "check", e->check);
    put_int(o, "failedBy", e->failed_by);
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
    if (s->waiting.n > 0) {
        json_t *waiting = json_array();
        for (size_t i = 0; i < s->waiting.n; i++) {
            json_array_append_new(waiting, json_stringn(s->waiting.v[i].p, s->waiting.v[i].n));
        }
        json_object_set_new(o, "waiting", waiting);
    }
    put_str(o, "last", s->last);
    put_str(o, "succeeded", s->succeeded);
    put_bool(o, "inboundDisabled", s->inbound_disabled);
    put_bool(o, "outboundDisabled", s->outbound_disabled);
    return o;
}

json_t *engine_state_to_json(const struct engine_state *s) {
    json_t *o = json_object();
    json_object_set_new(o, "plan", plan_to_json(&s->plan));
    if (s->old.n > 0) {
        json_t *old = json_array();
        for (size_t i = 0; i < s->old.n; i++) {
            json_array_append_new(old, plan_to_json(&s->old.v[i]));
        }
        json_object_set_new(o, "old", old);
    }
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
    *ret = (struct engine_plan){.version = (int)get_int(o, "version"),
                                .mode = (enum engine_mode)get_int(o, "mode"),
                                .n = json_array_size(stages)};
    ret->v = arena_new_n(a, struct engine_plan_stage, ret->n);
    for (size_t i = 0; i < ret->n; i++) {
        const json_t *stage = json_array_get(stages, i);
        ret->v[i].name = get_str(a, stage, "name");
        bool before = get_bool(stage, "entryCondition"); /* as version 1 of the store wrote it */
        ret->v[i].entry = before ? RESULT_FAIL : (enum stage_result)get_int(stage, "entry");
        ret->v[i].success = (enum stage_result)get_int(stage, "success");
        ret->v[i].failure = (enum stage_result)get_int(stage, "failure");
        ret->v[i].failed = (enum stage_result)get_int(stage, "failed");
        ret->v[i].retry_all = get_bool(stage, "retryAll");
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
    bool before = get_bool(o, "checkFailed"); /* as version 1 of the store wrote it */
    e->failed_by = before ? CONDITION_BEFORE_ENTRY : (enum condition_kind)get_int(o, "failedBy");
    e->parallel = get_bool(o, "parallel");
    e->rollback_of = get_str(a, o, "rollbackOf");
    e->auto_retries = (int)get_int(o, "autoRetries");
    e->manual_retries = (int)get_int(o, "manualRetries");
    e->auto_last = get_bool(o, "autoLast");
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

/* A list; one name in what version 1 of the store wrote. */
static void read_waiting(struct arena *a, const json_t *waiting, struct str_list *ret) {
    if (json_is_string(waiting)) {
        *arena_push(a, ret) = str_dup(a, json_text(waiting));
    }
    for (size_t i = 0; i < json_array_size(waiting); i++) {
        *arena_push(a, ret) = str_dup(a, json_text(json_array_get(waiting, i)));
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
    const json_t *old = json_object_get(json, "old");
    for (size_t i = 0; i < json_array_size(old); i++) {
        plan_from_json(a, json_array_get(old, i), arena_push(a, &ret->old));
    }
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *from = json_array_get(stages, i);
        struct engine_stage *stage = arena_push(a, &ret->stages);
        stage->name = get_str(a, from, "name");
        stage->holder = get_str(a, from, "holder");
        read_waiting(a, json_object_get(from, "waiting"), &stage->waiting);
        stage->last = get_str(a, from, "last");
        stage->succeeded = get_str(a, from, "succeeded");
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
    put_bool(o, "errored", e->errored);
    put_bool(o, "inbound", e->inbound);
    put_bool(o, "abandon", e->abandon);
    put_bool(o, "allActions", e->all_actions);
    put_int(o, "condition", e->condition);
    if (e->kind == EVENT_DEFINE) {
        json_object_set_new(o, "plan", plan_to_json(&e->plan));
    }
    return o;
}

int engine_event_from_json(struct arena *a, const json_t *json, struct engine_event *ret,
                           struct err *err) {
    int64_t kind = get_int(json, "kind");
    if (!json_is_integer(json_object_get(json, "kind")) || kind < 0 || kind > EVENT_NEWEST) {
        return err_set(err, ERR_INTERNAL,
                       "an event of a pipeline is of a kind that this version "
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
    ret->errored = get_bool(json, "errored");
    ret->condition = (enum condition_kind)get_int(json, "condition");
    if (kind == EVENT_DEFINE) {
        plan_from_json(a, json_object_get(json, "plan"), &ret->plan);
    }
    return 0;
}
