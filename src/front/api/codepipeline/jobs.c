/* PollForJobs, AcknowledgeJob, GetJobDetails, PutJobSuccessResult, PutJobFailureResult. */
#include "front/api/codepipeline/job.h"

#include "flow/worker/types.h"

enum { MAX_BATCH = 100 };

static int no_type(const struct codepipeline_action_type_id *id, struct err *err) {
    return err_api(err, &codepipeline_ActionTypeNotFoundException,
                   "There is no custom action type with category %.*s, provider %.*s and version "
                   "%.*s",
                   STR_ARG(id->category), STR_ARG(id->provider), STR_ARG(id->version));
}

static const struct action_property *queryable(const struct action_type *t) {
    for (size_t i = 0; i < t->properties.n; i++) {
        if (t->properties.v[i].queryable) {
            return &t->properties.v[i];
        }
    }
    return NULL;
}

/* Which jobs of the type are asked for: *ret is the queryable property's value, or absent. */
static int read_query(struct call *c, const struct codepipeline_poll_for_jobs_input *in,
                      struct str *ret, struct err *err) {
    const struct codepipeline_action_type_id *id = in->action_type_id;
    struct worker_type t = {.account = c->account,
                            .region = c->region,
                            .owner = id->owner,
                            .category = id->category,
                            .provider = id->provider,
                            .version = id->version};
    struct action_type type;
    int found = str_is(id->owner, "Custom") ? worker_type_get(c->db, c->arena, &t, err) : 0;
    if (found <= 0 || t.deleted) {
        return found < 0 ? -1 : no_type(id, err);
    }
    if (worker_type_read(c->arena, &t, &type, err) < 0) {
        return -1;
    }
    const struct action_property *p = queryable(&type);
    if (p == NULL && in->query_param.n > 0) {
        return err_api(err, &codepipeline_ValidationException,
                       "The action type has no queryable property: queryParam must be empty");
    }
    if (p != NULL && (in->query_param.n != 1 || !str_eq(in->query_param.v[0].key, p->name))) {
        return err_api(err, &codepipeline_ValidationException,
                       "The action type has the queryable property %.*s: queryParam must name it",
                       STR_ARG(p->name));
    }
    *ret = p != NULL ? in->query_param.v[0].value : STR_NONE;
    return 0;
}

/* 1 delivered; 0 not: its role gives no keys any more, which fails its action and nobody else's, or
 * cannot be asked now, and it is offered again. */
static int deliver(struct call *c, struct worker_job *job, struct codepipeline_job *ret,
                   struct err *err) {
    struct err why = ERR_INIT;
    struct str nonce = job_nonce(c);
    *ret = (struct codepipeline_job){.id = job->id, .nonce = nonce, .account_id = job->account};
    if (worker_job_offer(c->db, job->id, nonce, c->now_ms, err) < 0) {
        return -1;
    }
    if (job_data(c, job, &ret->data, &why) == 0) {
        return 1;
    }
    if (why.kind == ERR_DENIED) {
        return job_fail(c, job, &why, err);
    }
    *err = why;
    return why.kind == ERR_UNAVAILABLE ? 0 : -1;
}

int codepipeline_poll_for_jobs(struct call *c, const struct codepipeline_poll_for_jobs_input *in,
                               struct codepipeline_poll_for_jobs_output *out, struct err *err) {
    const struct codepipeline_action_type_id *id = in->action_type_id;
    struct str query = STR_NONE;
    struct worker_job_list jobs;
    int most = in->has_max_batch_size && in->max_batch_size < MAX_BATCH ? in->max_batch_size
               : in->has_max_batch_size                                 ? MAX_BATCH
                                                                        : 1;
    if (read_query(c, in, &query, err) < 0 ||
        worker_job_waiting(
            c->db, c->arena, c->account, c->region,
            worker_type_name(c->arena, id->owner, id->category, id->provider, id->version), query,
            c->now_ms, most, &jobs, err) < 0) {
        return -1;
    }
    out->jobs.v = arena_new_n(c->arena, struct codepipeline_job, jobs.n + 1);
    for (size_t i = 0; i < jobs.n; i++) {
        int delivered = deliver(c, &jobs.v[i], &out->jobs.v[out->jobs.n], err);
        if (delivered < 0) {
            return -1;
        }
        out->jobs.n += (size_t)delivered;
    }
    return 0;
}

/* A third party's jobs are its own business: they have calls of their own. A function that an
 * action of Lambda called (type AWS/Invoke/Lambda) answers as custom actions' workers do. */
static int find_own(struct call *c, struct str id, struct worker_job *ret, struct err *err) {
    if (job_find(c, id, ret, err) < 0) {
        return -1;
    }
    return str_starts(ret->type, S("ThirdParty/"))
               ? err_api(err, &codepipeline_JobNotFoundException, "There is no job '%.*s'",
                         STR_ARG(id))
               : 0;
}

int codepipeline_acknowledge_job(struct call *c,
                                 const struct codepipeline_acknowledge_job_input *in,
                                 struct codepipeline_acknowledge_job_output *out, struct err *err) {
    struct worker_job job;
    if (find_own(c, in->job_id, &job, err) < 0 || job_acknowledge(c, &job, in->nonce, err) < 0) {
        return -1;
    }
    out->status = job.status;
    return 0;
}

int codepipeline_get_job_details(struct call *c,
                                 const struct codepipeline_get_job_details_input *in,
                                 struct codepipeline_get_job_details_output *out, struct err *err) {
    struct worker_job job;
    if (find_own(c, in->job_id, &job, err) < 0) {
        return -1;
    }
    out->job_details = arena_new(c->arena, struct codepipeline_job_details);
    out->job_details->id = job.id;
    out->job_details->account_id = job.account;
    return job_data(c, &job, &out->job_details->data, err);
}

int codepipeline_put_job_success_result(struct call *c,
                                        const struct codepipeline_put_job_success_result_input *in,
                                        struct codepipeline_put_job_success_result_output *out,
                                        struct err *err) {
    (void)out;
    struct worker_job job;
    struct str_map variables = {in->output_variables.v, in->output_variables.n};
    struct job_answer answer = {.revision = in->current_revision,
                                .continuation = in->continuation_token,
                                .details = in->execution_details,
                                .variables = &variables};
    return find_own(c, in->job_id, &job, err) < 0 ? -1 : job_answer(c, &job, &answer, err);
}

int codepipeline_put_job_failure_result(struct call *c,
                                        const struct codepipeline_put_job_failure_result_input *in,
                                        struct codepipeline_put_job_failure_result_output *out,
                                        struct err *err) {
    (void)out;
    struct worker_job job;
    struct job_answer answer = {.failed = in->failure_details};
    return find_own(c, in->job_id, &job, err) < 0 ? -1 : job_answer(c, &job, &answer, err);
}
