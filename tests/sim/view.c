/* Implementation of view.h. */
#include "view.h"

#include <stdio.h>

void sim_view_init(struct sim_view *v) {
    memset(v, -1, sizeof(*v));
    v->n = 0;
    memset(v->waits, 0, sizeof(v->waits));
    memset(v->inbound_off, 0, sizeof(v->inbound_off));
    memset(v->outbound_off, 0, sizeof(v->outbound_off));
    for (int e = 0; e < SIM_EXECUTIONS; e++) {
        memset(v->e[e].attempt, 0, sizeof(v->e[e].attempt));
        memset(v->e[e].starts, 0, sizeof(v->e[e].starts));
        memset(v->e[e].kills, 0, sizeof(v->e[e].kills));
        memset(v->e[e].checks, 0, sizeof(v->e[e].checks));
    }
}

/* ---- the first difference, in words ---- */

/* "status of e3 s1 a0: engine 2, model 3"; a number of -1 is left out, and behind the kind of a
 * condition stands its number. */

struct looking {
    const char *one, *two; /* names of the sides */
    char *buffer;
    size_t n;
    bool found;
};

static void look(struct looking *l, int x, int y, const char *what, int a, int b, int c) {
    if (x == y || l->found) {
        return;
    }
    int at[] = {a, b, c};
    static const char *const of[] = {" e", " s", " a"};
    size_t used = (size_t)snprintf(l->buffer, l->n, "%s", what);
    for (size_t i = 0; i < 3 && used < l->n; i++) {
        if (at[i] >= 0) {
            used += (size_t)snprintf(l->buffer + used, l->n - used, "%s%d", of[i], at[i]);
        }
    }
    if (used < l->n) {
        snprintf(l->buffer + used, l->n - used, ": %s %d, %s %d", l->one, x, l->two, y);
    }
    l->found = true;
}

static void look_at(struct looking *l, const struct sim_execution *x, const struct sim_execution *y,
                    int e) {
    look(l, x->status, y->status, "status", e, -1, -1);
    look(l, x->at, y->at, "stage", e, -1, -1);
    look(l, x->place, y->place, "place", e, -1, -1);
    look(l, x->by, y->by, "supersessor", e, -1, -1);
    look(l, x->target, y->target, "target", e, -1, -1);
    look(l, x->automatic, y->automatic, "automatic", e, -1, -1);
    for (int s = 0; s < SIM_STAGES; s++) {
        look(l, x->stage[s], y->stage[s], "status", e, s, -1);
        look(l, x->attempt[s], y->attempt[s], "attempt", e, s, -1);
        for (int a = 0; a < SIM_ACTIONS; a++) {
            look(l, x->starts[s][a], y->starts[s][a], "starts", e, s, a);
            look(l, x->kills[s][a], y->kills[s][a], "kills", e, s, a);
            look(l, x->run[s][a], y->run[s][a], "status", e, s, a);
        }
        for (int k = 0; k < SIM_KINDS; k++) {
            look(l, x->checks[s][k], y->checks[s][k], "checks of condition", e, s, k + 1);
            look(l, x->check[s][k], y->check[s][k], "status of condition", e, s, k + 1);
        }
    }
}

const char *sim_view_differs(const struct sim_view *x, const char *one, const struct sim_view *y,
                             const char *two, char *buffer, size_t n) {
    if (memcmp(x, y, sizeof(*x)) == 0) {
        return NULL;
    }
    struct looking l = {one, two, buffer, n, false};
    look(&l, x->n, y->n, "number of executions", -1, -1, -1);
    for (int e = 0; e < SIM_EXECUTIONS; e++) {
        look_at(&l, &x->e[e], &y->e[e], e);
    }
    for (int s = 0; s < SIM_STAGES; s++) {
        look(&l, x->holder[s], y->holder[s], "holder", -1, s, -1);
        look(&l, x->waits[s], y->waits[s], "length of the line", -1, s, -1);
        look(&l, x->inbound_off[s], y->inbound_off[s], "inbound transition off", -1, s, -1);
        look(&l, x->outbound_off[s], y->outbound_off[s], "outbound transition off", -1, s, -1);
        for (int i = 0; i < SIM_EXECUTIONS; i++) {
            look(&l, x->wait[s][i], y->wait[s][i], "place in the line", -1, s, i);
        }
    }
    return buffer;
}
