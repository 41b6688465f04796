/* The job that tells git hosts about builds. */
#pragma once

#include "runtime/http/egress.h"
#include "runtime/queue/queue.h"

/* Its kind, for queue_start. `networks` (private ones that may be reached) outlives the queue. One
 * at a time, so that an end is never told before its beginning. */
struct queue_kind codebuild_status_kind(struct egress *networks);
