/*
 * Batches that an action of a pipeline starts: their builds begin from the action's input artifacts
 * and leave its output artifacts. A build of group G makes the output called G from the buildspec's
 * artifacts, and the output called G_S from its secondary artifact S (CodeBuild's samples of batch
 * builds in pipelines); combined, all builds' artifacts become the first output.
 */
#pragma once

#include "flow/batch/batch.h"
#include "flow/build/order.h"

/* The store's form of what a batch needs of an order: inputs, outputs, commit, rights. */
struct str batch_pipeline_json(struct arena *a, const struct build_order *order);
int batch_pipeline_parse(struct arena *a, struct str text, struct build_order *ret,
                         struct err *err) MUST_USE;

/* What one group's build is given and leaves. */
void batch_pipeline_group(struct arena *a, const struct build_order *all, struct str identifier,
                          bool combine, struct build_order *ret);

/* The order's variables over the project's, name by name. */
void batch_pipeline_variables(struct arena *a, const struct build_order *order,
                              struct codebuild_project *project);
