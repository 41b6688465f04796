/* Implementation of quartz.h. */
#include "flow/definition/quartz.h"

#include <time.h>

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

struct field {
    const char *name;
    int min, max;
    const char *const *names; /* of min, min + 1 ...; or NULL */
    int n_names;
};

static const struct field fields[] = {
    {"seconds", 0, 59, NULL, 0},       {"minutes", 0, 59, NULL, 0},
    {"hours", 0, 23, NULL, 0},         {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, 12}, {"day of week", 1, 7, day_names, 7},
    {"year", 1970, 2199, NULL, 0},
};

enum { SECONDS, MINUTES, HOURS, DAY, MONTH, WEEKDAY, YEAR, FIELDS };

static int wrong(const struct field *f, struct str text, const char *why, struct err *err) {
    return err_set(err, ERR_INVALID, "the field %s: '%.*s' %s", f->name, STR_ARG(text), why);
}

static bool value(const struct field *f, struct str text, int *ret) {
    long long number = 0;
    for (int i = 0; i < f->n_names; i++) {
        if (str_ieq(text, str_c(f->names[i]))) {
            *ret = f->min + i;
            return true;
        }
    }
    if (!str_to_i64(text, &number) || text.p[0] == '-' || text.p[0] == '+' || number < f->min ||
        number > f->max) {
        return false;
    }
    *ret = (int)number;
    return true;
}

/* bits: one for each value from f->min - base on. */
static void set_bit(uint64_t *bits, int n) {
    bits[n / 64] |= (uint64_t)1 << (n % 64);
}

/* "*", "5", "1-5", "22-2", each with "/step". Bit n of bits: the value base + n. */
static int read_range(const struct field *f, int base, struct str text, uint64_t *bits,
                      struct err *err) {
    size_t slash = str_find_c(text, '/', 0);
    struct str range = str_sub(text, 0, slash == (size_t)-1 ? text.n : slash);
    size_t dash = str_find_c(range, '-', 0);
    int span = f->max - f->min + 1, from = f->min, to = f->max, step = 1;
    long long number = 0;
    if (slash != (size_t)-1) {
        if (!str_to_i64(str_sub(text, slash + 1, text.n), &number) || number < 1 || number > span) {
            return wrong(f, text, "has a step that is not possible", err);
        }
        step = (int)number;
    }
    if (dash != (size_t)-1) {
        if (!value(f, str_sub(range, 0, dash), &from) ||
            !value(f, str_sub(range, dash + 1, range.n), &to)) {
            return wrong(f, text, "is no range of its values", err);
        }
    } else if (!str_is(range, "*") && !(range.n == 0 && slash == 0)) {
        if (!value(f, range, &from)) {
            return wrong(f, text, "is not one of its values", err);
        }
        to = slash == (size_t)-1 ? from : f->max;
    }
    int length = to >= from ? to - from : to - from + span; /* around the end */
    for (int i = 0; i <= length; i += step) {
        int v = from + i > f->max ? from + i - span : from + i;
        set_bit(bits, v - base);
    }
    return 0;
}

static int read_list(const struct field *f, int base, struct str text, uint64_t *bits,
                     struct err *err) {
    struct str one = STR_NONE;
    while (str_cut(&text, ',', &one)) {
        if (read_range(f, base, one, bits, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* L, LW, L-3, 15W, or a list. */
static int read_day(struct str text, struct quartz *q, struct err *err) {
    const struct field *f = &fields[DAY];
    uint64_t bits[4] = {0};
    if (str_is(text, "?")) {
        q->any_day = true;
        return 0;
    }
    if (text.n > 0 && text.p[0] == 'L') {
        long long n = 0;
        q->last_day = true;
        q->nearest = str_is(text, "LW");
        if (q->nearest || text.n == 1) {
            return 0;
        }
        if (text.p[1] != '-' || !str_to_i64(str_sub(text, 2, text.n), &n) || n < 0 || n > 30) {
            return wrong(f, text, "is none of L, LW and L-n", err);
        }
        q->before_last = (int)n;
        return 0;
    }
    if (str_ends(text, S("W"))) {
        q->nearest = true;
        return value(f, str_sub(text, 0, text.n - 1), &q->nearest_day)
                   ? 0
                   : wrong(f, text, "names no single day before W", err);
    }
    if (read_list(f, 0, text, bits, err) < 0) {
        return -1;
    }
    q->days = (uint32_t)bits[0];
    return 0;
}

/* L, 6L, FRI#2, or a list. */
static int read_weekday(struct str text, struct quartz *q, struct err *err) {
    const struct field *f = &fields[WEEKDAY];
    uint64_t bits[4] = {0};
    size_t hash = str_find_c(text, '#', 0);
    if (str_is(text, "?")) {
        q->any_weekday = true;
        return 0;
    }
    if (str_is(text, "L")) {
        q->weekdays = 1U << 7;
        return 0;
    }
    if (hash != (size_t)-1) {
        long long n = 0;
        if (!value(f, str_sub(text, 0, hash), &q->nth_weekday) ||
            !str_to_i64(str_sub(text, hash + 1, text.n), &n) || n < 1 || n > 5) {
            return wrong(f, text, "is not DAY#n with n from 1 to 5", err);
        }
        q->nth = (int)n;
        return 0;
    }
    if (str_ends(text, S("L")) && value(f, str_sub(text, 0, text.n - 1), &q->last_weekday)) {
        return 0;
    }
    if (read_list(f, 0, text, bits, err) < 0) {
        return -1;
    }
    q->weekdays = (uint32_t)bits[0];
    return 0;
}

static int read_simple(int which, struct str text, uint64_t *bits, struct err *err) {
    return read_list(&fields[which], which == YEAR ? 1970 : 0, text, bits, err);
}

/* Splits at blanks; returns how many fields there are, FIELDS + 1 for too many. */
static size_t split(struct str text, struct str *parts) {
    size_t n = 0;
    struct str part = STR_NONE;
    while (str_cut(&text, ' ', &part)) {
        if (part.n > 0 && n <= FIELDS) {
            parts[n++] = part;
        }
    }
    return n;
}

int quartz_parse(struct str text, struct quartz *ret, struct err *err) {
    struct str part[FIELDS + 1];
    size_t n = split(text, part);
    if (n != YEAR && n != FIELDS) {
        return err_set(err, ERR_INVALID,
                       "it has %zu fields; there are 6 or 7: seconds minutes hours day-of-month "
                       "month day-of-week [year]",
                       n);
    }
    *ret = (struct quartz){0};
    uint64_t bits[FIELDS][4] = {{0}};
    if (str_is(part[SECONDS], "N/A")) { /* as AWS's documents show the field */
        part[SECONDS] = S("0");
    }
    if (n == YEAR) {
        part[YEAR] = S("*");
    }
    for (int i = 0; i < FIELDS; i++) {
        if (i != DAY && i != WEEKDAY && read_simple(i, part[i], bits[i], err) < 0) {
            return -1;
        }
    }
    if (read_day(part[DAY], ret, err) < 0 || read_weekday(part[WEEKDAY], ret, err) < 0) {
        return -1;
    }
    if (ret->any_day == ret->any_weekday) {
        return err_set(err, ERR_INVALID,
                       "exactly one of day-of-month and day-of-week is '?': here %s",
                       ret->any_day ? "both are" : "none is");
    }
    ret->seconds = bits[SECONDS][0];
    ret->minutes = bits[MINUTES][0];
    ret->hours = (uint32_t)bits[HOURS][0];
    ret->months = (uint32_t)bits[MONTH][0];
    memcpy(ret->years, bits[YEAR], sizeof(ret->years));
    return 0;
}

/* ---- matching ---- */

static int days_in(const struct tm *t) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = t->tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[t->tm_mon] + (t->tm_mon == 1 && leap ? 1 : 0);
}

/* The working day nearest to `day` that lies in the same month. */
static int nearest(const struct tm *t, int day, int last) {
    int weekday = (t->tm_wday + day - t->tm_mday + 35) % 7;
    if (weekday == 6) {
        return day == 1 ? 3 : day - 1;
    }
    if (weekday == 0) {
        return day == last ? day - 2 : day + 1;
    }
    return day;
}

static bool day_matches(const struct quartz *q, const struct tm *t) {
    int last = days_in(t);
    if (q->nearest) {
        int wanted = q->last_day ? last : q->nearest_day;
        return wanted <= last && t->tm_mday == nearest(t, wanted, last);
    }
    if (q->last_day) {
        return t->tm_mday == last - q->before_last;
    }
    return (q->days >> t->tm_mday & 1) != 0;
}

static bool weekday_matches(const struct quartz *q, const struct tm *t) {
    int weekday = t->tm_wday + 1;
    if (q->last_weekday != 0) {
        return weekday == q->last_weekday && t->tm_mday + 7 > days_in(t);
    }
    if (q->nth != 0) {
        return weekday == q->nth_weekday && (t->tm_mday - 1) / 7 + 1 == q->nth;
    }
    return (q->weekdays >> weekday & 1) != 0;
}

bool quartz_matches(const struct quartz *q, int64_t local_s) {
    time_t at = (time_t)local_s;
    struct tm t;
    if (gmtime_r(&at, &t) == NULL || t.tm_year < 70 || t.tm_year > 299) {
        return false;
    }
    int year = t.tm_year - 70;
    return (q->minutes >> t.tm_min & 1) != 0 && (q->hours >> t.tm_hour & 1) != 0 &&
           (q->months >> (t.tm_mon + 1) & 1) != 0 &&
           (q->years[year / 64] >> (year % 64) & 1) != 0 &&
           (q->any_day ? weekday_matches(q, &t) : day_matches(q, &t));
}

int64_t quartz_next(const struct quartz *q, int64_t local_s) {
    int64_t minute = local_s - local_s % 60;
    for (int i = 0; i < QUARTZ_LOOK_DAYS * 24 * 60; i++) {
        minute += 60;
        if (quartz_matches(q, minute)) {
            return minute;
        }
    }
    return -1;
}
