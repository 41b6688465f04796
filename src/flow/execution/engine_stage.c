/* In front of a stage, inside it, out of it; engine_internal.h. */
#include "flow/execution/engine_internal.h"

/* ---- inside: actions ---- */

bool any_action(const struct engine_execution *e, enum run_status status) {
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

/* The lowest run order that is not done; 0 if all are. */
static int current_order(const struct engine_execution *e) {
    int order = 0;
    for (size_t i = 0; i < e->actions.n; i++) {
        const struct engine_action *a = &e->actions.v[i];
        bool open = a->status == RUN_NONE || a->status == RUN_IN_PROGRESS;
        if (open && (order == 0 || a->run_order < order)) {
            order = a->run_order;
        }
    }
    return order;
}

/* Starts what may start now. False: nothing runs, nothing is left. */
static bool start_ready(struct step *t, struct engine_execution *e) {
    int order = current_order(e);
    size_t running = 0;
    for (size_t i = 0; i < e->actions.n; i++) {
        running += e->actions.v[i].status == RUN_IN_PROGRESS;
    }
    for (size_t i = 0; i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        bool room =
            !e->parallel || PLANTED(parallel_cap_ignored) || running < ENGINE_MAX_PARALLEL_ACTIONS;
        if (a->status == RUN_NONE && (a->run_order == order || PLANTED(run_order_ignored)) &&
            room) {
            start_action(t, e, a);
            running++;
        }
    }
    return order > 0;
}

static void reset_actions(struct step *t, struct engine_execution *e,
                          const struct engine_plan_stage *p) {
    e->actions = (struct engine_action_list){0};
    for (size_t i = 0; i < p->actions.n; i++) {
        struct engine_action *a = arena_push(t->arena, &e->actions);
        a->name = p->actions.v[i].name;
        a->run_order = p->actions.v[i].run_order;
        a->approval = p->actions.v[i].approval;
    }
}

void reset_for_retry(struct engine_execution *e, bool all_actions) {
    for (size_t i = 0; i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        bool again = a->status == RUN_FAILED || a->status == RUN_ABANDONED || all_actions;
        if (again && a->status != RUN_IN_PROGRESS) {
            a->status = RUN_NONE;
            a->token = STR_NONE;
        }
    }
}

void abandon_approvals(struct step *t, const struct engine_execution *e) {
    for (size_t i = 0; i < e->actions.n; i++) {
        struct engine_action *a = &e->actions.v[i];
        if (a->approval && a->status == RUN_IN_PROGRESS) {
            set_action(t, e, a, RUN_ABANDONED);
        }
    }
}

/* ---- inside: conditions ---- */

enum condition_kind condition_running(const struct engine_execution *e) {
    return e->place == PLACE_ENTRY     ? CONDITION_BEFORE_ENTRY
           : e->place == PLACE_SUCCESS ? CONDITION_ON_SUCCESS
           : e->place == PLACE_FAILURE ? CONDITION_ON_FAILURE
                                       : CONDITION_NONE;
}

void tell_condition(struct step *t, const struct engine_execution *e, enum condition_kind kind,
                    enum condition_status status) {
    struct engine_effect *effect = tell(t, EFFECT_CONDITION, e);
    effect->action_id = e->check;
    effect->condition = kind;
    effect->condition_status = status;
    effect->attempt = e->attempt;
}

static void begin_check(struct step *t, struct engine_execution *e, enum exec_place place) {
    e->place = place;
    e->check = new_id(t);
    enum condition_kind kind = condition_running(e);
    tell_condition(t, e, kind, CONDITION_IN_PROGRESS);
    struct engine_effect *effect = tell(t, EFFECT_CHECK, e);
    effect->action_id = e->check;
    effect->condition = kind;
}

void drop_check(struct step *t, const struct engine_execution *e, enum condition_status status) {
    enum condition_kind kind = condition_running(e);
    if (kind != CONDITION_NONE) {
        tell_condition(t, e, kind, status);
        struct engine_effect *effect = tell(t, EFFECT_END_CHECK, e);
        effect->action_id = e->check;
        effect->condition = kind;
    }
}

/* ---- in front of a stage ---- */

void begin_stage(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p,
                 bool resumed) {
    tell_stage(t, e, STAGE_IN_PROGRESS);
    t->effects->v[t->effects->n - 1].resumed = resumed;
    e->failed_by = CONDITION_NONE;
    if (p->entry != RESULT_NONE && (e->rollback_of.p == NULL || PLANTED(rollback_meets_entry))) {
        begin_check(t, e, PLACE_ENTRY);
    } else {
        run_actions(t, e);
    }
}

void enter(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p) {
    struct engine_stage *stage = e->parallel ? NULL : find_stage(t, p->name);
    if (stage != NULL) {
        stage->holder = e->id;
        stage->last = e->id;
    }
    e->stage = p->name;
    e->attempt = 1;
    e->auto_retries = 0;
    e->manual_retries = 0;
    reset_actions(t, e, p);
    begin_stage(t, e, p, false);
}

bool open_for_entry(const struct step *t, const struct engine_stage *stage) {
    const struct engine_stage *before = stage > t->s->stages.v ? stage - 1 : NULL;
    return !stage->inbound_disabled &&
           (before == NULL || !before->outbound_disabled || PLANTED(outbound_ignored));
}

static void drop_waiting(struct engine_stage *stage, size_t index) {
    for (size_t i = index + 1; i < stage->waiting.n; i++) {
        stage->waiting.v[i - 1] = stage->waiting.v[i];
    }
    stage->waiting.n--;
}

void admit(struct step *t, struct engine_stage *stage) {
    size_t i = PLANTED(queue_last_first) && stage->waiting.n > 0 ? stage->waiting.n - 1 : 0;
    while (i < stage->waiting.n && open_for_entry(t, stage)) {
        struct engine_execution *e = find_execution(t, stage->waiting.v[i]);
        if (!e->parallel && stage->holder.p != NULL && !PLANTED(two_in_a_stage)) {
            i++;
            continue;
        }
        size_t index = 0;
        const struct engine_plan_stage *p = plan_stage(t, e, &index);
        drop_waiting(stage, i);
        enter(t, e, p);
    }
}

void stop_waiting(struct step *t, const struct engine_execution *e) {
    struct engine_stage *stage = find_stage(t, e->stage);
    for (size_t i = 0; stage != NULL && i < stage->waiting.n; i++) {
        if (str_eq(stage->waiting.v[i], e->id)) {
            drop_waiting(stage, i);
            return;
        }
    }
}

void supersede(struct step *t, struct engine_execution *older, struct str newer) {
    older->place = PLACE_ENDED;
    older->status = EXEC_SUPERSEDED;
    struct engine_effect *effect = tell(t, EFFECT_EXECUTION, older);
    effect->execution_status = EXEC_SUPERSEDED;
    effect->by = newer;
}

/* SUPERSEDED mode has one slot: true if e takes it. */
static bool take_slot(struct step *t, struct engine_execution *e, struct engine_stage *stage) {
    for (size_t i = 0; i < stage->waiting.n; i++) {
        struct engine_execution *other = find_execution(t, stage->waiting.v[i]);
        if (other->parallel) {
            continue; /* left over from a PARALLEL version, held up by the transition only */
        }
        if (PLANTED(older_keeps_slot) || other->number > e->number) {
            supersede(t, e, other->id);
            return false;
        }
        drop_waiting(stage, i);
        supersede(t, other, e->id);
        return true;
    }
    return true;
}

void arrive(struct step *t, struct engine_execution *e, const struct engine_plan_stage *p) {
    struct engine_stage *stage = find_stage(t, p->name);
    e->stage = p->name;
    e->actions = (struct engine_action_list){0};
    if (stage == NULL) { /* a stage of an older version, which PARALLEL executions still run */
        enter(t, e, p);
        return;
    }
    e->place = PLACE_WAITING;
    if (e->parallel || t->s->plan.mode != MODE_SUPERSEDED || take_slot(t, e, stage)) {
        *arena_push(t->arena, &stage->waiting) = e->id;
        admit(t, stage);
    }
}

/* ---- out of a stage ---- */

void end_execution(struct step *t, struct engine_execution *e, enum exec_status status) {
    e->place = PLACE_ENDED;
    set_status(t, e, status);
}

static struct engine_stage *unlock(struct step *t, const struct engine_execution *e) {
    for (size_t i = 0; i < t->s->stages.n; i++) {
        if (str_eq(t->s->stages.v[i].holder, e->id)) {
            t->s->stages.v[i].holder = STR_NONE;
            return &t->s->stages.v[i];
        }
    }
    return NULL;
}

void roll_back(struct step *t, const struct engine_plan_stage *p, struct str target,
               const struct engine_execution *failed) {
    struct engine_execution *e = arena_push(t->arena, &t->s->executions);
    e->id = new_id(t);
    e->number = ++t->s->started;
    e->version = t->s->plan.version;
    e->rollback_of = target;
    e->status = EXEC_IN_PROGRESS;
    e->stage = p->name;
    struct engine_effect *effect = tell(t, EFFECT_ROLLBACK, e);
    effect->by = target;
    effect->automatic = failed != NULL;
    effect->of = failed != NULL ? failed->id : STR_NONE;
    tell(t, EFFECT_EXECUTION, e)->execution_status = EXEC_IN_PROGRESS;
    enter(t, e, p);
}

/* The stage failed. Its lock goes to the rollback, if there is something to go back to. */
static void leave_failed(struct step *t, struct engine_execution *e, bool rollback) {
    size_t index = 0;
    const struct engine_plan_stage *p = plan_stage(t, e, &index);
    tell_stage(t, e, STAGE_FAILED);
    end_execution(t, e, EXEC_FAILED);
    struct engine_stage *stage = unlock(t, e);
    if (stage == NULL) {
        return;
    }
    if (rollback && (index > 0 || PLANTED(rollback_of_source)) &&
        (e->rollback_of.p == NULL || PLANTED(rollback_of_rollback)) && stage->succeeded.p != NULL) {
        roll_back(t, p, stage->succeeded, e);
    } else {
        admit(t, stage);
    }
}

void leave_interrupted(struct step *t, struct engine_execution *e) {
    tell_stage(t, e, e->cancelling ? STAGE_CANCELLED : STAGE_STOPPED);
    end_execution(t, e, e->cancelling ? EXEC_CANCELLED : EXEC_STOPPED);
    struct engine_stage *stage = unlock(t, e);
    if (stage != NULL) {
        admit(t, stage);
    }
}

/* Goes on behind the stage. */
static void leave(struct step *t, struct engine_execution *e, enum stage_status status) {
    size_t index = 0;
    plan_stage(t, e, &index);
    const struct engine_plan *plan = engine_plan_of(t->s, e);
    tell_stage(t, e, status);
    struct engine_stage *stage = unlock(t, e);
    if (stage != NULL && status == STAGE_SUCCEEDED &&
        (e->rollback_of.p == NULL || PLANTED(rollback_to_rollback))) {
        stage->succeeded = e->id;
    }
    if (e->rollback_of.p == NULL && index + 1 < plan->n) {
        arrive(t, e, &plan->v[index + 1]);
    } else {
        end_execution(t, e, EXEC_SUCCEEDED);
    }
    if (stage != NULL) {
        admit(t, stage);
    }
}

void leave_succeeded(struct step *t, struct engine_execution *e) {
    leave(t, e, STAGE_SUCCEEDED);
}

/* ---- what follows ---- */

static void retry_by_itself(struct step *t, struct engine_execution *e,
                            const struct engine_plan_stage *p) {
    tell_stage(t, e, STAGE_FAILED);
    e->attempt++;
    e->auto_retries++;
    e->auto_last = true;
    reset_for_retry(e, p->retry_all);
    tell_resumed(t, e);
    begin_stage(t, e, p, true);
}

static void actions_failed(struct step *t, struct engine_execution *e) {
    size_t index = 0;
    const struct engine_plan_stage *p = plan_stage(t, e, &index);
    if (e->rollback_of.p == NULL && p->failed == RESULT_RETRY &&
        e->auto_retries <= PLANTED(auto_retry_twice)) {
        retry_by_itself(t, e, p);
    } else if (e->rollback_of.p == NULL && p->failure != RESULT_NONE) {
        begin_check(t, e, PLACE_FAILURE);
    } else {
        leave_failed(t, e, p->failed == RESULT_ROLLBACK);
    }
}

static void actions_succeeded(struct step *t, struct engine_execution *e) {
    size_t index = 0;
    const struct engine_plan_stage *p = plan_stage(t, e, &index);
    if (p->success != RESULT_NONE && e->rollback_of.p == NULL) {
        begin_check(t, e, PLACE_SUCCESS);
    } else {
        leave_succeeded(t, e);
    }
}

void actions_changed(struct step *t, struct engine_execution *e) {
    bool failed = any_action(e, RUN_FAILED) || any_action(e, RUN_ABANDONED);
    bool ending = e->cancelling || (e->status == EXEC_STOPPING && !PLANTED(starts_after_stop));
    if (!failed && !ending && start_ready(t, e)) {
        return;
    }
    if (any_action(e, RUN_IN_PROGRESS) && !(failed && PLANTED(siblings_forgotten))) {
        return; /* parallel siblings run to their end first */
    }
    if (ending) {
        leave_interrupted(t, e);
    } else if (failed) {
        actions_failed(t, e);
    } else {
        actions_succeeded(t, e);
    }
}

void run_actions(struct step *t, struct engine_execution *e) {
    e->place = PLACE_STAGE;
    actions_changed(t, e);
}

void check_decided(struct step *t, struct engine_execution *e, bool ok, bool errored) {
    size_t index = 0;
    const struct engine_plan_stage *p = plan_stage(t, e, &index);
    enum condition_kind kind = condition_running(e);
    tell_condition(t, e, kind,
                   ok        ? CONDITION_SUCCEEDED
                   : errored ? CONDITION_ERRORED
                             : CONDITION_FAILED);
    if (kind == CONDITION_ON_FAILURE) {
        leave_failed(t, e, ok && p->failure == RESULT_ROLLBACK);
    } else if (ok) {
        kind == CONDITION_BEFORE_ENTRY ? run_actions(t, e) : leave_succeeded(t, e);
    } else if (kind == CONDITION_BEFORE_ENTRY && p->entry == RESULT_SKIP &&
               (!errored || PLANTED(errored_entry_skips))) {
        leave(t, e, STAGE_SKIPPED);
    } else {
        e->failed_by = kind;
        leave_failed(t, e, kind == CONDITION_ON_SUCCESS && p->success == RESULT_ROLLBACK);
    }
}
