/*
 * What pipelines and builds say of themselves, to EventBridge. flow knows no service: the daemon
 * sets the functions; where it does not (`run`, tests), nobody listens.
 */
#pragma once

#include "flow/record/flow.h"

struct flow_event {
    struct str account, region;
    struct str service;     /* "codepipeline": its source is aws.codepipeline */
    struct str detail_type; /* "CodePipeline Pipeline Execution State Change" */
    struct str detail;      /* JSON object */
    struct str resource;    /* ARN */
    int64_t at_ms;
};

struct flow_events {
    /* Does any rule look at events at all? 1, 0, -1. Inside the caller's transaction; an event need
     * not be worked out for nobody. */
    int (*listened)(void *ud, struct err *err);
    /* Inside the caller's transaction, which it becomes part of. Accounts that are not embedded
     * have their own EventBridge, which takes no events of AWS's sources from us: 0, and nothing is
     * told. */
    int (*emit)(void *ud, struct arena *a, const struct flow_event *e, struct err *err);
    void *ud;
};

static inline int flow_listened(const struct flow *f, struct err *err) {
    return f->events != NULL ? f->events->listened(f->events->ud, err) : 0;
}

static inline int flow_emit(const struct flow *f, struct arena *a, const struct flow_event *e,
                            struct err *err) {
    return f->events != NULL ? f->events->emit(f->events->ud, a, e, err) : 0;
}
