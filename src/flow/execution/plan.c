/* From a definition to the part of it that the engine runs by; apply.h. */
#include "flow/execution/apply.h"

static enum stage_result result_of(struct str name) {
    return str_is(name, "SKIP")       ? RESULT_SKIP
           : str_is(name, "ROLLBACK") ? RESULT_ROLLBACK
           : str_is(name, "RETRY")    ? RESULT_RETRY
                                      : RESULT_FAIL;
}

static enum stage_result condition_result(const struct def_condition *c) {
    return c->count > 0 ? result_of(c->result) : RESULT_NONE;
}

static void plan_stage(struct arena *a, const struct def_stage *from,
                       struct engine_plan_stage *ret) {
    ret->name = from->name;
    ret->entry = condition_result(&from->entry);
    ret->success = condition_result(&from->success);
    ret->failure = condition_result(&from->failure);
    ret->failed = from->failure_result.n > 0 ? result_of(from->failure_result) : RESULT_NONE;
    ret->retry_all = str_is(from->retry_mode, "ALL_ACTIONS");
    for (size_t i = 0; i < from->actions.n; i++) {
        *arena_push(a, &ret->actions) = (struct engine_plan_action){
            .name = from->actions.v[i].name,
            .run_order = from->actions.v[i].run_order,
            .approval = str_is(from->actions.v[i].category, "Approval"),
        };
    }
}

void execution_plan(struct arena *a, const struct definition *d, struct engine_plan *ret) {
    *ret = (struct engine_plan){
        .version = d->version,
        .mode = str_is(d->mode, "QUEUED")     ? MODE_QUEUED
                : str_is(d->mode, "PARALLEL") ? MODE_PARALLEL
                                              : MODE_SUPERSEDED,
        .n = d->stages.n,
    };
    ret->v = arena_new_n(a, struct engine_plan_stage, ret->n);
    for (size_t i = 0; i < ret->n; i++) {
        plan_stage(a, &d->stages.v[i], &ret->v[i]);
    }
}
