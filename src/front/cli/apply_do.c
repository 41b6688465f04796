/* Carries out what a release needs; apply.h. */
#include "front/cli/apply.h"

#include "front/cli/account_setup.h"
#include "front/cli/shape_json.h"

#include "gen/codebuild.h"
#include "gen/codeconnections.h"
#include "gen/codepipeline.h"
#include "gen/trunkline.h"

/* The flow publishes what happens to the topic that this tag of the pipeline names. */
#define NOTIFY_TAG "trunkline:notify"

static int do_bucket(struct apply *ap, struct err *err) {
    bool made = false, changed = false;
    if (apply_find(ap, "bucket", ap->release->bucket)->what == APPLY_KEEP) {
        return 0;
    }
    return setup_bucket(&ap->target, ap->arena, ap->release->bucket, true, &made, &changed, err);
}

static int do_connection(struct apply *ap, struct err *err) {
    struct str name = ap->plan.connection_name;
    if (name.p == NULL) {
        return 0;
    }
    if (ap->connection_arn.p == NULL) {
        struct codeconnections_create_connection_input in = {.connection_name = name,
                                                             .provider_type = S("GitHub")};
        struct codeconnections_create_connection_output out;
        if (codeconnections_call_create_connection(&ap->target, ap->arena, &in, &out, err) < 0) {
            return err_wrap(err, "connection " STR_FMT, STR_ARG(name));
        }
        ap->connection_arn = out.connection_arn;
    }
    struct trunkline_complete_connection_input in = {.connection = ap->connection_arn,
                                                     .url = ap->release->repository};
    struct trunkline_complete_connection_output out;
    return trunkline_call_complete_connection(&ap->target, ap->arena, &in, &out, err) < 0
               ? err_wrap(err, "connection " STR_FMT, STR_ARG(name))
               : 0;
}

static int create_project(struct apply *ap, const struct release_project *p, struct err *err) {
    struct codebuild_create_project_input in = {0};
    struct codebuild_create_project_output out;
    return shape_in_from_json(ap->arena, &codebuild_op_create_project, p->json, &in, err) < 0
               ? -1
               : codebuild_call_create_project(&ap->target, ap->arena, &in, &out, err);
}

static int update_project(struct apply *ap, const struct release_project *p, struct err *err) {
    struct codebuild_update_project_input in = {0};
    struct codebuild_update_project_output out;
    return shape_in_from_json(ap->arena, &codebuild_op_update_project, p->json, &in, err) < 0
               ? -1
               : codebuild_call_update_project(&ap->target, ap->arena, &in, &out, err);
}

static int do_projects(struct apply *ap, struct err *err) {
    for (size_t i = 0; i < ap->plan.projects.n; i++) {
        const struct release_project *p = &ap->plan.projects.v[i];
        enum apply_what what = apply_find(ap, "project", p->name)->what;
        int done = what == APPLY_CREATE   ? create_project(ap, p, err)
                   : what == APPLY_CHANGE ? update_project(ap, p, err)
                                          : 0;
        if (done < 0) {
            bool no_role = strstr(err->msg, "sts:AssumeRole") != NULL;
            return err_wrap(err, "project " STR_FMT "%s", STR_ARG(p->name),
                            no_role ? ": its role is not there, or not for CodeBuild; 'trunkline "
                                      "account setup accounts.yml' makes it"
                                    : "");
        }
    }
    return 0;
}

static struct codepipeline_tag_list notify_tags(struct apply *ap) {
    struct codepipeline_tag_list tags = {0};
    if (ap->plan.topic_arn.p) {
        *arena_push(ap->arena, &tags) =
            (struct codepipeline_tag){S(NOTIFY_TAG), ap->plan.topic_arn};
    }
    return tags;
}

static struct str wrapped(struct apply *ap) {
    return str_printf(ap->arena, "{\"pipeline\":" STR_FMT "}", STR_ARG(ap->plan.pipeline));
}

static int create_pipeline(struct apply *ap, struct err *err) {
    struct codepipeline_create_pipeline_input in = {0};
    struct codepipeline_create_pipeline_output out;
    if (shape_in_from_json(ap->arena, &codepipeline_op_create_pipeline, wrapped(ap), &in, err) <
        0) {
        return -1;
    }
    in.tags = notify_tags(ap);
    if (codepipeline_call_create_pipeline(&ap->target, ap->arena, &in, &out, err) < 0) {
        return -1;
    }
    struct codepipeline_list_pipeline_executions_input list = {
        .pipeline_name = ap->release->name, .max_results = 1, .has_max_results = true};
    struct codepipeline_list_pipeline_executions_output executions;
    if (codepipeline_call_list_pipeline_executions(&ap->target, ap->arena, &list, &executions,
                                                   err) < 0) {
        return -1;
    }
    if (executions.pipeline_execution_summaries.n) {
        ap->execution = executions.pipeline_execution_summaries.v[0].pipeline_execution_id;
    }
    return 0;
}

static int update_pipeline(struct apply *ap, struct err *err) {
    struct codepipeline_update_pipeline_input in = {0};
    struct codepipeline_update_pipeline_output out;
    return shape_in_from_json(ap->arena, &codepipeline_op_update_pipeline, wrapped(ap), &in, err) <
                   0
               ? -1
               : codepipeline_call_update_pipeline(&ap->target, ap->arena, &in, &out, err);
}

static int tag_pipeline(struct apply *ap, struct err *err) {
    struct str arn = str_printf(ap->arena, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT,
                                STR_ARG(ap->accounts->v[0].region), STR_ARG(ap->accounts->v[0].id),
                                STR_ARG(ap->release->name));
    struct str key = S(NOTIFY_TAG);
    if (ap->plan.topic_arn.p == NULL) {
        struct codepipeline_untag_resource_input in = {.resource_arn = arn, .tag_keys = {&key, 1}};
        struct codepipeline_untag_resource_output out;
        return codepipeline_call_untag_resource(&ap->target, ap->arena, &in, &out, err);
    }
    struct codepipeline_tag_resource_input in = {.resource_arn = arn, .tags = notify_tags(ap)};
    struct codepipeline_tag_resource_output out;
    return codepipeline_call_tag_resource(&ap->target, ap->arena, &in, &out, err);
}

static int do_pipeline(struct apply *ap, struct err *err) {
    const struct apply_change *c = apply_find(ap, "pipeline", ap->release->name);
    int done = 0;
    if (c->what == APPLY_CREATE) {
        done = create_pipeline(ap, err);
    } else {
        done = c->what == APPLY_CHANGE ? update_pipeline(ap, err) : 0;
        done = done < 0 ? done : tag_pipeline(ap, err);
    }
    return done < 0 ? err_wrap(err, "pipeline " STR_FMT, STR_ARG(ap->release->name)) : 0;
}

int apply_do(struct apply *ap, struct err *err) {
    if (do_bucket(ap, err) < 0 || do_connection(ap, err) < 0) {
        return -1;
    }
    /* Now that the connection has an ARN. */
    if (release_yml_compile(ap->arena, ap->release, ap->accounts, ap->connection_arn, &ap->plan,
                            err) < 0) {
        return -1;
    }
    return do_projects(ap, err) < 0 || apply_do_topic(ap, err) < 0 || do_pipeline(ap, err) < 0
               ? -1
               : apply_do_four_eyes(ap, err);
}
