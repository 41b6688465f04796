/* Implementation of model.h. Each rule stands beside the words that it was written from. */
#include "model_internal.h"

const struct model_plan *model_now(const struct model *m) {
    return &m->plan[m->plans - 1];
}
static const struct model_plan *plan_of(const struct model *m, int e) {
    return &m->plan[m->x[e].plan];
}
const struct model_stage *model_stage_of(const struct model *m, int e) {
    return &plan_of(m, e)->s[m->x[e].pos];
}
bool model_parallel(const struct model *m, int e) {
    return plan_of(m, e)->mode == MODE_PARALLEL;
}
bool model_is_rollback(const struct model *m, int e) {
    return m->v.e[e].target >= 0;
}
bool model_active(const struct model *m, int e) {
    return m->v.e[e].status == EXEC_IN_PROGRESS || m->v.e[e].status == EXEC_STOPPING;
}
int model_position(const struct model_plan *p, int name) {
    for (int i = 0; i < p->n; i++) {
        if (p->s[i].name == name) {
            return i;
        }
    }
    return -1;
}

/* "In QUEUED and PARALLEL at most 50 executions are active." */
bool model_too_many(const struct model *m) {
    int n = 0;
    for (int e = 0; e < m->v.n; e++) {
        n += model_active(m, e);
    }
    return model_now(m)->mode != MODE_SUPERSEDED && n >= ENGINE_MAX_ACTIVE;
}

/* ---- what is seen ---- */

void model_set_place(struct model *m, int e, int place) {
    m->v.e[e].place = (int8_t)(model_active(m, e) ? place : -1);
    m->v.e[e].at = (int8_t)(model_active(m, e) ? model_stage_of(m, e)->name : -1);
}

void model_set_stage(struct model *m, int e, int status) {
    m->v.e[e].stage[model_stage_of(m, e)->name] = (int8_t)status;
}

static void leave_line(struct model *m, int e) {
    for (int s = 0; s < SIM_STAGES; s++) {
        for (int i = 0; i < m->v.waits[s]; i++) {
            if (m->v.wait[s][i] == e) {
                int8_t *at = &m->v.wait[s][i];
                memmove(at, at + 1, (size_t)(m->v.waits[s] - i - 1));
                m->v.wait[s][--m->v.waits[s]] = -1;
            }
        }
    }
}

/* "a stage holds one execution at a time, from entry to end"; -1: nobody. */
int model_holder(const struct model *m, int stage) {
    for (int e = 0; e < m->v.n; e++) {
        if (m->v.e[e].at == stage && m->v.e[e].place != PLACE_WAITING && !model_parallel(m, e)) {
            return e;
        }
    }
    return -1;
}

void model_finish(struct model *m, int e, int status) {
    m->v.e[e].status = (int8_t)status;
    model_set_place(m, e, -1);
    leave_line(m, e);
}

void model_drop_check(struct model *m, int e, int status) {
    int kind = m->x[e].checking;
    if (kind != CONDITION_NONE) {
        m->v.e[e].check[model_stage_of(m, e)->name][kind - 1] = (int8_t)status;
        m->x[e].checking = CONDITION_NONE;
    }
}

static void begin_check(struct model *m, int e, int kind, int place) {
    int s = model_stage_of(m, e)->name;
    m->x[e].checking = (int8_t)kind;
    m->v.e[e].checks[s][kind - 1]++;
    m->v.e[e].check[s][kind - 1] = CONDITION_IN_PROGRESS;
    model_set_place(m, e, place);
}

void model_set_run(struct model *m, int e, int action, int status) {
    m->x[e].act[action] = (int8_t)status;
    m->v.e[e].run[model_stage_of(m, e)->name][action] = (int8_t)status;
}

int model_count(const struct model *m, int e, int status) {
    int n = 0;
    for (int i = 0; i < model_stage_of(m, e)->n; i++) {
        n += m->x[e].act[i] == status;
    }
    return n;
}

/* ---- in front of a stage, and into it ---- */

/* "in one slot; a newer execution that arrives there supersedes the older one" */
void model_arrive(struct model *m, int e, int pos) {
    m->x[e].pos = (int8_t)pos;
    int s = model_stage_of(m, e)->name;
    if (!model_parallel(m, e) && plan_of(m, e)->mode == MODE_SUPERSEDED) {
        for (int i = 0; i < m->v.waits[s]; i++) {
            int other = m->v.wait[s][i];
            if (!model_parallel(m, other)) {
                model_finish(m, other, EXEC_SUPERSEDED);
                m->v.e[other].by = (int8_t)e;
                m->x[other].gone = true;
                break;
            }
        }
    }
    m->v.wait[s][m->v.waits[s]++] = (int8_t)e;
    model_set_place(m, e, PLACE_WAITING);
}

/* What a visit begins with: a check, unless there is none or it is a rollback ("not held to the
 * stage's conditions"). */
static void begin_visit(struct model *m, int e) {
    const struct model_stage *s = model_stage_of(m, e);
    m->v.e[e].status = EXEC_IN_PROGRESS;
    m->x[e].failed_by = CONDITION_NONE;
    m->v.e[e].stage[s->name] = STAGE_IN_PROGRESS;
    m->v.e[e].attempt[s->name]++;
    if (s->entry != RESULT_NONE && !model_is_rollback(m, e)) {
        begin_check(m, e, CONDITION_BEFORE_ENTRY, PLACE_ENTRY);
    } else {
        model_set_place(m, e, PLACE_STAGE);
    }
}

static void enter(struct model *m, int e) {
    const struct model_stage *s = model_stage_of(m, e);
    leave_line(m, e);
    if (!model_parallel(m, e)) {
        m->last[s->name] = (int8_t)e;
    }
    m->x[e].autos = 0;
    m->v.e[e].attempt[s->name] = 0;
    memset(m->x[e].act, RUN_NONE, sizeof(m->x[e].act));
    begin_visit(m, e);
}

void model_next_stage(struct model *m, int e) {
    if (model_is_rollback(m, e) || m->x[e].pos + 1 == plan_of(m, e)->n) {
        model_finish(m, e, EXEC_SUCCEEDED);
        m->x[e].gone = true;
    } else {
        model_arrive(m, e, m->x[e].pos + 1);
    }
}

void model_stage_done(struct model *m, int e) {
    int s = model_stage_of(m, e)->name;
    model_set_stage(m, e, STAGE_SUCCEEDED);
    m->x[e].good_in[s] = (int16_t)(1 + m->x[e].plan);
    if (!model_is_rollback(m, e) && m->x[e].plan == m->plans - 1) {
        m->good[s] = (int8_t)e;
    }
    model_next_stage(m, e);
}

/* ---- failures ---- */

void model_fail(struct model *m, int e, int by) {
    m->x[e].failed_by = (int8_t)by;
    model_set_stage(m, e, STAGE_FAILED);
    model_finish(m, e, EXEC_FAILED);
}

int model_new_execution(struct model *m) {
    int e = m->v.n++;
    m->x[e] = (struct model_execution){.plan = (int8_t)(m->plans - 1)};
    m->v.e[e].status = EXEC_IN_PROGRESS;
    return e;
}

void model_roll_back(struct model *m, int pos, int target, bool automatic) {
    int e = model_new_execution(m);
    m->v.e[e].target = (int8_t)target;
    m->v.e[e].automatic = automatic;
    m->x[e].pos = (int8_t)pos;
    enter(m, e);
}

/* "a new execution of that stage alone, with what the stage's newest success had taken ... follows
 * the failed one directly, in front of all who wait" */
void model_fail_and_roll_back(struct model *m, int e, int by) {
    const struct model_stage *s = model_stage_of(m, e);
    int target = m->good[s->name];
    bool can = m->x[e].pos > 0 && !model_parallel(m, e) && !model_is_rollback(m, e) &&
               target >= 0 && m->x[e].plan == m->plans - 1;
    int pos = m->x[e].pos;
    model_fail(m, e, by);
    if (can) {
        model_roll_back(m, pos, target, true);
    }
}

void model_try_again(struct model *m, int e, bool all) {
    for (int i = 0; i < SIM_ACTIONS; i++) {
        if (all || m->x[e].act[i] != RUN_SUCCEEDED) {
            m->x[e].act[i] = RUN_NONE;
        }
    }
    begin_visit(m, e);
}

/* An action has failed, and none runs any more. */
static void on_failure(struct model *m, int e) {
    const struct model_stage *s = model_stage_of(m, e);
    if (s->failed == RESULT_RETRY && m->x[e].autos == 0 && !model_is_rollback(m, e)) {
        m->x[e].autos = 1;
        model_try_again(m, e, s->retry_all);
    } else if (s->failed == RESULT_ROLLBACK) {
        model_fail_and_roll_back(m, e, CONDITION_NONE);
    } else if (s->failure == RESULT_ROLLBACK && !model_is_rollback(m, e)) {
        begin_check(m, e, CONDITION_ON_FAILURE, PLACE_FAILURE);
    } else {
        model_fail(m, e, CONDITION_NONE);
    }
}

/* ---- rules that apply by themselves ---- */

/* A transition in front of it is disabled; who still runs a stage that the current version does not
 * have meets none. */
bool model_shut(const struct model *m, int e) {
    const struct model_plan *p = model_now(m);
    int pos = model_position(p, model_stage_of(m, e)->name);
    return pos >= 0 &&
           (m->v.inbound_off[p->s[pos].name] || (pos > 0 && m->v.outbound_off[p->s[pos - 1].name]));
}

static bool may_enter(const struct model *m, int e) {
    int s = model_stage_of(m, e)->name;
    if (model_shut(m, e) || model_parallel(m, e)) {
        return !model_shut(m, e);
    }
    for (int i = 0; i < m->v.waits[s] && m->v.wait[s][i] != e; i++) {
        if (!model_parallel(m, m->v.wait[s][i])) {
            return false; /* another one is first */
        }
    }
    return model_holder(m, s) < 0;
}

/* "Stop lets running actions end before the lock is given back"; "running actions end first" */
static bool ends_here(struct model *m, int e) {
    if (!m->x[e].cancelling && m->v.e[e].status != EXEC_STOPPING) {
        return false;
    }
    if (model_count(m, e, RUN_IN_PROGRESS) > 0) {
        return false;
    }
    bool stopped = !m->x[e].cancelling; /* a new version cancels also what is being stopped */
    model_set_stage(m, e, stopped ? STAGE_STOPPED : STAGE_CANCELLED);
    model_finish(m, e, stopped ? EXEC_STOPPED : EXEC_CANCELLED);
    m->x[e].gone = !stopped;
    return true;
}

/* "run order by run order"; "at most five actions of an execution run at a time" */
static bool start_one(struct model *m, int e) {
    const struct model_stage *s = model_stage_of(m, e);
    int group = 1000;
    for (int i = 0; i < s->n; i++) {
        if (m->x[e].act[i] != RUN_SUCCEEDED && s->a[i].order < group) {
            group = s->a[i].order;
        }
    }
    if (model_count(m, e, RUN_FAILED) + model_count(m, e, RUN_ABANDONED) > 0 ||
        (model_parallel(m, e) &&
         model_count(m, e, RUN_IN_PROGRESS) >= ENGINE_MAX_PARALLEL_ACTIONS)) {
        return false;
    }
    for (int i = 0; i < s->n; i++) {
        if (m->x[e].act[i] == RUN_NONE && s->a[i].order == group) {
            m->v.e[e].starts[s->name][i]++;
            model_set_run(m, e, i, RUN_IN_PROGRESS);
            return true;
        }
    }
    return false;
}

static bool go_on(struct model *m, int e) {
    const struct model_stage *s = model_stage_of(m, e);
    int place = m->v.e[e].place;
    if (place == PLACE_WAITING) {
        if (may_enter(m, e)) {
            enter(m, e);
            return true;
        }
        return false;
    }
    if (ends_here(m, e)) {
        return true;
    }
    if (place != PLACE_STAGE || m->x[e].cancelling || m->v.e[e].status == EXEC_STOPPING) {
        return false;
    }
    if (model_count(m, e, RUN_SUCCEEDED) == s->n) {
        if (s->success != RESULT_NONE && !model_is_rollback(m, e)) {
            begin_check(m, e, CONDITION_ON_SUCCESS, PLACE_SUCCESS);
        } else {
            model_stage_done(m, e);
        }
        return true;
    }
    if (start_one(m, e)) {
        return true;
    }
    if (model_count(m, e, RUN_FAILED) + model_count(m, e, RUN_ABANDONED) > 0 &&
        model_count(m, e, RUN_IN_PROGRESS) == 0) {
        on_failure(m, e);
        return true;
    }
    return false;
}

static void settle(struct model *m) {
    bool again = true;
    while (again) {
        again = false;
        for (int e = 0; e < m->v.n && e < SIM_EXECUTIONS - 1; e++) {
            again |= model_active(m, e) && go_on(m, e);
        }
    }
}

/* ---- the model ---- */

void model_init(struct model *m) {
    memset(m, 0, sizeof(*m));
    sim_view_init(&m->v);
    memset(m->last, -1, sizeof(m->last));
    memset(m->good, -1, sizeof(m->good));
}

enum engine_refusal model_step(struct model *m, const struct model_event *event) {
    enum engine_refusal refusal = model_take(m, event);
    settle(m);
    for (int s = 0; s < SIM_STAGES; s++) {
        m->v.holder[s] =
            (int8_t)(m->plans > 0 && model_position(model_now(m), s) >= 0 ? model_holder(m, s)
                                                                          : -1);
    }
    return refusal;
}
