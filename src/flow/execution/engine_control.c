/* What people ask for: approvals, transitions, stops, retries, rollbacks, overrides; the rules are
 * in engine.h. */
#include "flow/execution/engine_internal.h"

/* ---- approvals ---- */

static bool has_approval(const struct engine_plan_stage *p, struct str action) {
    for (size_t i = 0; p != NULL && i < p->actions.n; i++) {
        if (str_eq(p->actions.v[i].name, action) && p->actions.v[i].approval) {
            return true;
        }
    }
    return false;
}

static struct engine_action *action_with_token(struct step *t, const struct engine_event *event,
                                               struct engine_execution **ret_execution) {
    for (size_t i = 0; event->token.n > 0 && i < t->s->executions.n; i++) {
        struct engine_execution *e = &t->s->executions.v[i];
        for (size_t k = 0; str_eq(e->stage, event->stage) && k < e->actions.n; k++) {
            struct engine_action *a = &e->actions.v[k];
            if (str_eq(a->name, event->action) &&
                (PLANTED(approve_by_name) || str_eq(a->token, event->token))) {
                *ret_execution = e;
                return a;
            }
        }
    }
    return NULL;
}

int on_approval(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = NULL;
    struct engine_action *action = action_with_token(t, event, &e);
    if (action == NULL && find_stage(t, event->stage) == NULL) {
        return stage_missing(t, event->stage);
    }
    if (action == NULL &&
        !has_approval(engine_plan_stage_find(&t->s->plan, event->stage), event->action)) {
        return refuse(t, REFUSED_NO_ACTION, "stage '%.*s' has no approval action '%.*s'",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    if (action == NULL) {
        return refuse(t, REFUSED_TOKEN,
                      "the approval token is not the one that waits in %.*s/%.*s; read the current "
                      "one with get-pipeline-state",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    if (action->status != RUN_IN_PROGRESS && !PLANTED(token_reused)) {
        return refuse(t, REFUSED_ANSWERED, "the approval of %.*s/%.*s was answered before",
                      STR_ARG(event->stage), STR_ARG(event->action));
    }
    set_action(t, e, action, event->ok ? RUN_SUCCEEDED : RUN_FAILED);
    actions_changed(t, e);
    return 0;
}

/* Those who wait at a gate run nothing but approvals. */
static bool at_gate(const struct engine_execution *e) {
    bool waits = false;
    for (size_t i = 0; i < e->actions.n; i++) {
        const struct engine_action *a = &e->actions.v[i];
        if (a->status == RUN_IN_PROGRESS) {
            if (!a->approval && !PLANTED(newest_ends_builds)) {
                return false;
            }
            waits = true;
        }
    }
    return waits && e->place == PLACE_STAGE && e->status == EXEC_IN_PROGRESS && !e->cancelling;
}

int on_newest(struct step *t, const struct engine_event *event) {
    struct engine_stage *stage = find_stage(t, event->stage);
    struct engine_execution *e = find_execution(t, event->execution);
    if (stage == NULL) {
        return stage_missing(t, event->stage);
    }
    if (e == NULL || e->parallel || !str_list_has(&stage->waiting, e->id) ||
        !open_for_entry(t, stage)) {
        return refuse(t, REFUSED_NOT_WAITING,
                      "execution '%.*s' does not wait for stage '%.*s' alone",
                      STR_ARG(event->execution), STR_ARG(event->stage));
    }
    struct engine_execution *holder = stage->holder.p ? find_execution(t, stage->holder) : NULL;
    if (holder == NULL || !at_gate(holder) || holder->number > e->number) {
        return refuse(t, REFUSED_NOT_WAITING,
                      "in stage '%.*s' no older execution waits for an approval and nothing else",
                      STR_ARG(event->stage));
    }
    abandon_approvals(t, holder);
    tell_stage(t, holder, STAGE_CANCELLED);
    supersede(t, holder, e->id);
    stop_waiting(t, e);
    struct str_list rest = stage->waiting;
    stage->waiting = (struct str_list){0};
    for (size_t i = 0; i < rest.n; i++) {
        struct engine_execution *other = find_execution(t, rest.v[i]);
        if ((other->number < e->number || PLANTED(supersede_newer)) && !other->parallel) {
            supersede(t, other, e->id);
        } else {
            *arena_push(t->arena, &stage->waiting) = other->id;
        }
    }
    size_t index = 0;
    stage->holder = STR_NONE;
    enter(t, e, plan_stage(t, e, &index));
    return 0;
}

/* ---- transitions ---- */

int on_transition(struct step *t, const struct engine_event *event) {
    struct engine_stage *stage = find_stage(t, event->stage);
    if (stage == NULL) {
        return stage_missing(t, event->stage);
    }
    if (event->inbound) {
        stage->inbound_disabled = !event->ok;
        admit(t, stage);
        return 0;
    }
    stage->outbound_disabled = !event->ok;
    if (stage + 1 < t->s->stages.v + t->s->stages.n) {
        admit(t, stage + 1);
    }
    return 0;
}

/* ---- stopping ---- */

static void kill_running(struct step *t, const struct engine_execution *e) {
    for (size_t i = 0; i < e->actions.n; i++) {
        const struct engine_action *a = &e->actions.v[i];
        if (a->status == RUN_IN_PROGRESS) {
            struct engine_effect *effect = tell(t, EFFECT_KILL_ACTION, e);
            effect->action = a->name;
            effect->action_id = a->id;
        }
    }
}

int on_stop(struct step *t, const struct engine_event *event) {
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
    bool waits = e->place == PLACE_WAITING;
    if (waits) {
        stop_waiting(t, e);
    }
    if (e->status != EXEC_STOPPING) {
        set_status(t, e, EXEC_STOPPING);
    }
    if (waits) {
        end_execution(t, e, EXEC_STOPPED);
        return 0;
    }
    tell_stage(t, e, STAGE_STOPPING);
    e->abandoning = event->abandon;
    if (condition_running(e) != CONDITION_NONE) {
        drop_check(t, e, CONDITION_ABANDONED);
        leave_interrupted(t, e);
        return 0;
    }
    if (!PLANTED(stop_forgets_approval)) {
        abandon_approvals(t, e);
    }
    if (event->abandon && !PLANTED(stop_kills_nothing)) {
        kill_running(t, e);
    }
    if (event->abandon && PLANTED(unlock_before_death)) {
        leave_interrupted(t, e);
        return 0;
    }
    actions_changed(t, e);
    return 0;
}

/* ---- retry, override ---- */

/* The execution that may go on in the stage; NULL: refused. */
static struct engine_execution *latest(struct step *t, const struct engine_event *event) {
    const struct engine_stage *stage = find_stage(t, event->stage);
    struct engine_execution *e = find_execution(t, event->execution);
    bool last = e != NULL && stage != NULL &&
                (e->parallel || PLANTED(retry_not_latest) || PLANTED(retry_without_lock)
                     ? str_eq(e->stage, event->stage)
                     : str_eq(stage->last, e->id));
    if (stage == NULL) {
        (void)stage_missing(t, event->stage);
    } else if (!last) {
        (void)refuse(t, REFUSED_NOT_LATEST,
                     "execution '%.*s' is not the latest in stage '%.*s': only that one can go on "
                     "there",
                     STR_ARG(event->execution), STR_ARG(event->stage));
    }
    return last ? e : NULL;
}

static bool ended_in(struct step *t, const struct engine_execution *e, struct str stage) {
    bool entered = e->actions.n > 0; /* not stopped in front of it */
    return e->place == PLACE_ENDED && entered && str_eq(e->stage, stage) &&
           e->version == t->s->plan.version &&
           (e->parallel || PLANTED(retry_without_lock) || find_stage(t, stage)->holder.p == NULL);
}

static int room_for_one(struct step *t) {
    return t->s->plan.mode == MODE_SUPERSEDED || active_executions(t->s) < ENGINE_MAX_ACTIVE
               ? 0
               : refuse(t, REFUSED_TOO_MANY, "%d executions are in progress: no more can go on",
                        ENGINE_MAX_ACTIVE);
}

/* Takes the stage again, for one more attempt. */
static void take_again(struct step *t, struct engine_execution *e) {
    struct engine_stage *stage = e->parallel ? NULL : find_stage(t, e->stage);
    if (stage != NULL) {
        stage->holder = e->id;
    }
    e->attempt++;
    e->abandoning = false;
    tell_resumed(t, e);
}

int on_retry(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = latest(t, event);
    if (e == NULL) {
        return -1;
    }
    /* failed actions may run again while their siblings still run */
    bool within = (str_eq(e->stage, event->stage) || PLANTED(retry_other_stage)) &&
                  e->place == PLACE_STAGE && e->status == EXEC_IN_PROGRESS && !e->cancelling &&
                  !event->all_actions && any_action(e, RUN_FAILED);
    bool failed = e->status == EXEC_FAILED || e->status == EXEC_STOPPED;
    if (!within && (!failed || !ended_in(t, e, event->stage))) {
        return refuse(t, REFUSED_NOT_RETRYABLE, "stage '%.*s' of execution '%.*s' is %s",
                      STR_ARG(event->stage), STR_ARG(event->execution),
                      exec_status_name(e->status));
    }
    if (!within && room_for_one(t) < 0) {
        return -1;
    }
    e->manual_retries++;
    e->auto_last = false;
    reset_for_retry(e, event->all_actions);
    if (within) {
        if (!PLANTED(retry_beside_not_told)) {
            tell_stage(t, e, STAGE_IN_PROGRESS);
            t->effects->v[t->effects->n - 1].resumed = true;
        }
        actions_changed(t, e);
        return 0;
    }
    take_again(t, e);
    begin_stage(t, e, engine_plan_stage_find(&t->s->plan, e->stage), true);
    return 0;
}

static int not_overridable(struct step *t, const struct engine_event *event) {
    return refuse(t, REFUSED_NOT_OVERRIDABLE,
                  "stage '%.*s' of execution '%.*s' has no %s condition that can be overridden now",
                  STR_ARG(event->stage), STR_ARG(event->execution),
                  condition_kind_name(event->condition));
}

int on_override(struct step *t, const struct engine_event *event) {
    struct engine_execution *e = latest(t, event);
    if (e == NULL) {
        return -1;
    }
    enum condition_kind kind = event->condition;
    size_t index = 0;
    const struct engine_plan_stage *p = plan_stage(t, e, &index);
    bool known =
        p != NULL &&
        (kind == CONDITION_ON_SUCCESS ||
         (kind == CONDITION_BEFORE_ENTRY && (p->entry != RESULT_SKIP || PLANTED(override_skip))));
    bool runs = condition_running(e) == kind && str_eq(e->stage, event->stage);
    bool failed = e->status == EXEC_FAILED && e->failed_by == kind && ended_in(t, e, event->stage);
    if (!known || (!runs && !failed)) {
        return not_overridable(t, event);
    }
    if (failed && room_for_one(t) < 0) {
        return -1;
    }
    if (runs) {
        drop_check(t, e, CONDITION_OVERRIDDEN);
    } else {
        tell_condition(t, e, kind, CONDITION_OVERRIDDEN);
        take_again(t, e);
        tell_stage(t, e, STAGE_IN_PROGRESS);
        t->effects->v[t->effects->n - 1].resumed = true;
    }
    e->failed_by = CONDITION_NONE;
    kind == CONDITION_BEFORE_ENTRY ? run_actions(t, e) : leave_succeeded(t, e);
    return 0;
}

/* ---- rollback ---- */

int on_rollback(struct step *t, const struct engine_event *event) {
    const struct engine_stage *stage = find_stage(t, event->stage);
    if (stage == NULL) {
        return stage_missing(t, event->stage);
    }
    if (t->s->plan.mode == MODE_PARALLEL || stage == t->s->stages.v) {
        return refuse(t, REFUSED_NO_ROLLBACK, "stage '%.*s' cannot be rolled back: it is %s",
                      STR_ARG(event->stage),
                      stage == t->s->stages.v ? "the source stage"
                                              : "of a pipeline in PARALLEL mode");
    }
    if (stage->holder.p != NULL && !PLANTED(rollback_into_held_stage)) {
        return refuse(t, REFUSED_NO_ROLLBACK,
                      "stage '%.*s' cannot be rolled back now: execution '%.*s' is in it",
                      STR_ARG(event->stage), STR_ARG(stage->holder));
    }
    if (room_for_one(t) < 0) {
        return -1;
    }
    roll_back(t, engine_plan_stage_find(&t->s->plan, event->stage), event->execution, NULL);
    return 0;
}
