/*
 * The job calls of third parties: as those of custom actions, but a job is shown to whoever knows
 * the customer's client token. ClientId and ClientToken are settings of the action
 * (docs/limits.md).
 */
#include "front/api/codepipeline/job.h"

#include "flow/worker/types.h"

enum { MAX_BATCH = 100 };

/* Takes the same time whatever the difference. */
static bool same(struct str x, struct str y) {
    unsigned char different = x.n != y.n;
    for (size_t i = 0; i < x.n && i < y.n; i++) {
        different |= (unsigned char)(x.p[i] ^ y.p[i]);
    }
    return different == 0;
}

static int find(struct call *c, struct str id, struct str client_token, struct worker_job *ret,
                struct err *err) {
    struct codepipeline_job_data *data = NULL;
    if (job_find(c, id, ret, err) < 0) {
        return -1;
    }
    if (!str_starts(ret->type, S("ThirdParty/"))) {
        return err_api(err, &codepipeline_JobNotFoundException, "There is no job '%.*s'",
                       STR_ARG(id));
    }
    struct worker_job over = *ret;
    over.status = S("Succeeded"); /* no credentials yet */
    if (job_data(c, &over, &data, err) < 0) {
        return -1;
    }
    struct str token = str_map_get(&data->action_configuration->configuration, S("ClientToken"));
    return same(token, client_token)
               ? 0
               : err_api(err, &codepipeline_InvalidClientTokenException,
                         "The client token is not that of job '%.*s'", STR_ARG(id));
}

int codepipeline_poll_for_third_party_jobs(
    struct call *c, const struct codepipeline_poll_for_third_party_jobs_input *in,
    struct codepipeline_poll_for_third_party_jobs_output *out, struct err *err) {
    const struct codepipeline_action_type_id *id = in->action_type_id;
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = id->owner,
                            .category = id->category,
                            .provider = id->provider,
                            .version = id->version};
    struct worker_job_list jobs;
    int found = str_is(id->owner, "ThirdParty") ? worker_type_get(c->db, c->arena, &t, err) : 0;
    if (found <= 0) {
        return found < 0
                   ? -1
                   : err_api(err, &codepipeline_ActionTypeNotFoundException,
                             "There is no third party's action type with category %.*s, "
                             "provider %.*s and version %.*s",
                             STR_ARG(id->category), STR_ARG(id->provider), STR_ARG(id->version));
    }
    int most = in->has_max_batch_size && in->max_batch_size < MAX_BATCH ? in->max_batch_size
               : in->has_max_batch_size                                 ? MAX_BATCH
                                                                        : 1;
    if (worker_job_waiting(
            c->db, c->arena, c->account, c->region,
            worker_type_name(c->arena, id->owner, id->category, id->provider, id->version),
            STR_NONE, c->now_ms, most, &jobs, err) < 0) {
        return -1;
    }
    out->jobs.v = arena_new_n(c->arena, struct codepipeline_third_party_job, jobs.n + 1);
    out->jobs.n = jobs.n;
    for (size_t i = 0; i < jobs.n; i++) {
        out->jobs.v[i].client_id = jobs.v[i].client_id;
        out->jobs.v[i].job_id = jobs.v[i].id;
        if (worker_job_offer(c->db, jobs.v[i].id, job_nonce(c), c->now_ms, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int codepipeline_acknowledge_third_party_job(
    struct call *c, const struct codepipeline_acknowledge_third_party_job_input *in,
    struct codepipeline_acknowledge_third_party_job_output *out, struct err *err) {
    struct worker_job job;
    if (find(c, in->job_id, in->client_token, &job, err) < 0 ||
        job_acknowledge(c, &job, in->nonce, err) < 0) {
        return -1;
    }
    out->status = job.status;
    return 0;
}

int codepipeline_get_third_party_job_details(
    struct call *c, const struct codepipeline_get_third_party_job_details_input *in,
    struct codepipeline_get_third_party_job_details_output *out, struct err *err) {
    struct worker_job job;
    struct codepipeline_job_data *data = NULL;
    if (find(c, in->job_id, in->client_token, &job, err) < 0 || job_data(c, &job, &data, err) < 0) {
        return -1;
    }
    struct codepipeline_third_party_job_details *d =
        arena_new(c->arena, struct codepipeline_third_party_job_details);
    d->id = job.id;
    d->nonce = job.nonce;
    d->data = arena_new(c->arena, struct codepipeline_third_party_job_data);
    *d->data = (struct codepipeline_third_party_job_data){
        .action_type_id = data->action_type_id,
        .action_configuration = data->action_configuration,
        .pipeline_context = data->pipeline_context,
        .input_artifacts = data->input_artifacts,
        .output_artifacts = data->output_artifacts,
        .artifact_credentials = data->artifact_credentials,
        .continuation_token = data->continuation_token,
        .encryption_key = data->encryption_key,
    };
    out->job_details = d;
    return 0;
}

int codepipeline_put_third_party_job_success_result(
    struct call *c, const struct codepipeline_put_third_party_job_success_result_input *in,
    struct codepipeline_put_third_party_job_success_result_output *out, struct err *err) {
    (void)out;
    struct worker_job job;
    struct job_answer answer = {.revision = in->current_revision,
                                .continuation = in->continuation_token,
                                .details = in->execution_details};
    return find(c, in->job_id, in->client_token, &job, err) < 0 ? -1
                                                                : job_answer(c, &job, &answer, err);
}

int codepipeline_put_third_party_job_failure_result(
    struct call *c, const struct codepipeline_put_third_party_job_failure_result_input *in,
    struct codepipeline_put_third_party_job_failure_result_output *out, struct err *err) {
    (void)out;
    struct worker_job job;
    struct job_answer answer = {.failed = in->failure_details};
    return find(c, in->job_id, in->client_token, &job, err) < 0 ? -1
                                                                : job_answer(c, &job, &answer, err);
}
