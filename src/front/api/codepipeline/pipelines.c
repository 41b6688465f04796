/* CreatePipeline, UpdatePipeline, GetPipeline, DeletePipeline, ListPipelines. */
#include "front/api/codepipeline/codepipeline.h"
#include "front/api/codepipeline/tags.h"

#include "flow/action/action.h"
#include "flow/execution/available.h"

static int check_structure(struct call *c, const struct definition *d, struct err *err) {
    static const struct aws_error *const faults[] = {
        [DEF_FAULT_NONE] = NULL,
        [DEF_FAULT_STRUCTURE] = &codepipeline_InvalidStructureException,
        [DEF_FAULT_STAGE] = &codepipeline_InvalidStageDeclarationException,
        [DEF_FAULT_ACTION] = &codepipeline_InvalidActionDeclarationException,
        [DEF_FAULT_BLOCKER] = &codepipeline_InvalidBlockerDeclarationException,
        [DEF_FAULT_LIMIT] = &codepipeline_LimitExceededException,
    };
    enum def_fault fault = DEF_FAULT_NONE;
    if (definition_check(d, c->region, &fault, err) < 0 ||
        execution_available(d, &fault, err) < 0) {
        err->api = faults[fault];
        return -1;
    }
    return 0;
}

/* The role must let CodePipeline in: better told now than by the first execution. */
static int check_role(struct call *c, const struct definition *d, struct err *err) {
    struct aws_target ignored;
    struct err why = ERR_INIT;
    if (aws_assume(codepipeline_flow()->world, c->arena, S("codepipeline.amazonaws.com"),
                   d->role_arn, S("tl-check"), &ignored, &why) < 0) {
        return err_api(err, &codepipeline_InvalidStructureException,
                       "CodePipeline is not authorized to perform AssumeRole on role %.*s: %s",
                       STR_ARG(d->role_arn), why.msg);
    }
    return 0;
}

/* What get-pipeline shows is what was sent plus CodePipeline's defaults. */
static void fill_defaults(struct call *c, struct codepipeline_pipeline_declaration *d,
                          int version) {
    d->version = version;
    d->has_version = true;
    if (d->execution_mode.p == NULL) {
        d->execution_mode = S("SUPERSEDED");
    }
    if (d->pipeline_type.p == NULL) {
        d->pipeline_type = S("V1");
    }
    for (size_t i = 0; i < d->stages.n; i++) {
        for (size_t k = 0; k < d->stages.v[i].actions.n; k++) {
            struct codepipeline_action_declaration *a = &d->stages.v[i].actions.v[k];
            if (!a->has_run_order) {
                a->run_order = 1;
                a->has_run_order = true;
            }
            if (a->configuration.v == NULL) {
                a->configuration.v = arena_alloc(c->arena, 1);
            }
            if (a->input_artifacts.v == NULL) {
                a->input_artifacts.v = arena_alloc(c->arena, 1);
            }
            if (a->output_artifacts.v == NULL) {
                a->output_artifacts.v = arena_alloc(c->arena, 1);
            }
        }
    }
}

/* Checks and writes a new definition; row holds the old one, or id 0. */
static int define(struct call *c, const struct codepipeline_pipeline_declaration *in, int version,
                  struct pipeline_row *row, struct codepipeline_pipeline_declaration **ret,
                  struct err *err) {
    struct codepipeline_pipeline_declaration *full = arena_memdup(c->arena, in, sizeof(*in));
    fill_defaults(c, full, version);
    row->version = version;
    struct definition d;
    if (codepipeline_to_json(c->arena, full, &row->definition, err) < 0 ||
        definition_parse(c->arena, row->definition, &d, err) < 0 ||
        check_structure(c, &d, err) < 0 || check_role(c, &d, err) < 0) {
        return -1;
    }
    struct engine_plan plan;
    execution_plan(c->arena, &d, &plan);
    *ret = full;
    codepipeline_changed(c);
    return execution_define(codepipeline_flow(), c->arena, row, &plan, err);
}

/* ---- pipelines ---- */

int codepipeline_create_pipeline(struct call *c,
                                 const struct codepipeline_create_pipeline_input *in,
                                 struct codepipeline_create_pipeline_output *out, struct err *err) {
    struct pipeline_row row = {
        .account = c->account, .region = c->region, .name = in->pipeline->name};
    struct pipeline_row other;
    int there = record_pipeline_get(c->db, c->arena, c->account, c->region, row.name, &other, err);
    if (there != 0) {
        return there < 0 ? -1
                         : err_api(err, &codepipeline_PipelineNameInUseException,
                                   "A pipeline with the name '%.*s' already exists in account "
                                   "'%.*s'",
                                   STR_ARG(row.name), STR_ARG(c->account));
    }
    if (define(c, in->pipeline, 1, &row, &out->pipeline, err) < 0) {
        return -1;
    }
    const struct tagged tagged = {.pipeline = row.id};
    if (codepipeline_put_tags(c, &tagged, &in->tags, err) < 0 ||
        codepipeline_tags_of(c, &tagged, &out->tags, err) < 0) {
        return -1;
    }
    /* creation starts the first execution, as on AWS */
    struct execution_start start = {.trigger_type = S("CreatePipeline"),
                                    .trigger_detail = c->principal->arn};
    struct str id = STR_NONE;
    return execution_start(codepipeline_flow(), c->arena, row.id, &start, &id, NULL, err);
}

int codepipeline_update_pipeline(struct call *c,
                                 const struct codepipeline_update_pipeline_input *in,
                                 struct codepipeline_update_pipeline_output *out, struct err *err) {
    struct pipeline_row row;
    return codepipeline_find(c, in->pipeline->name, &row, err) < 0
               ? -1
               : define(c, in->pipeline, row.version + 1, &row, &out->pipeline, err);
}

int codepipeline_get_pipeline(struct call *c, const struct codepipeline_get_pipeline_input *in,
                              struct codepipeline_get_pipeline_output *out, struct err *err) {
    struct pipeline_row row;
    if (codepipeline_find(c, in->name, &row, err) < 0) {
        return -1;
    }
    struct str json = row.definition;
    if (in->has_version && in->version != row.version) {
        int found = record_version_get(c->db, c->arena, row.id, in->version, &json, err);
        if (found <= 0) {
            return found < 0 ? -1
                             : err_api(err, &codepipeline_PipelineVersionNotFoundException,
                                       "Pipeline '%.*s' has no version %d", STR_ARG(in->name),
                                       in->version);
        }
    }
    if (codepipeline_from_json(c->arena, json, &out->pipeline, err) < 0) {
        return -1;
    }
    out->metadata = arena_new(c->arena, struct codepipeline_pipeline_metadata);
    out->metadata->pipeline_arn = codepipeline_arn(c->arena, c->region, c->account, row.name);
    out->metadata->created = row.created_ms;
    out->metadata->has_created = true;
    out->metadata->updated = row.updated_ms;
    out->metadata->has_updated = true;
    return 0;
}

int codepipeline_delete_pipeline(struct call *c,
                                 const struct codepipeline_delete_pipeline_input *in,
                                 struct codepipeline_delete_pipeline_output *out, struct err *err) {
    (void)out;
    struct pipeline_row row;
    int found = record_pipeline_get(c->db, c->arena, c->account, c->region, in->name, &row, err);
    if (found <= 0) {
        return found; /* deleting what is not there succeeds */
    }
    struct engine_state state;
    if (execution_state(c->arena, &row, &state, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < state.executions.n; i++) {
        const struct engine_execution *e = &state.executions.v[i];
        struct engine_event stop = {.kind = EVENT_STOP, .execution = e->id, .abandon = true};
        bool runs = e->status == EXEC_IN_PROGRESS || (e->status == EXEC_STOPPING && !e->abandoning);
        if (runs && execution_apply(codepipeline_flow(), c->arena, row.id, &stop, NULL, err) < 0) {
            return -1;
        }
    }
    codepipeline_changed(c);
    return record_pipeline_delete(c->db, row.id, c->now_ms, err);
}

int codepipeline_list_pipelines(struct call *c, const struct codepipeline_list_pipelines_input *in,
                                struct codepipeline_list_pipelines_output *out, struct err *err) {
    int limit = in->has_max_results ? in->max_results : 1000;
    struct pipeline_row_list rows;
    if (record_pipeline_list(c->db, c->arena, c->account, c->region, in->next_token, limit + 1,
                             &rows, err) < 0) {
        return -1;
    }
    size_t n = rows.n > (size_t)limit ? (size_t)limit : rows.n;
    out->pipelines.v = arena_alloc(c->arena, (n + 1) * sizeof(*out->pipelines.v));
    out->pipelines.n = n;
    for (size_t i = 0; i < n; i++) {
        struct codepipeline_pipeline_summary *s = &out->pipelines.v[i];
        struct definition d;
        if (definition_parse(c->arena, rows.v[i].definition, &d, err) < 0) {
            return -1;
        }
        s->name = rows.v[i].name;
        s->version = rows.v[i].version;
        s->has_version = true;
        s->pipeline_type = d.type;
        s->execution_mode = d.mode;
        s->created = rows.v[i].created_ms;
        s->has_created = true;
        s->updated = rows.v[i].updated_ms;
        s->has_updated = true;
    }
    if (rows.n > n) {
        out->next_token = rows.v[n - 1].name;
    }
    return 0;
}
