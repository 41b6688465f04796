/* The rule that goes on behind a zone file's last transition: a POSIX TZ string; zone.h. */
#include "platform/os/zone.h"

#include <time.h>

struct reader {
    struct str s;
    size_t at;
};

/* When summer time begins or ends: "M3.5.0/1", "J60", "59". */
struct change {
    char form; /* 'M', 'J', or 'n' */
    int month, week, day;
    int64_t time_s;
};

static bool more(const struct reader *r, const char *set) {
    return r->at < r->s.n && strchr(set, r->s.p[r->at]) != NULL;
}

static bool number(struct reader *r, int max, int *ret) {
    size_t from = r->at;
    *ret = 0;
    while (r->at < r->s.n && r->s.p[r->at] >= '0' && r->s.p[r->at] <= '9' && r->at - from < 4) {
        *ret = *ret * 10 + (r->s.p[r->at++] - '0');
    }
    return r->at > from && *ret <= max;
}

/* "GMT", "<+0330>": what it says does not matter here. */
static bool name(struct reader *r) {
    size_t from = r->at;
    if (more(r, "<")) {
        size_t end = str_find_c(r->s, '>', r->at);
        r->at = end == (size_t)-1 ? r->at : end + 1;
        return end != (size_t)-1;
    }
    while (r->at < r->s.n && ((r->s.p[r->at] | 32) >= 'a' && (r->s.p[r->at] | 32) <= 'z')) {
        r->at++;
    }
    return r->at >= from + 3;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool duration(struct reader *r, int64_t *ret) {
    bool minus = more(r, "-");
    int hours = 0, minutes = 0, seconds = 0;
    r->at += more(r, "+-") ? 1 : 0;
    if (!number(r, 167, &hours)) {
        return false;
    }
    if (more(r, ":")) {
        r->at++;
        if (!number(r, 59, &minutes)) {
            return false;
        }
    }
    if (more(r, ":")) {
        r->at++;
        if (!number(r, 59, &seconds)) {
            return false;
        }
    }
    *ret = (hours * 3600 + minutes * 60 + seconds) * (minus ? -1 : 1);
    return true;
}

static bool change(struct reader *r, struct change *ret) {
    bool good = more(r, ",");
    r->at += good ? 1 : 0;
    *ret = (struct change){.form = 'n', .time_s = 2 * 3600};
    if (good && more(r, "M")) {
        r->at++;
        ret->form = 'M';
        good = number(r, 12, &ret->month) && ret->month > 0 && more(r, ".");
        r->at++;
        good = good && number(r, 5, &ret->week) && ret->week > 0 && more(r, ".");
        r->at++;
        good = good && number(r, 6, &ret->day);
    } else if (good) {
        bool julian = more(r, "J");
        r->at += julian ? 1 : 0;
        ret->form = julian ? 'J' : 'n';
        good = number(r, 365, &ret->day);
    }
    if (good && more(r, "/")) {
        r->at++;
        good = duration(r, &ret->time_s);
    }
    return good;
}

static bool leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t first_of(int year, int month) {
    struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1};
    return (int64_t)timegm(&t);
}

/* In local time as it is before the change, seconds since 1970. */
static int64_t change_at(const struct change *c, int year) {
    enum { DAY = 86400 };
    if (c->form == 'n') {
        return first_of(year, 1) + (int64_t)c->day * DAY + c->time_s;
    }
    if (c->form == 'J') {
        int skip = leap(year) && c->day >= 60 ? 1 : 0;
        return first_of(year, 1) + (int64_t)(c->day - 1 + skip) * DAY + c->time_s;
    }
    int64_t first = first_of(year, c->month);
    int64_t next = c->month == 12 ? first_of(year + 1, 1) : first_of(year, c->month + 1);
    int weekday = (int)(((first / DAY) % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
    int64_t at = first + (int64_t)((c->day - weekday + 7) % 7 + 7 * (c->week - 1)) * DAY;
    while (at >= next) {
        at -= 7 * DAY; /* week 5 means the last one */
    }
    return at + c->time_s;
}

bool zone_rule_offset(struct str rule, int64_t utc_s, int *ret_ahead_s) {
    struct reader r = {rule, 0};
    int64_t west = 0, summer_west = 0;
    if (!name(&r) || !duration(&r, &west)) {
        return false;
    }
    *ret_ahead_s = (int)-west;
    if (r.at == rule.n) {
        return true;
    }
    struct change begin, end;
    if (!name(&r)) {
        return false;
    }
    summer_west = west - 3600;
    if (!more(&r, ",") && !duration(&r, &summer_west)) {
        return false;
    }
    if (!change(&r, &begin) || !change(&r, &end) || r.at != rule.n) {
        return false;
    }
    time_t local = (time_t)(utc_s - west);
    struct tm t;
    if (gmtime_r(&local, &t) == NULL) {
        return false;
    }
    int64_t from = change_at(&begin, t.tm_year + 1900) + west;
    int64_t to = change_at(&end, t.tm_year + 1900) + summer_west;
    bool summer = from < to ? utc_s >= from && utc_s < to : utc_s >= from || utc_s < to;
    *ret_ahead_s = (int)-(summer ? summer_west : west);
    return true;
}
