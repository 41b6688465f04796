/* Implementation of engine_step; see engine.h for the rules. Each event has one function; what they
 * share (arrive, enter, leave) is in stage order: in front of a stage, inside it, out of it. */
#include "flow/execution/engine.h"

#include "flow/execution/ids.h"

struct step {
    struct arena *arena;
    struct engine_state *s;
    struct engine_effect_list *effects;
    struct str seed;
    unsigned ids; /* made so far */
    enum engine_refusal refusal;
    struct err *err;
};

static int refuse(struct step *t, enum engine_refusal why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct step *t, enum engine_refusal why, const char *fmt, ...) {
    t->refusal = why;
    va_list args;
    va_start(args, fmt);
    err_vset(t->err, why == REFUSED_NO_STAGE || why == REFUSED_NO_ACTION ||
                             why == REFUSED_NO_EXECUTION
                         ? ERR_NOT_FOUND
                         : ERR_CONFLICT,
             fmt, args);
    va_end(args);
    return -1;
}

/* ---- finding ---- */

static struct engine_execution *find_execution(struct step *t, struct str id) {
    return (struct engine_execution *)engine_find(t->s, id);
}

static struct engine_stage *find_stage(struct step *t, struct str name) {
    return (struct engine_stage *)engine_stage_find(t->s, name);
}

static const struct engine_plan_stage *plan_of(const struct step *t, struct str stage, size_t *ret_index) {
    for (size_t i = 0; i < t->s->plan.n; i++) {
        if (str_eq(t->s->plan.v[i].name, stage)) {
            *ret_index = i;
            return &t->s->plan.v[i];
        }
    }
    return NULL;
}

/* ---- telling ---- */

static struct engine_effect *tell(struct step *t, enum effect_kind kind,
                                  const struct engine_execution *e) {
    struct engine_effect *effect = arena_push(t->arena, t->effects);
    effect->kind = kind;
    effect->execution = e->id;
    effect->stage = e->stage;
    return effect;
}

static void set_status(struct step *t, struct engine_execution *e, enum exec_status status) {
    if (e->status != status) {
        e->status = status;
        tell(t, EFFECT_EXECUTION, e)->execution_status = status;
    }
}

static void tell_stage(struct step *t, const struct engine_execution *e, enum stage_status status) {
    tell(t, EFFECT_STAGE, e)->stage_status = status;
}

static void set_action(struct step *t, const struct engine_execution *e, struct engine_action *a,
                       enum run_status status) {
    a->status = status;
    struct engine_effect *effect = tell(t, EFFECT_ACTION, e);
    effect->action = a->name;
    effect->action_id = a->id;
    effect->token = a->token;
    effect->approval = a->approval;
    effect->action_status = status;
}

static struct str new_id(struct step *t) {
    return engine_uuid(t->arena, t->seed, t->ids++);
}

/* ---- inside a stage ---- */

static bool any(const struct engine_execution *e, enum run_status status) {
    for (size_t i = 0; i < e->actions.n; i++) {
        if (e->actions.v[i].status == status) {
            return true;
        }
    }
    return false;
}

static void start_action(struct step *t, struct engine_execution *e, struct engine_action *a) {
    a->id = new_id(t);
    a->token = a->approval ? new_id(t) : STR_NONE;
    set_action(t, e, a, RUN_IN_PROGRESS);
    struct engine_effect *effect = tell(t, EFFECT_START_ACTION, e);
    effect->action = a->name;
    effect->action_id = a->id;
    effect->token = a->token;
    effect->approval = a->approval;
}

/* Starts the lowest run order that still has actions to do. False if there is none left. */
static bool start_next_group(struct step *t, struct engine_execution *e) {
    int order = 0;
    for (size_t i = 0; i < e->actions.n; i++) {
        const struct engine_action *a = &e->actions.v[i];
        if (a->status == RUN_NONE && (order == 0 || a->run_order < order)) {
            order = a->run_order;
        }
    }
    for (size_t i = 0; order > 0 && i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if (a->status == RUN_NONE && a->run_order == order) {
            start_action(t, e, a);
        }
    }
    return order > 0;
}

static void reset_actions(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p) {
    e->actions = (struct engine_action_list){0};
    for (size_t i = 0; i < p->actions.n; i++) {
        struct engine_action *a = arena_push(t->arena, &e->actions);
        a->name = p->actions.v[i].name;
        a->run_order = p->actions.v[i].run_order;
        a->approval = p->actions.v[i].approval;
    }
}

static void arrive(struct step *t, struct engine_execution *e, size_t index);

/* ---- in front of a stage ---- */

static void begin_stage(struct step *t, struct engine_execution *e, bool entry, bool resumed) {
    struct engine_effect *effect = tell(t, EFFECT_STAGE, e);
    effect->stage_status = STAGE_IN_PROGRESS;
    effect->resumed = resumed;
    if (entry) {
        e->place = PLACE_ENTRY;
        e->check_failed = false;
        e->check = new_id(t);
        tell(t, EFFECT_CHECK, e)->action_id = e->check;
        return;
    }
    e->place = PLACE_STAGE;
    start_next_group(t, e);
}

static void enter(struct step *t, struct engine_execution *e, size_t index) {
    struct engine_stage *stage = &t->s->stages.v[index];
    stage->holder = e->id;
    stage->last = e->id;
    e->attempt = 1;
    reset_actions(t, e, &t->s->plan.v[index]);
    begin_stage(t, e, t->s->plan.v[index].entry_condition, false);
}

static bool open_for_entry(const struct step *t, size_t index) {
    const struct engine_stage *stage = &t->s->stages.v[index];
    bool blocked = stage->inbound_disabled || (index > 0 && t->s->stages.v[index - 1].outbound_disabled);
    return stage->holder.p == NULL && !blocked;
}

static void admit(struct step *t, size_t index) {
    struct engine_stage *stage = &t->s->stages.v[index];
    if (stage->waiting.p == NULL || !open_for_entry(t, index)) {
        return;
    }
    struct engine_execution *e = find_execution(t, stage->waiting);
    stage->waiting = STR_NONE;
    enter(t, e, index);
}

static void end_execution(struct step *t, struct engine_execution *e, enum exec_status status) {
    e->place = PLACE_ENDED;
    set_status(t, e, status);
}

static void supersede(struct step *t, struct engine_execution *older, struct str newer) {
    older->place = PLACE_ENDED;
    older->status = EXEC_SUPERSEDED;
    struct engine_effect *effect = tell(t, EFFECT_EXECUTION, older);
    effect->execution_status = EXEC_SUPERSEDED;
    effect->by = newer;
}

static void arrive(struct step *t, struct engine_execution *e, size_t index) {
    struct engine_stage *stage = &t->s->stages.v[index];
    e->stage = stage->name;
    e->place = PLACE_WAITING;
    e->actions = (struct engine_action_list){0};
    if (stage->waiting.p != NULL) {
        struct engine_execution *other = find_execution(t, stage->waiting);
        if (other->number > e->number) {
            supersede(t, e, other->id);
            return;
        }
        supersede(t, other, e->id);
    }
    stage->waiting = e->id;
    admit(t, index);
}

/* ---- out of a stage ---- */

static void unlock(struct step *t, const struct engine_execution *e) {
    for (size_t i = 0; i < t->s->stages.n; i++) {
        if (str_eq(t->s->stages.v[i].holder, e->id)) {
            t->s->stages.v[i].holder = STR_NONE;
            admit(t, i);
        }
    }
}

static void leave_failed(struct step *t, struct engine_execution *e) {
    tell_stage(t, e, STAGE_FAILED);
    end_execution(t, e, EXEC_FAILED);
    unlock(t, e);
}

static void leave_interrupted(struct step *t, struct engine_execution *e) {
    tell_stage(t, e, e->cancelling ? STAGE_CANCELLED : STAGE_STOPPED);
    end_execution(t, e, e->cancelling ? EXEC_CANCELLED : EXEC_STOPPED);
    unlock(t, e);
}

static void leave_succeeded(struct step *t, struct engine_execution *e) {
    size_t index = 0;
    plan_of(t, e->stage, &index);
    tell_stage(t, e, STAGE_SUCCEEDED);
    t->s->stages.v[index].holder = STR_NONE;
    if (index + 1 < t->s->plan.n) {
        arrive(t, e, index + 1);
    } else {
        end_execution(t, e, EXEC_SUCCEEDED);
    }
    admit(t, index);
}

/* Called whenever an action of e has ended: what follows? */
static void go_on(struct step *t, struct engine_execution *e) {
    if (any(e, RUN_IN_PROGRESS)) {
        return; /* parallel siblings run to their end first */
    }
    if (e->cancelling || e->status == EXEC_STOPPING) {
        leave_interrupted(t, e);
    } else if (any(e, RUN_FAILED) || any(e, RUN_ABANDONED)) {
        leave_failed(t, e);
    } else if (!start_next_group(t, e)) {
        leave_succeeded(t, e);
    }
}

/* ---- the events ---- */

static void cancel(struct step *t, struct engine_execution *e) {
    if (e->place == PLACE_ENDED) {
        return;
    }
    e->cancelling = true;
    if (e->place == PLACE_STAGE && any(e, RUN_IN_PROGRESS)) {
        for (size_t i = 0; i < e->actions.n; i++) {
            struct engine_action *a = &e->actions.v[i];
            if (a->approval && a->status == RUN_IN_PROGRESS) {
                set_action(t, e, a, RUN_ABANDONED); /* nobody can answer it any more */
            }
        }
        if (any(e, RUN_IN_PROGRESS)) {
            return;
        }
    }
    if (e->place != PLACE_WAITING) {
        tell_stage(t, e, STAGE_CANCELLED);
    }
    end_execution(t, e, EXEC_CANCELLED);
}

static int on_define(struct step *t, const struct engine_event *event) {
    for (size_t i = 0; i < t->s->executions.n; i++) {
        cancel(t, &t->s->executions.v[i]);
    }
    struct engine_stage_list old = t->s->stages;
    t->s->plan = event->plan;
    t->s->stages = (struct engine_stage_list){0};
    for (size_t i = 0; i < event->plan.n; i++) {
        struct engine_stage *stage = arena_push(t->arena, &t->s->stages);
        stage->name = event->plan.v[i].name;
        for (size_t k = 0; k < old.n; k++) {
            if (!str_eq(old.v[k].name, stage->name)) {
                continue;
            }
            const struct engine_execution *holder =
                old.v[k].holder.p ? find_execution(t, old.v[k].holder) : NULL;
            bool held = holder != NULL && holder->place != PLACE_ENDED;
            stage->holder = held ? old.v[k].holder : STR_NONE;
            stage->inbound_disabled = old.v[k].inbound_disabled;
            stage->outbound_disabled = old.v[k].outbound_disabled;
        }
    }
    return 0;
}

static int on_start(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = arena_push(t->arena, &t->s->executions);
    e->id = event->execution;
    e->number = ++t->s->started;
    e->version = t->s->plan.version;
    e->status = EXEC_IN_PROGRESS;
    e->stage = t->s->plan.v[0].name;
    tell(t, EFFECT_EXECUTION, e)->execution_status = EXEC_IN_PROGRESS;
    arrive(t, e, 0);
    return 0;
}

static struct engine_action *running_action(struct engine_execution *e, struct str id) {
    for (size_t i = 0; e != NULL && i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if (str_eq(a->id, id) && a->status == RUN_IN_PROGRESS) {
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
    go_on(t, e);
    return 0;
}

static int on_check(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = find_execution(t, event->execution);
    if (e == NULL || e->place != PLACE_ENTRY || !str_eq(e->check, event->action_id)) {
        return 0;
    }
    if (e->cancelling || e->status == EXEC_STOPPING) {
        leave_interrupted(t, e);
    } else if (!event->ok) {
        e->check_failed = true;
        leave_failed(t, e);
    } else {
        e->place = PLACE_STAGE;
        if (!start_next_group(t, e)) {
            leave_succeeded(t, e);
        }
    }
    return 0;
}

static int on_approval(struct step *t, const struct engine_event *event) {
    struct engine_stage *stage = find_stage(t, event->stage);
    if (stage == NULL) {
        return refuse(t, REFUSED_NO_STAGE, "there is no stage '%.*s'", STR_ARG(event->stage));
    }
    struct engine_execution *e = stage->last.p ? find_execution(t, stage->last) : NULL;
    struct engine_action *action = NULL;
    for (size_t i = 0; e != NULL && i < e->actions.n; i++) {
        if (str_eq(e->actions.v[i].name, event->action) && e->actions.v[i].approval) {
            action = &e->actions.v[i];
        }
    }
    size_t index = 0;
    const struct engine_plan_stage *plan = plan_of(t, event->stage, &index);
    bool known = false;
    for (size_t i = 0; i < plan->actions.n; i++) {
        known = known || (str_eq(plan->actions.v[i].name, event->action) && plan->actions.v[i].approval);
    }
    if (!known) {
        return refuse(t, REFUSED_NO_ACTION, "stage '%.*s' has no approval action '%.*s'",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    if (action == NULL || action->token.p == NULL || !str_eq(action->token, event->token)) {
        return refuse(t, REFUSED_TOKEN,
                      "the approval token is not the one that waits in %.*s/%.*s; read the current "
                      "one with get-pipeline-state",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    if (action->status != RUN_IN_PROGRESS) {
        return refuse(t, REFUSED_ANSWERED, "the approval of %.*s/%.*s was answered before",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    set_action(t, e, action, event->ok ? RUN_SUCCEEDED : RUN_FAILED);
    go_on(t, e);
    return 0;
}

static int on_transition(struct step *t, const struct engine_event *event) {
    size_t index = 0;
    if (plan_of(t, event->stage, &index) == NULL) {
        return refuse(t, REFUSED_NO_STAGE, "there is no stage '%.*s'", STR_ARG(event->stage));
    }
    struct engine_stage *stage = &t->s->stages.v[index];
    if (event->inbound) {
        stage->inbound_disabled = !event->ok;
        admit(t, index);
    } else {
        stage->outbound_disabled = !event->ok;
        if (index + 1 < t->s->stages.n) {
            admit(t, index + 1);
        }
    }
    return 0;
}

static void stop_waiting(struct step *t, struct engine_execution *e) {
    struct engine_stage *stage = find_stage(t, e->stage);
    stage->waiting = STR_NONE;
    set_status(t, e, EXEC_STOPPING);
    end_execution(t, e, EXEC_STOPPED);
}

/* Ends what waits for a person at once; what runs is left to end, or killed. */
static void stop_running(struct step *t, struct engine_execution *e, bool abandon) {
    for (size_t i = 0; i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if (a->status != RUN_IN_PROGRESS) {
            continue;
        }
        if (a->approval) {
            set_action(t, e, a, RUN_ABANDONED);
        } else if (abandon) {
            struct engine_effect *effect = tell(t, EFFECT_KILL_ACTION, e);
            effect->action = a->name;
            effect->action_id = a->id;
        }
    }
}

static int on_stop(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = find_execution(t, event->execution);
    if (e == NULL) {
        return refuse(t, REFUSED_NO_EXECUTION, "execution '%.*s' is not in progress",
                      STR_ARG(event->execution));
    }
    if (e->status == EXEC_STOPPING && (!event->abandon || e->abandoning)) {
        return refuse(t, REFUSED_STOP_TWICE, "execution '%.*s' is stopping already",
                      STR_ARG(event->execution));
    }
    if (e->status != EXEC_IN_PROGRESS && e->status != EXEC_STOPPING) {
        return refuse(t, REFUSED_NOT_STOPPABLE, "execution '%.*s' has ended: %s",
                      STR_ARG(event->execution), exec_status_name(e->status));
    }
    if (e->place == PLACE_WAITING) {
        stop_waiting(t, e);
        return 0;
    }
    if (e->status != EXEC_STOPPING) {
        set_status(t, e, EXEC_STOPPING);
        tell_stage(t, e, STAGE_STOPPING);
    }
    e->abandoning = event->abandon;
    if (e->place == PLACE_ENTRY) {
        leave_interrupted(t, e);
        return 0;
    }
    stop_running(t, e, event->abandon);
    go_on(t, e);
    return 0;
}

static void reset_for_retry(struct engine_execution *e, bool all_actions) {
    for (size_t i = 0; i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if (all_actions || a->status != RUN_SUCCEEDED) {
            a->status = RUN_NONE;
            a->token = STR_NONE;
        }
    }
}

static int on_retry(struct step *t, const struct engine_event *event) {
    size_t index = 0;
    const struct engine_plan_stage *plan = plan_of(t, event->stage, &index);
    if (plan == NULL) {
        return refuse(t, REFUSED_NO_STAGE, "there is no stage '%.*s'", STR_ARG(event->stage));
    }
    struct engine_execution *e = find_execution(t, event->execution);
    struct engine_stage *stage = &t->s->stages.v[index];
    if (e == NULL || !str_eq(stage->last, e->id)) {
        return refuse(t, REFUSED_NOT_LATEST,
                      "execution '%.*s' is not the latest in stage '%.*s': only that one can be "
                      "retried",
                      STR_ARG(event->execution), STR_ARG(event->stage));
    }
    bool ended_here = (e->status == EXEC_FAILED || e->status == EXEC_STOPPED) &&
                      str_eq(e->stage, event->stage) && e->version == t->s->plan.version;
    if (!ended_here || stage->holder.p != NULL) {
        return refuse(t, REFUSED_NOT_RETRYABLE, "stage '%.*s' of execution '%.*s' is %s",
                      STR_ARG(event->stage), STR_ARG(event->execution), exec_status_name(e->status));
    }
    stage->holder = e->id;
    e->attempt++;
    e->abandoning = false;
    e->status = EXEC_IN_PROGRESS;
    struct engine_effect *effect = tell(t, EFFECT_EXECUTION, e);
    effect->execution_status = EXEC_IN_PROGRESS;
    effect->resumed = true;
    reset_for_retry(e, event->all_actions);
    begin_stage(t, e, plan->entry_condition, true);
    return 0;
}

/* ---- the step ---- */

/* Ended executions stay only while a stage names them: they may be retried or asked about. */
static void forget(struct engine_state *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->executions.n; i++) {
        const struct engine_execution *e = &s->executions.v[i];
        bool named = e->place != PLACE_ENDED;
        for (size_t k = 0; k < s->stages.n && !named; k++) {
            named = str_eq(s->stages.v[k].last, e->id) || str_eq(s->stages.v[k].holder, e->id);
        }
        if (named) {
            s->executions.v[kept++] = *e;
        }
    }
    s->executions.n = kept;
}

/* Copies what a step may change; names and ids are shared. Room for one more execution, so that
 * pointers into the list stay good while the step runs. */
static void copy_state(struct arena *a, const struct engine_state *from, struct engine_state *to) {
    *to = *from;
    to->stages.v = arena_memdup(a, from->stages.v, from->stages.n * sizeof(*from->stages.v));
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
        [EVENT_DEFINE] = on_define,         [EVENT_START] = on_start,
        [EVENT_ACTION] = on_action,         [EVENT_CHECK] = on_check,
        [EVENT_APPROVAL] = on_approval,     [EVENT_TRANSITION] = on_transition,
        [EVENT_STOP] = on_stop,             [EVENT_RETRY] = on_retry,
    };
    *ret_effects = (struct engine_effect_list){0};
    copy_state(a, state, ret_state);
    struct step t = {.arena = a, .s = ret_state, .effects = ret_effects, .seed = event->seed, .err = err};
    int result = handlers[event->kind](&t, event);
    *ret_refusal = t.refusal;
    if (result < 0) {
        *ret_effects = (struct engine_effect_list){0};
        return -1;
    }
    forget(ret_state);
    return 0;
}
