/*
 * From the effects of a step to rows and jobs, in the transaction of the step; apply.c calls it for
 * each effect in order.
 */
#pragma once

#include "flow/execution/engine.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

struct applying {
    const struct flow *f;
    struct arena *arena;
    int64_t pipeline;
    const struct engine_state *state; /* after the step */
    struct str by;                    /* ARN of who asked for it, or absent */
    int64_t now_ms;
    struct err *err;
};

int project_effect(struct applying *t, const struct engine_effect *e) MUST_USE;

/* The text of `json`, which is given up. */
struct str project_json(struct arena *a, json_t *json);
