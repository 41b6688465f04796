/*
 * Shared by the files that check a structure (check_*.c). One struct check travels through all of
 * them; the first mistake ends the check. Limits come from CodePipeline's quotas and structure
 * reference and from its service model; messages are AWS's where they are known from its clients'
 * logs, and name stage, action and field in any case.
 */
#pragma once

#include "flow/definition/action_types.h"
#include "flow/definition/definition.h"

struct check {
    const struct definition *d;
    struct str home; /* the pipeline's region; absent: not known */
    struct arena *a; /* scratch */
    struct action_type_list actions;
    struct action_type_list rules;
    enum def_fault fault;
    struct err *err;
};

enum {
    DEF_MAX_STAGES = 50,
    DEF_MAX_STAGE_ACTIONS = 50,
    DEF_MAX_ACTIONS = 1000, /* of a pipeline */
    DEF_MAX_VARIABLES = 50,
    DEF_MAX_TRIGGERS = 50,
    DEF_MAX_TRIGGER_BYTES = 200 * 1024,
    DEF_MAX_RULES = 5, /* of a condition */
};

/* Sets fault and error; returns -1. */
int check_bad(struct check *c, enum def_fault fault, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* 1 to `max` characters of [A-Za-z0-9_-] and `extra`. */
bool check_name(struct str s, size_t max, const char *extra);
/* min to max characters (not bytes). */
bool check_length(struct str s, size_t min, size_t max);
bool check_role(struct str arn);

/* Is the artifact an output of an action in a stage before `stage`, or in `stage` with a runOrder
 * less than `run_order`? */
bool check_made_before(const struct definition *d, size_t stage, int run_order,
                       struct str artifact);

int check_action(struct check *c, size_t stage, const struct def_action *a) MUST_USE;
int check_artifacts(struct check *c, size_t stage, size_t action) MUST_USE;
int check_configuration(struct check *c, const struct def_stage *s, const struct def_action *a,
                        const struct action_type *t) MUST_USE;
int check_provider(struct check *c, const struct def_stage *s, const struct def_action *a) MUST_USE;
int check_conditions(struct check *c, size_t stage) MUST_USE;
int check_rule(struct check *c, size_t stage, const char *kind, const struct def_rule *r) MUST_USE;
int check_triggers(struct check *c) MUST_USE;
int check_variables(struct check *c) MUST_USE;
int check_references(struct check *c) MUST_USE;
int check_stores(struct check *c) MUST_USE;
