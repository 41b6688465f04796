/*
 * The release side of a server, put together: the flow with its world, CodePipeline's and
 * CodeBuild's APIs, the jobs, the builds' watcher and the trunk's watcher.
 */
#pragma once

#include "daemon/world.h"
#include "flow/record/flow.h"
#include "runtime/queue/queue.h"

struct release;

struct release_config {
    struct db *db;
    const struct clock *clock;
    const struct rng *rng;
    struct world *world;
    const char *data_dir;
    const char *program;       /* path of this executable */
    struct str url;            /* of the console */
    struct str_list notify;    /* private networks that may be reached for users; outlives us */
    void (*changed)(void *ud); /* a pipeline's state or a build's phases; any thread */
    void *changed_ud;
};

int release_new(const struct release_config *config, struct release **ret,
                struct err *err) MUST_USE;
const struct flow *release_flow(const struct release *r);

/* Job kinds of the flow and of builds, for queue_start. */
const struct queue_kind *release_jobs(struct release *r, size_t *ret_n);

/* Attaches to builds that run, then watches; after the queue runs. */
int release_start(struct release *r, struct err *err) MUST_USE;
void release_poke(struct release *r, struct str build);
void release_free(struct release *r); /* stops both watchers; NULL ok */
