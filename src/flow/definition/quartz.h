/*
 * Cron expressions in Quartz's form, as DeploymentWindow rules have them: six or seven fields
 *   seconds minutes hours day-of-month month day-of-week [year]
 * with numbers, names (JAN, MON), '*', lists, ranges (also around the end: FRI-MON), steps ('/'),
 * '?' in exactly one of the two day fields, L, LW, L-n and nW for days of a month, nL and n#m for
 * days of a week (1 is Sunday). A window is open in every minute that matches: seconds are read and
 * checked, but say nothing.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct quartz {
    uint64_t seconds, minutes;
    uint32_t hours, months; /* bit n: hour, month n */
    uint32_t days;          /* of the month, bit 1 to 31 */
    uint32_t weekdays;      /* bit 1 (Sunday) to 7 */
    bool any_day;           /* '?' of the month: the weekday decides */
    bool any_weekday;
    bool last_day;     /* L, L-n, LW: counted from the month's end */
    int before_last;   /* n of L-n */
    bool nearest;      /* W: the weekday that is nearest to the day, within the month */
    int nearest_day;   /* of nW; 0: of LW */
    int last_weekday;  /* nL: 1 to 7, or 0 */
    int nth_weekday;   /* n#m: n */
    int nth;           /* n#m: m, 1 to 5 */
    uint64_t years[4]; /* bit n: year 1970 + n, to 2199 */
};

/* ERR_INVALID names the field and what is wrong with it. */
int quartz_parse(struct str text, struct quartz *ret, struct err *err) MUST_USE;

/* Is this minute inside? local_s: seconds since 1970 by the clock on the wall there. */
bool quartz_matches(const struct quartz *q, int64_t local_s);

/* The beginning of the first minute after this one that is inside, by the same clock; -1: none
 * within QUARTZ_LOOK_DAYS. */
int64_t quartz_next(const struct quartz *q, int64_t local_s);
enum { QUARTZ_LOOK_DAYS = 8 }; /* a week and what is left of a day: some ten thousand minutes */
