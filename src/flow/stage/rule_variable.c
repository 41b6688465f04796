/* VariableCheck: compares a resolved variable with a value. MATCHES takes the whole text, as Java's
 * matcher does; the syntax is RE2's (decision 0014). */
#include "flow/stage/rule.h"

#include "platform/text/regex.h"

static int matches(struct arena *a, struct str text, struct str pattern, bool *ret,
                   struct err *err) {
    struct regex *re = NULL; /* first alone: "a)|(b" is no pattern, and would be two in a group */
    if (regex_compile(a, pattern, &re, err) < 0 ||
        regex_compile(a, str_printf(a, "^(?:%.*s)$", STR_ARG(pattern)), &re, err) < 0) {
        return err_wrap(err, "Value '%.*s'", STR_ARG(pattern));
    }
    *ret = regex_search(re, text);
    return 0;
}

int rule_variable_look(struct rule_run *run, struct rule_look *ret, struct err *err) {
    struct arena *a = run->check->arena;
    struct str variable = rule_setting(run, "Variable");
    struct str value = rule_setting(run, "Value");
    struct str operator= rule_setting(run, "Operator");
    bool passed = false;
    if (str_is(operator, "EQ") || str_is(operator, "NE")) {
        passed = str_eq(variable, value) == str_is(operator, "EQ");
    } else if (str_is(operator, "CONTAINS")) {
        passed = str_find(variable, value, 0) != (size_t)-1;
    } else if (str_is(operator, "MATCHES")) {
        if (matches(a, variable, value, &passed, err) < 0) {
            return -1;
        }
    } else {
        return err_set(err, ERR_INVALID, "Operator '%.*s' is none of EQ, NE, CONTAINS, MATCHES",
                       STR_ARG(operator));
    }
    ret->verdict = passed ? RULE_PASSED : RULE_FAILED;
    ret->summary = str_printf(a, "%.*s %.*s %.*s is %s",
                              STR_ARG(str_map_get(&run->rule->configuration, S("Variable"))),
                              STR_ARG(operator), STR_ARG(value), passed ? "true" : "false");
    return 0;
}
