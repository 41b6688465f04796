/* Implementation of tables.h: the services' own tables, and those of flow and front beside them. */
#include "daemon/tables.h"

#include "flow/batch/store.h"
#include "flow/build/build.h"
#include "flow/forge/store.h"
#include "flow/record/record.h"
#include "flow/report/store.h"
#include "flow/source/store.h"
#include "flow/approval/approval.h"
#include "flow/worker/types.h"
#include "front/api/codebuild/codebuild.h"
#include "front/web/session.h"
#include "gen/codebuild.h"
#include "gen/codepipeline.h"
#include "gen/trunkline.h"
#include "runtime/audit/audit.h"
#include "services/services.h"

const struct db_schema *tables_schemas(struct arena *a, size_t *ret_n) {
    size_t n = 0;
    const struct db_schema *services = services_schemas(a, &n);
    const struct db_schema others[] = {audit_schema,  queue_schema,  record_schema, approval_schema,
                                       build_schema,  forge_schema,  report_schema, batch_schema,
                                       source_schema, worker_schema, console_schema};
    const size_t others_n = sizeof(others) / sizeof(others[0]);
    struct db_schema *all = arena_new_n(a, struct db_schema, n + others_n);
    memcpy(all, others, sizeof(others));
    memcpy(all + others_n, services, n * sizeof(*services));
    *ret_n = n + others_n;
    return all;
}

const struct gate_service *tables_services(struct arena *a, size_t *ret_n) {
    size_t n = 0;
    const struct gate_service *services = services_served(a, &n);
    const struct gate_service others[] = {
        {&codebuild_service, codebuild_handlers, codebuild_resource},
        {&codepipeline_service, codepipeline_handlers, NULL},
        {&trunkline_service, trunkline_handlers, NULL},
    };
    const size_t others_n = sizeof(others) / sizeof(others[0]);
    struct gate_service *all = arena_new_n(a, struct gate_service, n + others_n);
    memcpy(all, services, n * sizeof(*services));
    memcpy(all + n, others, sizeof(others));
    *ret_n = n + others_n;
    return all;
}
