/* Looks at what a release would change; apply.h. apply_do.c carries it out, apply_topic.c has the
 * part about being told. */
#include "front/cli/apply.h"

#include "front/cli/shape_json.h"

#include "gen/codebuild.h"
#include "gen/codeconnections.h"
#include "gen/codepipeline.h"
#include "gen/iam.h"
#include "gen/s3.h"

#define UNKNOWN_CONNECTION "made-by-apply"

struct apply_change *apply_note(struct apply *ap, const char *kind, struct str name,
                                enum apply_what what) {
    struct apply_change *c = arena_push(ap->arena, &ap->changes);
    *c = (struct apply_change){.kind = kind, .name = name, .what = what};
    return c;
}

const struct apply_change *apply_find(const struct apply *ap, const char *kind, struct str name) {
    for (size_t i = 0; i < ap->changes.n; i++) {
        if (strcmp(ap->changes.v[i].kind, kind) == 0 && str_eq(ap->changes.v[i].name, name)) {
            return &ap->changes.v[i];
        }
    }
    return NULL;
}

static int look_bucket(struct apply *ap, struct err *err) {
    struct s3_head_bucket_request in = {.bucket = ap->release->bucket};
    struct s3_head_bucket_output out;
    struct err why = ERR_INIT;
    bool there = s3_call_head_bucket(&ap->target, ap->arena, &in, &out, &why) == 0;
    if (!there && why.http_status != 404) {
        *err = why;
        return err_wrap(err, "bucket " STR_FMT, STR_ARG(in.bucket));
    }
    apply_note(ap, "bucket", in.bucket, there ? APPLY_KEEP : APPLY_CREATE);
    return 0;
}

/* Compiling needs the connection's ARN, which it has once it is there. */
static int look_connection(struct apply *ap, struct str name, struct err *err) {
    struct codeconnections_list_connections_input in = {0};
    struct codeconnections_list_connections_output out;
    struct str status = STR_NONE;
    do {
        if (codeconnections_call_list_connections(&ap->target, ap->arena, &in, &out, err) < 0) {
            return err_wrap(err, "connections");
        }
        for (size_t i = 0; i < out.connections.n; i++) {
            if (str_eq(out.connections.v[i].connection_name, name)) {
                ap->connection_arn = out.connections.v[i].connection_arn;
                status = out.connections.v[i].connection_status;
            }
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    bool ready = str_is(status, "AVAILABLE");
    struct apply_change *c =
        apply_note(ap, "connection", name,
                   ap->connection_arn.p ? (ready ? APPLY_KEEP : APPLY_CHANGE) : APPLY_CREATE);
    c->note = ap->release->repository;
    return 0;
}

static int compile(struct apply *ap, struct err *err) {
    struct str arn = ap->connection_arn;
    if (arn.p == NULL) {
        const struct release_account *home = &ap->accounts->v[0];
        arn = str_printf(ap->arena,
                         "arn:aws:codeconnections:" STR_FMT ":" STR_FMT
                         ":connection/" UNKNOWN_CONNECTION,
                         STR_ARG(home->region), STR_ARG(home->id));
    }
    return release_yml_compile(ap->arena, ap->release, ap->accounts, arn, &ap->plan, err);
}

static int look_project(struct apply *ap, const json_t *found, const struct release_project *p,
                        struct err *err) {
    for (size_t i = 0; i < json_array_size(found); i++) {
        const json_t *have = json_array_get(found, i);
        if (!str_eq(json_str(have, "name"), p->name)) {
            continue;
        }
        json_t *wanted cleanup_json = json_parse(p->json, err);
        if (wanted == NULL) {
            return -1;
        }
        struct json_differences fields = json_diff(ap->arena, have, wanted, false, NULL);
        apply_note(ap, "project", p->name, fields.n ? APPLY_CHANGE : APPLY_KEEP)->fields = fields;
        return 0;
    }
    apply_note(ap, "project", p->name, APPLY_CREATE);
    return 0;
}

static int look_projects(struct apply *ap, struct err *err) {
    struct codebuild_batch_get_projects_input in = {0};
    struct codebuild_batch_get_projects_output out;
    for (size_t i = 0; i < ap->plan.projects.n; i++) {
        *arena_push(ap->arena, &in.names) = ap->plan.projects.v[i].name;
    }
    if (codebuild_call_batch_get_projects(&ap->target, ap->arena, &in, &out, err) < 0) {
        return err_wrap(err, "projects");
    }
    json_t *document cleanup_json =
        shape_out_json(ap->arena, &codebuild_op_batch_get_projects, &out, err);
    if (document == NULL) {
        return -1;
    }
    for (size_t i = 0; i < ap->plan.projects.n; i++) {
        if (look_project(ap, json_object_get(document, "projects"), &ap->plan.projects.v[i], err) <
            0) {
            return -1;
        }
    }
    return 0;
}

static struct str stages_of(struct arena *a, const json_t *pipeline) {
    struct str all = STR_NONE;
    const json_t *stages = json_object_get(pipeline, "stages");
    for (size_t i = 0; i < json_array_size(stages); i++) {
        struct str name = json_str(json_array_get(stages, i), "name");
        all = all.p ? str_printf(a, STR_FMT " > " STR_FMT, STR_ARG(all), STR_ARG(name))
                    : str_dup(a, name);
    }
    return all;
}

static int look_pipeline(struct apply *ap, struct err *err) {
    struct codepipeline_get_pipeline_input in = {.name = ap->release->name};
    struct codepipeline_get_pipeline_output out;
    struct err why = ERR_INIT;
    json_t *wanted cleanup_json = json_parse(ap->plan.pipeline, err);
    if (wanted == NULL) {
        return -1;
    }
    if (codepipeline_call_get_pipeline(&ap->target, ap->arena, &in, &out, &why) < 0) {
        if (why.api != &codepipeline_PipelineNotFoundException) {
            *err = why;
            return err_wrap(err, "pipeline " STR_FMT, STR_ARG(in.name));
        }
        apply_note(ap, "pipeline", in.name, APPLY_CREATE)->note = stages_of(ap->arena, wanted);
        return 0;
    }
    json_t *document cleanup_json =
        shape_out_json(ap->arena, &codepipeline_op_get_pipeline, &out, err);
    if (document == NULL) {
        return -1;
    }
    struct json_differences fields =
        json_diff(ap->arena, json_object_get(document, "pipeline"), wanted, true, " version ");
    struct apply_change *c =
        apply_note(ap, "pipeline", in.name, fields.n ? APPLY_CHANGE : APPLY_KEEP);
    c->fields = fields;
    c->note = stages_of(ap->arena, wanted);
    return 0;
}

/* Roles of this account that are not there yet: the release would fail at its first action. */
static int look_role(struct apply *ap, struct str arn, struct err *err) {
    struct aws_arn parts;
    if (!aws_arn_parse(arn, &parts) || !str_eq(parts.account, ap->accounts->v[0].id) ||
        !str_starts(parts.resource, S("role/"))) {
        return 0;
    }
    size_t slash = str_rfind_c(parts.resource, '/');
    struct iam_get_role_request in = {.role_name = str_sub(parts.resource, slash + 1, (size_t)-1)};
    struct iam_get_role_response out;
    struct err why = ERR_INIT;
    if (iam_call_get_role(&ap->target, ap->arena, &in, &out, &why) == 0) {
        return 0;
    }
    if (why.http_status != 404) {
        *err = why;
        return err_wrap(err, "role " STR_FMT, STR_ARG(in.role_name));
    }
    *arena_push(ap->arena, &ap->missing_roles) = arn;
    return 0;
}

static int look_roles(struct apply *ap, struct err *err) {
    json_t *pipeline cleanup_json = json_parse(ap->plan.pipeline, err);
    if (pipeline == NULL ||
        look_role(ap, str_dup(ap->arena, json_str(pipeline, "roleArn")), err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ap->plan.projects.n; i++) {
        json_t *project cleanup_json = json_parse(ap->plan.projects.v[i].json, err);
        if (project == NULL ||
            look_role(ap, str_dup(ap->arena, json_str(project, "serviceRole")), err) < 0) {
            return -1;
        }
    }
    return 0;
}

int apply_look(struct apply *ap, struct err *err) {
    if (compile(ap, err) < 0 || look_bucket(ap, err) < 0 ||
        (ap->plan.connection_name.p && look_connection(ap, ap->plan.connection_name, err) < 0)) {
        return -1;
    }
    return compile(ap, err) < 0 || look_projects(ap, err) < 0 || apply_look_topic(ap, err) < 0 ||
                   look_pipeline(ap, err) < 0 || apply_look_four_eyes(ap, err) < 0
               ? -1
               : look_roles(ap, err);
}
