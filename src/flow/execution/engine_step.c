/* The step, and what happens by itself: definitions, starts, ends of actions and checks. The rules
 * are in engine.h. */
#include "flow/execution/engine_internal.h"

#include "flow/execution/ids.h"

int refuse(struct step *t, enum engine_refusal why, const char *fmt, ...) {
    t->refusal = why;
    va_list args;
    va_start(args, fmt);
    err_vset(t->err,
             why == REFUSED_NO_STAGE || why == REFUSED_NO_ACTION || why == REFUSED_NO_EXECUTION
                 ? ERR_NOT_FOUND
                 : ERR_CONFLICT,
             fmt, args);
    va_end(args);
    return -1;
}

struct str new_id(struct step *t) {
    return engine_uuid(t->arena, t->seed, PLANTED(id_twice) ? 0 : t->ids++);
}

/* ---- finding ---- */

struct engine_execution *find_execution(struct step *t, struct str id) {
    return (struct engine_execution *)engine_find(t->s, id);
}

struct engine_stage *find_stage(struct step *t, struct str name) {
    return (struct engine_stage *)engine_stage_find(t->s, name);
}

int stage_missing(struct step *t, struct str name) {
    return refuse(t, REFUSED_NO_STAGE, "there is no stage '%.*s'", STR_ARG(name));
}

const struct engine_plan_stage *plan_stage(struct step *t, const struct engine_execution *e,
                                           size_t *ret_index) {
    const struct engine_plan *plan = engine_plan_of(t->s, e);
    const struct engine_plan_stage *p = plan ? engine_plan_stage_find(plan, e->stage) : NULL;
    *ret_index = p ? (size_t)(p - plan->v) : 0;
    return p;
}

size_t active_executions(const struct engine_state *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->executions.n; i++) {
        n += s->executions.v[i].place != PLACE_ENDED;
    }
    return n;
}

/* ---- telling ---- */

struct engine_effect *tell(struct step *t, enum effect_kind kind,
                           const struct engine_execution *e) {
    struct engine_effect *effect = arena_push(t->arena, t->effects);
    effect->kind = kind;
    effect->execution = e->id;
    effect->stage = e->stage;
    return effect;
}

void set_status(struct step *t, struct engine_execution *e, enum exec_status status) {
    if (e->status != status) {
        e->status = status;
        tell(t, EFFECT_EXECUTION, e)->execution_status = status;
    }
}

void tell_resumed(struct step *t, struct engine_execution *e) {
    e->status = EXEC_IN_PROGRESS;
    struct engine_effect *effect = tell(t, EFFECT_EXECUTION, e);
    effect->execution_status = EXEC_IN_PROGRESS;
    effect->resumed = true;
}

void tell_stage(struct step *t, const struct engine_execution *e, enum stage_status status) {
    struct engine_effect *effect = tell(t, EFFECT_STAGE, e);
    effect->stage_status = status;
    effect->attempt = e->attempt;
    effect->auto_retries = e->auto_retries;
    effect->manual_retries = e->manual_retries;
    effect->auto_last = e->auto_last;
}

void set_action(struct step *t, const struct engine_execution *e, struct engine_action *a,
                enum run_status status) {
    a->status = status;
    struct engine_effect *effect = tell(t, EFFECT_ACTION, e);
    effect->action = a->name;
    effect->action_id = a->id;
    effect->token = a->token;
    effect->approval = a->approval;
    effect->action_status = status;
    effect->cancelled = status == RUN_ABANDONED && e->cancelling;
}

/* ---- a new version ---- */

static void cancel(struct step *t, struct engine_execution *e) {
    if (e->place == PLACE_ENDED) {
        return;
    }
    e->cancelling = true;
    if (e->place == PLACE_STAGE) {
        abandon_approvals(t, e); /* nobody can answer them any more */
        if (any_action(e, RUN_IN_PROGRESS)) {
            return;
        }
    }
    drop_check(t, e, CONDITION_CANCELLED);
    if (e->place != PLACE_WAITING) {
        tell_stage(t, e, STAGE_CANCELLED);
    }
    end_execution(t, e, EXEC_CANCELLED);
}

/* Who is in the stage still, because an action runs: its lock stays, even if a version between had
 * no such stage. */
static struct str still_inside(const struct engine_state *s, struct str stage) {
    for (size_t i = 0; i < s->executions.n; i++) {
        const struct engine_execution *e = &s->executions.v[i];
        bool inside = e->place != PLACE_ENDED && e->place != PLACE_WAITING;
        if (inside && !e->parallel && str_eq(e->stage, stage)) {
            return e->id;
        }
    }
    return STR_NONE;
}

/* Transitions stay, too; who was last may not be retried any more. */
static void take_over(struct step *t, const struct engine_stage_list *old,
                      struct engine_stage *stage) {
    stage->holder = PLANTED(update_drops_lock) ? STR_NONE : still_inside(t->s, stage->name);
    for (size_t k = 0; k < old->n; k++) {
        const struct engine_stage *was = &old->v[k];
        if (str_eq(was->name, stage->name)) {
            stage->inbound_disabled = was->inbound_disabled;
            stage->outbound_disabled = was->outbound_disabled;
            stage->succeeded = PLANTED(rollback_to_old_version) ? was->succeeded : STR_NONE;
        }
    }
}

static int on_define(struct step *t, const struct engine_event *event) {
    bool parallel = false;
    for (size_t i = 0; i < t->s->executions.n; i++) {
        struct engine_execution *e = &t->s->executions.v[i];
        parallel = parallel || (e->parallel && e->place != PLACE_ENDED);
        if (!e->parallel && !PLANTED(update_cancels_nothing)) {
            cancel(t, e);
        }
    }
    if (parallel) {
        *arena_push(t->arena, &t->s->old) = t->s->plan;
    }
    struct engine_stage_list old = t->s->stages;
    t->s->plan = event->plan;
    t->s->stages = (struct engine_stage_list){0};
    for (size_t i = 0; i < event->plan.n; i++) {
        struct engine_stage *stage = arena_push(t->arena, &t->s->stages);
        stage->name = event->plan.v[i].name;
        take_over(t, &old, stage);
    }
    for (size_t i = 0; i < t->s->executions.n; i++) {
        struct engine_execution *e = &t->s->executions.v[i];
        if (e->place == PLACE_WAITING) { /* PARALLEL, held up by a transition */
            size_t index = 0;
            arrive(t, e, plan_stage(t, e, &index));
        }
    }
    return 0;
}

/* ---- what happens by itself ---- */

static int on_start(struct step *t, const struct engine_event *event) {
    if (t->s->plan.mode != MODE_SUPERSEDED &&
        active_executions(t->s) >= ENGINE_MAX_ACTIVE + PLANTED(limit_off_by_one)) {
        return refuse(t, REFUSED_TOO_MANY, "%d executions are in progress: no more can start",
                      ENGINE_MAX_ACTIVE);
    }
    struct engine_execution *e = arena_push(t->arena, &t->s->executions);
    e->id = event->execution;
    e->number = ++t->s->started;
    e->version = t->s->plan.version;
    e->parallel = t->s->plan.mode == MODE_PARALLEL;
    e->status = EXEC_IN_PROGRESS;
    e->stage = t->s->plan.v[0].name;
    tell(t, EFFECT_EXECUTION, e)->execution_status = EXEC_IN_PROGRESS;
    arrive(t, e, &t->s->plan.v[0]);
    return 0;
}

static struct engine_action *running_action(struct engine_execution *e, struct str id) {
    for (size_t i = 0; e != NULL && i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if ((str_eq(a->id, id) || PLANTED(late_end_taken)) && a->status == RUN_IN_PROGRESS) {
            return a;
        }
    }
    return NULL;
}

static int on_action(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = find_execution(t, event->execution);
    struct engine_action *a = running_action(e, event->action_id);
    if (a == NULL) {
        return 0; /* an older attempt's end, told late */
    }
    bool killed = e->abandoning && !event->ok;
    set_action(t, e, a, event->ok ? RUN_SUCCEEDED : killed ? RUN_ABANDONED : RUN_FAILED);
    actions_changed(t, e);
    return 0;
}

static int on_check(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = find_execution(t, event->execution);
    bool runs = e != NULL && condition_running(e) != CONDITION_NONE;
    if (runs && (str_eq(e->check, event->action_id) || PLANTED(late_check_taken))) {
        check_decided(t, e, event->ok, event->errored);
    }
    return 0;
}

/* ---- the step ---- */

static bool named_by_stage(const struct engine_state *s, const struct engine_execution *e) {
    for (size_t i = 0; i < s->stages.n; i++) {
        if (str_eq(s->stages.v[i].last, e->id) || str_eq(s->stages.v[i].holder, e->id)) {
            return true;
        }
    }
    return false;
}

static bool retryable_parallel(const struct engine_state *s, const struct engine_execution *e) {
    return e->parallel && (e->status == EXEC_FAILED || e->status == EXEC_STOPPED) &&
           e->version == s->plan.version;
}

/* Ended executions stay only while they may be retried or asked about. */
static void forget(struct engine_state *s) {
    size_t retryable = 0;
    for (size_t i = 0; i < s->executions.n; i++) {
        retryable += retryable_parallel(s, &s->executions.v[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->executions.n; i++) {
        const struct engine_execution *e = &s->executions.v[i];
        bool keep = e->place != PLACE_ENDED || named_by_stage(s, e);
        if (!keep && retryable_parallel(s, e)) {
            keep = retryable <= ENGINE_KEPT_PARALLEL;
            retryable -= !keep; /* the oldest ones come first */
        }
        if (keep) {
            s->executions.v[kept++] = *e;
        }
    }
    s->executions.n = kept;
    size_t plans = 0;
    for (size_t i = 0; i < s->old.n; i++) {
        bool used = false;
        for (size_t k = 0; k < s->executions.n && !used; k++) {
            used = s->executions.v[k].version == s->old.v[i].version &&
                   s->executions.v[k].place != PLACE_ENDED;
        }
        if (used) {
            s->old.v[plans++] = s->old.v[i];
        }
    }
    s->old.n = plans;
}

/* Copies what a step may change; names and ids are shared. Room for one more execution (of a start
 * or a rollback), so that pointers into the list stay good while the step runs. */
static void copy_state(struct arena *a, const struct engine_state *from, struct engine_state *to) {
    *to = *from;
    to->old = (struct engine_plan_list){0};
    for (size_t i = 0; i < from->old.n; i++) {
        *arena_push(a, &to->old) = from->old.v[i];
    }
    to->stages.v = arena_memdup(a, from->stages.v, from->stages.n * sizeof(*from->stages.v));
    for (size_t i = 0; i < from->stages.n; i++) {
        to->stages.v[i].waiting = (struct str_list){0};
        for (size_t k = 0; k < from->stages.v[i].waiting.n; k++) {
            *arena_push(a, &to->stages.v[i].waiting) = from->stages.v[i].waiting.v[k];
        }
    }
    size_t room = 4;
    while (room < from->executions.n + 1) {
        room *= 2;
    }
    to->executions.v = arena_new_n(a, struct engine_execution, room);
    for (size_t i = 0; i < from->executions.n; i++) {
        const struct engine_execution *e = &from->executions.v[i];
        to->executions.v[i] = *e;
        to->executions.v[i].actions.v =
            arena_memdup(a, e->actions.v, e->actions.n * sizeof(*e->actions.v));
    }
}

int engine_step(struct arena *a, const struct engine_state *state, const struct engine_event *event,
                struct engine_state *ret_state, struct engine_effect_list *ret_effects,
                enum engine_refusal *ret_refusal, struct err *err) {
    static int (*const handlers[])(struct step *, const struct engine_event *) = {
        [EVENT_DEFINE] = on_define,     [EVENT_START] = on_start,
        [EVENT_ACTION] = on_action,     [EVENT_CHECK] = on_check,
        [EVENT_APPROVAL] = on_approval, [EVENT_TRANSITION] = on_transition,
        [EVENT_STOP] = on_stop,         [EVENT_RETRY] = on_retry,
        [EVENT_ROLLBACK] = on_rollback, [EVENT_OVERRIDE] = on_override,
        [EVENT_NEWEST] = on_newest,
    };
    *ret_effects = (struct engine_effect_list){0};
    copy_state(a, state, ret_state);
    struct step t = {
        .arena = a, .s = ret_state, .effects = ret_effects, .seed = event->seed, .err = err};
    int result = handlers[event->kind](&t, event);
    *ret_refusal = t.refusal;
    if (result < 0) {
        *ret_effects = (struct engine_effect_list){0};
        return -1;
    }
    forget(ret_state);
    return 0;
}
