/* What each event does, before what applies by itself; model.h. */
#include "model_internal.h"

static enum engine_refusal start(struct model *m) {
    if (model_too_many(m)) {
        return REFUSED_TOO_MANY;
    }
    model_arrive(m, model_new_execution(m), 0);
    return REFUSED_NOTHING;
}

static bool current_run(const struct model *m, const struct model_event *ev) {
    return ev->e < m->v.n && model_active(m, ev->e) && m->v.e[ev->e].place >= PLACE_ENTRY &&
           model_stage_of(m, ev->e)->name == ev->stage &&
           m->v.e[ev->e].starts[ev->stage][ev->action] == ev->nth &&
           m->x[ev->e].act[ev->action] == RUN_IN_PROGRESS;
}

static enum engine_refusal action_end(struct model *m, const struct model_event *ev) {
    if (current_run(m, ev)) {
        int how = ev->ok ? RUN_SUCCEEDED : m->x[ev->e].abandoning ? RUN_ABANDONED : RUN_FAILED;
        model_set_run(m, ev->e, ev->action, how);
    }
    return REFUSED_NOTHING;
}

static enum engine_refusal approval(struct model *m, const struct model_event *ev) {
    int pos = model_position(model_now(m), ev->stage);
    if (ev->token_known && current_run(m, ev)) {
        model_set_run(m, ev->e, ev->action, ev->ok ? RUN_SUCCEEDED : RUN_FAILED);
        return REFUSED_NOTHING;
    }
    if (pos < 0 || ev->action >= model_now(m)->s[pos].n ||
        !model_now(m)->s[pos].a[ev->action].approval) {
        return pos < 0 ? REFUSED_NO_STAGE : REFUSED_NO_ACTION;
    }
    return REFUSED_TOKEN;
}

static enum engine_refusal check_end(struct model *m, const struct model_event *ev) {
    int e = ev->e;
    int kind = ev->condition;
    if (!model_active(m, e) || m->x[e].checking != kind ||
        model_stage_of(m, e)->name != ev->stage ||
        m->v.e[e].checks[ev->stage][kind - 1] != ev->nth) {
        return REFUSED_NOTHING;
    }
    const struct model_stage *s = model_stage_of(m, e);
    model_drop_check(m, e,
                     ev->errored ? CONDITION_ERRORED
                     : ev->ok    ? CONDITION_SUCCEEDED
                                 : CONDITION_FAILED);
    if (kind == CONDITION_BEFORE_ENTRY && ev->ok) {
        model_set_place(m, e, PLACE_STAGE);
    } else if (kind == CONDITION_BEFORE_ENTRY && s->entry == RESULT_SKIP && !ev->errored) {
        model_set_stage(m, e, STAGE_SKIPPED); /* "goes on behind the stage" */
        model_next_stage(m, e);
    } else if (kind == CONDITION_ON_SUCCESS && ev->ok) {
        model_stage_done(m, e);
    } else if (kind == CONDITION_ON_SUCCESS && s->success == RESULT_ROLLBACK) {
        model_fail_and_roll_back(m, e, kind);
    } else if (kind == CONDITION_ON_FAILURE && ev->ok) {
        model_fail_and_roll_back(m, e, CONDITION_NONE);
    } else {
        model_fail(m, e, kind == CONDITION_ON_FAILURE ? CONDITION_NONE : kind);
    }
    return REFUSED_NOTHING;
}

static enum engine_refusal transition(struct model *m, const struct model_event *ev) {
    if (model_position(model_now(m), ev->stage) < 0) {
        return REFUSED_NO_STAGE;
    }
    (ev->inbound ? m->v.inbound_off : m->v.outbound_off)[ev->stage] = !ev->ok;
    return REFUSED_NOTHING;
}

/* Whoever waits for no running action is let go at once; approvals "end at once". */
static void wind_up(struct model *m, int e, int check_status) {
    const struct model_stage *s = model_stage_of(m, e);
    model_drop_check(m, e, check_status);
    for (int i = 0; i < s->n; i++) {
        if (m->x[e].act[i] == RUN_IN_PROGRESS && s->a[i].approval) {
            model_set_run(m, e, i, RUN_ABANDONED);
        }
    }
}

static enum engine_refusal stop(struct model *m, const struct model_event *ev) {
    int e = ev->e;
    if (e < 0 || !model_active(m, e)) {
        return REFUSED_NOT_STOPPABLE;
    }
    if (m->v.e[e].status == EXEC_STOPPING && (!ev->abandon || m->x[e].abandoning)) {
        return REFUSED_STOP_TWICE;
    }
    if (m->v.e[e].place == PLACE_WAITING) {
        model_finish(m, e, EXEC_STOPPED);
        return REFUSED_NOTHING;
    }
    m->v.e[e].status = EXEC_STOPPING;
    m->x[e].abandoning = ev->abandon;
    model_set_stage(m, e, STAGE_STOPPING);
    wind_up(m, e, CONDITION_ABANDONED);
    for (int i = 0; ev->abandon && i < model_stage_of(m, e)->n; i++) {
        if (m->x[e].act[i] == RUN_IN_PROGRESS) {
            m->v.e[e].kills[model_stage_of(m, e)->name][i]++;
        }
    }
    return REFUSED_NOTHING;
}

/* "may be retried until another one enters that stage"; of a PARALLEL pipeline whoever failed or
 * was stopped with the current version, the newest fifty. */
static bool latest(const struct model *m, int e, int stage) {
    if (e < 0 || !model_parallel(m, e)) {
        return e >= 0 && m->last[stage] == e;
    }
    if (model_active(m, e) || m->x[e].gone) {
        return model_active(m, e) && model_stage_of(m, e)->name == stage;
    }
    if (m->x[e].plan != m->plans - 1) {
        return false;
    }
    int newer = 0;
    for (int o = e + 1; o < m->v.n; o++) {
        newer += model_parallel(m, o) && !model_active(m, o) && !m->x[o].gone &&
                 m->x[o].plan == m->plans - 1;
    }
    return model_stage_of(m, e)->name == stage && newer < ENGINE_KEPT_PARALLEL;
}

/* What retry and override ask for alike. */
static enum engine_refusal may_ask(const struct model *m, const struct model_event *ev) {
    if (model_position(model_now(m), ev->stage) < 0) {
        return REFUSED_NO_STAGE;
    }
    return latest(m, ev->e, ev->stage) ? REFUSED_NOTHING : REFUSED_NOT_LATEST;
}

static enum engine_refusal retry(struct model *m, const struct model_event *ev) {
    int e = ev->e;
    enum engine_refusal no = may_ask(m, ev);
    if (no != REFUSED_NOTHING) {
        return no;
    }
    bool here = model_stage_of(m, e)->name == ev->stage;
    bool beside = m->v.e[e].status == EXEC_IN_PROGRESS && m->v.e[e].place == PLACE_STAGE && here &&
                  !m->x[e].cancelling && !ev->all_actions && model_count(m, e, RUN_FAILED) > 0;
    bool entered = m->v.e[e].stage[ev->stage] >= 0; /* not stopped in front of it */
    bool ended =
        here && entered && (m->v.e[e].status == EXEC_FAILED || m->v.e[e].status == EXEC_STOPPED);
    if (!beside && !ended) {
        return REFUSED_NOT_RETRYABLE;
    }
    if (beside) { /* "actions still in progress keep going; failed ones re-run" */
        for (int i = 0; i < model_stage_of(m, e)->n; i++) {
            m->x[e].act[i] = m->x[e].act[i] == RUN_FAILED ? RUN_NONE : m->x[e].act[i];
        }
        return REFUSED_NOTHING;
    }
    if (model_too_many(m)) {
        return REFUSED_TOO_MANY;
    }
    m->x[e].abandoning = false;
    model_try_again(m, e, ev->all_actions);
    return REFUSED_NOTHING;
}

static enum engine_refusal rollback(struct model *m, const struct model_event *ev) {
    int pos = model_position(model_now(m), ev->stage);
    if (pos < 0) {
        return REFUSED_NO_STAGE;
    }
    if (m->x[ev->e].plan != m->plans - 1) {
        return REFUSED_OUTDATED;
    }
    if (model_is_rollback(m, ev->e) || m->x[ev->e].good_in[ev->stage] == 0) {
        return REFUSED_NO_ROLLBACK; /* "must have succeeded in that stage ... must itself be
                                       STANDARD" */
    }
    if (pos == 0 || model_now(m)->mode == MODE_PARALLEL || model_holder(m, ev->stage) >= 0) {
        return REFUSED_NO_ROLLBACK;
    }
    if (model_too_many(m)) {
        return REFUSED_TOO_MANY;
    }
    model_roll_back(m, pos, ev->e, false);
    return REFUSED_NOTHING;
}

static enum engine_refusal override(struct model *m, const struct model_event *ev) {
    int e = ev->e;
    enum engine_refusal no = may_ask(m, ev);
    if (no != REFUSED_NOTHING) {
        return no;
    }
    bool checking = m->v.e[e].status == EXEC_IN_PROGRESS && m->x[e].checking == (int)ev->condition;
    bool failed = m->v.e[e].status == EXEC_FAILED && m->x[e].failed_by == (int)ev->condition;
    bool entry = ev->condition == CONDITION_BEFORE_ENTRY;
    if (model_stage_of(m, e)->name != ev->stage || ev->condition == CONDITION_ON_FAILURE ||
        (!checking && !failed) || (entry && model_stage_of(m, e)->entry == RESULT_SKIP)) {
        return REFUSED_NOT_OVERRIDABLE;
    }
    if (failed && model_too_many(m)) {
        return REFUSED_TOO_MANY;
    }
    m->x[e].checking = CONDITION_NONE;
    m->x[e].failed_by = CONDITION_NONE;
    m->v.e[e].check[ev->stage][ev->condition - 1] = CONDITION_OVERRIDDEN;
    m->v.e[e].status = EXEC_IN_PROGRESS;
    model_set_stage(m, e, STAGE_IN_PROGRESS);
    m->v.e[e].attempt[ev->stage] += failed; /* going on after a failure is one more attempt */
    model_set_place(m, e, PLACE_STAGE);
    if (!entry) {
        model_stage_done(m, e);
    }
    return REFUSED_NOTHING;
}

/* "whoever holds the stage runs nothing but approvals" */
static bool at_gate(const struct model *m, int e) {
    int persons = 0;
    for (int i = 0; i < model_stage_of(m, e)->n; i++) {
        if (m->x[e].act[i] == RUN_IN_PROGRESS) {
            if (!model_stage_of(m, e)->a[i].approval) {
                return false;
            }
            persons++;
        }
    }
    return persons > 0 && m->v.e[e].status == EXEC_IN_PROGRESS && !m->x[e].cancelling;
}

/* "retires the older executions at a gate in favour of one that waits behind it; never a newer one"
 */
static enum engine_refusal newest(struct model *m, const struct model_event *ev) {
    if (model_position(model_now(m), ev->stage) < 0) {
        return REFUSED_NO_STAGE;
    }
    int in = model_holder(m, ev->stage);
    bool waits = ev->e >= 0 && m->v.e[ev->e].place == PLACE_WAITING &&
                 m->v.e[ev->e].at == ev->stage && !model_parallel(m, ev->e);
    if (!waits || in < 0 || in > ev->e || !at_gate(m, in) || model_shut(m, ev->e)) {
        return REFUSED_NOT_WAITING;
    }
    for (int e = 0; e < ev->e; e++) {
        if (!model_active(m, e) || m->v.e[e].at != ev->stage || model_parallel(m, e)) {
            continue;
        }
        if (e == in) {
            wind_up(m, e, CONDITION_CANCELLED);
            model_set_stage(m, e, STAGE_CANCELLED);
        }
        model_finish(m, e, EXEC_SUPERSEDED);
        m->v.e[e].by = (int8_t)ev->e;
        m->x[e].gone = true;
    }
    return REFUSED_NOTHING;
}

/* Nobody in a line is held up by another one of PARALLEL: their order is that of starting. */
static void line_up(struct model *m, int stage) {
    int n = 0;
    for (int e = 0; e < m->v.n; e++) {
        if (m->v.e[e].place == PLACE_WAITING && m->v.e[e].at == stage) {
            m->v.wait[stage][n++] = (int8_t)e;
        }
    }
}

static enum engine_refusal define(struct model *m, const struct model_event *ev) {
    m->plan[m->plans++] = *ev->plan;
    memset(m->last, -1, sizeof(m->last));
    memset(m->good, -1, sizeof(m->good));
    for (int s = 0; s < SIM_STAGES; s++) {
        if (model_position(model_now(m), s) < 0) {
            m->v.inbound_off[s] = m->v.outbound_off[s] = 0;
        }
    }
    for (int e = 0; e < m->v.n; e++) {
        if (!model_active(m, e)) {
            m->x[e].gone = true; /* "may be retried ..." by the version that it ran only */
        } else if (model_parallel(m, e)) {
            continue; /* "Executions of a PARALLEL version go on" */
        } else if (m->v.e[e].place == PLACE_WAITING) {
            model_finish(m, e, EXEC_CANCELLED);
            m->x[e].gone = true;
        } else {
            m->x[e].cancelling = true;
            wind_up(m, e, CONDITION_CANCELLED);
        }
    }
    for (int stage = 0; stage < SIM_STAGES; stage++) {
        line_up(m, stage);
    }
    return REFUSED_NOTHING;
}

enum engine_refusal model_take(struct model *m, const struct model_event *ev) {
    switch (ev->kind) {
    case EVENT_DEFINE:
        return define(m, ev);
    case EVENT_START:
        return start(m);
    case EVENT_ACTION:
        return action_end(m, ev);
    case EVENT_CHECK:
        return check_end(m, ev);
    case EVENT_APPROVAL:
        return approval(m, ev);
    case EVENT_TRANSITION:
        return transition(m, ev);
    case EVENT_STOP:
        return stop(m, ev);
    case EVENT_RETRY:
        return retry(m, ev);
    case EVENT_ROLLBACK:
        return rollback(m, ev);
    case EVENT_OVERRIDE:
        return override(m, ev);
    case EVENT_NEWEST:
        return newest(m, ev);
    }
    return REFUSED_NOTHING;
}
