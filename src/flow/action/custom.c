/*
 * Actions of owner Custom and ThirdParty: the work is done by somebody's worker, who asks for jobs
 * through CodePipeline's API. An attempt makes a job and waits; the API wakes it when the worker
 * has answered. Output artifacts lie where the job said, or the action fails.
 */
#include "flow/action/providers.h"

#include "flow/action/artifacts.h"
#include "flow/source/store.h"
#include "flow/worker/jobs.h"
#include "flow/worker/types.h"
#include "platform/crypto/hash.h"
#include "platform/os/fd.h"
#include "platform/text/json.h"

enum { LOOK_AGAIN_MS = 30 * 1000 }; /* whoever answers wakes the attempt: this is for lost wakes */

static json_t *named(const char *key, struct str value) {
    json_t *o = json_object();
    json_set_str(o, key, value);
    return o;
}

static json_t *artifact_json(struct str name, struct str bucket, struct str key) {
    json_t *place = named("bucketName", bucket);
    json_set_str(place, "objectKey", key);
    json_t *location = named("type", S("S3"));
    json_set(location, "s3Location", place);
    json_t *o = named("name", name);
    json_set(o, "location", location);
    return o;
}

static struct str arn_of(struct action_run *run, struct str bucket, struct str key) {
    return str_printf(run->arena, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(bucket),
                      STR_ARG(key));
}

/* What a job is made of: its data, and the rights of its credentials. */
struct parts {
    json_t *inputs, *outputs; /* of the data */
    json_t *reads, *writes;   /* ARNs of objects */
};

static int add_artifacts(struct action_run *run, struct parts *p, struct err *err) {
    struct artifact_row *rows = arena_new_n(run->arena, struct artifact_row, run->decl->inputs.n);
    for (size_t i = 0; i < run->decl->inputs.n; i++) {
        if (action_input(run, run->decl->inputs.v[i], &rows[i], err) < 0) {
            return -1;
        }
        json_t *o = artifact_json(rows[i].name, rows[i].bucket, rows[i].key);
        json_set_str(o, "revision", rows[i].revision);
        json_array_append_new(p->inputs, o);
        json_array_append_new(p->reads, json_from_str(arn_of(run, rows[i].bucket, rows[i].key)));
    }
    for (size_t i = 0; i < run->decl->outputs.n; i++) {
        struct action_artifact out = action_output(run, run->decl->outputs.v[i]);
        json_array_append_new(p->outputs, artifact_json(out.name, out.bucket, out.key));
        json_array_append_new(p->writes, json_from_str(arn_of(run, out.bucket, out.key)));
    }
    struct action_row detail = {.inputs =
                                    action_inputs_json(run->arena, rows, run->decl->inputs.n)};
    return action_note(run, &detail, err);
}

static void allow(json_t *statements, const char *const *actions, size_t n, json_t *resources) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(actions[i]));
    }
    json_t *o = named("Effect", S("Allow"));
    json_set(o, "Action", list);
    json_set(o, "Resource", resources);
    json_array_append_new(statements, o);
}

/* The job's objects and the store's key, nothing else of what the pipeline's role may do. */
static struct str policy_of(struct action_run *run, const struct parts *p) {
    static const char *const read[] = {"s3:GetObject", "s3:GetObjectVersion"};
    static const char *const write[] = {"s3:PutObject", "s3:GetObject"};
    static const char *const look[] = {"s3:GetBucketLocation", "s3:GetBucketVersioning"};
    static const char *const keys[] = {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
                                       "kms:GenerateDataKey*", "kms:ReEncrypt*"};
    json_t *o cleanup_json = named("Version", S("2012-10-17"));
    json_t *statements = json_array();
    if (json_array_size(p->reads) > 0) {
        allow(statements, read, 2, json_incref(p->reads));
    }
    if (json_array_size(p->writes) > 0) {
        allow(statements, write, 2, json_incref(p->writes));
    }
    json_t *bucket =
        json_from_str(str_printf(run->arena, "arn:aws:s3:::" STR_FMT, STR_ARG(run->store->bucket)));
    allow(statements, look, 2, bucket);
    allow(statements, keys, 5, json_string("*"));
    json_set(o, "Statement", statements);
    return json_dump_str(run->arena, o);
}

static json_t *context_json(struct action_run *run) {
    json_t *action = named("name", run->decl->name);
    json_set_str(action, "actionExecutionId", run->action.id);
    json_t *o = named("pipelineName", run->pipeline.name);
    json_set(o, "stage", named("name", run->stage->name));
    json_set(o, "action", action);
    json_set_str(o, "pipelineArn",
                 str_printf(run->arena, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT,
                            STR_ARG(run->pipeline.region), STR_ARG(run->pipeline.account),
                            STR_ARG(run->pipeline.name)));
    json_set_str(o, "pipelineExecutionId", run->execution.id);
    return o;
}

static struct str data_of(struct action_run *run, const struct parts *p, struct str continuation) {
    json_t *type = named("category", run->decl->category);
    json_set_str(type, "owner", run->decl->owner);
    json_set_str(type, "provider", run->decl->provider);
    json_set_str(type, "version", run->decl->version);
    json_t *settings = json_object();
    for (size_t i = 0; i < run->configuration.n; i++) {
        json_set_str(settings, str_z(run->arena, run->configuration.v[i].key),
                     run->configuration.v[i].value);
    }
    json_t *configuration = json_object();
    json_set(configuration, "configuration", settings);
    json_t *o cleanup_json = json_object();
    json_set(o, "actionTypeId", type);
    json_set(o, "actionConfiguration", configuration);
    json_set(o, "pipelineContext", context_json(run));
    json_set(o, "inputArtifacts", json_incref(p->inputs));
    json_set(o, "outputArtifacts", json_incref(p->outputs));
    json_set_str(o, "continuationToken", continuation);
    if (run->store->encryption_key.n > 0) {
        json_t *key = named("id", run->store->encryption_key);
        json_set_str(key, "type", S("KMS"));
        json_set(o, "encryptionKey", key);
    }
    return json_dump_str(run->arena, o);
}

/* The value of the type's queryable property, by which workers may ask. */
static int query_of(struct action_run *run, struct str *ret, struct err *err) {
    struct worker_type t = {.account = run->pipeline.account,
                            .region = run->pipeline.region,
                            .owner = run->decl->owner,
                            .category = run->decl->category,
                            .provider = run->decl->provider,
                            .version = run->decl->version};
    struct action_type type;
    if (str_is(t.owner, "AWS")) {
        return 0; /* a function's job: nobody polls for it */
    }
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = worker_type_get(run->flow->db, run->arena, &t, err);
    db_rollback(run->flow->db);
    if (found <= 0 || t.deleted) {
        return found < 0
                   ? -1
                   : err_set(err, ERR_INVALID,
                             "the action type " STR_FMT "/" STR_FMT "/" STR_FMT " was deleted",
                             STR_ARG(t.category), STR_ARG(t.provider), STR_ARG(t.version));
    }
    if (worker_type_read(run->arena, &t, &type, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < type.properties.n; i++) {
        if (type.properties.v[i].queryable) {
            *ret = str_map_get(&run->configuration, type.properties.v[i].name);
        }
    }
    return 0;
}

static int add_job(struct action_run *run, struct str continuation, struct err *err) {
    struct parts p = {json_array(), json_array(), json_array(), json_array()};
    struct worker_job job = {
        .id = rng_uuid(run->flow->rng, run->arena),
        .account = run->pipeline.account,
        .region = run->pipeline.region,
        .type = worker_type_name(run->arena, run->decl->owner, run->decl->category,
                                 run->decl->provider, run->decl->version),
        .action = run->action.id,
        .role_arn = run->def.role_arn,
    };
    int made = query_of(run, &job.query, err) < 0 ? -1 : add_artifacts(run, &p, err);
    if (str_is(run->decl->owner, "ThirdParty")) {
        job.client_id = action_setting(run, "ClientId");
        job.client_token = action_setting(run, "ClientToken");
    }
    job.data = data_of(run, &p, continuation);
    job.policy = policy_of(run, &p);
    json_decref(p.inputs);
    json_decref(p.outputs);
    json_decref(p.reads);
    json_decref(p.writes);
    if (made < 0 || db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (worker_job_add(run->flow->db, &job, clock_now_ms(run->flow->clock), err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}

/* ---- the end ---- */

/* A source of somebody's own says itself what it took: CodePipeline's CurrentRevision. */
static int note_revision(struct action_run *run, struct str json, struct err *err) {
    json_t *o cleanup_json = json_parse(json, err);
    if (o == NULL) {
        return -1;
    }
    struct str summary = json_str(o, "revisionSummary");
    struct source_revision taken = {
        .revision = {.action = run->decl->name,
                     .artifact = run->decl->outputs.n > 0 ? run->decl->outputs.v[0] : S(""),
                     .commit = str_dup(run->arena, json_str(o, "revision")),
                     .subject = str_dup(run->arena, summary.p != NULL ? summary : S("")),
                     .message = str_dup(run->arena, summary.p != NULL ? summary : S("")),
                     .at_ms = json_int(o, "created")}};
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    if (source_revision_put(run->flow->db, run->arena, run->pipeline.id, run->execution.id, &taken,
                            err) < 0) {
        db_rollback(run->flow->db);
        return -1;
    }
    return db_commit(run->flow->db, err);
}

/* Reads each declared output once: its digest is what later stages check. */
static int collect(struct action_run *run, const struct worker_result *result,
                   struct action_end *ret, struct err *err) {
    size_t n = run->decl->outputs.n;
    struct action_artifact *list = arena_new_n(run->arena, struct action_artifact, n + 1);
    struct aws_target target;
    if (n > 0 && action_target(run, &target, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct aws_body body;
        list[i] = action_output(run, run->decl->outputs.v[i]);
        struct artifact_row row = {
            .name = list[i].name, .bucket = list[i].bucket, .key = list[i].key};
        if (action_input_open(run, &target, &row, &body, err) < 0) {
            return err_wrap(err, "the worker's output artifact");
        }
        int fd cleanup_fd = body.fd;
        if (crypto_sha256_fd(run->arena, fd, body.offset, &list[i].sha256, err) < 0) {
            return -1;
        }
    }
    if (result->revision.n > 0 && str_is(run->decl->category, "Source") &&
        note_revision(run, result->revision, err) < 0) {
        return -1;
    }
    ret->ok = true;
    ret->output_variables = result->output_variables;
    return action_store_outputs(run, list, n, &ret->outputs, err);
}

static int finish(struct action_run *run, const struct worker_job *job, bool *ret_ended,
                  struct action_end *ret, struct err *err) {
    struct worker_result result;
    if (!worker_result_read(run->arena, job->result, &result)) {
        return err_set(err, ERR_INTERNAL, "job " STR_FMT " has no result", STR_ARG(job->id));
    }
    *ret_ended = true;
    ret->summary = result.summary;
    if (result.ok) {
        return collect(run, &result, ret, err);
    }
    ret->error_code = result.failure;
    ret->error_message = result.message;
    ret->summary = result.message;
    return 0;
}

int action_custom_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                        struct err *err) {
    struct worker_job job;
    if (db_begin(run->flow->db, err) < 0) {
        return -1;
    }
    int found = worker_job_of_action(run->flow->db, run->arena, run->action.id, &job, err);
    db_rollback(run->flow->db);
    if (found < 0) {
        return -1;
    }
    run->again_ms = clock_now_ms(run->flow->clock) + LOOK_AGAIN_MS;
    if (found == 0) {
        return add_job(run, STR_NONE, err);
    }
    bool ok = str_is(job.status, "Succeeded");
    if (ok && job.continuation.n > 0) {
        return add_job(run, job.continuation, err);
    }
    return ok || str_is(job.status, "Failed") ? finish(run, &job, ret_ended, ret_end, err) : 0;
}

/* Closes its jobs and ends the sessions of its workers: what they still do counts for nothing. */
int action_custom_kill(struct action_run *run, struct err *err) {
    const struct flow *f = run->flow;
    if (db_begin(f->db, err) < 0) {
        return -1;
    }
    if (worker_jobs_close(f->db, run->action.id, clock_now_ms(f->clock), err) < 0 ||
        aws_end_issued(f->world, run->action.id, err) < 0) {
        db_rollback(f->db);
        return -1;
    }
    return db_commit(f->db, err);
}
