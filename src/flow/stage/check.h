/*
 * Entry conditions of a stage: every rule must pass before the stage's actions start. The one rule
 * provider is CloudWatchAlarm: an alarm that is in one of AlarmStates (default ALARM) keeps the
 * stage shut; within WaitTime (minutes, default 0) it may still change.
 */
#pragma once

#include "flow/definition/definition.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

struct check_result {
    bool decided;       /* false: look again later, before the wait is over */
    bool passed;
    struct str summary; /* why it stays shut, for a person */
    struct str rules;   /* JSON array of {name,status,summary} */
};

/* Outside any transaction. since_ms: when the check began. */
int stage_check(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_stage *stage, struct str execution, int64_t since_ms,
                struct check_result *ret, struct err *err) MUST_USE;

/* State of one alarm as a rule's role sees it. 1 found, 0 no such alarm. */
struct alarm_state {
    struct str name;
    struct str account;
    struct str state; /* OK ALARM INSUFFICIENT_DATA */
    struct str reason;
    int64_t changed_ms;
};
int stage_alarm(const struct flow *f, struct arena *a, const struct definition *d,
                const struct def_rule *rule, struct str session, struct alarm_state *ret,
                struct err *err) MUST_USE;
