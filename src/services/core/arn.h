/* ARNs of the calling account and region. */
#pragma once

#include "aws/call/call.h"

/* "arn:aws:SERVICE:REGION:ACCOUNT:<fmt...>" with the call's region and account. */
struct str arn_make(const struct call *c, const char *service, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for global services: no region. */
struct str arn_global(struct arena *a, const char *service, struct str account, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));

/* The account that the resource belongs to; absent when the ARN has none ("*", S3). */
struct str arn_account(struct str arn);

/* True for 12 digits. */
bool arn_is_account(struct str s);
