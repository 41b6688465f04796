/* Implementation of announce.h. */
#include "flow/build/announce.h"

#include "flow/build/source_plan.h"

static const json_t *variable(const json_t *build, const char *name) {
    const json_t *list =
        json_object_get(json_object_get(build, "environment"), "environmentVariables");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_is(json_str(json_array_get(list, i), "name"), name)) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

bool build_by_webhook(const json_t *build) {
    return variable(build, "CODEBUILD_WEBHOOK_EVENT") != NULL;
}

int build_announce(const struct flow *f, struct arena *a, const struct build_row *row,
                   const char *state, struct err *err) {
    json_t *body cleanup_json = json_parse(row->body, err);
    const json_t *build = json_object_get(body, "build");
    const json_t *source = json_object_get(build, "source");
    if (body == NULL) {
        return err_wrap(err, "build " STR_FMT, STR_ARG(row->uuid));
    }
    if (!source_is_git(json_str(source, "type")) ||
        (!json_bool(source, "reportBuildStatus") &&
         (!build_by_webhook(build) || json_str(build, "buildBatchArn").n > 0))) {
        return 0; /* a build of a batch only where the project wants single builds told */
    }
    return queue_add(f->db, BUILD_STATUS_JOB,
                     str_printf(a, STR_FMT "/%s", STR_ARG(row->uuid), state), S("{}"), 0, err);
}
