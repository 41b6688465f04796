/* Batches of builds: start with overrides, stop, retry, get, list, delete. */
#include "aws/proto/proto.h"
#include "flow/batch/apply.h"
#include "flow/report/store.h"
#include "front/api/codebuild/codebuild.h"
#include "platform/crypto/hash.h"

enum {
    PAGE_MAX = 100,
    MIN_BATCH_MIN = 5,
    MAX_BATCH_MIN = 2160,
    TOKEN_MS = 5 * 60 * 1000, /* as long as AWS remembers an idempotency token */
};

/* ---- finding and showing ---- */

/* "project:uuid" or a batch's ARN: its uuid; absent when it has neither form. */
static struct str uuid_of(struct str id_or_arn) {
    size_t colon = str_rfind_c(id_or_arn, ':');
    return colon == (size_t)-1 || colon == 0 || colon + 1 == id_or_arn.n
               ? STR_NONE
               : str_sub(id_or_arn, colon + 1, id_or_arn.n);
}

/* The caller's batch; 1 found, 0 not. */
static int find(struct call *c, struct str id_or_arn, struct batch_row *ret, struct err *err) {
    struct str uuid = uuid_of(id_or_arn);
    int found = uuid.p == NULL ? 0 : batch_load(c->db, c->arena, uuid, ret, err);
    if (found <= 0) {
        return found;
    }
    struct str id =
        str_printf(c->arena, STR_FMT ":" STR_FMT, STR_ARG(ret->project), STR_ARG(ret->uuid));
    struct str arn = batch_arn(c->arena, ret->region, ret->account, ret->project, ret->uuid);
    return str_eq(ret->account, c->account) && str_eq(ret->region, c->region) &&
           (str_eq(id_or_arn, id) || str_eq(id_or_arn, arn));
}

static int need(struct call *c, struct str id_or_arn, struct batch_row *ret, struct err *err) {
    if (uuid_of(id_or_arn).p == NULL) {
        return codebuild_invalid(err, "Invalid build batch ID provided");
    }
    int found = find(c, id_or_arn, ret, err);
    return found != 0 ? (found < 0 ? -1 : 0)
                      : err_api(err, &codebuild_ResourceNotFoundException,
                                "Build batch " STR_FMT " does not exist", STR_ARG(id_or_arn));
}

static int show(struct call *c, const struct batch_row *row, struct codebuild_build_batch **ret,
                struct err *err) {
    struct str_list builds;
    if (batch_view(c->arena, row, ret, err) < 0 ||
        batch_builds(c->db, c->arena, row->uuid, &builds, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < builds.n; i++) {
        struct report_list reports;
        if (report_list_of_build(c->db, c->arena, builds.v[i], &reports, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < reports.n; k++) {
            *arena_push(c->arena, &(*ret)->report_arns) = report_arn(c->arena, &reports.v[k]);
        }
    }
    return 0;
}

static int show_again(struct call *c, struct str uuid, struct codebuild_build_batch **ret,
                      struct err *err) {
    struct batch_row row;
    int found = batch_load(c->db, c->arena, uuid, &row, err);
    return found <= 0 ? (found < 0 ? -1 : err_set(err, ERR_INTERNAL, "the batch is gone"))
                      : show(c, &row, ret, err);
}

/* ---- start ---- */

/* The overrides that both kinds of start have, as StartBuild's. */
static struct codebuild_start_build_input as_build(
    const struct codebuild_start_build_batch_input *in) {
    return (struct codebuild_start_build_input){
        .project_name = in->project_name,
        .secondary_sources_override = in->secondary_sources_override,
        .secondary_sources_version_override = in->secondary_sources_version_override,
        .source_version = in->source_version,
        .artifacts_override = in->artifacts_override,
        .secondary_artifacts_override = in->secondary_artifacts_override,
        .environment_variables_override = in->environment_variables_override,
        .source_type_override = in->source_type_override,
        .source_location_override = in->source_location_override,
        .source_auth_override = in->source_auth_override,
        .git_clone_depth_override = in->git_clone_depth_override,
        .has_git_clone_depth_override = in->has_git_clone_depth_override,
        .git_submodules_config_override = in->git_submodules_config_override,
        .buildspec_override = in->buildspec_override,
        .insecure_ssl_override = in->insecure_ssl_override,
        .has_insecure_ssl_override = in->has_insecure_ssl_override,
        .report_build_status_override = in->report_build_batch_status_override,
        .has_report_build_status_override = in->has_report_build_batch_status_override,
        .environment_type_override = in->environment_type_override,
        .image_override = in->image_override,
        .compute_type_override = in->compute_type_override,
        .certificate_override = in->certificate_override,
        .cache_override = in->cache_override,
        .service_role_override = in->service_role_override,
        .privileged_mode_override = in->privileged_mode_override,
        .has_privileged_mode_override = in->has_privileged_mode_override,
        .timeout_in_minutes_override = in->build_timeout_in_minutes_override,
        .has_timeout_in_minutes_override = in->has_build_timeout_in_minutes_override,
        .queued_timeout_in_minutes_override = in->queued_timeout_in_minutes_override,
        .has_queued_timeout_in_minutes_override = in->has_queued_timeout_in_minutes_override,
        .encryption_key_override = in->encryption_key_override,
        .logs_config_override = in->logs_config_override,
        .registry_credential_override = in->registry_credential_override,
        .image_pull_credentials_type_override = in->image_pull_credentials_type_override,
    };
}

int codebuild_check_batch(const struct codebuild_project *p, struct err *err) {
    const struct codebuild_project_build_batch_config *c = p->build_batch_config;
    if (c == NULL || c->service_role.n == 0) {
        return codebuild_invalid(err,
                                 "Invalid buildBatchConfig: project " STR_FMT
                                 " has no batch configuration with a serviceRole",
                                 STR_ARG(p->name));
    }
    if (c->has_timeout_in_mins &&
        (c->timeout_in_mins < MIN_BATCH_MIN || c->timeout_in_mins > MAX_BATCH_MIN)) {
        return codebuild_invalid(err, "Invalid buildBatchConfig: timeoutInMins is %d to %d",
                                 MIN_BATCH_MIN, MAX_BATCH_MIN);
    }
    return 0;
}

static int digest_of(struct call *c, const struct shape_op *op, const void *in, struct str *ret,
                     struct err *err) {
    struct proto_message m = {0};
    if (proto_encode_request(c->arena, SHAPE_JSON_1_1, op, in, &m, err) < 0) {
        return -1;
    }
    *ret = crypto_sha256_hex(c->arena, m.body);
    return 0;
}

/* 1: the same request was answered within the last five minutes, with this batch. */
static int answered_before(struct call *c, struct str project, struct str token, struct str digest,
                           struct batch_row *ret, struct err *err) {
    struct batch_row like = {
        .account = c->account, .region = c->region, .project = project, .token = token};
    if (token.n == 0) {
        return 0;
    }
    int found = batch_token_expire(c->db, &like, c->now_ms - TOKEN_MS, err) < 0
                    ? -1
                    : batch_by_token(c->db, c->arena, &like, ret, err);
    if (found > 0 && !str_eq(ret->token_digest, digest)) {
        return codebuild_invalid(err, "Request parameter mismatch for idempotency token " STR_FMT,
                                 STR_ARG(token));
    }
    return found;
}

int codebuild_start_build_batch(struct call *c, const struct codebuild_start_build_batch_input *in,
                                struct codebuild_start_build_batch_output *out, struct err *err) {
    struct codebuild_project *p = NULL;
    struct batch_row before;
    struct str digest = STR_NONE;
    struct str uuid = STR_NONE;
    struct str name = codebuild_project_name(in->project_name);
    if (codebuild_load_project(c, name, &p, err) < 0 ||
        digest_of(c, &codebuild_op_start_build_batch, in, &digest, err) < 0) {
        return -1;
    }
    int known = answered_before(c, name, in->idempotency_token, digest, &before, err);
    if (known != 0) {
        return known < 0 ? -1 : show(c, &before, &out->build_batch, err);
    }
    struct codebuild_start_build_input overrides = as_build(in);
    codebuild_override(c, p, &overrides);
    if (in->build_batch_config_override != NULL) {
        p->build_batch_config = in->build_batch_config_override;
    }
    if (codebuild_check_project(c, p, err) < 0 || codebuild_check_batch(p, err) < 0) {
        return -1;
    }
    struct batch_order order = {
        .account = c->account,
        .region = c->region,
        .project = p,
        .initiator = codebuild_initiator(c),
        .token = in->idempotency_token.n > 0 ? in->idempotency_token : STR_NONE,
        .token_digest = digest,
    };
    return batch_make(codebuild_flow(), c->arena, &order, &uuid, err) < 0
               ? -1
               : show_again(c, uuid, &out->build_batch, err);
}

/* ---- stop, retry ---- */

static int apply(struct call *c, const struct batch_row *row, struct batch_event event,
                 struct codebuild_build_batch **ret, struct err *err) {
    event.t = c->now_ms;
    if (batch_apply(codebuild_flow(), c->arena, row->uuid, &event, err) < 0) {
        err->api = err->kind == ERR_INVALID ? &codebuild_InvalidInputException : err->api;
        return -1;
    }
    return show_again(c, row->uuid, ret, err);
}

int codebuild_stop_build_batch(struct call *c, const struct codebuild_stop_build_batch_input *in,
                               struct codebuild_stop_build_batch_output *out, struct err *err) {
    struct batch_row row;
    return need(c, in->id, &row, err) < 0
               ? -1
               : apply(c, &row, (struct batch_event){.kind = BATCH_STOP}, &out->build_batch, err);
}

/* 1: this retry was answered within the last five minutes. */
static int retried_before(struct call *c, const struct batch_row *row,
                          const struct codebuild_retry_build_batch_input *in, struct err *err) {
    struct str type = STR_NONE;
    int known = in->idempotency_token.n == 0
                    ? 0
                    : batch_retry_known(c->db, c->arena, row->uuid, in->idempotency_token,
                                        c->now_ms - TOKEN_MS, &type, err);
    if (known > 0 && !str_eq(type, in->retry_type.p ? in->retry_type : S(""))) {
        return codebuild_invalid(err, "Request parameter mismatch for idempotency token " STR_FMT,
                                 STR_ARG(in->idempotency_token));
    }
    return known;
}

int codebuild_retry_build_batch(struct call *c, const struct codebuild_retry_build_batch_input *in,
                                struct codebuild_retry_build_batch_output *out, struct err *err) {
    struct batch_row row;
    struct batch_event event = {.kind = BATCH_RETRY,
                                .all = !str_is(in->retry_type, "RETRY_FAILED_BUILDS")};
    if (need(c, in->id, &row, err) < 0) {
        return -1;
    }
    int known = retried_before(c, &row, in, err);
    if (known != 0) {
        return known < 0 ? -1 : show(c, &row, &out->build_batch, err);
    }
    if (apply(c, &row, event, &out->build_batch, err) < 0) {
        return -1;
    }
    return in->idempotency_token.n == 0
               ? 0
               : batch_retry_note(c->db, row.uuid, in->idempotency_token,
                                  in->retry_type.p ? in->retry_type : S(""), c->now_ms, err);
}

/* ---- get, list, delete ---- */

int codebuild_batch_get_build_batches(struct call *c,
                                      const struct codebuild_batch_get_build_batches_input *in,
                                      struct codebuild_batch_get_build_batches_output *out,
                                      struct err *err) {
    struct codebuild_build_batch_list list = {arena_alloc(c->arena, 0), 0};
    struct str_list missing = {arena_alloc(c->arena, 0), 0};
    for (size_t i = 0; i < in->ids.n; i++) {
        struct batch_row row;
        struct codebuild_build_batch *b = NULL;
        int found = find(c, in->ids.v[i], &row, err);
        if (found < 0 || (found > 0 && show(c, &row, &b, err) < 0)) {
            return -1;
        }
        if (found > 0) {
            *arena_push(c->arena, &list) = *b;
        } else {
            *arena_push(c->arena, &missing) = in->ids.v[i];
        }
    }
    out->build_batches = list;
    out->build_batches_not_found = missing;
    return 0;
}

/* Newest first unless asked otherwise. */
static int list(struct call *c, struct batch_query query, struct str token, struct str_list *ret,
                struct str *ret_token, struct err *err) {
    int64_t limit = query.limit;
    int64_t last = 0;
    query.account = c->account;
    query.region = c->region;
    if (codebuild_token_read(c, token, &query.after, err) < 0 ||
        batch_list(c->db, c->arena, &query, ret, &last, err) < 0) {
        return -1;
    }
    if (ret->n == (size_t)limit) {
        struct str_list more;
        int64_t ignored = 0;
        query.after = last;
        query.limit = 1;
        if (batch_list(c->db, c->arena, &query, &more, &ignored, err) < 0) {
            return -1;
        }
        *ret_token = more.n > 0 ? codebuild_token_make(c, last) : STR_NONE;
    }
    ret->v = ret->v ? ret->v : arena_alloc(c->arena, 0);
    return 0;
}

int codebuild_list_build_batches(struct call *c,
                                 const struct codebuild_list_build_batches_input *in,
                                 struct codebuild_list_build_batches_output *out, struct err *err) {
    struct batch_query query = {.status = in->filter ? in->filter->status : STR_NONE,
                                .descending = !str_is(in->sort_order, "ASCENDING"),
                                .limit = in->has_max_results ? in->max_results : PAGE_MAX};
    return list(c, query, in->next_token, &out->ids, &out->next_token, err);
}

int codebuild_list_build_batches_for_project(
    struct call *c, const struct codebuild_list_build_batches_for_project_input *in,
    struct codebuild_list_build_batches_for_project_output *out, struct err *err) {
    struct batch_query query = {.project = codebuild_project_name(in->project_name),
                                .status = in->filter ? in->filter->status : STR_NONE,
                                .descending = !str_is(in->sort_order, "ASCENDING"),
                                .limit = in->has_max_results ? in->max_results : PAGE_MAX};
    struct project_row row;
    if (query.project.n == 0) {
        return codebuild_invalid(err, "Invalid project name: it is required");
    }
    int found = project_get(c->db, c->arena, c->account, c->region, query.project, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &codebuild_ResourceNotFoundException,
                                   "The provided project " STR_FMT " does not exist",
                                   STR_ARG(codebuild_project_arn(c, query.project)));
    }
    return list(c, query, in->next_token, &out->ids, &out->next_token, err);
}

/* Its builds go with it, but for those that run. */
static int delete_builds(struct call *c, const struct batch_row *row,
                         struct codebuild_delete_build_batch_output *out, struct err *err) {
    struct str_list builds;
    if (batch_builds(c->db, c->arena, row->uuid, &builds, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < builds.n; i++) {
        struct str id =
            str_printf(c->arena, STR_FMT ":" STR_FMT, STR_ARG(row->project), STR_ARG(builds.v[i]));
        if (build_delete(c->db, builds.v[i], err) < 0) {
            return -1;
        }
        if (db_changes(c->db) > 0) {
            if (queue_add(c->db, "build.start", builds.v[i], S("{}"), 0, err) < 0) {
                return -1; /* it removes the build's directory */
            }
            *arena_push(c->arena, &out->builds_deleted) = id;
        } else {
            *arena_push(c->arena, &out->builds_not_deleted) =
                (struct codebuild_build_not_deleted){id, S("BUILD_IN_PROGRESS")};
        }
    }
    return 0;
}

int codebuild_delete_build_batch(struct call *c,
                                 const struct codebuild_delete_build_batch_input *in,
                                 struct codebuild_delete_build_batch_output *out, struct err *err) {
    struct batch_row row;
    out->builds_deleted.v = NULL;
    int found = find(c, in->id, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : codebuild_invalid(err, "Build batch " STR_FMT " does not exist",
                                             STR_ARG(in->id));
    }
    struct batch_state state;
    if (batch_state_parse(c->arena, row.state, &state, err) < 0) {
        return -1;
    }
    if (!state.complete) {
        return codebuild_invalid(err, "Build batch " STR_FMT " is in progress: stop it first",
                                 STR_ARG(in->id));
    }
    out->status_code = S("BATCH_DELETED");
    return delete_builds(c, &row, out, err) < 0 ? -1 : batch_delete(c->db, row.uuid, err);
}
