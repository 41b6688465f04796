/* Calls that leave this process: inside aws/call, and for its tests. */
#pragma once

#include "aws/call/call.h"
#include "aws/proto/proto.h"

int remote_call(const struct aws_target *t, const struct shape_op *op, struct arena *a,
                const void *in, const struct aws_body *body_in, void *out,
                struct aws_body *ret_body, struct err *err) MUST_USE;

/* AWS's own host of a service in a region: "ssm.eu-west-2.amazonaws.com", "iam.amazonaws.com". */
struct str remote_host(struct arena *a, const struct shape_service *svc, struct str region);

/* May the call be sent again after this failure? The SDKs' standard mode. */
bool remote_may_retry(const struct err *err);

/* Waits between tries; a test puts its own in its place. */
extern void (*remote_sleep)(int64_t ms);
