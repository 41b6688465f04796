/*
 * The world of this process: how roles are assumed, in embedded accounts by calling STS in process,
 * in real ones by signed calls that begin with the keys of our environment (AWS_ACCESS_KEY_ID ...)
 * and the account's own role.
 */
#pragma once

#include "aws/call/world.h"
#include "runtime/db/db.h"
#include "services/core/account.h"
#include "services/gate/gate.h"

struct world;

/* Everything given must outlive the world. */
struct world *world_new(struct db *db, struct gate *gate, const struct clock *clock,
                        struct str region);
void world_free(struct world *w); /* NULL ok */

const struct aws_world *world_aws(struct world *w);

/* A target that acts as an AWS service itself in an embedded account ("logs.amazonaws.com" writing
 * a build's log). ERR_UNSUPPORTED for accounts that are not embedded. */
int world_service_target(struct world *w, struct arena *a, struct str service, struct str account,
                         struct str region, struct aws_target *ret, struct err *err) MUST_USE;

/* A target of a real or endpoint account that acts as its role. */
int world_remote_target(struct world *w, struct arena *a, struct str account,
                        struct aws_target *ret, struct err *err) MUST_USE;

/* The authority that an account's endpoint is verified by beside the usual ones: its own, else that
 * of the environment; absent where neither names one. */
struct str world_ca_file(struct arena *a, const struct account *account);

/* Fresh credentials of a build's service role, session "AWSCodeBuild-<uuid>"; they end with it. */
struct world_build {
    struct str uuid;
    struct str role_arn;
    struct str service; /* that assumes it; absent: codebuild.amazonaws.com */
    struct str via;     /* a role that is assumed first and assumes role_arn, or absent */
    struct str policy;  /* of the session, JSON, or absent */
};
int world_build_credentials(struct world *w, struct arena *a, const struct world_build *build,
                            struct aws_credentials *ret, struct err *err) MUST_USE;
