/* AllowedPattern: a regular expression that the value has to match somewhere. */
#include "services/ssm/ssm.h"

#include "platform/text/regex.h"

enum { PATTERN_MAX = 1024 }; /* characters: ssm/PutParameter */

static int invalid(struct str why, struct err *err) {
    return err_api(err, &ssm_InvalidAllowedPatternException,
                   "The request does not meet the regular expression requirement: " STR_FMT,
                   STR_ARG(why));
}

int ssm_check_pattern(struct call *c, struct str pattern, struct str value, struct err *err) {
    struct regex *regex = NULL;
    if (pattern.n == 0) {
        return 0;
    }
    if (pattern.n > PATTERN_MAX) {
        return invalid(S("it is too large"), err);
    }
    if (regex_compile(c->arena, pattern, &regex, err) < 0) {
        return invalid(str_printf(c->arena, "%s", err->msg), err);
    }
    return regex_search(regex, value)
               ? 0
               : err_api(err, &ssm_ParameterPatternMismatchException,
                         "Parameter value, cannot be validated against allowedPattern: " STR_FMT,
                         STR_ARG(pattern));
}
