/* What only the engine's state says: who holds, who waits, who is where. */
#include "sim.h"

static void see_line(struct sim_world *w, const struct engine_stage *stage) {
    struct sim_view *v = &w->seen;
    int s = sim_digit(stage->name);
    v->holder[s] = (int8_t)(stage->holder.p != NULL ? sim_execution_number(w, stage->holder) : -1);
    v->waits[s] = (int8_t)stage->waiting.n;
    for (size_t i = 0; i < stage->waiting.n && i < SIM_EXECUTIONS; i++) {
        v->wait[s][i] = (int8_t)sim_execution_number(w, stage->waiting.v[i]);
    }
    v->inbound_off[s] = stage->inbound_disabled;
    v->outbound_off[s] = stage->outbound_disabled;
}

void sim_see_state(struct sim_world *w, const struct engine_state *state) {
    struct sim_view *v = &w->seen;
    v->n = (int16_t)state->started;
    memset(v->holder, -1, sizeof(v->holder));
    memset(v->waits, 0, sizeof(v->waits));
    memset(v->wait, -1, sizeof(v->wait));
    memset(v->inbound_off, 0, sizeof(v->inbound_off));
    memset(v->outbound_off, 0, sizeof(v->outbound_off));
    for (int e = 0; e < SIM_EXECUTIONS; e++) {
        v->e[e].place = v->e[e].at = -1;
    }
    for (size_t i = 0; i < state->stages.n; i++) {
        see_line(w, &state->stages.v[i]);
    }
    for (size_t i = 0; i < state->executions.n; i++) {
        const struct engine_execution *e = &state->executions.v[i];
        if (e->status == EXEC_IN_PROGRESS || e->status == EXEC_STOPPING) {
            v->e[e->number - 1].place = (int8_t)e->place;
            v->e[e->number - 1].at = (int8_t)sim_digit(e->stage);
        }
    }
}
