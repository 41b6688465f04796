/* The first layer: engine_step alone. What is seen is read from its effects, and from its state
 * only where an effect does not say it (who holds, who waits). */
#include "sim.h"

#include <stdlib.h>

struct engine_layer {
    struct engine_state state;
    struct engine_state first; /* for the fold */
    unsigned seeds;
    json_t *log; /* every accepted event; NULL in seeds that do not prove the fold */
};

enum { FOLD_EVERY = 32 }; /* the fold costs as much as the rest */

static void *open_layer(struct sim_world *w) {
    struct engine_layer *l = arena_new(&w->arena, struct engine_layer);
    l->log = w->hash % FOLD_EVERY == 0 ? json_array() : NULL;
    return l;
}

/* ---- effects ---- */

static bool new_run(struct sim_world *w, const struct engine_effect *f, int e, int s, int a) {
    struct ticket *t = sim_ticket_add(w, &w->runs, f->action_id);
    if (t == NULL) {
        return false;
    }
    struct sim_execution *x = &w->seen.e[e];
    t->e = (int8_t)e;
    t->stage = (int8_t)s;
    t->action = (int8_t)a;
    t->nth = ++x->starts[s][a];
    t->approval = f->approval;
    if (f->approval != (f->token.n > 0) || f->token.n >= sizeof(t->token)) {
        return sim_wrong(w, "an approval without a token, or a token of none: e%d s%d a%d", e, s,
                         a);
    }
    if (f->token.n > 0) {
        memcpy(t->token, f->token.p, f->token.n);
    }
    return true;
}

static bool new_check(struct sim_world *w, const struct engine_effect *f, int e, int s) {
    struct ticket *t = sim_ticket_add(w, &w->checks, f->action_id);
    if (t == NULL || f->condition == CONDITION_NONE) {
        return sim_wrong(w, "a check of no condition");
    }
    t->e = (int8_t)e;
    t->stage = (int8_t)s;
    t->action = (int8_t)f->condition;
    t->nth = ++w->seen.e[e].checks[s][f->condition - 1];
    return true;
}

static bool see_run(struct sim_world *w, const struct engine_effect *f, int e, int s, int a) {
    const struct ticket *t = sim_ticket(&w->runs, f->action_id);
    struct sim_execution *x = &w->seen.e[e];
    bool starts = f->action_status == RUN_IN_PROGRESS;
    /* told before its job is given, or after: the id is the same */
    if (!starts &&
        (t == NULL || t->e != e || t->stage != s || t->action != a || t->nth != x->starts[s][a])) {
        return sim_wrong(w, "told of an attempt that is not the newest: e%d s%d a%d", e, s, a);
    }
    x->run[s][a] = (int8_t)f->action_status;
    return true;
}

static bool see_rollback(struct sim_world *w, const struct engine_state *state,
                         const struct engine_effect *f) {
    const struct engine_execution *made = engine_find(state, f->execution);
    int e = made != NULL ? (int)made->number - 1 : -1;
    if (e < 0 || e >= SIM_EXECUTIONS || f->execution.n >= sizeof(w->id[0])) {
        return sim_wrong(w, "a rollback that is not there");
    }
    memcpy(w->id[e], f->execution.p, f->execution.n);
    w->seen.e[e].target = (int8_t)sim_execution_number(w, f->by);
    w->seen.e[e].automatic = f->automatic;
    return true;
}

static bool see(struct sim_world *w, const struct engine_state *state,
                const struct engine_effect *f) {
    if (f->kind == EFFECT_ROLLBACK) {
        return see_rollback(w, state, f);
    }
    int e = sim_execution_number(w, f->execution);
    int s = sim_digit(f->stage);
    int a = sim_digit(f->action);
    bool at_stage = f->kind != EFFECT_EXECUTION && f->kind != EFFECT_END_CHECK;
    bool of_action =
        f->kind == EFFECT_START_ACTION || f->kind == EFFECT_KILL_ACTION || f->kind == EFFECT_ACTION;
    if (e < 0 || (at_stage && (s < 0 || s >= SIM_STAGES)) ||
        (of_action && (a < 0 || a >= SIM_ACTIONS))) {
        return sim_wrong(w, "an effect of kind %d about nobody", (int)f->kind);
    }
    struct sim_execution *x = &w->seen.e[e];
    switch (f->kind) {
    case EFFECT_START_ACTION:
        return new_run(w, f, e, s, a);
    case EFFECT_KILL_ACTION:
        x->kills[s][a]++;
        return sim_ticket(&w->runs, f->action_id) != NULL || sim_wrong(w, "a kill of nothing");
    case EFFECT_CHECK:
        return new_check(w, f, e, s);
    case EFFECT_END_CHECK:
        return sim_ticket(&w->checks, f->action_id) != NULL || sim_wrong(w, "no check to end");
    case EFFECT_EXECUTION:
        x->status = (int8_t)f->execution_status;
        x->by = (int8_t)(f->by.p != NULL ? sim_execution_number(w, f->by) : -1);
        return true;
    case EFFECT_STAGE:
        x->stage[s] = (int8_t)f->stage_status;
        x->attempt[s] = (int8_t)f->attempt;
        return true;
    case EFFECT_CONDITION:
        x->check[s][f->condition - 1] = (int8_t)f->condition_status;
        return true;
    case EFFECT_ACTION:
        return see_run(w, f, e, s, a);
    case EFFECT_ROLLBACK:
        break;
    }
    return sim_wrong(w, "an effect of kind %d", (int)f->kind);
}

/* ---- one event ---- */

static bool take(void *ud, struct sim_world *w, struct engine_event *event,
                 const struct model_event *model_event, enum engine_refusal *ret_refusal) {
    struct engine_layer *l = ud;
    struct engine_state next;
    struct engine_effect_list effects = {0};
    struct err err = ERR_INIT;
    (void)model_event;
    event->seed = str_printf(&w->arena, "%u", ++l->seeds);
    *ret_refusal = REFUSED_NOTHING;
    if (engine_step(&w->arena, &l->state, event, &next, &effects, ret_refusal, &err) < 0) {
        return *ret_refusal != REFUSED_NOTHING || sim_wrong(w, "engine: %s", err.msg);
    }
    if (l->log != NULL) {
        json_array_append_new(l->log, engine_event_to_json(event));
    }
    if (event->kind == EVENT_START) {
        memcpy(w->id[next.started - 1], event->execution.p, event->execution.n);
    }
    l->state = next;
    for (size_t i = 0; i < effects.n; i++) {
        if (!see(w, &next, &effects.v[i])) {
            return false;
        }
    }
    sim_see_state(w, &next);
    return true;
}

/* The state is the fold of its events, through the store's form of both. */
static bool prove_fold(struct engine_layer *l, struct sim_world *w) {
    struct engine_state state = {0};
    for (size_t i = 0; i < json_array_size(l->log); i++) {
        struct engine_event event;
        struct engine_state next;
        struct engine_effect_list effects;
        enum engine_refusal refusal = REFUSED_NOTHING;
        struct err err = ERR_INIT;
        if (engine_event_from_json(&w->arena, json_array_get(l->log, i), &event, &err) < 0 ||
            engine_step(&w->arena, &state, &event, &next, &effects, &refusal, &err) < 0) {
            return sim_wrong(w, "replay of event %zu: %s", i, err.msg);
        }
        json_t *stored = engine_state_to_json(&next);
        struct str text = engine_state_text(&w->arena, &next);
        char *same = json_dumps(stored, JSON_COMPACT);
        bool differs = !str_is(text, same);
        free(same);
        if (differs) {
            json_decref(stored);
            return sim_wrong(w, "the text of the state after event %zu is not its document's", i);
        }
        int read = engine_state_from_json(&w->arena, stored, &state, &err);
        json_decref(stored);
        if (read < 0) {
            return sim_wrong(w, "state after event %zu: %s", i, err.msg);
        }
    }
    json_t *folded = engine_state_to_json(&state);
    json_t *kept = engine_state_to_json(&l->state);
    bool same = json_equal(folded, kept);
    json_decref(folded);
    json_decref(kept);
    return same || sim_wrong(w, "the state is not the fold of its events");
}

static bool close_layer(void *ud, struct sim_world *w) {
    struct engine_layer *l = ud;
    if (l->log == NULL) {
        return true;
    }
    bool well = w->wrong[0] != '\0' || prove_fold(l, w);
    json_decref(l->log);
    return well;
}

const struct sim_layer sim_engine = {"engine", open_layer, take, close_layer};
