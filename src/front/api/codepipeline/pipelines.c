/* CreatePipeline, UpdatePipeline, GetPipeline, DeletePipeline, ListPipelines. */
#include "front/api/codepipeline/codepipeline.h"
#include "front/api/codepipeline/people.h"
#include "front/api/codepipeline/tags.h"

#include "services/core/page.h"
#include "services/core/tags.h"

enum { MAX_PIPELINES = 1000 }; /* of an account in a region */

static int check_room(struct call *c, struct err *err) {
    int64_t n = 0;
    if (record_pipeline_count(c->db, c->account, c->region, &n, err) < 0) {
        return -1;
    }
    return n < MAX_PIPELINES
               ? 0
               : err_api(err, &codepipeline_LimitExceededException,
                         "Account '%.*s' has %d pipelines in %.*s, and can have no more",
                         STR_ARG(c->account), MAX_PIPELINES, STR_ARG(c->region));
}

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
    struct str arn = codepipeline_arn(c->arena, c->region, c->account, row.name);
    if (check_room(c, err) < 0 ||
        codepipeline_define(c, in->pipeline, 1, &row, &out->pipeline, err) < 0) {
        return -1;
    }
    const struct tagged tagged = {.pipeline = row.id, .arn = arn};
    if (codepipeline_put_tags(c, &tagged, &in->tags, err) < 0 ||
        codepipeline_tags_of(c, &tagged, &out->tags, err) < 0) {
        return -1;
    }
    /* creation starts the first execution, as on AWS */
    struct execution_start start = {.trigger_type = S("CreatePipeline"),
                                    .trigger_detail = c->principal->arn};
    struct str id = STR_NONE;
    return execution_start(codepipeline_flow(), c->arena, row.id, &start, &id, NULL, err) < 0
               ? -1
               : codepipeline_hand(c, row.id, id, S(APPROVAL_STARTED), err);
}

int codepipeline_update_pipeline(struct call *c,
                                 const struct codepipeline_update_pipeline_input *in,
                                 struct codepipeline_update_pipeline_output *out, struct err *err) {
    struct pipeline_row row;
    return codepipeline_find(c, in->pipeline->name, &row, err) < 0 ||
                   codepipeline_define(c, in->pipeline, row.version + 1, &row, &out->pipeline,
                                       err) < 0
               ? -1
               : codepipeline_hand(c, row.id, STR_NONE,
                                   S("edited the pipeline while this release ran"), err);
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
    codepipeline_mask_secrets(out->pipeline);
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
    return tags_drop(c->db, codepipeline_arn(c->arena, c->region, c->account, row.name), err) < 0
               ? -1
               : record_pipeline_delete(c->db, row.id, c->now_ms, err);
}

int codepipeline_list_pipelines(struct call *c, const struct codepipeline_list_pipelines_input *in,
                                struct codepipeline_list_pipelines_output *out, struct err *err) {
    int limit = in->has_max_results ? in->max_results : 1000;
    struct pipeline_row_list rows;
    struct str after = STR_NONE;
    if (codepipeline_page_key(c, in->next_token, &after, err) < 0 ||
        record_pipeline_list(c->db, c->arena, c->account, c->region, after, limit + 1, &rows, err) <
            0) {
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
        out->next_token = page_token(c, rows.v[n - 1].name);
    }
    return 0;
}
