/* Implementation of services/cloudwatch/judge.h: AWS's documented tables of missing data. */
#include "services/cloudwatch/judge.h"

#include "base/buf.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

bool judge_missing_parse(struct str text, enum judge_missing *ret) {
    static const char *const names[] = {
        [MISSING_MISSING] = "missing",
        [MISSING_IGNORE] = "ignore",
        [MISSING_BREACHING] = "breaching",
        [MISSING_NOT_BREACHING] = "notBreaching",
    };
    *ret = MISSING_MISSING;
    if (text.p == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(text, names[i])) {
            *ret = (enum judge_missing)i;
            return true;
        }
    }
    return false;
}

bool judge_breaches(const struct judge_rule *rule, double value) {
    if (str_is(rule->operator_, "GreaterThanThreshold")) {
        return value > rule->threshold;
    }
    if (str_is(rule->operator_, "GreaterThanOrEqualToThreshold")) {
        return value >= rule->threshold;
    }
    if (str_is(rule->operator_, "LessThanThreshold")) {
        return value < rule->threshold;
    }
    return value <= rule->threshold;
}

static const char *words(const struct judge_rule *rule) {
    if (str_is(rule->operator_, "GreaterThanThreshold")) {
        return "greater than";
    }
    if (str_is(rule->operator_, "GreaterThanOrEqualToThreshold")) {
        return "greater than or equal to";
    }
    return str_is(rule->operator_, "LessThanThreshold") ? "less than" : "less than or equal to";
}

struct str judge_number(struct arena *a, double value) {
    struct str text = STR_NONE;
    for (int digits = 1; digits <= 17; digits++) { /* the shortest that reads back the same */
        double back = 0;
        text = str_printf(a, "%.*g", digits, value);
        if (str_to_double(text, &back) && back == value) {
            break;
        }
    }
    if (fabs(value) < 1e15 && str_find_c(text, 'e', 0) != (size_t)-1) {
        text = str_printf(a, "%.0f", value);
    }
    bool whole = str_find_c(text, '.', 0) == (size_t)-1 && str_find_c(text, 'e', 0) == (size_t)-1;
    return whole ? str_printf(a, "%.*s.0", STR_ARG(text)) : text;
}

static struct str list_points(struct arena *a, const struct judge_point *points, size_t n) {
    struct buf b cleanup_buf;
    buf_init(&b, 64 * 1024);
    for (size_t i = 0; i < n; i++) {
        time_t at = (time_t)(points[i].at_ms / 1000);
        struct tm tm;
        char when[32];
        gmtime_r(&at, &tm);
        snprintf(when, sizeof(when), "%02u/%02u/%02u %02u:%02u:%02u", (unsigned)tm.tm_mday % 100,
                 (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_year % 100, (unsigned)tm.tm_hour % 100,
                 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
        struct str value = judge_number(a, points[i].value);
        buf_printf(&b, "%s%.*s (%s)", i > 0 ? ", " : "", STR_ARG(value), when);
    }
    return buf_dup(a, &b);
}

static struct str plural(struct arena *a, int n, const char *what) {
    return str_printf(a, "%d %s%s", n, what, n == 1 ? "" : "s");
}

/* Reason of a verdict that real datapoints gave. */
static struct str crossed(struct arena *a, const struct judge_rule *rule, enum judge_state state,
                          const struct judge_point *used, size_t n) {
    bool alarm = state == JUDGE_ALARM;
    size_t count = 0;
    struct judge_point *shown = arena_new_n(a, struct judge_point, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (judge_breaches(rule, used[i].value) == alarm) {
            shown[count++] = used[i];
        }
    }
    int least = alarm ? rule->to_alarm : rule->periods - rule->to_alarm + 1;
    struct str points = list_points(a, shown, count);
    struct str threshold = judge_number(a, rule->threshold);
    struct str minimum = plural(a, least, "datapoint");
    return str_printf(a,
                      "Threshold Crossed: %zu out of the last %zu datapoints [%.*s] %s%s %s the "
                      "threshold (%.*s) (minimum %.*s for %s transition).",
                      count, n, STR_ARG(points), count == 1 ? "was" : "were", alarm ? "" : " not",
                      words(rule), STR_ARG(threshold), STR_ARG(minimum),
                      alarm ? "OK -> ALARM" : "ALARM -> OK");
}

static struct str treated(struct arena *a, const struct judge_rule *rule, bool breaching,
                          int missing) {
    struct str periods = plural(a, rule->periods, "period");
    struct str points = plural(a, missing, "missing datapoint");
    return str_printf(a,
                      "Threshold Crossed: no datapoints were received for %.*s and %.*s %s treated "
                      "as [%s].",
                      STR_ARG(periods), STR_ARG(points), missing == 1 ? "was" : "were",
                      breaching ? "Breaching" : "NonBreaching");
}

static struct judge_verdict without_data(struct arena *a, const struct judge_rule *rule) {
    struct str unknown = plural(a, rule->periods, "datapoint");
    switch (rule->missing) {
    case MISSING_BREACHING:
        return (struct judge_verdict){JUDGE_ALARM, treated(a, rule, true, rule->periods), NULL, 0};
    case MISSING_NOT_BREACHING:
        return (struct judge_verdict){JUDGE_OK, treated(a, rule, false, rule->periods), NULL, 0};
    case MISSING_IGNORE:
        return (struct judge_verdict){JUDGE_RETAIN, STR_NONE, NULL, 0};
    case MISSING_MISSING:
        break;
    }
    return (struct judge_verdict){JUDGE_INSUFFICIENT,
                                  str_printf(a, "Insufficient Data: %.*s %s unknown.",
                                             STR_ARG(unknown), rule->periods == 1 ? "was" : "were"),
                                  NULL, 0};
}

/* Fewer datapoints than periods: what is missing counts as the alarm says. */
static enum judge_state judge_few(const struct judge_rule *rule, int breaching, int real,
                                  size_t oldest_breach) {
    int missing = rule->periods - real;
    if (breaching + (rule->missing == MISSING_BREACHING ? missing : 0) >= rule->to_alarm) {
        return JUDGE_ALARM;
    }
    if (breaching < real || rule->missing == MISSING_BREACHING ||
        rule->missing == MISSING_NOT_BREACHING) {
        return JUDGE_OK;
    }
    /* All that is there breaches. It is an alarm once the first breach is old enough that the gaps
     * after it do not excuse it; before, more data is waited for. */
    bool old = rule->missing == MISSING_MISSING && oldest_breach >= (size_t)rule->to_alarm;
    return old ? JUDGE_ALARM : JUDGE_RETAIN;
}

struct judge_verdict judge(struct arena *a, const struct judge_rule *rule,
                           const struct judge_point *points, size_t n) {
    struct judge_point *real = arena_new_n(a, struct judge_point, n + 1);
    size_t n_real = 0;
    size_t oldest_breach = 0;
    int breaching = 0;
    for (size_t i = 0; i < n && n_real < (size_t)rule->periods; i++) {
        if (isnan(points[i].value)) {
            continue;
        }
        real[n_real++] = points[i];
        if (judge_breaches(rule, points[i].value)) {
            breaching++;
            oldest_breach = i + 1;
        }
    }
    if (n_real == 0) {
        return without_data(a, rule);
    }
    enum judge_state state;
    if (n_real == (size_t)rule->periods) {
        state = breaching >= rule->to_alarm ? JUDGE_ALARM : JUDGE_OK;
    } else {
        state = judge_few(rule, breaching, (int)n_real, oldest_breach);
    }
    struct str reason = state == JUDGE_RETAIN ? STR_NONE : crossed(a, rule, state, real, n_real);
    return (struct judge_verdict){state, reason, real, n_real};
}
