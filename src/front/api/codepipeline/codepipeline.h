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

/* nextToken: good for the same operation, account and region only. Absent: an absent key, 0.
 * InvalidNextTokenException. */
int codepipeline_page_key(struct call *c, struct str token, struct str *ret_key,
                          struct err *err) MUST_USE;
int codepipeline_page_number(struct call *c, struct str token, int64_t *ret,
                             struct err *err) MUST_USE;
/* Of a pipeline's own lists, newest first: the token is good for that pipeline only. */
int codepipeline_page_before(struct call *c, const struct pipeline_row *pipeline, struct str token,
                             int64_t *ret, struct err *err) MUST_USE;
struct str codepipeline_page_after(struct call *c, const struct pipeline_row *pipeline,
                                   int64_t number);

/* define.c: checks a structure and writes it as `version`; row holds the old one, or id 0. *ret is
 * what callers see of it. */
int codepipeline_define(struct call *c, const struct codepipeline_pipeline_declaration *in,
                        int version, struct pipeline_row *row,
                        struct codepipeline_pipeline_declaration **ret, struct err *err) MUST_USE;

/* secrets.c: what types call secret is kept sealed. Sealing changes `d`; asterisks take the value
 * of the same action in `old` (may be NULL). A sealed value is shown as asterisks everywhere. */
int codepipeline_seal_secrets(struct call *c, struct codepipeline_pipeline_declaration *d,
                              const struct codepipeline_pipeline_declaration *old,
                              struct err *err) MUST_USE;
void codepipeline_mask_secrets(struct codepipeline_pipeline_declaration *d);
struct str codepipeline_shown(struct str value);
/* The value itself where it is none that we have sealed, whatever it looks like. */
struct str codepipeline_open_secret(struct arena *a, struct str account, struct str region,
                                    struct str pipeline, struct str key, struct str value);

/* An operation's answer as JSON text and back, by its descriptor: how things are stored. */
int codepipeline_encode(struct arena *a, const struct shape_op *op, const void *out,
                        struct str *ret, struct err *err) MUST_USE;
int codepipeline_decode(struct arena *a, const struct shape_op *op, struct str json, void *out,
                        struct err *err) MUST_USE;

/* A declaration as JSON text and back, by its descriptor. */
int codepipeline_to_json(struct arena *a, const struct codepipeline_pipeline_declaration *d,
                         struct str *ret, struct err *err) MUST_USE;
int codepipeline_from_json(struct arena *a, struct str json,
                           struct codepipeline_pipeline_declaration **ret,
                           struct err *err) MUST_USE;

/* {"name": "value"} as a map. */
struct str_map codepipeline_map(struct arena *a, struct str json);
