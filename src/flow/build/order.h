/*
 * From a project, with what the start overrides, to a build's row and plan. Both ways to start a
 * build end here: an action of a pipeline (build_start) and the API's StartBuild.
 */
#pragma once

#include "flow/build/store.h"

#include "gen/codebuild.h"

/* A project's JSON as struct and back. */
int project_from_json(struct arena *a, struct str json, struct codebuild_project **ret,
                      struct err *err) MUST_USE;
int project_to_json(struct arena *a, const struct codebuild_project *project, struct str *ret,
                    struct err *err) MUST_USE;
int build_from_json(struct arena *a, struct str json, struct codebuild_build **ret,
                    struct err *err) MUST_USE;
int build_to_json(struct arena *a, const struct codebuild_build *build, struct str *ret,
                  struct err *err) MUST_USE;

/* What a build is made of. */
struct build_making {
    struct str account;
    struct str region;
    const struct codebuild_project *project; /* effective: overrides are in it */
    const struct build_order *order;         /* a pipeline's inputs and outputs, or NULL */
    struct str initiator;
    struct str token;        /* idempotency, or absent */
    struct str token_digest; /* of the request */
};

/* Inserts the row (SUBMITTED done, QUEUED) and the job that starts it. In the caller's transaction.
 * err->api is CodeBuild's own error where it has one. */
int build_make(const struct flow *f, struct arena *a, const struct build_making *making,
               struct str *ret_uuid, struct err *err) MUST_USE;

/* The API's view of a row. */
int build_view(struct arena *a, const struct build_row *row, struct codebuild_build **ret,
               struct err *err) MUST_USE;
