/* Implementation of loose.h. */
#include "flow/build/loose.h"

#include "flow/build/order.h"
#include "platform/text/json.h"

#define LOOSE_IMAGE "aws/codebuild/amazonlinux2-x86_64-standard:5.0"

enum { LOOSE_TIMEOUT_MIN = 55 };

static json_t *texts(const struct str_list *list) {
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++) {
        json_array_append_new(array, json_from_str(list->v[i]));
    }
    return array;
}

struct str loose_buildspec(struct arena *a, const struct loose_build *l) {
    json_t *spec cleanup_json = json_object();
    json_set_str(spec, "version", S("0.2"));
    if (l->exported.n > 0) {
        json_set(spec, "env", json_pack("{so}", "exported-variables", texts(&l->exported)));
    }
    json_set(spec, "phases", json_pack("{s{so}}", "build", "commands", texts(&l->commands)));
    if (l->order->outputs.n > 0) {
        struct str all[] = {S("**/*")};
        struct str_list everything = {all, 1};
        json_set(spec, "artifacts",
                 json_pack("{so}", "files", texts(l->files.n > 0 ? &l->files : &everything)));
    }
    return json_dump_str(a, spec);
}

int loose_start(const struct flow *f, struct arena *a, const struct loose_build *l,
                struct str *ret_uuid, struct err *err) {
    struct codebuild_project_source source = {.type = S("CODEPIPELINE"),
                                              .buildspec = loose_buildspec(a, l)};
    struct codebuild_project_artifacts artifacts = {.type = S("CODEPIPELINE")};
    struct codebuild_project_environment environment = {
        .type = S("LINUX_CONTAINER"),
        .image = S(LOOSE_IMAGE),
        .compute_type = l->compute_type.n > 0 ? l->compute_type : S("BUILD_GENERAL1_SMALL"),
    };
    struct codebuild_cloud_watch_logs_config stream = {
        .status = S("ENABLED"),
        .group_name = str_printf(a, "/aws/codepipeline/" STR_FMT, STR_ARG(l->pipeline)),
    };
    struct codebuild_logs_config logs = {.cloud_watch_logs = &stream};
    struct codebuild_project project = {
        .name = S(LOOSE_PROJECT),
        .source = &source,
        .artifacts = &artifacts,
        .environment = &environment,
        .service_role = l->role_arn,
        .timeout_in_minutes = LOOSE_TIMEOUT_MIN,
        .has_timeout_in_minutes = true,
        .logs_config = &logs,
    };
    return build_start_as(f, a, l->order, &project, ret_uuid, err);
}
