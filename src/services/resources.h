/* The gate's questions to services about their resources (gate_service.resource), one a service. */
#pragma once

#include "services/gate/gate.h"

int cloudformation_resource(const struct gate_call *c, struct db *db, struct str action,
                            struct gate_resource *r, struct err *err) MUST_USE;
int events_resource(const struct gate_call *c, struct db *db, struct str action,
                    struct gate_resource *r, struct err *err) MUST_USE;
int kms_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) MUST_USE;
int lambda_resource(const struct gate_call *c, struct db *db, struct str action,
                    struct gate_resource *r, struct err *err) MUST_USE;
int s3_resource(const struct gate_call *c, struct db *db, struct str action,
                struct gate_resource *r, struct err *err) MUST_USE;
int secretsmanager_resource(const struct gate_call *c, struct db *db, struct str action,
                            struct gate_resource *r, struct err *err) MUST_USE;
int sns_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) MUST_USE;
int sts_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) MUST_USE;
