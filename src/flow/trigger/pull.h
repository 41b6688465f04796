/*
 * Pull requests: what a git host told of one, as a job that fetches its commit and asks the
 * pipeline's filters. The execution is of the head of the source branch. Running the job again has
 * the effect of once.
 */
#pragma once

#include "flow/record/flow.h"
#include "runtime/queue/queue.h"

#define JOB_PULL "flow.pull"

struct pull {
    int64_t pipeline;
    struct str action;      /* name of the source action */
    struct str number;      /* digits */
    struct str event;       /* OPEN UPDATED CLOSED */
    struct str commit;      /* head of the source branch: 40 digits */
    struct str ref;         /* where the host publishes it, or absent */
    struct str branch;      /* the source branch */
    struct str destination; /* the branch that it is to go to */
};

/* In the caller's transaction; `key` names the delivery and is unique with pipeline and action. */
int trigger_pull_add(const struct flow *f, struct arena *a, struct str key, const struct pull *pull,
                     struct err *err) MUST_USE;

struct queue_kind trigger_pull_kind(struct flow *f);
