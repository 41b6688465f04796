/*
 * Our own service: what AWS has no operation for. Handlers are found by their generated names
 * (gen/trunkline.h); the flow that they speak of is CodePipeline's (codepipeline_serve).
 */
#pragma once

#include "front/api/codepipeline/codepipeline.h"

#include "gen/trunkline.h"

/* A pipeline and, where one is present, its execution (NULL ok). ResourceNotFoundException. */
int trunkline_find(struct call *c, struct str pipeline, struct str execution,
                   struct pipeline_row *ret, struct execution_row *ret_execution,
                   struct err *err) MUST_USE;
