/* From rows to what can be seen; store.h. */
#include "store.h"

#include <stdio.h>

static bool bad(struct store_layer *l, const struct err *err) {
    return sim_wrong(l->w, "store: %s", err->msg);
}

static int which(int n, const char *(*name)(int), struct str status) {
    for (int i = 0; i < n; i++) {
        if (str_is(status, name(i))) {
            return i;
        }
    }
    return -1;
}

static const char *exec_name(int i) {
    return exec_status_name((enum exec_status)i);
}
static const char *stage_name(int i) {
    return stage_status_name((enum stage_status)i);
}
static const char *run_name(int i) {
    return run_status_name((enum run_status)i);
}
static const char *condition_name(int i) {
    return condition_status_name((enum condition_status)i);
}

/* ---- executions, stages ---- */

static int see_ids(struct store_layer *l, struct arena *a, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(l->db, &rows, err, "SELECT id, number FROM pipeline_executions WHERE pipeline = ?",
                 "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        struct str id = db_str(&rows, a, 0);
        int64_t e = db_i64(&rows, 1) - 1;
        if (e < 0 || e >= SIM_EXECUTIONS || id.n >= sizeof(l->w->id[0])) {
            return err_set(err, ERR_INTERNAL, "execution number %lld", (long long)e + 1);
        }
        memcpy(l->w->id[e], id.p, id.n);
    }
    return more;
}

static int see_executions(struct store_layer *l, struct arena *a, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(l->db, &rows, err,
                        "SELECT id, number, status, superseded_by, rollback_target, trigger_type "
                        "FROM pipeline_executions WHERE pipeline = ? ORDER BY number",
                        "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        int64_t e = db_i64(&rows, 1) - 1;
        struct sim_execution *x = &l->w->seen.e[e];
        struct str by = db_str(&rows, a, 3);
        struct str target = db_str(&rows, a, 4);
        x->status = (int8_t)which(EXEC_CANCELLED + 1, exec_name, db_str(&rows, a, 2));
        x->by = (int8_t)(by.n > 0 ? sim_execution_number(l->w, by) : -1);
        x->target = (int8_t)(target.n > 0 ? sim_execution_number(l->w, target) : -1);
        bool automatic = str_is(db_str(&rows, a, 5), "AutomatedRollback");
        x->automatic = (int8_t)(target.n > 0 ? automatic : -1);
    }
    return more;
}

static int see_stages(struct store_layer *l, struct arena *a, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more =
        db_query(l->db, &rows, err,
                 "SELECT s.execution, s.stage, s.attempt, s.status FROM pipeline_executions e "
                 "JOIN stage_executions s ON s.execution = e.id WHERE e.pipeline = ? "
                 "ORDER BY e.number, s.attempt",
                 "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        int e = sim_execution_number(l->w, db_str(&rows, a, 0));
        int s = sim_digit(db_str(&rows, a, 1));
        if (e < 0 || s < 0) {
            return err_set(err, ERR_INTERNAL, "a stage of nobody");
        }
        l->w->seen.e[e].attempt[s] = (int8_t)db_i64(&rows, 2);
        l->w->seen.e[e].stage[s] =
            (int8_t)which(STAGE_SKIPPED + 1, stage_name, db_str(&rows, a, 3));
    }
    return more;
}

/* ---- attempts ---- */

/* The ticket of an attempt or a check; new ones get their number here. NULL: w->wrong. */
static struct ticket *ticket_of(struct store_layer *l, struct tickets *t, struct str id, int e,
                                int s, int action, int nth) {
    struct ticket *ticket = sim_ticket(t, id);
    if (ticket == NULL && (ticket = sim_ticket_add(l->w, t, id)) != NULL) {
        ticket->e = (int8_t)e;
        ticket->stage = (int8_t)s;
        ticket->action = (int8_t)action;
        ticket->nth = (int8_t)nth;
    }
    if (ticket != NULL &&
        (ticket->e != e || ticket->stage != s || ticket->action != action || ticket->nth != nth)) {
        sim_wrong(l->w, "an attempt changed what it is of: e%d s%d a%d", e, s, action);
        return NULL;
    }
    return ticket;
}

/* An end is told once; what it said stays. */
static bool keeps_saying(struct store_layer *l, struct ticket *t, struct str status,
                         struct str summary) {
    char said[sizeof(t->said)];
    snprintf(said, sizeof(said), "%.12s %.20s", str_z(&l->w->arena, status),
             str_z(&l->w->arena, summary));
    if (str_is(status, "InProgress")) {
        return true;
    }
    if (t->said[0] != '\0' && strcmp(t->said, said) != 0) {
        return sim_wrong(l->w, "e%d s%d a%d had ended as '%s', and now says '%s'", t->e, t->stage,
                         t->action, t->said, said);
    }
    memcpy(t->said, said, sizeof(said));
    return true;
}

static int see_actions(struct store_layer *l, struct arena *a, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(
        l->db, &rows, err,
        "SELECT execution, stage, action, id, status, token, summary FROM action_executions "
        "WHERE pipeline = ? ORDER BY number",
        "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        int e = sim_execution_number(l->w, db_str(&rows, a, 0));
        int s = sim_digit(db_str(&rows, a, 1));
        int n = sim_digit(db_str(&rows, a, 2));
        struct str token = db_str(&rows, a, 5);
        if (e < 0 || s < 0 || n < 0 || token.n >= sizeof(l->w->runs.v[0].token)) {
            return err_set(err, ERR_INTERNAL, "an action of nobody");
        }
        struct sim_execution *x = &l->w->seen.e[e];
        struct ticket *t =
            ticket_of(l, &l->w->runs, db_str(&rows, a, 3), e, s, n, ++x->starts[s][n]);
        if (t == NULL) {
            return err_set(err, ERR_INTERNAL, "%s", l->w->wrong);
        }
        if (!keeps_saying(l, t, db_str(&rows, a, 4), db_str(&rows, a, 6))) {
            return err_set(err, ERR_INTERNAL, "%s", l->w->wrong);
        }
        t->approval = token.n > 0;
        if (token.n > 0) {
            memcpy(t->token, token.p, token.n);
        }
        x->run[s][n] = (int8_t)which(RUN_ABANDONED + 1, run_name, db_str(&rows, a, 4));
        x->kills[s][n] = (int8_t)(x->kills[s][n] + store_begun(l, 'K', db_str(&rows, a, 3)));
    }
    return more;
}

static int see_conditions(struct store_layer *l, struct arena *a, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(l->db, &rows, err,
                        "SELECT execution, stage, kind, id, status FROM condition_executions "
                        "WHERE pipeline = ? ORDER BY number",
                        "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        int e = sim_execution_number(l->w, db_str(&rows, a, 0));
        int s = sim_digit(db_str(&rows, a, 1));
        struct str name = db_str(&rows, a, 2);
        int kind = str_is(name, "BEFORE_ENTRY") ? CONDITION_BEFORE_ENTRY
                   : str_is(name, "ON_SUCCESS") ? CONDITION_ON_SUCCESS
                                                : CONDITION_ON_FAILURE;
        if (e < 0 || s < 0) {
            return err_set(err, ERR_INTERNAL, "a condition of nobody");
        }
        struct sim_execution *x = &l->w->seen.e[e];
        if (ticket_of(l, &l->w->checks, db_str(&rows, a, 3), e, s, kind,
                      ++x->checks[s][kind - 1]) == NULL) {
            return err_set(err, ERR_INTERNAL, "%s", l->w->wrong);
        }
        x->check[s][kind - 1] =
            (int8_t)which(CONDITION_OVERRIDDEN + 1, condition_name, db_str(&rows, a, 4));
    }
    return more;
}

/* ---- all of it ---- */

static int see_all(struct store_layer *l, struct arena *a, struct err *err) {
    struct pipeline_row row;
    struct engine_state state;
    if (record_pipeline_by_id(l->db, a, l->pipeline, &row, err) <= 0 ||
        execution_state(a, &row, &state, err) < 0 || see_ids(l, a, err) < 0 ||
        see_executions(l, a, err) < 0 || see_stages(l, a, err) < 0 || see_actions(l, a, err) < 0 ||
        see_conditions(l, a, err) < 0) {
        return -1;
    }
    sim_see_state(l->w, &state);
    return 0;
}

bool store_see(struct store_layer *l) {
    struct err err = ERR_INIT;
    struct arena_mark mark = arena_mark(&l->w->arena);
    sim_view_init(&l->w->seen);
    if (db_begin(l->db, &err) < 0) {
        return bad(l, &err);
    }
    int seen = see_all(l, &l->w->arena, &err);
    db_glance(l->db);
    arena_reset(&l->w->arena, mark);
    return seen == 0 || bad(l, &err);
}
