/* Which pipeline and which release a verb means when it is not told in full. */
#pragma once

#include "aws/call/call.h"
#include "front/cli/cli.h"

#include "gen/codepipeline.h"

/* --pipeline; else the release.yml of this folder; else the only pipeline there is. */
int pick_pipeline(struct cli *c, const struct aws_target *t, struct str *ret,
                  struct err *err) MUST_USE;

/* All releases of a pipeline, newest first, at most `max`. */
int pick_releases(struct cli *c, const struct aws_target *t, struct str pipeline, size_t max,
                  struct codepipeline_pipeline_execution_summary_list *ret,
                  struct err *err) MUST_USE;

/* The release whose id begins with `prefix`; the newest one for NULL. ERR_NOT_FOUND; ERR_INVALID
 * when several do. */
int pick_release(struct cli *c, const struct aws_target *t, struct str pipeline, const char *prefix,
                 struct str *ret, struct err *err) MUST_USE;

#define PICK_PIPELINE_OPTION                                                                       \
    { "pipeline", 'p', "NAME", "the pipeline, where there are several" }
