/* Operations become events: each picks what it is about from what there is. Implementation of the
 * middle part of sim.h. */
#include "sim.h"

enum { SIM_FULL = 56 }; /* executions; rollbacks that follow need room */

/* ---- picking ---- */

static bool runs_now(const struct sim_world *w, const struct ticket *t) {
    const struct sim_execution *e = &w->model.v.e[t->e];
    return e->starts[t->stage][t->action] == t->nth &&
           e->run[t->stage][t->action] == RUN_IN_PROGRESS;
}

static bool checks_now(const struct sim_world *w, const struct ticket *t) {
    const struct sim_execution *e = &w->model.v.e[t->e];
    return e->checks[t->stage][t->action - 1] == t->nth &&
           e->check[t->stage][t->action - 1] == CONDITION_IN_PROGRESS;
}

/* One that goes on (approval or not), or NULL. */
static const struct ticket *pick_running(const struct sim_world *w, const struct tickets *t,
                                         bool approval, uint32_t r) {
    const struct ticket *found[256];
    uint32_t n = 0;
    for (int i = 0; i < t->n && n < 256; i++) {
        bool runs = t == &w->runs ? runs_now(w, &t->v[i]) : checks_now(w, &t->v[i]);
        if (runs && t->v[i].approval == approval) {
            found[n++] = &t->v[i];
        }
    }
    return n > 0 ? found[r % n] : NULL;
}

static const struct ticket *pick_any(const struct tickets *t, uint32_t r) {
    return t->n > 0 ? &t->v[r % (uint32_t)t->n] : NULL;
}

/* Mostly one that does something or failed; -1 is one that nobody knows. */
static int pick_execution(const struct sim_world *w, uint32_t r, bool ended) {
    const struct sim_view *v = &w->model.v;
    int found[SIM_EXECUTIONS];
    int n = 0;
    for (int e = 0; e < v->n; e++) {
        bool active = v->e[e].place >= 0;
        if (r % 8 == 0 || (ended ? !w->model.x[e].gone : active)) {
            found[n++] = e;
        }
    }
    return n == 0 || r % 61 == 1 ? -1 : found[(r / 64) % (uint32_t)n];
}

/* One of whom `wanted` is true; -1: nobody. */
static int pick_who(const struct sim_world *w, uint32_t r,
                    bool (*wanted)(const struct model *m, int e)) {
    int found[SIM_EXECUTIONS];
    uint32_t n = 0;
    for (int e = 0; e < w->model.v.n; e++) {
        if (wanted(&w->model, e)) {
            found[n++] = e;
        }
    }
    return n == 0 ? -1 : found[r % n];
}

static bool waits(const struct model *m, int e) {
    return m->v.e[e].place == PLACE_WAITING;
}
static bool retryable(const struct model *m, int e) {
    const struct model_execution *x = &m->x[e];
    const struct model_stage *s = &m->plan[x->plan].s[x->pos];
    for (int i = 0; m->v.e[e].place == PLACE_STAGE && i < s->n; i++) {
        if (x->act[i] == RUN_FAILED) {
            return true; /* beside its siblings */
        }
    }
    return (m->v.e[e].status == EXEC_FAILED || m->v.e[e].status == EXEC_STOPPED) &&
           x->plan == m->plans - 1 && m->last[s->name] == e;
}
static bool checked(const struct model *m, int e) {
    return m->x[e].checking != CONDITION_NONE || m->x[e].failed_by != CONDITION_NONE;
}

static int current_stage_name(const struct sim_world *w, uint32_t r) {
    const struct model_plan *p = &w->model.plan[w->model.plans - 1];
    return r % 31 == 0 ? (int)(r / 31 % SIM_STAGES) : p->s[r % (uint32_t)p->n].name;
}

/* Mostly where that execution is, or ended; else one that it was the last to enter, or any. */
static int stage_for(const struct sim_world *w, int e, uint32_t r) {
    if (e < 0 || r % 16 == 0) {
        return current_stage_name(w, r / 16);
    }
    for (int s = 0; r % 16 <= 2 && s < SIM_STAGES; s++) {
        if (w->model.last[s] == e) {
            return s;
        }
    }
    const struct model_execution *x = &w->model.x[e];
    return w->model.plan[x->plan].s[x->pos].name;
}

/* ---- events in both languages ---- */

static struct str stage_name(struct sim_world *w, int s) {
    return str_printf(&w->arena, "s%d", s);
}

static void about(struct sim_world *w, struct sim_event *b, int e, int stage) {
    b->model.e = e;
    b->model.stage = stage;
    b->real.execution = e >= 0 ? str_c(w->id[e]) : S("nobody");
    b->real.stage = stage_name(w, stage);
}

static bool by_ticket(struct sim_world *w, struct sim_event *b, const struct ticket *t) {
    if (t == NULL) {
        return false;
    }
    b->model.e = t->e;
    b->model.stage = t->stage;
    b->model.action = t->action;
    b->model.condition = (enum condition_kind)t->action;
    b->model.nth = t->nth;
    b->real.execution = str_c(w->id[t->e]);
    b->real.action_id = str_c(t->id);
    return true;
}

static void real_plan(struct sim_world *w, const struct model_plan *from, struct engine_plan *ret) {
    struct arena *a = &w->arena;
    *ret = (struct engine_plan){
        .version = w->model.plans + 1, .mode = (enum engine_mode)from->mode, .n = (size_t)from->n};
    ret->v = arena_new_n(a, struct engine_plan_stage, ret->n);
    for (int i = 0; i < from->n; i++) {
        const struct model_stage *s = &from->s[i];
        ret->v[i] = (struct engine_plan_stage){
            .name = stage_name(w, s->name),
            .entry = (enum stage_result)s->entry,
            .success = (enum stage_result)s->success,
            .failure = (enum stage_result)s->failure,
            .failed = (enum stage_result)s->failed,
            .retry_all = s->retry_all,
        };
        for (int j = 0; j < s->n; j++) {
            *arena_push(a, &ret->v[i].actions) = (struct engine_plan_action){
                str_printf(a, "a%d", j), s->a[j].order, s->a[j].approval};
        }
    }
}

static bool define(struct sim_world *w, struct sim_event *b, uint32_t r) {
    const struct model *m = &w->model;
    if (m->plans == SIM_PLANS) {
        return false;
    }
    ops_plan(r, m->plans > 0 ? m->plan[m->plans - 1].mode : -1, &b->plan);
    real_plan(w, &b->plan, &b->real.plan);
    b->model.plan = &b->plan;
    return true;
}

/* The stage and action that an answer names, and whose token it carries. */
static bool answer(struct sim_world *w, struct sim_event *b, const struct op *o) {
    const struct ticket *t = o->kind == OP_APPROVE ? pick_running(w, &w->runs, true, o->r[0])
                                                   : pick_any(&w->runs, o->r[0]);
    if (o->kind == OP_GUESS) {
        t = NULL;
    } else if (t == NULL || !t->approval) {
        return false;
    }
    bool others = o->kind == OP_OTHERS || t == NULL;
    b->model.stage = others ? current_stage_name(w, o->r[1]) : t->stage;
    b->model.action = others ? (int)(o->r[1] / 64 % SIM_ACTIONS) : t->action;
    b->model.token_known = t != NULL && b->model.stage == t->stage && b->model.action == t->action;
    b->model.e = t != NULL ? t->e : -1;
    b->model.nth = t != NULL ? t->nth : -1;
    b->real.stage = stage_name(w, b->model.stage);
    b->real.action = str_printf(&w->arena, "a%d", b->model.action);
    b->real.token = t != NULL ? str_c(t->token) : S("guess");
    b->model.ok = o->r[2] % 4 > 0;
    return true;
}

static bool roll_back(struct sim_world *w, struct sim_event *b, const struct op *o) {
    int s = current_stage_name(w, o->r[0]);
    int found[SIM_EXECUTIONS];
    int n = 0;
    for (int e = 0; e < w->model.v.n; e++) {
        bool good = w->model.x[e].good_in[s] == w->model.plans && w->model.v.e[e].target < 0;
        /* the engine is asked for targets that are good; that they are is its door's to see to */
        if (good || (w->layer != &sim_engine && o->r[2] % 4 == 0)) {
            found[n++] = e;
        }
    }
    if (n == 0 || w->model.v.n > SIM_FULL) {
        return false;
    }
    about(w, b, found[o->r[1] % (uint32_t)n], s);
    return true;
}

/* Mostly somebody to whom it applies, where it is. False: nobody is. */
static bool at_work(struct sim_world *w, struct sim_event *b, const struct op *o,
                    bool (*wanted)(const struct model *m, int e)) {
    bool anybody = o->r[2] / 64 % 8 == 0;
    int e = anybody ? pick_execution(w, o->r[0], true) : pick_who(w, o->r[0], wanted);
    about(w, b, e, 0);
    about(w, b, e, stage_for(w, e, o->r[1]));
    return anybody || e >= 0;
}

static enum condition_kind override_what(const struct sim_world *w, int e, uint32_t r) {
    const struct model_execution *x = e >= 0 ? &w->model.x[e] : NULL;
    int due = x == NULL ? 0 : x->checking != CONDITION_NONE ? x->checking : x->failed_by;
    return due > 0 && r % 8 > 0 ? (enum condition_kind)due
                                : (enum condition_kind)(1 + r / 8 % SIM_KINDS);
}

bool sim_resolve(struct sim_world *w, const struct op *o, struct sim_event *b) {
    static const enum event_kind kinds[OP_KINDS] = {
        [OP_DEFINE] = EVENT_DEFINE,     [OP_START] = EVENT_START,
        [OP_END] = EVENT_ACTION,        [OP_LATE_END] = EVENT_ACTION,
        [OP_CHECKED] = EVENT_CHECK,     [OP_LATE_CHECK] = EVENT_CHECK,
        [OP_APPROVE] = EVENT_APPROVAL,  [OP_STALE] = EVENT_APPROVAL,
        [OP_OTHERS] = EVENT_APPROVAL,   [OP_GUESS] = EVENT_APPROVAL,
        [OP_EXPIRE] = EVENT_ACTION,     [OP_TRANSITION] = EVENT_TRANSITION,
        [OP_STOP] = EVENT_STOP,         [OP_RETRY] = EVENT_RETRY,
        [OP_ROLLBACK] = EVENT_ROLLBACK, [OP_OVERRIDE] = EVENT_OVERRIDE,
        [OP_NEWEST] = EVENT_NEWEST,
    };
    const uint32_t *r = o->r;
    b->model.kind = kinds[o->kind];
    switch ((enum op_kind)o->kind) {
    case OP_DEFINE:
        return define(w, b, r[0]);
    case OP_START:
        about(w, b, -1, 0);
        b->real.execution = str_printf(&w->arena, "e%d", w->model.v.n);
        return w->model.v.n <= SIM_FULL;
    case OP_END:
        b->model.ok = r[1] % 4 > 0;
        return by_ticket(w, b, pick_running(w, &w->runs, false, r[0]));
    case OP_LATE_END:
        b->model.ok = r[1] % 2 > 0;
        return by_ticket(w, b, pick_any(&w->runs, r[0]));
    case OP_EXPIRE:
        return by_ticket(w, b, pick_running(w, &w->runs, true, r[0]));
    case OP_CHECKED:
    case OP_LATE_CHECK:
        b->model.ok = r[1] % 2 > 0;
        b->model.errored = !b->model.ok && r[1] % 6 == 0;
        return by_ticket(w, b,
                         o->kind == OP_CHECKED ? pick_running(w, &w->checks, false, r[0])
                                               : pick_any(&w->checks, r[0]));
    case OP_APPROVE:
    case OP_STALE:
    case OP_OTHERS:
    case OP_GUESS:
        return answer(w, b, o);
    case OP_TRANSITION:
        about(w, b, -1, current_stage_name(w, r[0]));
        b->model.inbound = r[1] % 3 > 0;
        b->model.ok = r[1] % 2 > 0;
        return true;
    case OP_STOP:
        about(w, b, pick_execution(w, r[0], false), 0);
        b->model.abandon = r[1] % 2 > 0;
        return true;
    case OP_RETRY:
        b->model.all_actions = r[2] % 2 > 0;
        return at_work(w, b, o, retryable);
    case OP_ROLLBACK:
        return roll_back(w, b, o);
    case OP_OVERRIDE:
        if (!at_work(w, b, o, checked)) {
            return false;
        }
        b->model.condition = override_what(w, b->model.e, r[2]);
        return true;
    case OP_NEWEST:
        return at_work(w, b, o, waits);
    case OP_KINDS:
        break;
    }
    return false;
}
