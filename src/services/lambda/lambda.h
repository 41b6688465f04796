/* Shared by the files of this folder. */
#pragma once

#include "runtime/queue/queue.h"
#include "services/core/env.h"
#include "services/lambda/lambda_store.h"

#define LAMBDA_SWEEP "lambda.sweep"

/* Deletes code that no function has any more; `env` outlives the queue. */
enum { LAMBDA_KINDS = 1 };
void lambda_queue_kinds(struct service_env *env, struct queue_kind ret[LAMBDA_KINDS]);

/* A modelled error with its Type "User". */
int lambda_fail(struct call *c, struct err *err, const struct aws_error *api, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What a FunctionName (name, partial or whole ARN, with or without a qualifier) and a Qualifier
 * mean. */
struct lambda_name {
    struct str arn; /* of the function, without qualifier */
    struct str name;
    struct str qualifier; /* "" = the function, "$LATEST", or digits */
};
int lambda_name_of(struct call *c, struct str text, struct str qualifier, struct lambda_name *ret,
                   struct err *err) MUST_USE;

/* Fails with ResourceNotFound. need_version looks at the qualifier, need_function does not. */
int lambda_need_function(struct call *c, const struct lambda_name *name, struct lambda_row *ret,
                         struct err *err) MUST_USE;
int lambda_need_version(struct call *c, const struct lambda_name *name, struct lambda_row *ret,
                        struct err *err) MUST_USE;

/* What answers show of a row: the ARN is qualified when the request's name was. */
struct lambda_function_configuration lambda_shown(struct call *c, const struct lambda_row *row,
                                                  bool qualified);

/* Where code comes from: CreateFunction's Code or UpdateFunctionCode itself. */
struct lambda_source {
    struct str zip, bucket, key, object_version, image;
};
struct lambda_code {
    struct str sha256_hex, sha256_base64;
    int64_t size;
};
/* Reads, checks and keeps the code in the data directory, durable when this returns. */
int lambda_code_keep(struct call *c, const struct lambda_source *source, struct lambda_code *ret,
                     struct err *err) MUST_USE;
/* Call when code may have lost its last row. */
int lambda_code_dropped(struct call *c, struct err *err) MUST_USE;

/* The role exists and lets Lambda assume it. */
int lambda_check_role(struct call *c, struct str role, struct err *err) MUST_USE;
struct str lambda_policy_text(struct arena *a, const struct str_list *statements);
struct str lambda_time(struct call *c);
int lambda_publish(struct call *c, struct lambda_row *row, struct str description,
                   struct lambda_function_configuration *out, struct err *err) MUST_USE;
