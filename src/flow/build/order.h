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

    /* Builds of a batch; all absent for others. */
    struct str uuid;             /* fixed beforehand; absent = a new one */
    struct str batch_arn;        /* buildBatchArn */
    struct str batch_identifier; /* CODEBUILD_BATCH_BUILD_IDENTIFIER */
    bool batchspec;              /* only reads the batch section */
    unsigned shard, shards;      /* of a fan-out */
};

/* Inserts the row (SUBMITTED done, QUEUED) and the job that starts it. In the caller's transaction.
 * err->api is CodeBuild's own error where it has one. */
int build_make(const struct flow *f, struct arena *a, const struct build_making *making,
               struct str *ret_uuid, struct err *err) MUST_USE;

/* build_start of build.h with settings that are no stored project's. */
int build_start_as(const struct flow *f, struct arena *a, const struct build_order *order,
                   const struct codebuild_project *project, struct str *ret_uuid,
                   struct err *err) MUST_USE;

/* AccountLimitExceededException when the project has as many builds as its concurrentBuildLimit. */
int build_check_room(const struct flow *f, struct arena *a, struct str account, struct str region,
                     struct str project, struct err *err) MUST_USE;

/* Phases of a build that was just accepted, as the row keeps them. */
struct str build_first_phases(struct arena *a, int64_t now);

/* logs.c: where the log goes, by the project's configuration: into the plan, and as the API shows
 * it. */
void plan_logs(struct arena *a, const struct codebuild_logs_config *config, struct plan *plan);
struct codebuild_logs_location *build_logs_view(struct arena *a,
                                                const struct codebuild_logs_config *config,
                                                const struct plan *plan);

/* order_cache.c: the project's cache, into the plan, whose account, region and project are known.
 */
int build_plan_cache(const struct flow *f, const struct codebuild_project_cache *from,
                     struct plan *plan, struct err *err) MUST_USE;

/* retry.c: the same build once more, with a number of its own, for whoever asks: the old one's
 * initiator when it is absent. In the caller's transaction. */
struct build_ask {
    struct str initiator;
    struct str token; /* idempotency, or absent */
    struct str token_digest;
};
int build_again(const struct flow *f, struct arena *a, const struct build_row *old,
                const struct build_ask *ask, struct str *ret_uuid, struct err *err) MUST_USE;

/* When a build has failed, with `retries` from its buildspec's on-failure (0 = none asked for) or
 * the project's autoRetryLimit: starts it again, unless it was often enough. Not for builds that a
 * pipeline started. In the transaction that ends the build. */
int build_retry(const struct flow *f, struct arena *a, struct build_row *row, int64_t retries,
                struct err *err) MUST_USE;
/* autoRetryConfig of a first build; NULL when the project wants none. */
struct codebuild_auto_retry_config *build_retries_view(struct arena *a,
                                                       const struct codebuild_project *project,
                                                       struct str initiator);

/* The API's view of a row. */
int build_view(struct arena *a, const struct build_row *row, struct codebuild_build **ret,
               struct err *err) MUST_USE;
