/* I2, I3 and I4 by the order in which everything was told: notices are numbered in the store, and
 * are written in the transaction of what they tell. */
#include "flow/verify/looking.h"

struct running_action {
    struct str stage;
    struct str action;
};

struct running_action_list {
    struct running_action *v;
    size_t n;
};

/* An execution that goes on. */
struct going {
    struct str id;
    bool parallel;
    bool stopping;
    bool failed; /* an action failed, was rejected or abandoned since the stage began or resumed */
    struct running_action_list runs;
};

struct going_list {
    struct going *v;
    size_t n;
};

struct held {
    struct str stage;
    struct str by; /* absent: nobody */
};

struct held_list {
    struct held *v;
    size_t n;
};

struct notice {
    struct str kind, execution, stage, action, state;
};

struct telling {
    struct looking *l;
    struct going_list going;
    struct held_list held;
};

static struct going *find_going(struct telling *t, struct str id) {
    for (size_t i = 0; i < t->going.n; i++) {
        if (str_eq(t->going.v[i].id, id)) {
            return &t->going.v[i];
        }
    }
    return NULL;
}

static struct held *find_held(struct telling *t, struct str stage) {
    for (size_t i = 0; i < t->held.n; i++) {
        if (str_eq(t->held.v[i].stage, stage)) {
            return &t->held.v[i];
        }
    }
    struct held *h = arena_push(&t->l->work, &t->held);
    h->stage = stage;
    return h;
}

static bool is_end(struct str state) {
    static const char *const ends[] = {"SUCCEEDED", "FAILED",  "STOPPED",
                                       "CANCELED",  "SKIPPED", "SUPERSEDED"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (str_is(state, ends[i])) {
            return true;
        }
    }
    return false;
}

static bool is_begin(struct str state) {
    return str_is(state, "STARTED") || str_is(state, "RESUMED");
}

/* ---- executions ---- */

static int begin_execution(struct telling *t, const struct notice *n) {
    struct going *g = find_going(t, n->execution);
    if (g == NULL) {
        struct str mode = STR_NONE;
        if (db_get_str(t->l->db, &t->l->work, &mode, t->l->err,
                       "SELECT mode FROM pipeline_executions WHERE id = ?", "s",
                       n->execution) < 0) {
            return -1;
        }
        g = arena_push(&t->l->work, &t->going);
        *g = (struct going){.id = n->execution, .parallel = str_is(mode, "PARALLEL")};
    }
    g->stopping = false;
    g->failed = false;
    return 0;
}

static void end_execution(struct telling *t, const struct notice *n, struct going *g) {
    for (size_t i = 0; i < g->runs.n; i++) {
        finding(t->l, 4, n->execution, "it ended as " STR_FMT " while " STR_FMT "/" STR_FMT " ran",
                STR_ARG(n->state), STR_ARG(g->runs.v[i].stage), STR_ARG(g->runs.v[i].action));
    }
    for (size_t i = 0; i < t->held.n; i++) {
        if (t->held.v[i].by.p != NULL && str_eq(t->held.v[i].by, n->execution)) {
            finding(t->l, 3, n->execution, "it ended as " STR_FMT " and holds stage " STR_FMT,
                    STR_ARG(n->state), STR_ARG(t->held.v[i].stage));
            t->held.v[i].by = STR_NONE;
        }
    }
    *g = t->going.v[--t->going.n];
}

static int of_pipeline(struct telling *t, const struct notice *n) {
    struct going *g = find_going(t, n->execution);
    if (is_begin(n->state)) {
        return begin_execution(t, n);
    }
    if (g == NULL) {
        finding(t->l, 4, n->execution, "it was told " STR_FMT " after its end", STR_ARG(n->state));
    } else if (str_is(n->state, "STOPPING")) {
        g->stopping = true;
    } else if (is_end(n->state)) {
        end_execution(t, n, g);
    }
    return 0;
}

/* ---- stages ---- */

static void of_stage(struct telling *t, const struct notice *n, struct going *g) {
    struct held *h = find_held(t, n->stage);
    bool holds = h->by.p != NULL && str_eq(h->by, n->execution);
    if (is_begin(n->state)) {
        g->failed = false;
        if (!g->parallel && h->by.p != NULL && !holds) {
            finding(t->l, 3, n->execution, "it entered stage " STR_FMT ", which " STR_FMT " held",
                    STR_ARG(n->stage), STR_ARG(h->by));
        }
        h->by = g->parallel ? h->by : n->execution;
        return;
    }
    if (!is_end(n->state)) {
        return;
    }
    for (size_t i = 0; i < g->runs.n; i++) {
        if (str_eq(g->runs.v[i].stage, n->stage)) {
            finding(t->l, 4, n->execution,
                    "stage " STR_FMT " was given back (" STR_FMT ") while " STR_FMT " ran",
                    STR_ARG(n->stage), STR_ARG(n->state), STR_ARG(g->runs.v[i].action));
        }
    }
    h->by = holds ? STR_NONE : h->by;
}

/* ---- actions ---- */

static void start_action(struct telling *t, const struct notice *n, struct going *g,
                         struct running_action *run) {
    struct looking *l = t->l;
    struct str by = find_held(t, n->stage)->by;
    bool without = !g->parallel && (by.p == NULL || !str_eq(by, n->execution));
    const char *why = g->stopping ? "after its stop" : g->failed ? "after a failure" : NULL;
    if (why != NULL || without) {
        finding(l, 4, n->execution, STR_FMT "/" STR_FMT " was started %s", STR_ARG(n->stage),
                STR_ARG(n->action), why != NULL ? why : "without the stage");
    }
    if (run != NULL) {
        finding(l, 2, n->execution, STR_FMT "/" STR_FMT " was started while an attempt ran",
                STR_ARG(n->stage), STR_ARG(n->action));
        return;
    }
    *arena_push(&l->work, &g->runs) =
        (struct running_action){.stage = n->stage, .action = n->action};
}

static void of_action(struct telling *t, const struct notice *n, struct going *g) {
    struct running_action *run = NULL;
    for (size_t i = 0; i < g->runs.n; i++) {
        struct running_action *r = &g->runs.v[i];
        run = str_eq(r->stage, n->stage) && str_eq(r->action, n->action) ? r : run;
    }
    if (str_is(n->state, "STARTED")) {
        start_action(t, n, g, run);
        return;
    }
    g->failed = g->failed || !str_is(n->state, "SUCCEEDED");
    if (run == NULL) {
        finding(t->l, 2, n->execution, STR_FMT "/" STR_FMT " ended without having started",
                STR_ARG(n->stage), STR_ARG(n->action));
        return;
    }
    *run = g->runs.v[--g->runs.n];
}

/* ---- one after the other ---- */

static int take(struct telling *t, const struct notice *n) {
    if (str_is(n->kind, "Pipeline")) {
        return of_pipeline(t, n);
    }
    struct going *g = find_going(t, n->execution);
    if (g == NULL) {
        finding(t->l, 4, n->execution,
                STR_FMT " " STR_FMT "/" STR_FMT " was told " STR_FMT
                        " of an execution that does not go on",
                STR_ARG(n->kind), STR_ARG(n->stage), STR_ARG(n->action), STR_ARG(n->state));
        return 0;
    }
    if (str_is(n->kind, "Stage")) {
        of_stage(t, n, g);
    } else {
        of_action(t, n, g);
    }
    return 0;
}

int look_at_told(struct looking *l) {
    struct telling t = {.l = l};
    struct db_rows rows cleanup_rows = {0};
    int more = db_query(l->db, &rows, l->err,
                        "SELECT kind, execution, stage, action, state FROM pipeline_notices WHERE "
                        "pipeline = ? ORDER BY seq",
                        "i", l->pipeline);
    while (more >= 0 && (more = db_next(&rows, l->err)) > 0) {
        struct notice n = {db_str(&rows, &l->work, 0), db_str(&rows, &l->work, 1),
                           db_str(&rows, &l->work, 2), db_str(&rows, &l->work, 3),
                           db_str(&rows, &l->work, 4)};
        if (take(&t, &n) < 0) {
            return -1;
        }
    }
    return more;
}
