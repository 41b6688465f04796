/* RetryBuild, BatchDeleteBuilds, InvalidateProjectCache: what is done to builds that have been. */
#include "front/api/codebuild/codebuild.h"

/* May this build be started once more? A pipeline's wrote the pipeline's artifacts: its stage is
 * retried instead. */
static int check_again(struct call *c, const struct build_row *row, struct err *err) {
    struct project_row project;
    if (!row->complete) {
        return codebuild_invalid(err,
                                 "Build " STR_FMT ":" STR_FMT
                                 " is still in progress: only a build that has ended can be "
                                 "retried",
                                 STR_ARG(row->project), STR_ARG(row->uuid));
    }
    if (str_starts(row->initiator, S("codepipeline/"))) {
        return codebuild_invalid(err,
                                 "Build " STR_FMT ":" STR_FMT
                                 " was started by CodePipeline: retry the stage of its pipeline",
                                 STR_ARG(row->project), STR_ARG(row->uuid));
    }
    int found =
        project_get(c->db, c->arena, row->account, row->region, row->project, &project, err);
    return found == 0 ? err_api(err, &codebuild_ResourceNotFoundException,
                                "Project cannot be found: " STR_FMT,
                                STR_ARG(codebuild_project_arn(c, row->project)))
                      : found - 1;
}

int codebuild_retry_build(struct call *c, const struct codebuild_retry_build_input *in,
                          struct codebuild_retry_build_output *out, struct err *err) {
    struct build_row row;
    struct str uuid = STR_NONE;
    struct build_ask ask = {
        .initiator = codebuild_initiator(c),
        .token = in->idempotency_token.n > 0 ? in->idempotency_token : STR_NONE,
    };
    if (codebuild_build_uuid(in->id).p == NULL) {
        return codebuild_invalid(err, "Invalid build ID provided");
    }
    int found = codebuild_find_build(c, in->id, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "Build " STR_FMT " does not exist", STR_ARG(in->id));
    }
    if (codebuild_request_digest(c, in, &ask.token_digest, err) < 0) {
        return -1;
    }
    int known = codebuild_answered(c, row.project, ask.token, ask.token_digest, &uuid, err);
    if (known != 0) {
        return known < 0 ? -1 : codebuild_answer_build(c, uuid, &out->build, err);
    }
    return check_again(c, &row, err) < 0 ||
                   build_check_room(codebuild_flow(), c->arena, row.account, row.region,
                                    row.project, err) < 0 ||
                   build_again(codebuild_flow(), c->arena, &row, &ask, &uuid, err) < 0
               ? -1
               : codebuild_answer_build(c, uuid, &out->build, err);
}

/* ---- deletion ---- */

static struct str arn_of(struct call *c, struct str id) {
    return str_starts(id, S("arn:"))
               ? id
               : str_printf(c->arena, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":build/" STR_FMT,
                            STR_ARG(c->region), STR_ARG(c->account), STR_ARG(id));
}

/* NULL: deleted; else the status code that says why not. */
static int delete_one(struct call *c, struct str id, const char **ret_code, struct err *err) {
    struct build_row row;
    int found = codebuild_find_build(c, id, &row, err);
    *ret_code = found == 0 ? "BUILD_NOT_FOUND" : !row.complete ? "BUILD_IN_PROGRESS" : NULL;
    if (found < 0 || *ret_code != NULL) {
        return found < 0 ? -1 : 0;
    }
    return build_delete(c->db, row.uuid, err) < 0
               ? -1
               : queue_add(c->db, "build.start", row.uuid, S("{}"), 0, err);
}

int codebuild_batch_delete_builds(struct call *c,
                                  const struct codebuild_batch_delete_builds_input *in,
                                  struct codebuild_batch_delete_builds_output *out,
                                  struct err *err) {
    out->builds_deleted.v = arena_new_n(c->arena, struct str, in->ids.n);
    out->builds_not_deleted.v =
        arena_new_n(c->arena, struct codebuild_build_not_deleted, in->ids.n);
    for (size_t i = 0; i < in->ids.n; i++) {
        const char *code = NULL;
        struct str arn = arn_of(c, in->ids.v[i]);
        if (delete_one(c, in->ids.v[i], &code, err) < 0) {
            return -1;
        }
        if (code == NULL) {
            out->builds_deleted.v[out->builds_deleted.n++] = arn;
        } else {
            out->builds_not_deleted.v[out->builds_not_deleted.n++] =
                (struct codebuild_build_not_deleted){arn, str_c(code)};
        }
    }
    return 0;
}

int codebuild_invalidate_project_cache(struct call *c,
                                       const struct codebuild_invalidate_project_cache_input *in,
                                       struct codebuild_invalidate_project_cache_output *out,
                                       struct err *err) {
    struct codebuild_project *p = NULL;
    struct str name = codebuild_project_name(in->project_name);
    (void)out;
    if (codebuild_load_project(c, name, &p, err) < 0) {
        return -1;
    }
    return project_cache_invalidate(c->db, c->account, c->region, name, err);
}
