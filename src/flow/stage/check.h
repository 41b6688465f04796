/*
 * Conditions of a stage: beforeEntry and onSuccess are met when every rule has passed, onFailure is
 * met the same way, and then its result follows. Facts: CodePipeline's stage conditions. A rule
 * that could not be evaluated is an error, never a pass.
 */
#pragma once

#include "flow/action/variables.h"
#include "flow/definition/definition.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

/* One check of one condition, loaded. */
struct check_run {
    const struct flow *flow;
    struct arena *arena;
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct definition def; /* of the execution's version */
    const struct def_stage *stage;
    const struct def_condition *condition;
    struct condition_row row;
    struct rule_row_list rules; /* as they were left by the last look, if there was one */
    struct variable_scope variables;
};

struct check_result {
    bool decided; /* false: look again after again_ms */
    int again_ms;
    bool passed;        /* every rule did */
    bool errored;       /* one could not be evaluated */
    bool left_over;     /* decided by one rule while others were not, or by one that is over its
                           time: what they started is to end */
    struct str summary; /* why it did not, for a person */
    struct rule_row_list rules; /* rule, status, summary, what is known of it; one for each rule */
};

/* Loads it, in a transaction of its own. 1 loaded, 0 it is over already. */
int stage_check_load(const struct flow *f, struct arena *a, struct str check_id,
                     struct check_run *ret, struct err *err) MUST_USE;

/* Outside any transaction. An error, ERR_UNAVAILABLE: it cannot be evaluated yet; whoever asks no
 * more takes *ret, where the rule that could not be asked has failed. */
int stage_check(struct check_run *run, struct check_result *ret, struct err *err) MUST_USE;

/* Has the check been dropped or decided since it was loaded? 1 yes, 0 no. In the caller's
 * transaction. */
int stage_check_over(const struct check_run *run, struct err *err) MUST_USE;

/* Writes what the look found of the rules, in the caller's transaction. */
int stage_check_record(const struct check_run *run, const struct check_result *result,
                       struct err *err) MUST_USE;

/* Ends what the rules of a check that is over have started. */
int stage_check_end(const struct flow *f, struct arena *a, struct str check_id,
                    struct err *err) MUST_USE;

/* State of one alarm as a rule's role sees it. 1 found, 0 no such alarm. */
struct alarm_state {
    struct str name;
    struct str account;
    struct str state; /* OK ALARM INSUFFICIENT_DATA */
    struct str reason;
    int64_t changed_ms;
};
int stage_alarm(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_rule *rule, struct str name, struct str session,
                struct alarm_state *ret, struct err *err) MUST_USE;
