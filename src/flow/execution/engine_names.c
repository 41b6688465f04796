/* Finding in a state, and CodePipeline's names of our enums. */
#include "flow/execution/engine.h"

const struct engine_execution *engine_find(const struct engine_state *s, struct str id) {
    for (size_t i = 0; i < s->executions.n; i++) {
        if (str_eq(s->executions.v[i].id, id)) {
            return &s->executions.v[i];
        }
    }
    return NULL;
}

const struct engine_stage *engine_stage_find(const struct engine_state *s, struct str name) {
    for (size_t i = 0; i < s->stages.n; i++) {
        if (str_eq(s->stages.v[i].name, name)) {
            return &s->stages.v[i];
        }
    }
    return NULL;
}

const struct engine_plan *engine_plan_of(const struct engine_state *s,
                                         const struct engine_execution *e) {
    if (e->version == s->plan.version) {
        return &s->plan;
    }
    for (size_t i = 0; i < s->old.n; i++) {
        if (s->old.v[i].version == e->version) {
            return &s->old.v[i];
        }
    }
    return NULL;
}

const struct engine_plan_stage *engine_plan_stage_find(const struct engine_plan *plan,
                                                       struct str stage) {
    for (size_t i = 0; i < plan->n; i++) {
        if (str_eq(plan->v[i].name, stage)) {
            return &plan->v[i];
        }
    }
    return NULL;
}

const char *exec_status_name(enum exec_status status) {
    static const char *const names[] = {
        [EXEC_IN_PROGRESS] = "InProgress", [EXEC_STOPPING] = "Stopping",
        [EXEC_STOPPED] = "Stopped",        [EXEC_SUCCEEDED] = "Succeeded",
        [EXEC_FAILED] = "Failed",          [EXEC_SUPERSEDED] = "Superseded",
        [EXEC_CANCELLED] = "Cancelled",
    };
    return names[status];
}

const char *stage_status_name(enum stage_status status) {
    static const char *const names[] = {
        [STAGE_IN_PROGRESS] = "InProgress", [STAGE_SUCCEEDED] = "Succeeded",
        [STAGE_FAILED] = "Failed",          [STAGE_STOPPING] = "Stopping",
        [STAGE_STOPPED] = "Stopped",        [STAGE_CANCELLED] = "Cancelled",
        [STAGE_SKIPPED] = "Skipped",
    };
    return names[status];
}

const char *run_status_name(enum run_status status) {
    static const char *const names[] = {
        [RUN_NONE] = "NotStarted", [RUN_IN_PROGRESS] = "InProgress", [RUN_SUCCEEDED] = "Succeeded",
        [RUN_FAILED] = "Failed",   [RUN_ABANDONED] = "Abandoned",
    };
    return names[status];
}

const char *condition_status_name(enum condition_status status) {
    static const char *const names[] = {
        [CONDITION_IN_PROGRESS] = "InProgress", [CONDITION_SUCCEEDED] = "Succeeded",
        [CONDITION_FAILED] = "Failed",          [CONDITION_ERRORED] = "Errored",
        [CONDITION_CANCELLED] = "Cancelled",    [CONDITION_ABANDONED] = "Abandoned",
        [CONDITION_OVERRIDDEN] = "Overridden",
    };
    return names[status];
}

const char *condition_kind_name(enum condition_kind kind) {
    static const char *const names[] = {
        [CONDITION_NONE] = "NONE",
        [CONDITION_BEFORE_ENTRY] = "BEFORE_ENTRY",
        [CONDITION_ON_SUCCESS] = "ON_SUCCESS",
        [CONDITION_ON_FAILURE] = "ON_FAILURE",
    };
    return names[kind];
}
