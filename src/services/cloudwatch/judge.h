/*
 * What an alarm says about its datapoints: a pure function. Which datapoints it looks at, and what
 * a change of state sets off, is evaluate.c's business.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

enum judge_missing { MISSING_MISSING, MISSING_IGNORE, MISSING_BREACHING, MISSING_NOT_BREACHING };
enum judge_state { JUDGE_OK, JUDGE_ALARM, JUDGE_INSUFFICIENT, JUDGE_RETAIN };

struct judge_rule {
    struct str operator_; /* "GreaterThanThreshold" ... */
    double threshold;
    int periods;  /* EvaluationPeriods */
    int to_alarm; /* DatapointsToAlarm */
    enum judge_missing missing;
};

struct judge_point {
    int64_t at_ms;
    double value; /* NAN = missing */
    double n;     /* samples behind it */
};

struct judge_verdict {
    enum judge_state state;
    struct str reason;              /* absent for RETAIN */
    const struct judge_point *used; /* newest first: those that were judged */
    size_t n_used;
};

/* How many datapoints to hand over: the evaluation range is longer than the periods, so that a gap
 * does not decide while there is data around it. */
static inline size_t judge_range(const struct judge_rule *rule) {
    return (size_t)rule->periods + 2;
}

/* `points` are newest first, one for each period of the range. */
struct judge_verdict judge(struct arena *a, const struct judge_rule *rule,
                           const struct judge_point *points, size_t n);

bool judge_breaches(const struct judge_rule *rule, double value);
struct str judge_number(struct arena *a, double value);             /* "5.0", as Java prints it */
bool judge_missing_parse(struct str text, enum judge_missing *ret); /* absent = missing */
