/* GetPipelineExecution, ListPipelineExecutions, ListActionExecutions: what happened, newest first.
 */
#include "front/api/codepipeline/codepipeline.h"

#include "platform/text/json.h"

static struct codepipeline_execution_trigger *trigger_of(struct call *c,
                                                         const struct execution_row *row) {
    struct codepipeline_execution_trigger *t =
        arena_new(c->arena, struct codepipeline_execution_trigger);
    t->trigger_type = row->trigger_type;
    t->trigger_detail = row->trigger_detail;
    return t;
}

static struct codepipeline_pipeline_rollback_metadata *rollback_of(
    struct call *c, const struct execution_row *row) {
    if (row->rollback_target.p == NULL) {
        return NULL;
    }
    struct codepipeline_pipeline_rollback_metadata *m =
        arena_new(c->arena, struct codepipeline_pipeline_rollback_metadata);
    m->rollback_target_pipeline_execution_id = row->rollback_target;
    return m;
}

int codepipeline_get_pipeline_execution(struct call *c,
                                        const struct codepipeline_get_pipeline_execution_input *in,
                                        struct codepipeline_get_pipeline_execution_output *out,
                                        struct err *err) {
    struct pipeline_row pipeline;
    struct execution_row row;
    if (codepipeline_find(c, in->pipeline_name, &pipeline, err) < 0 ||
        codepipeline_find_execution(c, &pipeline, in->pipeline_execution_id, &row, err) < 0) {
        return -1;
    }
    struct codepipeline_pipeline_execution *e =
        arena_new(c->arena, struct codepipeline_pipeline_execution);
    e->pipeline_name = pipeline.name;
    e->pipeline_version = row.version;
    e->has_pipeline_version = true;
    e->pipeline_execution_id = row.id;
    e->status = row.status;
    e->status_summary = row.status_summary;
    e->trigger = trigger_of(c, &row);
    e->execution_mode = row.mode;
    e->execution_type = row.type;
    e->rollback_metadata = rollback_of(c, &row);
    if (codepipeline_show_artifact_revisions(c, &row, &e->artifact_revisions, err) < 0) {
        return -1;
    }
    struct str_map variables = codepipeline_map(c->arena, row.variables);
    for (size_t i = 0; i < variables.n; i++) {
        *arena_push(c->arena, &e->variables) = (struct codepipeline_resolved_pipeline_variable){
            .name = variables.v[i].key, .resolved_value = variables.v[i].value};
    }
    out->pipeline_execution = e;
    return 0;
}

static int show_summary(struct call *c, const struct execution_row *row,
                        struct codepipeline_pipeline_execution_summary *s, struct err *err) {
    *s = (struct codepipeline_pipeline_execution_summary){
        .pipeline_execution_id = row->id,
        .status = row->status,
        .status_summary = row->status_summary,
        .start_time = row->started_ms,
        .has_start_time = true,
        .last_update_time = row->updated_ms,
        .has_last_update_time = true,
        .trigger = trigger_of(c, row),
        .execution_mode = row->mode,
        .execution_type = row->type,
        .rollback_metadata = rollback_of(c, row),
    };
    if (row->stop_reason.n > 0) {
        s->stop_trigger = arena_new(c->arena, struct codepipeline_stop_execution_trigger);
        s->stop_trigger->reason = row->stop_reason;
    }
    return codepipeline_show_source_revisions(c, row, &s->source_revisions, err);
}

int codepipeline_list_pipeline_executions(
    struct call *c, const struct codepipeline_list_pipeline_executions_input *in,
    struct codepipeline_list_pipeline_executions_output *out, struct err *err) {
    struct pipeline_row pipeline;
    struct execution_row_list rows;
    int64_t before = 0;
    size_t limit = in->has_max_results ? (size_t)in->max_results : 100;
    struct str stage = in->filter != NULL && in->filter->succeeded_in_stage != NULL
                           ? in->filter->succeeded_in_stage->stage_name
                           : STR_NONE;
    if (codepipeline_find(c, in->pipeline_name, &pipeline, err) < 0 ||
        codepipeline_page_before(c, &pipeline, in->next_token, &before, err) < 0) {
        return -1;
    }
    int listed = stage.p == NULL
                     ? record_execution_list(c->db, c->arena, pipeline.id, before, (int)limit + 1,
                                             &rows, err)
                     : record_execution_list_succeeded(c->db, c->arena, pipeline.id, stage, before,
                                                       (int)limit + 1, &rows, err);
    if (listed < 0) {
        return -1;
    }
    size_t n = rows.n > limit ? limit : rows.n;
    out->pipeline_execution_summaries.v =
        arena_new_n(c->arena, struct codepipeline_pipeline_execution_summary, n + 1);
    out->pipeline_execution_summaries.n = n;
    for (size_t i = 0; i < n; i++) {
        if (show_summary(c, &rows.v[i], &out->pipeline_execution_summaries.v[i], err) < 0) {
            return -1;
        }
    }
    if (rows.n > n) {
        out->next_token = codepipeline_page_after(c, &pipeline, rows.v[n - 1].number);
    }
    return 0;
}

/* ---- actions ---- */

static void artifacts_of(struct call *c, struct str json,
                         struct codepipeline_artifact_detail_list *out) {
    struct err ignored = ERR_INIT;
    json_t *list cleanup_json = json.p ? json_parse(json, &ignored) : NULL;
    out->v = arena_alloc(c->arena, 1); /* present, maybe empty */
    if (json_array_size(list) == 0) {
        return;
    }
    out->v = arena_new_n(c->arena, struct codepipeline_artifact_detail, json_array_size(list));
    out->n = json_array_size(list);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *from = json_array_get(list, i);
        out->v[i].name = str_dup(c->arena, json_str(from, "name"));
        out->v[i].s3location = arena_new(c->arena, struct codepipeline_s3_location);
        out->v[i].s3location->bucket = str_dup(c->arena, json_str(from, "bucket"));
        out->v[i].s3location->key = str_dup(c->arena, json_str(from, "key"));
    }
}

static struct codepipeline_action_execution_input *input_of(struct call *c,
                                                            const struct pipeline_row *pipeline,
                                                            const struct action_row *row) {
    struct codepipeline_action_execution_input *in =
        arena_new(c->arena, struct codepipeline_action_execution_input);
    struct str json = STR_NONE;
    struct definition d;
    struct err ignored = ERR_INIT;
    if (record_version_get(c->db, c->arena, pipeline->id, row->version, &json, &ignored) > 0 &&
        definition_parse(c->arena, json, &d, &ignored) == 0) {
        const struct def_stage *stage = definition_stage(&d, row->stage);
        const struct def_action *decl = stage ? definition_action(stage, row->action) : NULL;
        if (decl != NULL) {
            in->action_type_id = arena_new(c->arena, struct codepipeline_action_type_id);
            in->action_type_id->category = decl->category;
            in->action_type_id->owner = decl->owner;
            in->action_type_id->provider = decl->provider;
            in->action_type_id->version = decl->version;
            in->region = decl->region.n > 0 ? decl->region : STR_NONE;
            in->configuration = decl->configuration;
            for (size_t i = 0; i < in->configuration.n; i++) {
                in->configuration.v[i].value = codepipeline_shown(in->configuration.v[i].value);
            }
            in->namespace = decl->namespace;
            in->role_arn = decl->role_arn;
        }
    }
    in->resolved_configuration = codepipeline_map(c->arena, row->configuration);
    in->region = in->region.p != NULL ? in->region : pipeline->region;
    artifacts_of(c, row->inputs, &in->input_artifacts);
    return in;
}

static struct codepipeline_action_execution_output *output_of(struct call *c,
                                                              const struct action_row *row) {
    struct codepipeline_action_execution_output *out =
        arena_new(c->arena, struct codepipeline_action_execution_output);
    artifacts_of(c, row->outputs, &out->output_artifacts);
    out->execution_result = arena_new(c->arena, struct codepipeline_action_execution_result);
    /* of an approval it is the token: in PARALLEL mode there is no other place to read it */
    out->execution_result->external_execution_id =
        row->external_id.p != NULL ? row->external_id : row->token;
    out->execution_result->external_execution_url = row->external_url;
    out->execution_result->external_execution_summary = row->summary;
    out->execution_result->log_stream_arn = row->log_stream;
    if (row->error_code.p != NULL) {
        out->execution_result->error_details =
            arena_new(c->arena, struct codepipeline_error_details);
        out->execution_result->error_details->code = row->error_code;
        out->execution_result->error_details->message = row->error_message;
    }
    out->output_variables = codepipeline_map(c->arena, row->output_variables);
    return out;
}

int codepipeline_list_action_executions(struct call *c,
                                        const struct codepipeline_list_action_executions_input *in,
                                        struct codepipeline_list_action_executions_output *out,
                                        struct err *err) {
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct action_row_list rows;
    int64_t before = 0;
    size_t limit = in->has_max_results ? (size_t)in->max_results : 100;
    struct str only = STR_NONE;
    if (in->filter != NULL) {
        only = in->filter->latest_in_pipeline_execution != NULL
                   ? in->filter->latest_in_pipeline_execution->pipeline_execution_id
                   : in->filter->pipeline_execution_id;
    }
    if (codepipeline_find(c, in->pipeline_name, &pipeline, err) < 0 ||
        codepipeline_page_before(c, &pipeline, in->next_token, &before, err) < 0 ||
        (only.p != NULL && codepipeline_find_execution(c, &pipeline, only, &execution, err) < 0) ||
        record_action_page(c->db, c->arena, pipeline.id, only, before, (int)limit + 1, &rows, err) <
            0) {
        return -1;
    }
    size_t n = rows.n > limit ? limit : rows.n;
    out->action_execution_details.v =
        arena_new_n(c->arena, struct codepipeline_action_execution_detail, n + 1);
    out->action_execution_details.n = n;
    for (size_t i = 0; i < n; i++) {
        const struct action_row *row = &rows.v[i];
        out->action_execution_details.v[i] = (struct codepipeline_action_execution_detail){
            .pipeline_execution_id = row->execution,
            .action_execution_id = row->id,
            .pipeline_version = row->version,
            .has_pipeline_version = true,
            .stage_name = row->stage,
            .action_name = row->action,
            .start_time = row->started_ms,
            .has_start_time = true,
            .last_update_time = row->updated_ms,
            .has_last_update_time = true,
            .updated_by = row->updated_by,
            .status = row->status,
            .input = input_of(c, &pipeline, row),
            .output = output_of(c, row),
        };
    }
    if (rows.n > n) {
        out->next_token = codepipeline_page_after(c, &pipeline, rows.v[n - 1].number);
    }
    return 0;
}

/* ---- targets ---- */

/* Machines that a deploy action went to, one by one: only Deploy/EC2 has those, and it is not among
 * the actions that run here, so that no action that is known has any. */
int codepipeline_list_deploy_action_execution_targets(
    struct call *c, const struct codepipeline_list_deploy_action_execution_targets_input *in,
    struct codepipeline_list_deploy_action_execution_targets_output *out, struct err *err) {
    struct action_row row;
    struct pipeline_row pipeline;
    if (in->next_token.p != NULL) {
        return err_api(err, &codepipeline_InvalidNextTokenException,
                       "The next token is not one that this service gave out");
    }
    if (in->pipeline_name.p != NULL &&
        codepipeline_find(c, in->pipeline_name, &pipeline, err) < 0) {
        return -1;
    }
    int found = record_action_get(c->db, c->arena, in->action_execution_id, &row, err);
    if (found > 0) {
        bool named = in->pipeline_name.p != NULL;
        found = named ? row.pipeline == pipeline.id
                      : record_pipeline_by_id(c->db, c->arena, row.pipeline, &pipeline, err);
    }
    if (found < 0) {
        return -1;
    }
    if (found == 0 || !str_eq(pipeline.account, c->account)) {
        return err_api(err, &codepipeline_ActionExecutionNotFoundException,
                       "There is no action execution '%.*s'", STR_ARG(in->action_execution_id));
    }
    out->targets.v = arena_alloc(c->arena, 1); /* present, and empty */
    return 0;
}
