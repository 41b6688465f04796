/* beforeEntry, onSuccess and onFailure of a stage; check.h. */
#include "flow/definition/check.h"

struct kind {
    const char *name;
    const char *results[2]; /* that CodePipeline allows for it */
};

static const struct kind entry = {"beforeEntry", {"FAIL", "SKIP"}};
static const struct kind success = {"onSuccess", {"FAIL", "ROLLBACK"}};
static const struct kind failure = {"onFailure", {"ROLLBACK", NULL}};

/* There must be something to go back to, and one execution at a time. */
static int check_rollback(struct check *c, size_t stage, const char *kind) {
    const struct def_stage *s = &c->d->stages.v[stage];
    if (stage == 0) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: %s has the result ROLLBACK, which is not possible in a "
                         "source stage",
                         STR_ARG(s->name), kind);
    }
    if (str_is(c->d->mode, "PARALLEL")) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: %s has the result ROLLBACK, which is not possible in the "
                         "execution mode PARALLEL",
                         STR_ARG(s->name), kind);
    }
    return 0;
}

/* Skipping is for rules that look at values. */
static int check_skip(struct check *c, const struct def_stage *s, const struct def_rule *r) {
    if (str_is(r->provider, "LambdaInvoke") || str_is(r->provider, "VariableCheck")) {
        return 0;
    }
    return check_bad(c, DEF_FAULT_STAGE,
                     "Stage %.*s: beforeEntry has the result SKIP, which is possible with rules of "
                     "LambdaInvoke and VariableCheck only; rule %.*s is of %.*s",
                     STR_ARG(s->name), STR_ARG(r->name), STR_ARG(r->provider));
}

static int check_result(struct check *c, size_t stage, const struct kind *kind, struct str result) {
    const struct def_stage *s = &c->d->stages.v[stage];
    for (size_t i = 0; i < 2 && kind->results[i] != NULL; i++) {
        if (str_is(result, kind->results[i])) {
            return str_is(result, "ROLLBACK") ? check_rollback(c, stage, kind->name) : 0;
        }
    }
    const char *second = kind->results[1];
    return check_bad(c, DEF_FAULT_STAGE,
                     "Stage %.*s: the result of %s's condition is '%.*s', possible %s %s%s%s",
                     STR_ARG(s->name), kind->name, STR_ARG(result), second ? "are" : "is",
                     kind->results[0], second ? " and " : "", second ? second : "");
}

static int check_condition(struct check *c, size_t stage, const struct kind *kind,
                           const struct def_condition *condition) {
    const struct def_stage *s = &c->d->stages.v[stage];
    if (condition->count == 0) {
        return 0;
    }
    if (condition->count > 1) {
        return check_bad(c, DEF_FAULT_STAGE, "Stage %.*s: %s has %zu conditions, one is possible",
                         STR_ARG(s->name), kind->name, condition->count);
    }
    if (condition->rules.n < 1 || condition->rules.n > DEF_MAX_RULES) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: %s's condition has %zu rules, a condition has 1 to %d",
                         STR_ARG(s->name), kind->name, condition->rules.n, DEF_MAX_RULES);
    }
    if (check_result(c, stage, kind, condition->result) < 0) {
        return -1;
    }
    for (size_t i = 0; i < condition->rules.n; i++) {
        const struct def_rule *r = &condition->rules.v[i];
        for (size_t k = 0; k < i; k++) {
            if (str_eq(condition->rules.v[k].name, r->name)) {
                return check_bad(c, DEF_FAULT_STAGE,
                                 "Stage %.*s: %s's condition has two rules named %.*s",
                                 STR_ARG(s->name), kind->name, STR_ARG(r->name));
            }
        }
        if (check_rule(c, stage, kind->name, r) < 0 ||
            (str_is(condition->result, "SKIP") && check_skip(c, s, r) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* onFailure without a condition: its result is what follows at once. */
static int check_direct(struct check *c, size_t stage) {
    const struct def_stage *s = &c->d->stages.v[stage];
    bool retry = str_is(s->failure_result, "RETRY");
    if (s->failure_result.n > 0 && !retry && !str_is(s->failure_result, "ROLLBACK")) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: the result of onFailure is '%.*s', possible are ROLLBACK and "
                         "RETRY",
                         STR_ARG(s->name), STR_ARG(s->failure_result));
    }
    if (s->failure_result.n > 0 && s->failure.count > 0) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: onFailure has the result %.*s and a condition: a stage is "
                         "retried or rolled back at once, or by a condition, not both",
                         STR_ARG(s->name), STR_ARG(s->failure_result));
    }
    if (s->retry_mode.p != NULL && !retry) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: onFailure has a retryConfiguration, which goes with the "
                         "result RETRY",
                         STR_ARG(s->name));
    }
    if (s->retry_mode.n > 0 && !str_is(s->retry_mode, "FAILED_ACTIONS") &&
        !str_is(s->retry_mode, "ALL_ACTIONS")) {
        return check_bad(c, DEF_FAULT_STAGE,
                         "Stage %.*s: the retryMode '%.*s' is neither FAILED_ACTIONS nor "
                         "ALL_ACTIONS",
                         STR_ARG(s->name), STR_ARG(s->retry_mode));
    }
    return str_is(s->failure_result, "ROLLBACK") ? check_rollback(c, stage, "onFailure") : 0;
}

int check_conditions(struct check *c, size_t stage) {
    const struct def_stage *s = &c->d->stages.v[stage];
    return check_condition(c, stage, &entry, &s->entry) < 0 ||
                   check_condition(c, stage, &success, &s->success) < 0 ||
                   check_condition(c, stage, &failure, &s->failure) < 0
               ? -1
               : check_direct(c, stage);
}
