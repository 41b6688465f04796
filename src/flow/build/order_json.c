/* Projects and builds as JSON text and back, by the API's descriptors. */
#include "flow/build/order.h"

#include "aws/proto/proto.h"

int project_from_json(struct arena *a, struct str json, struct codebuild_project **ret,
                      struct err *err) {
    struct codebuild_create_project_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_project, &m, &out, err) < 0 ||
        out.project == NULL) {
        return err_wrap(err, "stored project");
    }
    *ret = out.project;
    return 0;
}

int project_to_json(struct arena *a, const struct codebuild_project *project, struct str *ret,
                    struct err *err) {
    struct codebuild_create_project_output out = {arena_memdup(a, project, sizeof(*project))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_create_project, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}

int build_from_json(struct arena *a, struct str json, struct codebuild_build **ret,
                    struct err *err) {
    struct codebuild_start_build_output out = {0};
    struct proto_message m = {.status = 200, .body = json};
    if (proto_decode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build, &m, &out, err) < 0 ||
        out.build == NULL) {
        return err_wrap(err, "stored build");
    }
    *ret = out.build;
    return 0;
}

int build_to_json(struct arena *a, const struct codebuild_build *build, struct str *ret,
                  struct err *err) {
    struct codebuild_start_build_output out = {arena_memdup(a, build, sizeof(*build))};
    struct proto_message m = {0};
    if (proto_encode_response(a, SHAPE_JSON_1_1, &codebuild_op_start_build, STR_NONE, &out, &m,
                              err) < 0) {
        return -1;
    }
    *ret = m.body;
    return 0;
}
