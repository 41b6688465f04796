/* Implementation of services/events/schedule.h. */
#include "services/events/schedule.h"

enum { MINUTE_MS = 60 * 1000, DAY_MINUTES = 24 * 60, LAST_WEEKDAY = 32, FIELDS = 6 };

/* ---- reading ---- */

struct reader {
    struct err *err;
    const char *field;
};

static int bad(const struct reader *r, struct str text) {
    return err_set(r->err, ERR_INVALID, "%s: '%.*s'", r->field, STR_ARG(text));
}

static int parse_rate(struct str inside, struct schedule *s, struct err *err) {
    static const struct {
        const char *one, *many;
        int64_t ms;
    } units[] = {{"minute", "minutes", MINUTE_MS},
                 {"hour", "hours", 60 * (int64_t)MINUTE_MS},
                 {"day", "days", DAY_MINUTES * (int64_t)MINUTE_MS}};
    const struct reader r = {err, "rate is a number and its unit (minute, hours, days)"};
    struct str unit = inside, number;
    unsigned long long n = 0;
    str_cut(&unit, ' ', &number);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_to_u64(number, &n) && n > 0 && n <= 100 * 365 * (unsigned long long)DAY_MINUTES &&
            str_is(unit, n == 1 ? units[i].one : units[i].many)) {
            s->period_ms = (int64_t)n * units[i].ms;
            return 0;
        }
    }
    return bad(&r, inside);
}

/* What a field may say, and where it goes. */
struct field {
    const char *name;
    unsigned low, high;
    const char *words; /* three letters each, from `low`; or NULL */
};

static const struct field fields[FIELDS] = {
    {"minutes", 0, 59, NULL},
    {"hours", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {"day of week", 1, 7, "SUNMONTUEWEDTHUFRISAT"},
    {"year", SCHEDULE_FIRST_YEAR, SCHEDULE_FIRST_YEAR + SCHEDULE_YEARS - 1, NULL},
};

static bool value_of(const struct field *f, struct str text, unsigned *ret) {
    unsigned long long n = 0;
    if (str_to_u64(text, &n)) {
        *ret = (unsigned)n;
        return n >= f->low && n <= f->high;
    }
    for (unsigned i = 0; text.n == 3 && f->words != NULL && i <= f->high - f->low; i++) {
        if (str_ieq(text, str_n(f->words + (size_t)i * 3, 3))) {
            *ret = f->low + i;
            return true;
        }
    }
    return false;
}

static void mark(const struct field *f, uint64_t *bits, unsigned n) {
    unsigned at = f->low == SCHEDULE_FIRST_YEAR ? n - f->low : n;
    bits[at / 64] |= (uint64_t)1 << (at % 64);
}

/* "*", "5", "1-5", each with "/step"; a range of words may go over the end (FRI-MON). */
static bool parse_part(const struct field *f, struct str text, uint64_t *bits) {
    struct str step = text, range, last = STR_NONE;
    unsigned long long by = 1;
    unsigned low = f->low, high = f->high;
    str_cut(&step, '/', &range);
    if (step.p != NULL && (!str_to_u64(step, &by) || by == 0 || by > f->high)) {
        return false;
    }
    if (!str_is(range, "*")) {
        struct str first;
        last = range;
        str_cut(&last, '-', &first);
        if (!value_of(f, first, &low) || (last.p != NULL && !value_of(f, last, &high))) {
            return false;
        }
        high = last.p != NULL ? high : step.p != NULL ? f->high : low;
    }
    if (low > high && f->words == NULL) {
        return false;
    }
    unsigned count = low <= high ? high - low : f->high - low + 1 + high - f->low;
    for (unsigned i = 0; i <= count; i += (unsigned)by) {
        unsigned n = low + i;
        mark(f, bits, n <= f->high ? n : n - (f->high - f->low + 1));
    }
    return true;
}

/* L, LW, 15W: what only days of the month may say. */
static bool parse_day(struct str part, struct schedule *s) {
    unsigned n = 0;
    if (str_is(part, "L")) {
        s->last_day = true;
    } else if (str_is(part, "LW")) {
        s->near_day = LAST_WEEKDAY;
    } else if (str_ends(part, S("W")) && s->near_day == 0 &&
               value_of(&fields[2], str_sub(part, 0, part.n - 1), &n)) {
        s->near_day = (int)n;
    } else {
        return parse_part(&fields[2], part, &s->days);
    }
    return true;
}

/* L, 6L, 3#2: what only days of the week may say. */
static bool parse_weekday(struct str part, struct schedule *s) {
    unsigned n = 0, nth = 0;
    size_t sharp = str_find_c(part, '#', 0);
    static const struct field nths = {"number", 1, 5, NULL};
    if (str_is(part, "L")) {
        s->weekdays |= 1U << 7;
    } else if (str_ends(part, S("L")) && s->last_weekday == 0 &&
               value_of(&fields[4], str_sub(part, 0, part.n - 1), &n)) {
        s->last_weekday = (int)n;
    } else if (sharp != (size_t)-1) {
        if (s->nth != 0 || !value_of(&fields[4], str_sub(part, 0, sharp), &n) ||
            !value_of(&nths, str_sub(part, sharp + 1, part.n), &nth)) {
            return false;
        }
        s->nth_weekday = (int)n;
        s->nth = (int)nth;
    } else {
        return parse_part(&fields[4], part, &s->weekdays);
    }
    return true;
}

static int parse_field(struct str text, size_t at, struct schedule *s, struct err *err) {
    uint64_t *const bits[FIELDS] = {&s->minutes, &s->hours,    &s->days,
                                    &s->months,  &s->weekdays, s->years};
    const struct reader r = {err, fields[at].name};
    struct str rest = text, part;
    while (str_cut(&rest, ',', &part)) {
        bool good = at == 2   ? parse_day(part, s)
                    : at == 4 ? parse_weekday(part, s)
                              : parse_part(&fields[at], part, bits[at]);
        if (!good) {
            return bad(&r, text);
        }
    }
    return 0;
}

static int parse_cron(struct str inside, struct schedule *s, struct err *err) {
    const struct reader r = {err, "cron has six fields: minutes, hours, day of month, month, day "
                                  "of week, year"};
    const struct reader q = {err, "one of day of month and day of week has to be ?"};
    struct str parts[FIELDS];
    size_t n = 0;
    struct str rest = inside, part;
    while (str_cut(&rest, ' ', &part)) {
        if (part.n == 0) {
            continue;
        }
        if (n == FIELDS) {
            return bad(&r, inside);
        }
        parts[n++] = part;
    }
    if (n != FIELDS) {
        return bad(&r, inside);
    }
    s->by_weekday = str_is(parts[2], "?");
    if (s->by_weekday == str_is(parts[4], "?")) {
        return bad(&q, inside);
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (!str_is(parts[i], "?") && parse_field(parts[i], i, s, err) < 0) {
            return -1;
        }
        if (str_is(parts[i], "?") && i != 2 && i != 4) {
            return bad(&r, inside);
        }
    }
    return 0;
}

int schedule_parse(struct str text, struct schedule *ret, struct err *err) {
    const struct reader r = {err, "a schedule is rate(...) or cron(...)"};
    *ret = (struct schedule){0};
    if (!str_ends(text, S(")"))) {
        return bad(&r, text);
    }
    if (str_starts(text, S("rate("))) {
        return parse_rate(str_sub(text, 5, text.n - 6), ret, err);
    }
    return str_starts(text, S("cron(")) ? parse_cron(str_sub(text, 5, text.n - 6), ret, err)
                                        : bad(&r, text);
}

/* ---- the calendar ---- */

struct date {
    int year, month, day;
    int weekday;  /* 1 = Sunday */
    int last_day; /* of the month */
};

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Of a number of days since 1970-01-01, a Thursday. */
static struct date date_of(int64_t day) {
    struct date d = {.year = SCHEDULE_FIRST_YEAR, .month = 1, .weekday = (int)((day + 4) % 7) + 1};
    while (day >= (is_leap(d.year) ? 366 : 365)) {
        day -= is_leap(d.year) ? 366 : 365;
        d.year++;
    }
    while (day >= days_in(d.year, d.month)) {
        day -= days_in(d.year, d.month);
        d.month++;
    }
    d.day = (int)day + 1;
    d.last_day = days_in(d.year, d.month);
    return d;
}

/* Days of the year that come after this one. */
static int days_left(const struct date *d) {
    int left = d->last_day - d->day;
    for (int month = d->month + 1; month <= 12; month++) {
        left += days_in(d->year, month);
    }
    return left;
}

static bool is_weekend(int weekday) {
    return weekday == 1 || weekday == 7;
}

static int weekday_of(const struct date *d, int day) {
    return (((d->weekday - 1 + day - d->day) % 7) + 7) % 7 + 1;
}

/* The weekday that lies nearest to `day`, within the month. */
static int nearest(const struct date *d, int day) {
    bool last = day == LAST_WEEKDAY;
    int at = last || day > d->last_day ? d->last_day : day;
    int weekday = weekday_of(d, at);
    if (!is_weekend(weekday)) {
        return at;
    }
    if (last) {
        return weekday == 7 ? at - 1 : at - 2;
    }
    if (weekday == 7) {
        return at > 1 ? at - 1 : at + 2;
    }
    return at < d->last_day ? at + 1 : at - 2;
}

static bool has(uint64_t bits, int n) {
    return (bits >> n & 1) != 0;
}

static bool is_day(const struct schedule *s, const struct date *d) {
    if (s->by_weekday) {
        bool last = d->day + 7 > d->last_day;
        return has(s->weekdays, d->weekday) || (last && d->weekday == s->last_weekday) ||
               (s->nth > 0 && d->weekday == s->nth_weekday && (d->day - 1) / 7 + 1 == s->nth);
    }
    bool near = s->near_day != 0 && (s->near_day == LAST_WEEKDAY || s->near_day <= d->last_day) &&
                nearest(d, s->near_day) == d->day;
    return has(s->days, d->day) || (s->last_day && d->day == d->last_day) || near;
}

static bool is_year(const struct schedule *s, int year) {
    int at = year - SCHEDULE_FIRST_YEAR;
    return at < SCHEDULE_YEARS && has(s->years[at / 64], at % 64);
}

/* First minute of the day, at or after `from`; -1 if there is none. */
static int minute_of_day(const struct schedule *s, int from) {
    for (int m = from; m < DAY_MINUTES; m++) {
        if (has(s->hours, m / 60) && has(s->minutes, m % 60)) {
            return m;
        }
    }
    return -1;
}

int64_t schedule_next(const struct schedule *s, int64_t anchor_ms, int64_t after_ms) {
    if (s->period_ms > 0) {
        int64_t periods = after_ms < anchor_ms ? 1 : (after_ms - anchor_ms) / s->period_ms + 1;
        return anchor_ms + periods * s->period_ms;
    }
    int64_t minute = after_ms / MINUTE_MS + 1;
    int from = (int)(minute % DAY_MINUTES);
    for (int64_t day = minute / DAY_MINUTES;; day++, from = 0) {
        struct date d = date_of(day);
        if (d.year >= SCHEDULE_FIRST_YEAR + SCHEDULE_YEARS) {
            return -1;
        }
        if (!is_year(s, d.year)) {
            day += days_left(&d);
            continue;
        }
        if (!has(s->months, d.month) || !is_day(s, &d)) {
            continue;
        }
        int at = minute_of_day(s, from);
        if (at >= 0) {
            return (day * DAY_MINUTES + at) * MINUTE_MS;
        }
    }
}
