/*
 * Our own service: what AWS has no operation for. Handlers are found by their generated names
 * (gen/trunkline.h); the flow that they speak of is CodePipeline's (codepipeline_serve).
 */
#pragma once

#include "front/api/codepipeline/codepipeline.h"

#include "gen/trunkline.h"
