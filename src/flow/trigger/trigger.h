/*
 * From a changed source to an execution of exactly that change: pushes here, pull requests in
 * pull.h. Which changes count: filter.h.
 */
#pragma once

#include "flow/artifact/git.h"
#include "flow/definition/definition.h"
#include "flow/record/flow.h"
#include "flow/source/store.h"
#include "flow/trigger/filter.h"

/* A source action of a pipeline. */
struct trigger_source {
    const struct flow *flow;
    struct arena *arena;
    const struct pipeline_row *pipeline;
    const struct definition *def;
    const struct def_action *action;
};

/* A reference that was seen at another commit. */
struct push {
    struct str ref;  /* "refs/heads/main", "refs/tags/v1" */
    struct str from; /* commit before; absent: the reference is new */
    struct str to;
};

/* Asks the mirror, which has the commit, for the changed files and, if the filters pass, starts an
 * execution of that commit. Always notes where the reference is now, in the same transaction.
 * *ret_id is the execution or absent. */
int trigger_push(const struct trigger_source *s, const struct git_mirror *mirror,
                 const struct push *push, struct str *ret_id, struct err *err) MUST_USE;

/* A new version of an S3 source's object, noted and started in the same way. */
int trigger_object(const struct trigger_source *s, struct str ref, struct str version,
                   struct str *ret_id, struct err *err) MUST_USE;

/* The trigger's detail of a change in git, as CodePipeline keeps it: JSON. */
struct trigger_detail {
    const struct git_commit *commit;
    struct str branch; /* or: */
    struct str tag;
    struct str pull_request; /* its number; then `branch` is the source's and `destination` set */
    struct str destination;
    struct str event;
};
struct str trigger_detail(const struct trigger_source *s, const struct trigger_detail *detail);

/* In the caller's transaction: an execution of that commit. */
int trigger_start_commit(const struct trigger_source *s, const char *type, struct str detail,
                         struct str commit, struct str branch, struct str *ret_id,
                         struct err *err) MUST_USE;
