/* Which events a notification rule may ask for, and the pattern that finds them. Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct event_type {
    const char *id;       /* "codepipeline-pipeline-pipeline-execution-failed" */
    const char *service;  /* "CodePipeline" */
    const char *name;     /* "Pipeline execution: Failed" */
    const char *resource; /* "Pipeline" */
    const char *detail_type;
    const char *member; /* of the detail; "approval": the state of an approval */
    const char *values; /* JSON list */
};

/* All of them, by id. */
const struct event_type *event_types(size_t *ret_n);
/* NULL if there is none. */
const struct event_type *event_type_find(struct str id);

/* The pattern for a pipeline or a CodeBuild project. ERR_INVALID for resources of other kinds, and
 * for types that do not belong to the resource. */
int event_types_pattern(struct arena *a, struct str resource, const struct str_list *ids,
                        struct str *ret, struct err *err) MUST_USE;
