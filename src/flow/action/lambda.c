/*
 * Invoke/Lambda: the function is called once, with the job that it has to answer by
 * PutJobSuccessResult or PutJobFailureResult; from there on it is a worker like those of custom
 * actions (custom.c). Accounts that do not run functions refuse the call, and say so. Facts: Lambda
 * invoke action reference; quota of 20 minutes without an answer.
 */
#include "flow/action/providers.h"

#include "flow/worker/jobs.h"
#include "gen/lambda.h"
#include "platform/text/json.h"

enum { ANSWER_MS = 20 * 60 * 1000 };

static int find_job(struct action_run *run, struct worker_job *ret, struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = worker_job_of_action(run->flow->db, run->arena, run->action.id, ret, err);
    db_rollback(run->flow->db);
    return found;
}

/* InProgress: nobody may take it, it is the function's. Queued: it is to be called. */
static int mark_job(struct action_run *run, const struct worker_job *job, const char *status,
                    struct err *err) {
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (worker_job_status(run->flow->db, job->id, status, clock_now_ms(run->flow->clock), err) <
        0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}

static json_t *keys_json(const struct aws_credentials *keys) {
    json_t *o = json_object();
    json_set_str(o, "accessKeyId", keys->access_key);
    json_set_str(o, "secretAccessKey", keys->secret_key);
    json_set_str(o, "sessionToken", keys->session_token);
    return o;
}

/* {"CodePipeline.job": {"id", "accountId", "data": {... "artifactCredentials"}}} */
static int event_of(struct action_run *run, const struct worker_job *job, struct str *ret,
                    struct err *err) {
    struct aws_credentials keys = {0};
    struct aws_issue issue = {
        .service = S("codepipeline.amazonaws.com"),
        .role_arn = job->role_arn,
        .session_name = action_session_name(run->arena, &run->action),
        .policy = job->policy,
        .tag = run->action.id,
    };
    json_t *data = json_parse(job->data, err);
    if (data == NULL || aws_issue(run->flow->world, run->arena, &issue, &keys, err) < 0) {
        json_decref(data);
        return -1;
    }
    json_set(data, "artifactCredentials", keys_json(&keys));
    json_t *one = json_object();
    json_set_str(one, "id", job->id);
    json_set_str(one, "accountId", job->account);
    json_set(one, "data", data);
    json_t *event cleanup_json = json_object();
    json_set(event, "CodePipeline.job", one);
    *ret = json_dump_str(run->arena, event);
    return 0;
}

static int call(struct action_run *run, const struct worker_job *job, struct err *err) {
    struct aws_target target;
    struct lambda_invocation_request in = {.function_name = action_setting(run, "FunctionName"),
                                           .invocation_type = S("Event")};
    struct lambda_invocation_response out = {0};
    if (action_target(run, &target, err) < 0 || event_of(run, job, &in.payload, err) < 0 ||
        lambda_call_invoke(&target, run->arena, &in, &out, err) < 0) {
        return err_wrap(err, "function " STR_FMT, STR_ARG(in.function_name));
    }
    struct action_row detail = {.external_id = job->id};
    return action_note(run, &detail, err);
}

int action_lambda_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                        struct err *err) {
    struct worker_job job;
    if (action_custom_start(run, ret_ended, ret_end, err) < 0) {
        return -1;
    }
    int found = *ret_ended ? 0 : find_job(run, &job, err);
    if (found <= 0) {
        return found;
    }
    bool silent = str_is(job.status, "InProgress") &&
                  clock_now_ms(run->flow->clock) - job.changed_ms > ANSWER_MS;
    if (silent) { /* also where we died before the call was noted */
        return err_set(err, ERR_CANCELLED,
                       "The AWS Lambda function " STR_FMT " failed to return a result. Check the "
                       "function to verify that it has permission to call the "
                       "PutJobSuccessResult action and that it made a call to PutJobSuccessResult",
                       STR_ARG(action_setting(run, "FunctionName")));
    }
    bool fresh = str_is(job.status, "Queued");
    if (!fresh) {
        return 0;
    }
    struct err ignored = ERR_INIT;
    if (mark_job(run, &job, "InProgress", err) < 0) {
        return -1;
    }
    if (call(run, &job, err) == 0) {
        return 0;
    }
    if (err->kind == ERR_UNAVAILABLE) {
        (void)!mark_job(run, &job, "Queued", &ignored); /* else it is waited for in vain */
    } else {
        (void)!action_custom_kill(run, &ignored);
    }
    return -1;
}
