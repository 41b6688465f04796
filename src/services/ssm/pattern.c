/*
 * AllowedPattern: a regular expression that the value has to match. POSIX extended expressions,
 * with \d and \D translated; what POSIX cannot say (back references, look-around) is refused when
 * the parameter is made, and so are repetitions that would cost too much memory.
 */
#include "services/ssm/ssm.h"

#include "base/buf.h"

#include <regex.h>
#include <stdlib.h>

enum { PATTERN_MAX = 1024, REPEAT_MAX = 2000 };

static int invalid(const char *why, struct err *err) {
    return err_api(err, &ssm_InvalidAllowedPatternException,
                   "The request does not meet the regular expression requirement: %s", why);
}

/* The product of all counted repetitions bounds the size of the compiled expression. */
static bool repeats_are_few(struct str pattern) {
    unsigned long long product = 1;
    for (size_t i = 0; i < pattern.n; i++) {
        unsigned long long n = 0, most = 0;
        if (pattern.p[i] != '{' || (i > 0 && pattern.p[i - 1] == '\\')) {
            continue;
        }
        for (i++; i < pattern.n && pattern.p[i] != '}'; i++) {
            bool digit = pattern.p[i] >= '0' && pattern.p[i] <= '9';
            n = digit ? n * 10 + (unsigned long long)(pattern.p[i] - '0') : 0;
            most = n > most ? n : most;
            if (most > REPEAT_MAX) {
                return false;
            }
        }
        product *= most > 0 ? most : 1;
        if (product > REPEAT_MAX) {
            return false;
        }
    }
    return true;
}

static int translate(struct str pattern, struct buf *out, struct err *err) {
    bool in_set = false;
    for (size_t i = 0; i < pattern.n; i++) {
        char ch = pattern.p[i], next = i + 1 < pattern.n ? pattern.p[i + 1] : 0;
        if (ch == '(' && next == '?' && !in_set) {
            if (i + 2 >= pattern.n || pattern.p[i + 2] != ':') {
                return invalid("look-around and named groups are not possible", err);
            }
            buf_add_c(out, '(');
            i += 2;
        } else if (ch == '\\' && next >= '1' && next <= '9') {
            return invalid("back references are not possible", err);
        } else if (ch == '\\' && (next == 'd' || next == 'D')) {
            const char *set = next == 'd' ? "[0-9]" : "[^0-9]";
            if (in_set && next == 'D') {
                return invalid("\\D inside brackets is not possible", err);
            }
            buf_add_z(out, in_set ? "0-9" : set);
            i++;
        } else if (ch == '\\' && in_set && next == 'w') {
            buf_add_z(out, "A-Za-z0-9_");
            i++;
        } else if (ch == '\\' && in_set && next != 0) {
            buf_add_c(out, next); /* POSIX brackets know no escapes */
            i++;
        } else if (ch == '\\') {
            buf_add_c(out, ch);
            if (next != 0) {
                buf_add_c(out, next);
            }
            i++;
        } else {
            in_set = in_set ? ch != ']' : ch == '[';
            buf_add_c(out, ch);
        }
    }
    return 0;
}

int ssm_check_pattern(struct call *c, struct str pattern, struct str value, struct err *err) {
    if (pattern.n == 0) {
        return 0;
    }
    if (pattern.n > PATTERN_MAX || !repeats_are_few(pattern)) {
        return invalid("it is too large", err);
    }
    struct buf posix cleanup_buf;
    buf_init(&posix, (size_t)PATTERN_MAX * 6);
    if (translate(pattern, &posix, err) < 0) {
        return -1;
    }
    regex_t regex;
    int code = regcomp(&regex, str_z(c->arena, buf_str(&posix)), REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char why[128];
        regerror(code, &regex, why, sizeof(why));
        return invalid(why, err);
    }
    bool fits = regexec(&regex, str_z(c->arena, value), 0, NULL, 0) == 0;
    regfree(&regex);
    return fits ? 0
                : err_api(err, &ssm_ParameterPatternMismatchException,
                          "Parameter value, cannot be validated against allowedPattern: " STR_FMT,
                          STR_ARG(pattern));
}
