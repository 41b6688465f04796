/* What the calls of workers share; job.h. */
#include "front/api/codepipeline/job.h"

#include "flow/worker/types.h"
#include "platform/text/json.h"
#include "runtime/queue/queue.h"

enum { MAX_OUTPUT_VARIABLES = 122880 }; /* bytes, of one action */

int job_find(struct call *c, struct str id, struct worker_job *ret, struct err *err) {
    int found = worker_job_get(c->db, c->arena, id, ret, err);
    if (found < 0) {
        return -1;
    }
    return found > 0 && str_eq(ret->account, c->account)
               ? 0
               : err_api(err, &codepipeline_JobNotFoundException, "There is no job '%.*s'",
                         STR_ARG(id));
}

struct str job_nonce(struct call *c) {
    uint64_t number = 0;
    c->rng->fill(c->rng->ud, &number, sizeof(number));
    return str_printf(c->arena, "%llu", (unsigned long long)number);
}

int job_acknowledge(struct call *c, struct worker_job *job, struct str nonce, struct err *err) {
    if (job->nonce.p == NULL || !str_eq(job->nonce, nonce)) {
        return err_api(err, &codepipeline_InvalidNonceException,
                       "The nonce is not that of the last delivery of job '%.*s', or a worker has "
                       "taken the job already",
                       STR_ARG(job->id));
    }
    job->status = S("InProgress");
    return worker_job_status(c->db, job->id, "InProgress", c->now_ms, err);
}

/* ---- data ---- */

static bool is_over(const struct worker_job *job) {
    return str_is(job->status, "Succeeded") || str_is(job->status, "Failed") ||
           str_is(job->status, "TimedOut");
}

static int add_credentials(struct call *c, const struct worker_job *job,
                           struct codepipeline_job_data *data, struct err *err) {
    struct aws_credentials keys;
    struct aws_issue what = {
        .service = S("codepipeline.amazonaws.com"),
        .role_arn = job->role_arn,
        .session_name = str_printf(c->arena, "tl-job-%.*s", STR_ARG(job->id)),
        .policy = job->policy,
        .tag = job->action,
    };
    if (aws_issue(codepipeline_flow()->world, c->arena, &what, &keys, err) < 0) {
        return err_wrap(err, "credentials for the artifacts of job %.*s", STR_ARG(job->id));
    }
    data->artifact_credentials = arena_new(c->arena, struct codepipeline_aws_session_credentials);
    *data->artifact_credentials = (struct codepipeline_aws_session_credentials){
        .access_key_id = keys.access_key,
        .secret_access_key = keys.secret_key,
        .session_token = keys.session_token,
    };
    return 0;
}

static void open_secrets(struct call *c, const struct worker_job *job,
                         struct codepipeline_job_data *data) {
    struct str_map *m = &data->action_configuration->configuration;
    for (size_t i = 0; i < m->n; i++) {
        m->v[i].value = codepipeline_open_secret(c->arena, job->account, job->region,
                                                 data->pipeline_context->pipeline_name, m->v[i].key,
                                                 m->v[i].value);
    }
}

int job_data(struct call *c, const struct worker_job *job, struct codepipeline_job_data **ret,
             struct err *err) {
    struct codepipeline_get_job_details_output out = {0};
    struct str json = str_printf(c->arena, "{\"jobDetails\":{\"data\":%.*s}}", STR_ARG(job->data));
    if (codepipeline_decode(c->arena, &codepipeline_op_get_job_details, json, &out, err) < 0) {
        return -1;
    }
    *ret = out.job_details->data;
    open_secrets(c, job, *ret);
    return is_over(job) ? 0 : add_credentials(c, job, *ret, err);
}

int job_fail(struct call *c, const struct worker_job *job, const struct err *why, struct err *err) {
    struct worker_result result = {.failure = S("PermissionError"),
                                   .message = str_dup(c->arena, str_c(why->msg))};
    return worker_job_end(c->db, job->id, "Failed", STR_NONE, worker_result_json(c->arena, &result),
                          c->now_ms, err) < 0
               ? -1
               : queue_urge(c->db, JOB_ACTION, job->action, err);
}

/* ---- answers ---- */

static int check_answer(struct call *c, const struct worker_job *job,
                        const struct job_answer *answer, struct err *err) {
    size_t bytes = 0;
    for (size_t i = 0; answer->variables != NULL && i < answer->variables->n; i++) {
        bytes += answer->variables->v[i].key.n + answer->variables->v[i].value.n;
    }
    if (!str_is(job->status, "InProgress")) {
        return err_api(err, &codepipeline_InvalidJobStateException,
                       "Job '%.*s' is %.*s: a result is taken while it is InProgress",
                       STR_ARG(job->id), STR_ARG(job->status));
    }
    if (bytes > 0 && answer->continuation.n > 0) {
        return err_api(err, &codepipeline_ValidationException,
                       "outputVariables can be included only when there is no continuation token "
                       "on the request");
    }
    if (bytes > MAX_OUTPUT_VARIABLES) {
        return err_api(err, &codepipeline_OutputVariablesSizeExceededException,
                       "The output variables have %zu bytes, an action can have %d", bytes,
                       MAX_OUTPUT_VARIABLES);
    }
    (void)c;
    return 0;
}

static struct str object_of(struct arena *a, const struct str_map *m) {
    json_t *o cleanup_json = json_object();
    for (size_t i = 0; m != NULL && i < m->n; i++) {
        json_set_str(o, str_z(a, m->v[i].key), m->v[i].value);
    }
    return m != NULL && m->n > 0 ? json_dump_str(a, o) : STR_NONE;
}

static struct str revision_of(struct arena *a, const struct codepipeline_current_revision *r) {
    json_t *o cleanup_json = json_object();
    if (r == NULL) {
        return STR_NONE;
    }
    json_set_str(o, "revision", r->revision);
    json_set_str(o, "changeIdentifier", r->change_identifier);
    json_set_str(o, "revisionSummary", r->revision_summary);
    if (r->has_created) {
        json_set(o, "created", json_integer(r->created));
    }
    return json_dump_str(a, o);
}

/* The link that the type makes of the worker's id. */
static int execution_url(struct call *c, const struct worker_job *job, struct str external_id,
                         struct str *ret, struct err *err) {
    struct codepipeline_job_data *data = NULL;
    struct worker_job over = *job;
    over.status = S("Succeeded"); /* no credentials */
    if (job_data(c, &over, &data, err) < 0) {
        return -1;
    }
    const struct codepipeline_action_type_id *id = data->action_type_id;
    struct worker_type t = {.account = job->account,
                            .region = job->region,
                            .owner = id->owner,
                            .category = id->category,
                            .provider = id->provider,
                            .version = id->version};
    int found = worker_type_get(c->db, c->arena, &t, err);
    if (found > 0) {
        *ret = worker_url(c->arena, worker_type_template(c->arena, &t, "executionUrlTemplate"),
                          &data->action_configuration->configuration, external_id);
    }
    return found < 0 ? -1 : 0;
}

/* What the action shows while its worker goes on, and afterwards. */
static int note(struct call *c, const struct worker_job *job,
                const struct codepipeline_execution_details *d, struct err *err) {
    struct action_row detail = {.id = job->action};
    if (d == NULL) {
        return 0;
    }
    detail.summary = d->summary;
    detail.external_id = d->external_execution_id;
    if (detail.external_id.n > 0 &&
        execution_url(c, job, detail.external_id, &detail.external_url, err) < 0) {
        return -1;
    }
    if (d->has_percent_complete &&
        worker_job_percent(c->db, job->id, d->percent_complete, err) < 0) {
        return -1;
    }
    return record_action_detail(c->db, &detail, c->now_ms, err);
}

int job_answer(struct call *c, const struct worker_job *job, const struct job_answer *answer,
               struct err *err) {
    const struct codepipeline_failure_details *failed = answer->failed;
    struct codepipeline_execution_details of_failure = {0};
    const struct codepipeline_execution_details *details = answer->details;
    if (check_answer(c, job, answer, err) < 0) {
        return -1;
    }
    if (failed != NULL) {
        of_failure.external_execution_id = failed->external_execution_id;
        details = &of_failure;
    }
    struct worker_result result = {
        .ok = failed == NULL,
        .failure = failed != NULL ? failed->type : STR_NONE,
        .message = failed != NULL ? failed->message : STR_NONE,
        .summary = details != NULL ? details->summary : STR_NONE,
        .external_id = details != NULL ? details->external_execution_id : STR_NONE,
        .output_variables = object_of(c->arena, answer->variables),
        .revision = revision_of(c->arena, answer->revision),
    };
    const char *status = failed != NULL ? "Failed" : "Succeeded";
    bool goes_on = answer->continuation.n > 0;
    if (note(c, job, details, err) < 0 ||
        worker_job_end(c->db, job->id, status, goes_on ? answer->continuation : STR_NONE,
                       worker_result_json(c->arena, &result), c->now_ms, err) < 0 ||
        (!goes_on && aws_end_issued(codepipeline_flow()->world, job->action, err) < 0)) {
        return -1;
    }
    codepipeline_changed(c);
    return queue_urge(c->db, JOB_ACTION, job->action, err);
}
