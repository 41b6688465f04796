/*
 * From a moved branch to an execution: do the pipeline's filters let this push start a release?
 * Facts: CodePipeline's trigger filtering. Several push filters: one that passes is enough; inside
 * one, branches and file paths must both pass; a file filter passes when any changed file does.
 */
#pragma once

#include "flow/artifact/git.h"
#include "flow/definition/definition.h"
#include "flow/record/flow.h"
#include "flow/record/record.h"

struct push {
    struct str branch;
    struct str from; /* commit before; absent for a branch that was not seen before */
    struct str to;
};

/* Pure: files is the list of changed paths; `many` says there were too many to list (then file
 * filters pass). */
bool trigger_passes(const struct definition *d, const struct def_action *source,
                    const struct push *push, const struct str_list *files, bool many);

/* Asks the mirror for the changed files and, if the filters pass, starts an execution of that exact
 * commit. Always notes the branch's new head, in the same transaction. *ret_id is the execution or
 * absent. */
int trigger_push(const struct flow *f, struct arena *a, int64_t pipeline,
                 const struct definition *d, const struct def_action *source,
                 const struct git_mirror *mirror, const struct push *push, struct str *ret_id,
                 struct err *err) MUST_USE;
