/* Implementation of acts.h. */
#include "flow/execution/acts.h"

#include "base/planted.h"
#include "runtime/audit/audit.h"

static int add(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
               const char *operation, struct str stage, int64_t at_ms, struct str detail,
               struct err *err) {
    const struct audit_act act = {
        .at_ms = at_ms,
        .account = pipeline->account,
        .principal = S("codepipeline.amazonaws.com"),
        .source = S("engine"),
        .operation = str_c(operation),
        .resource =
            str_printf(a, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT "%s" STR_FMT,
                       STR_ARG(pipeline->region), STR_ARG(pipeline->account),
                       STR_ARG(pipeline->name), stage.n > 0 ? "/" : "", STR_ARG(stage)),
        .outcome = S("Success"),
        .detail = detail,
    };
    return audit_add(f->db, &act, err);
}

/* Told by the gate, as calls. */
static bool is_a_call(struct str trigger_type) {
    static const char *const calls[] = {"CreatePipeline", "PutActionRevision",
                                        "StartPipelineExecution"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (str_is(trigger_type, calls[i])) {
            return true;
        }
    }
    return false;
}

int acts_started(const struct flow *f, struct arena *a, const struct pipeline_row *pipeline,
                 const struct execution_row *execution, struct err *err) {
    if (is_a_call(execution->trigger_type)) {
        return 0;
    }
    struct str detail =
        str_printf(a, "trigger=" STR_FMT " " STR_FMT " -> pipelineExecutionId=" STR_FMT,
                   STR_ARG(execution->trigger_type), STR_ARG(execution->trigger_detail),
                   STR_ARG(execution->id));
    return add(f, a, pipeline, "codepipeline:StartPipelineExecution", STR_NONE,
               execution->started_ms, detail, err);
}

static int add_in_step(struct applying *t, const char *operation, struct str stage,
                       struct str detail) {
    struct pipeline_row pipeline;
    int found = record_pipeline_by_id(t->f->db, t->arena, t->pipeline, &pipeline, t->err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(t->err, ERR_NOT_FOUND, "the pipeline was deleted");
    }
    return add(t->f, t->arena, &pipeline, operation, stage, t->now_ms, detail, t->err);
}

int acts_of_effect(struct applying *t, const struct engine_event *event,
                   const struct engine_effect *e) {
    if (PLANTED(own_acts_not_told)) {
        return 0;
    }
    if (e->kind == EFFECT_ROLLBACK && e->automatic) {
        return add_in_step(t, "codepipeline:RollbackStage", e->stage,
                           str_printf(t->arena,
                                      "trigger=AutomatedRollback failed=" STR_FMT
                                      " -> pipelineExecutionId=" STR_FMT,
                                      STR_ARG(e->of), STR_ARG(e->execution)));
    }
    bool asked = event->kind == EVENT_RETRY || event->kind == EVENT_OVERRIDE; /* by a call */
    if (!asked && e->kind == EFFECT_STAGE && e->resumed && e->auto_last) {
        return add_in_step(t, "codepipeline:RetryStageExecution", e->stage,
                           str_printf(t->arena,
                                      "trigger=AutomatedStageRetry pipelineExecutionId=" STR_FMT,
                                      STR_ARG(e->execution)));
    }
    return 0;
}
