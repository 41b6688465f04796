/* ListRuleExecutions: what conditions asked, newest first. */
#include "front/api/codepipeline/codepipeline.h"

static const struct def_rule *rule_in(const struct def_condition *c, struct str name) {
    for (size_t i = 0; i < c->rules.n; i++) {
        if (str_eq(c->rules.v[i].name, name)) {
            return &c->rules.v[i];
        }
    }
    return NULL;
}

/* As it is declared in the version that the execution runs; NULL if it is not. */
static const struct def_rule *declared(struct call *c, const struct pipeline_row *pipeline,
                                       int version, const struct rule_row *row) {
    struct str json = STR_NONE;
    struct definition *d = arena_new(c->arena, struct definition);
    struct err ignored = ERR_INIT;
    if (record_version_get(c->db, c->arena, pipeline->id, version, &json, &ignored) <= 0 ||
        definition_parse(c->arena, json, d, &ignored) < 0) {
        return NULL;
    }
    const struct def_stage *s = definition_stage(d, row->stage);
    const struct def_rule *found = s ? rule_in(&s->entry, row->rule) : NULL;
    if (s != NULL && found == NULL) {
        found = rule_in(&s->success, row->rule);
    }
    return s != NULL && found == NULL ? rule_in(&s->failure, row->rule) : found;
}

static struct codepipeline_rule_execution_input *input_of(struct call *c,
                                                          const struct pipeline_row *pipeline,
                                                          int version, const struct rule_row *row) {
    const struct def_rule *rule = declared(c, pipeline, version, row);
    struct codepipeline_rule_execution_input *in =
        arena_new(c->arena, struct codepipeline_rule_execution_input);
    in->resolved_configuration = codepipeline_map(c->arena, row->configuration);
    in->region = pipeline->region;
    if (rule == NULL) {
        return in;
    }
    in->rule_type_id = arena_new(c->arena, struct codepipeline_rule_type_id);
    in->rule_type_id->category = S("Rule");
    in->rule_type_id->owner = S("AWS");
    in->rule_type_id->provider = rule->provider;
    in->rule_type_id->version = rule->version;
    in->configuration = rule->configuration;
    in->role_arn = rule->role_arn;
    in->region = rule->region.p != NULL ? rule->region : pipeline->region;
    return in;
}

static struct codepipeline_rule_execution_output *output_of(struct call *c,
                                                            const struct rule_row *row) {
    struct codepipeline_rule_execution_output *out =
        arena_new(c->arena, struct codepipeline_rule_execution_output);
    struct codepipeline_rule_execution_result *result =
        arena_new(c->arena, struct codepipeline_rule_execution_result);
    result->external_execution_id = row->external_id;
    result->external_execution_url = row->external_url;
    result->external_execution_summary = row->summary;
    if (row->error_code.p != NULL) {
        result->error_details = arena_new(c->arena, struct codepipeline_error_details);
        result->error_details->code = row->error_code;
        result->error_details->message = row->error_message;
    }
    out->execution_result = result;
    return out;
}

static int show(struct call *c, const struct pipeline_row *pipeline, const struct rule_row *row,
                struct codepipeline_rule_execution_detail *out, struct err *err) {
    struct execution_row execution;
    int found = record_execution_get(c->db, c->arena, row->execution, &execution, err);
    if (found < 0) {
        return -1;
    }
    *out = (struct codepipeline_rule_execution_detail){
        .pipeline_execution_id = row->execution,
        .rule_execution_id = row->id,
        .pipeline_version = execution.version,
        .has_pipeline_version = true,
        .stage_name = row->stage,
        .rule_name = row->rule,
        .start_time = row->started_ms,
        .has_start_time = true,
        .last_update_time = row->updated_ms,
        .has_last_update_time = true,
        .status = row->status,
        .input = input_of(c, pipeline, execution.version, row),
        .output = output_of(c, row),
    };
    return 0;
}

int codepipeline_list_rule_executions(struct call *c,
                                      const struct codepipeline_list_rule_executions_input *in,
                                      struct codepipeline_list_rule_executions_output *out,
                                      struct err *err) {
    struct pipeline_row pipeline;
    struct execution_row execution;
    struct rule_row_list rows;
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
        record_rule_page(c->db, c->arena, pipeline.id, only, before, (int)limit + 1, &rows, err) <
            0) {
        return -1;
    }
    size_t n = rows.n > limit ? limit : rows.n;
    out->rule_execution_details.v =
        arena_new_n(c->arena, struct codepipeline_rule_execution_detail, n + 1);
    out->rule_execution_details.n = n;
    for (size_t i = 0; i < n; i++) {
        if (show(c, &pipeline, &rows.v[i], &out->rule_execution_details.v[i], err) < 0) {
            return -1;
        }
    }
    if (rows.n > n) {
        out->next_token = codepipeline_page_after(c, &pipeline, rows.v[n - 1].number);
    }
    return 0;
}
