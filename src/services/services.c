/* Implementation of services/services.h: nothing but the tables that services.def makes. */
#include "services/services.h"

#include "gen/cloudformation.h"
#include "gen/cloudwatch.h"
#include "gen/codeconnections.h"
#include "gen/codestar_connections.h"
#include "gen/codestar_notifications.h"
#include "gen/dynamodb.h"
#include "gen/events.h"
#include "gen/iam.h"
#include "gen/kms.h"
#include "gen/lambda.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/secretsmanager.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/codeconnections/connections.h"
#include "services/core/core.h"
#include "services/dynamodb/ddb_store.h"
#include "services/events/deliver.h"
#include "services/iam/iam_store.h"
#include "services/kms/kms.h"
#include "services/lambda/lambda.h"
#include "services/logs/logs.h"
#include "services/notifications/notifications.h"
#include "services/resources.h"
#include "services/s3/jobs.h"
#include "services/s3/s3_store.h"
#include "services/secretsmanager/sm.h"
#include "services/sns/deliver.h"
#include "services/sns/sns_store.h"
#include "services/ssm/ssm.h"
#include "services/sts/sts_store.h"

struct services {
    struct gate_service *v;
    size_t n;
};

struct schemas {
    struct db_schema *v;
    size_t n;
};

const struct gate_service *services_served(struct arena *a, size_t *ret_n) {
    struct services all = {NULL, 0};
#define SERVICE(name, resource)                                                                    \
    *arena_push(a, &all) = (struct gate_service){&name##_service, name##_handlers, resource};
#include "services/services.def"
    *ret_n = all.n;
    return all.v;
}

const struct db_schema *services_schemas(struct arena *a, size_t *ret_n) {
    struct schemas all = {NULL, 0};
#define SCHEMA(name) *arena_push(a, &all) = name##_schema;
#include "services/services.def"
    *ret_n = all.n;
    return all.v;
}

const struct queue_kind *services_jobs(struct arena *a, struct service_env *env, size_t *ret_n) {
    size_t n = 0;
#define JOBS(name, count) n += (count);
#include "services/services.def"
    struct queue_kind *all = arena_new_n(a, struct queue_kind, n);
    struct queue_kind *next = all;
#define JOBS(name, count)                                                                          \
    name##_queue_kinds(env, next);                                                                 \
    next += (count);
#include "services/services.def"
    (void)env;
    *ret_n = (size_t)(next - all);
    return all;
}

int services_start(struct service_env *env, struct err *err) {
#define START(name)                                                                                \
    if (name##_start(env, err) < 0) {                                                              \
        return -1;                                                                                 \
    }
#include "services/services.def"
    (void)env;
    (void)err;
    return 0;
}
