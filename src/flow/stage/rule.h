/*
 * A rule of a condition, as its provider sees it. A provider (rules.def) looks as often as it asks
 * for, until the rule has passed or failed; what it has found then stays: CodePipeline does not
 * look at a rule again that has passed. Looking again has the effect of once: whatever a look
 * starts is named by the rule's id.
 */
#pragma once

#include "flow/stage/check.h"

struct rule_run {
    struct check_run *check;
    const struct def_rule *rule;
    struct str id;                 /* ruleExecutionId */
    const struct rule_row *before; /* what the last look left, or NULL */
    struct str_map configuration;  /* with variables resolved */
    struct str_list commands;      /* the same */
    int64_t waited_ms;             /* since the check began */
};

enum rule_verdict {
    RULE_WAITS,
    RULE_PASSED,
    RULE_FAILED,
};

struct rule_look {
    enum rule_verdict verdict;
    struct str summary; /* for a person */
    struct str external_id;
    struct str external_url;
    int again_ms; /* RULE_WAITS: look again after that time; 0 = the usual */
};

struct rule_provider {
    const char *name;
    /* Outside any transaction. An error: the rule could not be evaluated; ERR_UNAVAILABLE: yet. */
    int (*look)(struct rule_run *run, struct rule_look *ret, struct err *err);
    /* Ends what a look has started (external_id says what), without waiting for it. NULL: nothing
     * outlives a look. */
    int (*end)(const struct flow *f, struct arena *a, const struct rule_row *row, struct err *err);
};

const struct rule_provider *rule_provider_find(struct str name);

/* A target that acts as the rule's role: the pipeline's, or the rule's own assumed from it. */
int rule_target(struct rule_run *run, struct aws_target *ret, struct err *err) MUST_USE;
/* A setting, resolved; absent where it is not given. */
struct str rule_setting(const struct rule_run *run, const char *key);

/* The providers; called through rules.def only. */
int rule_alarm_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
int rule_variable_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
int rule_build_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
int rule_build_end(const struct flow *f, struct arena *a, const struct rule_row *row,
                   struct err *err) MUST_USE;
int rule_lambda_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
int rule_window_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
int rule_preflight_look(struct rule_run *run, struct rule_look *ret, struct err *err) MUST_USE;
