/*
 * When a scheduled rule fires: rate(5 minutes), cron(0 12 ? * MON-FRI *), as EventBridge documents
 * them: six fields, UTC, to the minute. Pure.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum { SCHEDULE_FIRST_YEAR = 1970, SCHEDULE_YEARS = 230 };

struct schedule {
    int64_t period_ms; /* rate; else 0 and what follows counts */
    uint64_t minutes;  /* bit n: minute n */
    uint64_t hours;
    uint64_t days;     /* of the month; bits 1 to 31 */
    uint64_t months;   /* bits 1 to 12 */
    uint64_t weekdays; /* bits 1 (Sunday) to 7 */
    bool by_weekday;   /* the day of the month is '?' */
    bool last_day;     /* L */
    int near_day;      /* nW: the weekday nearest to n; 32 = LW, the last one; 0 = none */
    int last_weekday;  /* nL: the last such weekday of the month; 0 = none */
    int nth_weekday;   /* d#n: d, */
    int nth;           /* the n-th of the month; 0 = none */
    uint64_t years[(SCHEDULE_YEARS + 63) / 64];
};

/* ERR_INVALID says which part is wrong. */
int schedule_parse(struct str text, struct schedule *ret, struct err *err) MUST_USE;

/* The first time after `after_ms`; of a rate, `anchor_ms` plus a number of periods. -1: never. */
int64_t schedule_next(const struct schedule *s, int64_t anchor_ms, int64_t after_ms);
