/* Events given to both sides, and what is then seen of them compared. Implementation of the middle
 * part of sim.h. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- for layers ---- */

bool sim_wrong(struct sim_world *w, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(w->wrong, sizeof(w->wrong), fmt, args);
    va_end(args);
    return false;
}

int sim_execution_number(const struct sim_world *w, struct str id) {
    for (int e = SIM_EXECUTIONS - 1; e >= 0; e--) {
        if (w->id[e][0] != '\0' && str_is(id, w->id[e])) {
            return e;
        }
    }
    return -1;
}

struct ticket *sim_ticket(struct tickets *t, struct str id) {
    for (int i = t->n - 1; i >= 0; i--) {
        if (str_is(id, t->v[i].id)) {
            return &t->v[i];
        }
    }
    return NULL;
}

struct ticket *sim_ticket_add(struct sim_world *w, struct tickets *t, struct str id) {
    if (t->n == SIM_TICKETS || id.n == 0 || id.n >= sizeof(t->v[0].id)) {
        sim_wrong(w, "a start without a usable id, or too many");
        return NULL;
    }
    if (sim_ticket(t, id) != NULL) {
        sim_wrong(w, "id %.*s was given twice", STR_ARG(id));
        return NULL;
    }
    struct ticket *ticket = &t->v[t->n++];
    *ticket = (struct ticket){0};
    memcpy(ticket->id, id.p, id.n);
    return ticket;
}

int sim_digit(struct str name) {
    return name.n == 2 ? name.p[1] - '0' : -1;
}

/* ---- one event ---- */

static void mix(struct sim_world *w, uint64_t x) {
    w->hash = (w->hash ^ x) * 0x100000001B3u;
    w->hash ^= w->hash >> 29;
}

static void print_event(const struct sim_event *b, enum engine_refusal refusal) {
    static const char *const names[] = {
        "define", "start", "action ended", "check ended", "answer", "transition",
        "stop",   "retry", "rollback",     "override",    "newest",
    };
    const struct model_event *m = &b->model;
    printf("  %-12s e%-2d s%d a%d nth %d%s%s%s%s%s condition %d", names[m->kind], m->e, m->stage,
           m->action, m->nth, m->ok ? " ok" : "", m->errored ? " errored" : "",
           m->inbound ? " inbound" : "", m->abandon ? " abandon" : "",
           m->all_actions ? " all-actions" : "", (int)m->condition);
    printf(refusal != REFUSED_NOTHING ? " -> refused %d\n" : "\n", (int)refusal);
    if (m->plan != NULL) {
        printf("    mode %d\n", m->plan->mode);
    }
    for (int i = 0; m->plan != NULL && i < m->plan->n; i++) {
        const struct model_stage *s = &m->plan->s[i];
        printf("    s%d entry %d success %d failure %d failed %d%s:", s->name, s->entry, s->success,
               s->failure, s->failed, s->retry_all ? " retry-all" : "");
        for (int j = 0; j < s->n; j++) {
            printf(" %d%s", s->a[j].order, s->a[j].approval ? "P" : "");
        }
        printf("\n");
    }
}

/* The engine forgets who ended and may not go on; what it then says stands for what it would say of
 * somebody who never was. */
static enum engine_refusal forgotten(const struct model_event *m, enum engine_refusal why) {
    bool token = why == REFUSED_NO_STAGE || why == REFUSED_NO_ACTION || why == REFUSED_ANSWERED;
    if (m->kind == EVENT_STOP && why == REFUSED_NO_EXECUTION) {
        return REFUSED_NOT_STOPPABLE;
    }
    return m->kind == EVENT_APPROVAL && m->token_known && token ? REFUSED_TOKEN : why;
}

static bool same_outcome(struct sim_world *w, const struct model_event *m, enum engine_refusal real,
                         enum engine_refusal model) {
    char buffer[200];
    real = forgotten(m, real);
    model = forgotten(m, model);
    if (real != model) {
        return sim_wrong(w, "refusal: %s %d, model %d", w->layer->name, (int)real, (int)model);
    }
    const char *differs =
        sim_view_differs(&w->seen, w->layer->name, &w->model.v, "model", buffer, sizeof(buffer));
    return differs == NULL || sim_wrong(w, "%s", differs);
}

static bool one(struct sim_world *w, const struct op *o) {
    struct sim_event b = {0};
    enum engine_refusal real = REFUSED_NOTHING;
    if (!sim_resolve(w, o, &b)) {
        return true;
    }
    b.real.kind = b.model.kind;
    b.real.ok = b.model.ok;
    b.real.errored = b.model.errored;
    b.real.inbound = b.model.inbound;
    b.real.abandon = b.model.abandon;
    b.real.all_actions = b.model.all_actions;
    b.real.condition = b.model.kind == EVENT_OVERRIDE ? b.model.condition : CONDITION_NONE;
    bool taken = w->layer->take(w->ud, w, &b.real, &b.model, &real);
    enum engine_refusal model = model_step(&w->model, &b.model);
    w->events++;
    (real == REFUSED_NOTHING ? w->taken : w->refused)[o->kind]++;
    mix(w, (uint64_t)b.model.kind << 32 | (uint64_t)(b.model.e & 0xFF) << 24 |
               (uint64_t)(b.model.stage & 0xFF) << 16 | (uint64_t)(b.model.action & 0xFF) << 8 |
               (uint64_t)real);
    mix(w, (uint64_t)w->runs.n << 32 | (uint64_t)w->checks.n << 16 | (uint64_t)w->seen.n);
    if (w->print) {
        print_event(&b, real);
    }
    return taken && same_outcome(w, &b.model, real, model);
}

bool sim_run(struct sim_world *w, const struct sim_layer *layer, const struct op_list *ops) {
    bool print = w->print;
    memset(w, 0, sizeof(*w));
    w->print = print;
    w->layer = layer;
    w->hash = 0xCBF29CE484222325u ^ ops->seed;
    model_init(&w->model);
    sim_view_init(&w->seen);
    w->ud = layer->open(w);
    bool well = true;
    for (size_t i = 0; i < ops->n && well; i++) {
        if (w->model.plans > 0 || ops->v[i].kind == OP_DEFINE) {
            well = one(w, &ops->v[i]);
        }
        if (w->model.v.n >= SIM_EXECUTIONS - SIM_STAGES) {
            break; /* full */
        }
    }
    well &= layer->close(w->ud, w) || !well;
    arena_done(&w->arena);
    return well && w->wrong[0] == '\0';
}
