/*
 * What can be seen of one pipeline from outside: who is where and how it went. The reference model
 * keeps one, and each layer of the simulator makes one of what the real code says; they are
 * compared after every event. Small numbers only: executions by their order of starting, stages and
 * actions by the digit of their names ("s3", "a0"), so that two of them are compared by one memcmp.
 */
#pragma once

#include "flow/execution/engine.h"

enum {
    SIM_STAGES = 6,
    SIM_ACTIONS = 8,
    SIM_EXECUTIONS = 72,
    SIM_KINDS = 3, /* of conditions; condition_kind - 1 */
};

/* -1: nothing is known, never happened, nobody. */
struct sim_execution {
    int8_t status;                          /* enum exec_status */
    int8_t place;                           /* enum exec_place; -1 unless it is active */
    int8_t at;                              /* stage, if it is active */
    int8_t by;                              /* who superseded it */
    int8_t target;                          /* of a rollback */
    int8_t automatic;                       /* that rollback: 1 by a failure, 0 by a person */
    int8_t stage[SIM_STAGES];               /* enum stage_status, of the newest attempt */
    int8_t attempt[SIM_STAGES];             /* of that stage */
    int8_t starts[SIM_STAGES][SIM_ACTIONS]; /* how often it was started */
    int8_t kills[SIM_STAGES][SIM_ACTIONS];  /* how often it was told to die */
    int8_t run[SIM_STAGES][SIM_ACTIONS];    /* enum run_status, of the newest start */
    int8_t checks[SIM_STAGES][SIM_KINDS];   /* how often it was begun */
    int8_t check[SIM_STAGES][SIM_KINDS];    /* enum condition_status, of the newest check */
};

struct sim_view {
    int16_t n; /* executions so far */
    struct sim_execution e[SIM_EXECUTIONS];
    int8_t holder[SIM_STAGES];
    int8_t waits[SIM_STAGES]; /* how many */
    int8_t wait[SIM_STAGES][SIM_EXECUTIONS];
    int8_t inbound_off[SIM_STAGES];
    int8_t outbound_off[SIM_STAGES];
};

void sim_view_init(struct sim_view *v);

/* NULL if they are the same, else what differs ("one" and "two" name the sides), in buffer. */
const char *sim_view_differs(const struct sim_view *one_view, const char *one,
                             const struct sim_view *two_view, const char *two, char *buffer,
                             size_t n);
