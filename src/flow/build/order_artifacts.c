/* What a build leaves behind: the project's artifacts, or those that a pipeline asks for. */
#include "flow/build/order_making.h"

static void project_artifact(struct making *m, const struct codebuild_project_artifacts *from) {
    struct plan_artifact *to = arena_push(m->arena, &m->plan.artifacts);
    *to = (struct plan_artifact){
        .kind = str_is(from->type, "S3") ? PLAN_ARTIFACT_S3 : PLAN_ARTIFACT_NONE,
        .id = from->artifact_identifier,
        .bucket = from->location,
        .path = from->path,
        .name = from->name,
        .build_id = str_is(from->namespace_type, "BUILD_ID"),
        .zip = str_is(from->packaging, "ZIP"),
        .override_name = from->override_artifact_name,
        .encryption_off = from->encryption_disabled,
        .owner_access = from->bucket_owner_access,
    };
}

void order_artifacts(struct making *m) {
    const struct build_order *order = m->in->order;
    if (order == NULL) {
        project_artifact(m, m->project->artifacts);
        for (size_t i = 0; i < m->project->secondary_artifacts.n; i++) {
            project_artifact(m, &m->project->secondary_artifacts.v[i]);
        }
        return;
    }
    for (size_t i = 0; i < order->outputs.n; i++) {
        *arena_push(m->arena, &m->plan.artifacts) = (struct plan_artifact){
            .kind = PLAN_ARTIFACT_S3,
            .id = order->outputs.v[i].id.p != NULL ? order->outputs.v[i].id
                                                   : order->outputs.v[i].name,
            .name = order->outputs.v[i].name,
            .bucket = order->outputs.v[i].bucket,
            .key = order->outputs.v[i].key,
            .zip = true,
        };
    }
}
