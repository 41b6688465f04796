/*
 * Values of a template: intrinsic functions, conditions, pseudo parameters. What resources are is
 * asked from the caller, so that the same walk serves plans (change sets) and real runs.
 */
#pragma once

#include "services/cloudformation/template.h"

#define EVALUATE_UNKNOWN "{{changeSet:KNOWN_AFTER_APPLY}}"

struct evaluation {
    struct arena *arena;
    const struct template *t;
    const json_t *parameters; /* name: text, or a list of texts */
    struct str account, region, stack_name, stack_id;
    const json_t *notification_arns; /* list */
    json_t *conditions;              /* results so far; owned; made at first use */
    int depth;

    /* Ref (absent attribute) or Fn::GetAtt of a resource: a new value; EVALUATE_UNKNOWN as text for
     * what only the run will tell. */
    int (*resource)(void *ud, struct str logical_id, struct str attribute, json_t **ret,
                    struct err *err);
    /* Value of an export; the name is noted as imported. */
    int (*import)(void *ud, struct str name, struct str *ret, struct err *err);
    void *ud;
};

void evaluation_done(struct evaluation *e);

/* A new tree without functions. *ret is NULL for AWS::NoValue. ERR_INVALID: "Template error: ..."
 */
int evaluate(struct evaluation *e, const json_t *node, json_t **ret, struct err *err) MUST_USE;
int evaluate_condition(struct evaluation *e, struct str name, bool *ret, struct err *err) MUST_USE;

/* Whether the resource or output is there: its Condition, if it has one. */
int evaluate_wanted(struct evaluation *e, const json_t *item, bool *ret, struct err *err) MUST_USE;

/* Whether any text in the tree holds EVALUATE_UNKNOWN. */
bool evaluate_unknown(const json_t *tree);
