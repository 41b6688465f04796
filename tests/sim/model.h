/*
 * The reference model: CodePipeline's rules once more, written from the facts and from the words in
 * flow/execution/engine.h, not from the engine's code. Naive on purpose: flat arrays of small
 * numbers, everything is kept for ever, and after each event all rules are tried again and again
 * until none applies (model_settle). It shares the engine's names for statuses and nothing else.
 */
#pragma once

#include "view.h"

enum { SIM_PLANS = 16 };

struct model_action {
    int8_t order;
    bool approval;
};

struct model_stage {
    int8_t name;
    int8_t entry, success, failure, failed; /* enum stage_result */
    bool retry_all;
    int8_t n;
    struct model_action a[SIM_ACTIONS];
};

struct model_plan {
    int8_t mode;
    int8_t n;
    struct model_stage s[SIM_STAGES];
};

/* What the view does not show. */
struct model_execution {
    int8_t plan; /* index */
    int8_t pos;  /* of the stage in that plan */
    bool cancelling, abandoning;
    bool gone;                   /* ended, and nobody may ask for it again */
    int8_t failed_by;            /* enum condition_kind */
    int8_t checking;             /* enum condition_kind */
    int8_t autos;                /* automatic retries of this visit */
    int8_t act[SIM_ACTIONS];     /* enum run_status, of this visit */
    int16_t good_in[SIM_STAGES]; /* 1 + plan in which it got through that stage; 0 never */
};

struct model {
    struct sim_view v;
    struct model_execution x[SIM_EXECUTIONS];
    struct model_plan plan[SIM_PLANS];
    int8_t plans;            /* the newest is the current one */
    int8_t last[SIM_STAGES]; /* who entered it last */
    int8_t good[SIM_STAGES]; /* newest STANDARD success of this version */
};

/* An event by numbers. `nth`: which start of that action, or of that check, is meant. */
struct model_event {
    enum event_kind kind;
    int e, stage, action, nth;
    bool ok, errored, inbound, abandon, all_actions;
    enum condition_kind condition;
    const struct model_plan *plan;
    bool token_known; /* EVENT_APPROVAL: e, stage, action, nth say whose token it is */
};

void model_init(struct model *m);
enum engine_refusal model_step(struct model *m, const struct model_event *event);
