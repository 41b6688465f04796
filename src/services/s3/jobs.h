/* S3's background work: contents that nobody names any more go away. */
#pragma once

#include "runtime/queue/queue.h"
#include "services/core/env.h"

#define S3_TRASH "s3.trash"
#define S3_SWEEP "s3.sweep"

enum { S3_KINDS = 2 };
void s3_queue_kinds(struct service_env *env, struct queue_kind ret[S3_KINDS]);

/* Before the queue starts: what a crash left behind will be swept. */
int s3_start(struct service_env *env, struct err *err) MUST_USE;
