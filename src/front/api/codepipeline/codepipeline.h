/*
 * CodePipeline's API over the flow. The daemon says once which flow it serves; handlers are found
 * by their generated names (gen/codepipeline.h). Shared by the files of this folder: loading a
 * pipeline with CodePipeline's errors.
 */
#pragma once

#include "aws/call/call.h"
#include "flow/definition/definition.h"
#include "flow/execution/apply.h"
#include "flow/record/record.h"

#include "gen/codepipeline.h"

/* `changed` (may be NULL) is called after a commit that made or changed a pipeline. */
void codepipeline_serve(const struct flow *f, void (*changed)(void *ud), void *ud);
const struct flow *codepipeline_flow(void);
void codepipeline_changed(struct call *c);   /* calls `changed` after this call's commit */
void codepipeline_look_again(struct db *db); /* the same, for what is no call */

/* The caller's pipeline, or PipelineNotFoundException. */
int codepipeline_find(struct call *c, struct str name, struct pipeline_row *ret,
                      struct err *err) MUST_USE;
int codepipeline_load(struct call *c, struct str name, struct pipeline_row *ret,
                      struct definition *ret_def, struct engine_state *ret_state,
                      struct err *err) MUST_USE;

/* An execution of that pipeline, or PipelineExecutionNotFoundException. */
int codepipeline_find_execution(struct call *c, const struct pipeline_row *pipeline, struct str id,
                                struct execution_row *ret, struct err *err) MUST_USE;

/* Turns a refusal of the engine into CodePipeline's exception of the same meaning. Returns -1. */
int codepipeline_refused(enum engine_refusal why, struct err *err) MUST_USE;

/* Source revision overrides of a start, checked against the pipeline's source actions. */
int codepipeline_read_pins(struct call *c,
                           const struct codepipeline_source_revision_override_list *in,
                           const struct definition *d, struct source_pins *ret,
                           struct err *err) MUST_USE;

/* What the execution's source actions took, as the API shows it. */
int codepipeline_show_artifact_revisions(struct call *c, const struct execution_row *row,
                                         struct codepipeline_artifact_revision_list *ret,
                                         struct err *err) MUST_USE;
int codepipeline_show_source_revisions(struct call *c, const struct execution_row *row,
                                       struct codepipeline_source_revision_list *ret,
                                       struct err *err) MUST_USE;

struct str codepipeline_arn(struct arena *a, struct str region, struct str account,
                            struct str name);

/* nextToken of lists that go on below a number. Absent gives 0. InvalidNextTokenException. */
int codepipeline_token_read(struct str token, int64_t *ret, struct err *err) MUST_USE;
struct str codepipeline_token_make(struct arena *a, int64_t number);

/* A declaration as JSON text and back, by its descriptor. */
int codepipeline_to_json(struct arena *a, const struct codepipeline_pipeline_declaration *d,
                         struct str *ret, struct err *err) MUST_USE;
int codepipeline_from_json(struct arena *a, struct str json,
                           struct codepipeline_pipeline_declaration **ret,
                           struct err *err) MUST_USE;

/* {"name": "value"} as a map. */
struct str_map codepipeline_map(struct arena *a, struct str json);
