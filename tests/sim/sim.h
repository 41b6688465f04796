/*
 * The simulator. A seed gives a list of operations by many clients, fake builds and persons; each
 * is resolved against what there is at that moment, given to the real code (a layer) and to the
 * reference model, and what is seen of both is compared. The same seed gives the same events, so a
 * failure is found again by its number, and made smaller by leaving operations out.
 */
#pragma once

#include "model.h"

/* ---- operations: what a seed is made of ---- */

enum op_kind {
    OP_DEFINE,
    OP_START,
    OP_END,      /* a fake build ends */
    OP_LATE_END, /* an end of any attempt, also one that ended or was never told */
    OP_CHECKED,  /* a condition is decided */
    OP_LATE_CHECK,
    OP_APPROVE, /* with the token that waits */
    OP_STALE,   /* with any token that there ever was */
    OP_OTHERS,  /* with a token of another stage or action */
    OP_GUESS,   /* with a token that never was */
    OP_EXPIRE,  /* an approval's time is over */
    OP_TRANSITION,
    OP_STOP,
    OP_RETRY,
    OP_ROLLBACK,
    OP_OVERRIDE,
    OP_NEWEST,
    OP_KINDS,
};

/* r: raw random numbers; their meaning is the kind's, modulo what there is. */
struct op {
    uint8_t kind;
    uint32_t r[3];
};

enum { SIM_OPS = 400 };

struct op_list {
    uint64_t seed;
    size_t n;
    struct op v[SIM_OPS];
};

void ops_make(uint64_t seed, struct op_list *ret);
void ops_plan(uint32_t r, int mode_before, struct model_plan *ret); /* of an OP_DEFINE */

/* ---- the world: operations made into events, and both sides compared ---- */

enum { SIM_TICKETS = 2048 };

/* A start of an action, or of a check, that the real code asked for. */
struct ticket {
    int8_t e, stage, action, nth; /* action: a check's is its condition_kind */
    bool approval;
    char id[40];
    char token[40];
    char said[40]; /* what its row says since its end */
};

struct tickets {
    int n;
    struct ticket v[SIM_TICKETS];
};

struct sim_world;

/* The real code, as a layer shows it. take: gives the event to it, fills seen and tickets. */
struct sim_layer {
    const char *name;
    void *(*open)(struct sim_world *w);
    /* False: the layer itself found something wrong; w->wrong says what. */
    bool (*take)(void *ud, struct sim_world *w, struct engine_event *event,
                 const struct model_event *model_event, enum engine_refusal *ret_refusal);
    /* After all events: what must hold of the history as a whole. */
    bool (*close)(void *ud, struct sim_world *w);
};

struct sim_world {
    const struct sim_layer *layer;
    void *ud;
    struct arena arena;
    struct model model;
    struct sim_view seen;
    struct tickets runs;
    struct tickets checks;
    char id[SIM_EXECUTIONS][40]; /* of executions, by number */
    uint64_t hash;               /* over every event and its outcome */
    uint64_t events;
    uint64_t taken[OP_KINDS];   /* operations that were not refused, by kind */
    uint64_t refused[OP_KINDS]; /* and that were */
    bool print;
    char wrong[400];
};

extern const struct sim_layer sim_engine; /* engine_step alone */
extern const struct sim_layer sim_store;  /* the doors of flow/execution/apply.h, over SQLite */

/* Runs the operations; true when nothing was wrong. */
bool sim_run(struct sim_world *w, const struct sim_layer *layer, const struct op_list *ops);

/* An event in the engine's language and in the model's. */
struct sim_event {
    struct engine_event real;
    struct model_event model;
    struct model_plan plan;
};

/* What the operation means now; false: there is nothing to do it to. */
bool sim_resolve(struct sim_world *w, const struct op *o, struct sim_event *ret);

/* Leaves out what the failure does not need. */
void sim_shrink(const struct sim_layer *layer, struct op_list *ops);

/* For layers. */
void sim_see_state(struct sim_world *w, const struct engine_state *state); /* into w->seen */
int sim_execution_number(const struct sim_world *w, struct str id);        /* -1: unknown */
bool sim_wrong(struct sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct ticket *sim_ticket(struct tickets *t, struct str id);
struct ticket *sim_ticket_add(struct sim_world *w, struct tickets *t, struct str id);
int sim_digit(struct str name); /* of "s3", "a0" */

/* ---- random numbers ---- */

static inline uint64_t sim_next(uint64_t *state) { /* splitmix64 */
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
