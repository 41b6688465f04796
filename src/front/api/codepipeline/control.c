/* Starting, stopping, approving, retrying, opening and closing transitions. */
#include "front/api/codepipeline/codepipeline.h"
#include "front/api/codepipeline/people.h"

#include "flow/approval/approval.h"

#include "platform/text/json.h"

static int apply(struct call *c, int64_t pipeline, struct engine_event *event, struct err *err) {
    enum engine_refusal why = REFUSED_NOTHING;
    if (execution_apply(codepipeline_flow(), c->arena, pipeline, event, &why, err) < 0) {
        return codepipeline_refused(why, err);
    }
    return 0;
}

/* ---- start ---- */

/* The caller's values of declared variables; one without a default needs one. */
static int read_variables(struct call *c,
                          const struct codepipeline_start_pipeline_execution_input *in,
                          const struct codepipeline_pipeline_declaration *d, struct str *ret,
                          struct err *err) {
    json_t *o cleanup_json = json_object();
    for (size_t i = 0; i < in->variables.n; i++) {
        bool known = false;
        for (size_t k = 0; k < d->variables.n; k++) {
            known = known || str_eq(d->variables.v[k].name, in->variables.v[i].name);
        }
        if (!known) {
            return err_api(err, &codepipeline_ValidationException,
                           "The pipeline has no variable '%.*s'", STR_ARG(in->variables.v[i].name));
        }
        json_set_str(o, str_z(c->arena, in->variables.v[i].name), in->variables.v[i].value);
    }
    for (size_t i = 0; i < d->variables.n; i++) {
        if (d->variables.v[i].default_value.p == NULL &&
            json_object_get(o, str_z(c->arena, d->variables.v[i].name)) == NULL) {
            return err_api(err, &codepipeline_ValidationException,
                           "The variable '%.*s' has no default: give it a value",
                           STR_ARG(d->variables.v[i].name));
        }
    }
    *ret = json_dump_str(c->arena, o);
    return 0;
}

int codepipeline_start_pipeline_execution(
    struct call *c, const struct codepipeline_start_pipeline_execution_input *in,
    struct codepipeline_start_pipeline_execution_output *out, struct err *err) {
    struct pipeline_row row;
    struct definition d;
    struct engine_state state;
    struct codepipeline_pipeline_declaration *declaration = NULL;
    struct execution_start start = {.trigger_type = S("StartPipelineExecution"),
                                    .trigger_detail = c->principal->arn,
                                    .request_token = in->client_request_token};
    if (codepipeline_load(c, in->name, &row, &d, &state, err) < 0 ||
        codepipeline_from_json(c->arena, row.definition, &declaration, err) < 0) {
        return -1;
    }
    if (in->client_request_token.p != NULL) {
        int found = record_execution_by_token(c->db, c->arena, row.id, in->client_request_token,
                                              &out->pipeline_execution_id, err);
        if (found != 0) {
            return found < 0 ? -1 : 0;
        }
    }
    if (codepipeline_read_pins(c, &in->source_revisions, &d, &start.pins, err) < 0 ||
        read_variables(c, in, declaration, &start.variables, err) < 0) {
        return -1;
    }
    enum engine_refusal why = REFUSED_NOTHING;
    return execution_start(codepipeline_flow(), c->arena, row.id, &start,
                           &out->pipeline_execution_id, &why, err) < 0
               ? codepipeline_refused(why, err)
               : codepipeline_hand(c, row.id, out->pipeline_execution_id, S(APPROVAL_STARTED), err);
}

/* ---- stop ---- */

int codepipeline_stop_pipeline_execution(
    struct call *c, const struct codepipeline_stop_pipeline_execution_input *in,
    struct codepipeline_stop_pipeline_execution_output *out, struct err *err) {
    struct pipeline_row row;
    struct execution_row execution;
    if (codepipeline_find(c, in->pipeline_name, &row, err) < 0 ||
        codepipeline_find_execution(c, &row, in->pipeline_execution_id, &execution, err) < 0) {
        return -1;
    }
    if (!str_is(execution.status, "InProgress") && !str_is(execution.status, "Stopping")) {
        return err_api(err, &codepipeline_PipelineExecutionNotStoppableException,
                       "Execution '%.*s' has ended: %.*s", STR_ARG(execution.id),
                       STR_ARG(execution.status));
    }
    struct engine_event stop = {
        .kind = EVENT_STOP, .execution = execution.id, .abandon = in->has_abandon && in->abandon};
    if (record_execution_stop_reason(c->db, execution.id, in->reason, err) < 0 ||
        apply(c, row.id, &stop, err) < 0) {
        return -1;
    }
    out->pipeline_execution_id = execution.id;
    return 0;
}

/* ---- approve ---- */

/* A token says nothing to who reads the audit. */
static int note_execution(struct call *c, int64_t pipeline,
                          const struct codepipeline_put_approval_result_input *in,
                          struct err *err) {
    struct str id = STR_NONE;
    int found = record_action_of_token(c->db, c->arena, pipeline, in->stage_name, in->action_name,
                                       in->token, &id, err);
    c->audit_note = str_printf(c->arena, "-> pipelineExecutionId=" STR_FMT, STR_ARG(id));
    return found < 0 ? -1 : 0;
}

int codepipeline_put_approval_result(struct call *c,
                                     const struct codepipeline_put_approval_result_input *in,
                                     struct codepipeline_put_approval_result_output *out,
                                     struct err *err) {
    struct pipeline_row row;
    if (codepipeline_find(c, in->pipeline_name, &row, err) < 0) {
        return -1;
    }
    struct person who;
    if (codepipeline_person(c, &who, err) < 0) {
        return -1;
    }
    struct approval_answer answer = {
        .stage = in->stage_name,
        .action = in->action_name,
        .token = in->token,
        .approved = str_is(in->result->status, "Approved"),
        .summary = in->result->summary,
        .by = c->principal->arn,
        .who = who,
    };
    enum engine_refusal why = REFUSED_NOTHING;
    out->approved_at = c->now_ms;
    out->has_approved_at = true;
    if (approval_answer(codepipeline_flow(), c->arena, &row, &answer, &why, err) < 0) {
        return codepipeline_refused(why, err);
    }
    return note_execution(c, row.id, in, err);
}

/* ---- retry ---- */

/* To the engine an execution of a former version is one that is not the latest; to CodePipeline its
 * stage cannot be retried, because the structure has changed since. Always -1. */
static int not_retryable(struct call *c, const struct pipeline_row *row, struct str id,
                         struct str stage, struct err *err) {
    struct execution_row e;
    struct err unread = ERR_INIT;
    if (err->api != &codepipeline_NotLatestPipelineExecutionException ||
        record_execution_get(c->db, c->arena, id, &e, &unread) <= 0 || e.pipeline != row->id ||
        e.version == row->version) {
        return -1;
    }
    return err_api(err, &codepipeline_StageNotRetryableException,
                   "stage '%.*s' of execution '%.*s' cannot be retried: it ran version %d, and the "
                   "pipeline's structure is that of version %d now",
                   STR_ARG(stage), STR_ARG(id), e.version, row->version);
}

int codepipeline_retry_stage_execution(struct call *c,
                                       const struct codepipeline_retry_stage_execution_input *in,
                                       struct codepipeline_retry_stage_execution_output *out,
                                       struct err *err) {
    struct pipeline_row row;
    if (codepipeline_find(c, in->pipeline_name, &row, err) < 0) {
        return -1;
    }
    struct engine_event event = {.kind = EVENT_RETRY,
                                 .execution = in->pipeline_execution_id,
                                 .stage = in->stage_name,
                                 .all_actions = str_is(in->retry_mode, "ALL_ACTIONS")};
    struct str what = str_printf(c->arena, "retried stage %.*s", STR_ARG(in->stage_name));
    out->pipeline_execution_id = in->pipeline_execution_id;
    return apply(c, row.id, &event, err) < 0
               ? not_retryable(c, &row, in->pipeline_execution_id, in->stage_name, err)
               : codepipeline_hand(c, row.id, in->pipeline_execution_id, what, err);
}

/* ---- rollback, override ---- */

int codepipeline_rollback_stage(struct call *c, const struct codepipeline_rollback_stage_input *in,
                                struct codepipeline_rollback_stage_output *out, struct err *err) {
    struct pipeline_row row;
    struct definition d;
    struct engine_state state;
    struct execution_row target;
    enum engine_refusal why = REFUSED_NOTHING;
    if (codepipeline_load(c, in->pipeline_name, &row, &d, &state, err) < 0 ||
        codepipeline_find_execution(c, &row, in->target_pipeline_execution_id, &target, err) < 0) {
        return -1;
    }
    if (str_is(d.type, "V1")) {
        return err_api(err, &codepipeline_UnableToRollbackStageException,
                       "Stage rollback can only be used with V2 pipelines");
    }
    return execution_rollback(codepipeline_flow(), c->arena, &row, in->stage_name, &target,
                              c->principal->arn, &out->pipeline_execution_id, &why, err) < 0
               ? codepipeline_refused(why, err)
               : codepipeline_hand(c, row.id, out->pipeline_execution_id, S(APPROVAL_STARTED), err);
}

/* Who went past it stays with the check. */
static int note_override(struct call *c,
                         const struct codepipeline_override_stage_condition_input *in,
                         struct err *err) {
    struct condition_row_list rows;
    if (record_condition_list(c->db, c->arena, in->pipeline_execution_id, in->stage_name, &rows,
                              err) < 0) {
        return -1;
    }
    for (size_t i = rows.n; i > 0; i--) {
        const struct condition_row *row = &rows.v[i - 1];
        if (str_eq(row->kind, in->condition_type)) {
            struct str text =
                str_printf(c->arena, "Overridden by %.*s%s%.*s", STR_ARG(c->principal->arn),
                           row->summary.n > 0 ? ": " : "", STR_ARG(row->summary));
            return record_condition_summary(c->db, row->id, text, c->now_ms, err);
        }
    }
    return 0;
}

int codepipeline_override_stage_condition(
    struct call *c, const struct codepipeline_override_stage_condition_input *in,
    struct codepipeline_override_stage_condition_output *out, struct err *err) {
    (void)out;
    struct pipeline_row row;
    if (codepipeline_find(c, in->pipeline_name, &row, err) < 0) {
        return -1;
    }
    struct engine_event event = {.kind = EVENT_OVERRIDE,
                                 .execution = in->pipeline_execution_id,
                                 .stage = in->stage_name,
                                 .condition = str_is(in->condition_type, "ON_SUCCESS")
                                                  ? CONDITION_ON_SUCCESS
                                                  : CONDITION_BEFORE_ENTRY};
    struct str what =
        str_printf(c->arena, "overrode a condition of stage %.*s", STR_ARG(in->stage_name));
    return apply(c, row.id, &event, err) < 0 || note_override(c, in, err) < 0
               ? -1
               : codepipeline_hand(c, row.id, in->pipeline_execution_id, what, err);
}

/* ---- transitions ---- */

static int set_transition(struct call *c, struct str pipeline, struct str stage, struct str type,
                          struct str reason, bool enable, struct err *err) {
    struct pipeline_row row;
    if (codepipeline_find(c, pipeline, &row, err) < 0) {
        return -1;
    }
    struct engine_event event = {.kind = EVENT_TRANSITION,
                                 .stage = stage,
                                 .inbound = !str_is(type, "Outbound"),
                                 .ok = enable};
    if (apply(c, row.id, &event, err) < 0) {
        return -1;
    }
    return record_transition_put(c->db, row.id, stage, event.inbound ? "Inbound" : "Outbound",
                                 reason, c->principal->arn, c->now_ms, err);
}

int codepipeline_disable_stage_transition(
    struct call *c, const struct codepipeline_disable_stage_transition_input *in,
    struct codepipeline_disable_stage_transition_output *out, struct err *err) {
    (void)out;
    return set_transition(c, in->pipeline_name, in->stage_name, in->transition_type, in->reason,
                          false, err);
}

int codepipeline_enable_stage_transition(
    struct call *c, const struct codepipeline_enable_stage_transition_input *in,
    struct codepipeline_enable_stage_transition_output *out, struct err *err) {
    (void)out;
    return set_transition(c, in->pipeline_name, in->stage_name, in->transition_type, S(""), true,
                          err);
}
