/* Source/S3: one version of an object becomes the execution's artifact, byte by byte. */
#include "flow/action/artifacts.h"
#include "flow/action/providers.h"
#include "flow/action/source.h"

#include "gen/s3.h"
#include "platform/os/fd.h"
#include "platform/text/json.h"

#define SUMMARY_METADATA "codepipeline-artifact-revision-summary"

struct object {
    struct s3_get_object_request in;
    struct s3_get_object_output out;
    struct aws_body body;
    bool asked; /* key or version was asked for */
};

static int choose(struct action_run *run, struct object *o, struct err *err) {
    struct str key = STR_NONE;
    int other_key = source_pinned(run, "S3_OBJECT_KEY", &key, err);
    int version = source_pinned(run, "S3_OBJECT_VERSION_ID", &o->in.version_id, err);
    if (other_key < 0 || version < 0) {
        return -1;
    }
    o->in.bucket = action_setting(run, "S3Bucket");
    o->in.key = other_key > 0 ? key : action_setting(run, "S3ObjectKey");
    o->asked = other_key > 0 || version > 0;
    return 0;
}

static int get(struct action_run *run, struct object *o, struct err *err) {
    struct aws_target target;
    if (action_target(run, &target, err) < 0 ||
        aws_call_stream(&target, &s3_op_get_object, run->arena, &o->in, NULL, &o->out, &o->body,
                        err) < 0) {
        return err_wrap(err, "s3://" STR_FMT "/" STR_FMT, STR_ARG(o->in.bucket),
                        STR_ARG(o->in.key));
    }
    if (o->out.version_id.n == 0 || str_is(o->out.version_id, "null")) {
        return err_set(err, ERR_INVALID,
                       "bucket " STR_FMT " has no versions: enable versioning for S3 sources",
                       STR_ARG(o->in.bucket));
    }
    return o->body.size <= SOURCE_MAX_S3_BYTES
               ? 0
               : err_set(err, ERR_LIMIT, "s3://" STR_FMT "/" STR_FMT " has more than 7 GB",
                         STR_ARG(o->in.bucket), STR_ARG(o->in.key));
}

static struct str output_variables(struct action_run *run, const struct object *o) {
    json_t *json cleanup_json = json_object();
    json_set_str(json, "BucketName", o->in.bucket);
    json_set_str(json, "ETag", o->out.etag);
    json_set_str(json, "ObjectKey", o->in.key);
    json_set_str(json, "VersionId", o->out.version_id);
    return json_dump_str(run->arena, json);
}

static struct str summary_of(struct action_run *run, const struct object *o) {
    struct str text = str_map_get(&o->out.metadata, S(SUMMARY_METADATA));
    return text.n > 0 ? text
                      : str_printf(run->arena, "Amazon S3 version id: " STR_FMT,
                                   STR_ARG(o->out.version_id));
}

static int take(struct action_run *run, struct object *o, struct action_end *ret_end,
                struct err *err) {
    struct source_taken taken = {.artifact = action_output(run, run->decl->outputs.v[0])};
    if (source_put(run, o->body.fd, o->body.offset, o->body.size, &taken.artifact, err) < 0) {
        return -1;
    }
    taken.summary = summary_of(run, o);
    taken.what.revision = (struct revision){
        .commit = o->out.version_id,
        .subject = taken.summary,
        .message = taken.summary,
        .at_ms = o->out.last_modified,
    };
    taken.ref = str_printf(run->arena, "s3://" STR_FMT "/" STR_FMT, STR_ARG(o->in.bucket),
                           STR_ARG(o->in.key));
    taken.ref_head = o->asked ? STR_NONE : o->out.version_id;
    taken.output_variables = output_variables(run, o);
    return source_end(run, &taken, ret_end, err);
}

int action_source_s3_start(struct action_run *run, bool *ret_ended, struct action_end *ret_end,
                           struct err *err) {
    struct object o = {.body = AWS_BODY_NONE};
    int result =
        choose(run, &o, err) < 0 || get(run, &o, err) < 0 ? -1 : take(run, &o, ret_end, err);
    fd_closep(&o.body.fd);
    *ret_ended = true;
    return result;
}
