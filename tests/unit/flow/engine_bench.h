/* A bench for the engine's rules: a pipeline, its events, and the proof that its state is their
 * fold. Time and ids come from the tests. */
#pragma once

#include "../cmocka_.h"

#include "flow/execution/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* A pipeline under test: Source -> Build -> Approve(entry condition) -> Deploy(two run orders). */
struct bench {
    struct arena arena;
    struct engine_state state;
    struct engine_effect_list effects; /* of the last step */
    enum engine_refusal refusal;
    struct err err;
    json_t *log; /* every accepted event */
    int seeds;
};

static inline struct engine_plan_action one(const char *name, int order, bool approval) {
    return (struct engine_plan_action){str_c(name), order, approval};
}

static inline struct engine_plan demo_plan(struct arena *a, int version) {
    struct engine_plan plan = {.version = version, .n = 4};
    plan.v = arena_new_n(a, struct engine_plan_stage, 4);
    plan.v[0].name = S("Source");
    *arena_push(a, &plan.v[0].actions) = one("Trunk", 1, false);
    plan.v[1].name = S("Build");
    *arena_push(a, &plan.v[1].actions) = one("Unit", 1, false);
    *arena_push(a, &plan.v[1].actions) = one("Lint", 1, false);
    plan.v[2].name = S("Approve");
    plan.v[2].entry = RESULT_FAIL;
    *arena_push(a, &plan.v[2].actions) = one("Person", 1, true);
    plan.v[3].name = S("Deploy");
    *arena_push(a, &plan.v[3].actions) = one("Second", 2, false);
    *arena_push(a, &plan.v[3].actions) = one("First", 1, false);
    return plan;
}

static inline int step(struct bench *b, struct engine_event event) {
    struct engine_state next;
    event.seed = str_printf(&b->arena, "seed-%d", ++b->seeds);
    int result =
        engine_step(&b->arena, &b->state, &event, &next, &b->effects, &b->refusal, &b->err);
    if (result == 0) {
        b->state = next;
        json_array_append_new(b->log, engine_event_to_json(&event));
    }
    return result;
}

static inline int set_up(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    b->log = json_array();
    *state = b;
    struct engine_event define = {.kind = EVENT_DEFINE, .plan = demo_plan(&b->arena, 1)};
    return step(b, define);
}

static inline bool same_json(const struct engine_state *x, const struct engine_state *y) {
    json_t *one_json = engine_state_to_json(x);
    json_t *two_json = engine_state_to_json(y);
    bool same = json_equal(one_json, two_json);
    json_decref(one_json);
    json_decref(two_json);
    return same;
}

/* Every test ends with this: the state is the fold of its events, also through the store's form. */
static inline int tear_down(void **state) {
    struct bench *b = *state;
    struct engine_state folded = {0};
    for (size_t i = 0; i < json_array_size(b->log); i++) {
        struct engine_event event;
        struct engine_state next;
        struct engine_effect_list effects;
        assert_int_equal(
            engine_event_from_json(&b->arena, json_array_get(b->log, i), &event, &b->err), 0);
        assert_int_equal(
            engine_step(&b->arena, &folded, &event, &next, &effects, &b->refusal, &b->err), 0);
        json_t *stored = engine_state_to_json(&next);
        assert_int_equal(engine_state_from_json(&b->arena, stored, &folded, &b->err), 0);
        json_decref(stored);
    }
    assert_true(same_json(&folded, &b->state));
    json_decref(b->log);
    arena_done(&b->arena);
    free(b);
    return 0;
}

static inline const struct engine_effect *effect(struct bench *b, enum effect_kind kind,
                                                 const char *action) {
    for (size_t i = 0; i < b->effects.n; i++) {
        const struct engine_effect *e = &b->effects.v[i];
        if (e->kind == kind && (action == NULL || str_is(e->action, action))) {
            return e;
        }
    }
    return NULL;
}

static inline void start(struct bench *b, const char *id) {
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_START, .execution = str_c(id)}),
                     0);
}

static inline const struct engine_action *action_of(struct bench *b, const char *id,
                                                    const char *name) {
    const struct engine_execution *e = engine_find(&b->state, str_c(id));
    for (size_t i = 0; e != NULL && i < e->actions.n; i++) {
        if (str_is(e->actions.v[i].name, name)) {
            return &e->actions.v[i];
        }
    }
    return NULL;
}

static inline void end(struct bench *b, const char *id, const char *name, bool ok) {
    const struct engine_action *a = action_of(b, id, name);
    assert_non_null(a);
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_ACTION,
                                                   .execution = str_c(id),
                                                   .action_id = a->id,
                                                   .ok = ok}),
                     0);
}

static inline void check(struct bench *b, const char *id, bool ok) {
    const struct engine_execution *e = engine_find(&b->state, str_c(id));
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_CHECK,
                                                   .execution = e->id,
                                                   .action_id = e->check,
                                                   .ok = ok}),
                     0);
}

static inline int answer(struct bench *b, struct str token, bool ok) {
    return step(b, (struct engine_event){.kind = EVENT_APPROVAL,
                                         .stage = S("Approve"),
                                         .action = S("Person"),
                                         .token = token,
                                         .ok = ok});
}

static inline void to_approval(struct bench *b, const char *id) {
    start(b, id);
    end(b, id, "Trunk", true);
    end(b, id, "Unit", true);
    end(b, id, "Lint", true);
}

static inline enum exec_status status(struct bench *b, const char *id) {
    const struct engine_execution *e = engine_find(&b->state, str_c(id));
    assert_non_null(e);
    return e->status;
}

static inline void define(struct bench *b, struct engine_plan plan) {
    assert_int_equal(step(b, (struct engine_event){.kind = EVENT_DEFINE, .plan = plan}), 0);
}

static inline int retry(struct bench *b, const char *id, const char *stage, bool all) {
    return step(b, (struct engine_event){.kind = EVENT_RETRY,
                                         .execution = str_c(id),
                                         .stage = str_c(stage),
                                         .all_actions = all});
}

static inline const struct engine_stage *stage_of(struct bench *b, const char *name) {
    return engine_stage_find(&b->state, str_c(name));
}
